package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"mailvet/scanner"
)

// Intervals of what progress shows: a bar on a terminal, a line elsewhere.
const (
	barEvery  = 250 * time.Millisecond
	lineEvery = 30 * time.Second
)

// progress tells on standard error how far a run is.
type progress struct {
	w     io.Writer
	b     *scanner.Batch
	began time.Time
	total int // lines of the list, -1 where that is not known
	open  func() int

	mu   sync.Mutex
	bar  *progressbar.ProgressBar // nil: lines
	stop chan struct{}
	done sync.WaitGroup
}

// startProgress begins to tell, if the flags want it.
func startProgress(o *options, w io.Writer, b *scanner.Batch, file *list) *progress {
	p := &progress{w: w, b: b, began: time.Now(), total: -1, stop: make(chan struct{}), open: func() int { return 0 }}
	if c, ok := b.Scanner.Prober.(interface{ Open() int }); ok {
		p.open = c.Open
	}
	if o.quiet || o.progress == "never" {
		return p
	}
	if n, ok := file.count(); ok {
		p.total = n
	}
	every := lineEvery
	if width, ok := terminalWidth(w); ok || o.progress == "always" {
		every = barEvery
		p.bar = newBar(w, p.total, width)
	}
	p.done.Go(func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				p.show()
			case <-p.stop:
				return
			}
		}
	})
	return p
}

func newBar(w io.Writer, total, width int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(max(10, min(30, width-80))),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("domains"),
		progressbar.OptionSetPredictTime(total > 0),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(barEvery/2),
		progressbar.OptionSetElapsedTime(true),
	)
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.b.Progress()
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%d unknown so far, %d connections", now.Again, p.open()))
		_ = p.bar.Set(now.Done)
		return
	}
	fmt.Fprintf(p.w, "mailvet: %s\n", p.line(now, time.Since(p.began)))
}

// line says how far the run is.
func (p *progress) line(now scanner.Progress, took time.Duration) string {
	s := plural(now.Done, "domain")
	if p.total >= 0 {
		s = fmt.Sprintf("%d of at most %s", now.Done, plural(p.total, "domain"))
	}
	rate := float64(now.Done) / max(took.Seconds(), 1)
	s += fmt.Sprintf(" done, %.1f a second", rate)
	if left := p.total - now.Done; left > 0 && rate > 0 {
		s += fmt.Sprintf(", about %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	return s + fmt.Sprintf("; %d in hand, %d of them waiting for mail servers; %d unknown so far; %s open",
		now.InHand, now.SetAside, now.Again, plural(p.open(), "connection"))
}

// say writes a line of its own between those of the progress.
func (p *progress) say(quiet bool, s string) {
	if quiet || s == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintf(p.w, "mailvet: %s\n", s)
}

func (p *progress) end() {
	close(p.stop)
	p.done.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
