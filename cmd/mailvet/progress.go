package main

import (
	"fmt"
	"io"
	"os"
	"slices"
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

// rateOver is the time over which the rate is taken: what was long ago says
// little of what is to come.
const rateOver = time.Minute

// progress tells on standard error how far a run is.
type progress struct {
	w       io.Writer
	b       *scanner.Batch
	earlier int                // domains that --resume found
	left    func() (int, bool) // lines or domains not begun, at most
	open    func() int
	now     func() time.Time
	columns func() (int, bool) // of the terminal, which may change; false for none

	mu      sync.Mutex
	samples []sample                 // of the last rateOver, the oldest first
	asBar   bool                     // or as lines
	ansi    bool                     // the terminal obeys escape sequences
	bar     *progressbar.ProgressBar // what is shown; nil: nothing
	shown   int                      // bars so far
	stop    chan struct{}
	done    sync.WaitGroup

	muLater sync.Mutex // the last that is taken
	later   []string   // what is to be said, see sayLater
	ended   bool       // it was the last
}

// sample says how many domains were done at a time.
type sample struct {
	at   time.Time
	done int
}

// newProgress is one that does not tell anything yet.
func newProgress(w io.Writer, b *scanner.Batch, earlier int, left func() (int, bool)) *progress {
	p := &progress{w: w, b: b, earlier: earlier, left: left, now: time.Now, stop: make(chan struct{}), open: func() int { return 0 }}
	if c, ok := b.Scanner.Prober.(interface{ Open() int }); ok {
		p.open = c.Open
	}
	p.columns = func() (int, bool) { return terminalWidth(w) }
	p.samples = []sample{{at: p.now()}}
	return p
}

// start begins to tell, if the flags want it.
func (p *progress) start(o *options) {
	if o.quiet || o.progress == "never" {
		return
	}
	every := lineEvery
	if _, ok := p.columns(); ok || o.progress == "always" {
		every, p.asBar = barEvery, true
		p.ansi = ok && !slices.Contains([]string{"", "dumb"}, os.Getenv("TERM"))
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
}

// newBar is a bar as wide as the terminal leaves room for beside the figures. As
// both change, each time there is a new one.
func (p *progress) newBar(f figures, columns int) *progressbar.ProgressBar {
	total, width := f.total, max(5, min(30, columns/6))
	if total == 0 {
		total = 1
	}
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetWidth(width),
		// Beside it stand the percentage, the ends of the bar and spaces; one
		// column stays free.
		progressbar.OptionSetDescription(f.short(columns-width-11)),
		// What turns where no end is known turns with each bar: left to itself
		// it would draw when something else is being written.
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionSpinnerCustom([]string{`|/-\`[p.shown%4 : p.shown%4+1]}),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionUseANSICodes(p.ansi),
	)
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.figures()
	if !p.asBar {
		fmt.Fprintf(p.w, "mailvet: %s\n", f.line())
		return
	}
	width, ok := p.columns()
	if !ok {
		width = 80
	}
	p.clear()
	p.bar = p.newBar(f, width)
	p.shown++
	done := f.done
	if f.total >= 0 {
		done = min(done, f.total-1) // at its end a bar would vanish
	}
	if _ = p.bar.Set(max(done, 0)); p.bar.String() == "" {
		_ = p.bar.RenderBlank() // it shows itself only where a percent has come
	}
}

// clear takes the bar away, so that something else can be written.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// figures are what is told.
type figures struct {
	scanner.Progress
	done, total int // with what earlier runs did; total is -1 where it is not known
	exact       bool
	rate        float64       // domains a second, lately
	left        time.Duration // negative where it is not known
	open        int           // connections
}

func (p *progress) figures() figures {
	f := figures{Progress: p.b.Progress(), open: p.open(), total: -1, left: -1}
	f.done = f.Done + p.earlier
	begun := f.Done + f.InHand + f.Again + f.Parked
	more, known := p.left()
	if known {
		f.total, f.exact = p.earlier+begun+more, more == 0
	}
	now := p.now()
	p.samples = append(p.samples, sample{now, f.Done})
	for len(p.samples) > 2 && now.Sub(p.samples[1].at) >= rateOver {
		p.samples = p.samples[1:]
	}
	first := p.samples[0]
	if took := now.Sub(first.at).Seconds(); took > 0 {
		f.rate = float64(f.Done-first.done) / took
	}
	if known && f.rate > 0 {
		f.left = time.Duration(float64(begun+more-f.Done) / f.rate * float64(time.Second)).Round(time.Second)
	}
	return f
}

// line says how far the run is, in whole.
func (f *figures) line() string {
	s := plural(f.done, "domain")
	if f.total >= 0 {
		s = fmt.Sprintf("%d of at most %s", f.done, plural(f.total, "domain"))
	}
	if f.exact {
		s = fmt.Sprintf("%d of %s", f.done, plural(f.total, "domain"))
	}
	s += fmt.Sprintf(" done, %.1f a second", f.rate)
	if f.left >= 0 {
		s += fmt.Sprintf(", about %s left", f.left)
	}
	s += fmt.Sprintf("; %d in hand, %d of them waiting for mail servers", f.InHand, f.SetAside)
	if f.Parked > 0 {
		s += fmt.Sprintf("; %d put off until busy mail servers have time", f.Parked)
	}
	return s + fmt.Sprintf("; %d unknown so far; %s open", f.Again, plural(f.open, "connection"))
}

// short says of that what fits into so many columns, the most wanted first.
func (f *figures) short(columns int) string {
	first := fmt.Sprint(f.done)
	if f.total >= 0 {
		first = fmt.Sprintf("%d/%d", f.done, f.total)
	}
	parts := []string{first}
	if f.left >= 0 {
		parts = append(parts, fmt.Sprintf("%s left", f.left))
	}
	parts = append(parts, fmt.Sprintf("%.1f/s", f.rate), fmt.Sprintf("%d unknown so far", f.Again), plural(f.open, "connection"))
	if waiting := f.SetAside + f.Parked; waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting", waiting))
	}
	s := ""
	for i, part := range parts {
		if i > 0 {
			part = ", " + part
		}
		if len(s)+len(part) > columns {
			break
		}
		s += part
	}
	return s
}

// say writes a line of its own between those of the progress.
func (p *progress) say(quiet bool, s string) {
	if quiet || s == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(s)
}

func (p *progress) line(s string) {
	p.clear()
	fmt.Fprintf(p.w, "mailvet: %s\n", s)
}

// sayLater is say for those who may be called while results are written. After
// the end it says nothing.
func (p *progress) sayLater(quiet bool, s string) {
	if quiet {
		return
	}
	p.muLater.Lock()
	p.later = append(p.later, s)
	p.muLater.Unlock()
	go func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.ended {
			p.sayNow()
		}
	}()
}

// sayNow says what was to be said later. The caller holds mu.
func (p *progress) sayNow() {
	p.muLater.Lock()
	lines := p.later
	p.later = nil
	p.muLater.Unlock()
	for _, s := range lines {
		p.line(s)
	}
}

// besides writes results to the terminal on which the bar is: that goes away
// for it, and comes again.
func (p *progress) besides(write func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return write()
}

func (p *progress) end() {
	close(p.stop)
	p.done.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sayNow()
	p.clear()
	p.asBar, p.ended = false, true
}
