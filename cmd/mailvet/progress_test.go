package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mailvet/scanner"
)

// The figures fit into the columns, those that matter most come first.
func TestFiguresShort(t *testing.T) {
	f := figures{done: 123_456, total: 1_000_000, rate: 87.25, left: 2*time.Hour + 47*time.Minute, open: 12}
	f.Again, f.SetAside, f.Parked = 345, 12, 3000
	for columns, want := range map[int]string{
		0: "", 10: "", 14: "123456/1000000", 35: "123456/1000000, 2h47m0s left", 36: "123456/1000000, 2h47m0s left, 87.2/s",
		200: "123456/1000000, 2h47m0s left, 87.2/s, 345 unknown so far, 12 connections, 3012 waiting",
	} {
		if got := f.short(columns); got != want {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
	if got := (&figures{done: 7, total: -1, left: -1}).short(80); got != "7, 0.0/s, 0 unknown so far, 0 connections" {
		t.Errorf("of an open list: %q", got)
	}
}

func TestFiguresLine(t *testing.T) {
	f := figures{done: 12, total: 40, rate: 2, left: 14 * time.Second, open: 1}
	f.InHand, f.SetAside, f.Again = 5, 3, 1
	for want, change := range map[string]func(){
		"12 of at most 40 domains done, 2.0 a second, about 14s left; 5 in hand, 3 of them waiting for mail servers; 1 unknown so far; 1 connection open": func() {},
		"12 of 40 domains done, 2.0 a second, about 14s left; 5 in hand, 3 of them waiting for mail servers; 1 unknown so far; 1 connection open":         func() { f.exact = true },
	} {
		f.exact = false
		change()
		if got := f.line(); got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
	}
	f.total, f.left, f.exact, f.Parked = -1, -1, false, 9
	if got, want := f.line(), "12 domains done, 2.0 a second; 5 in hand, 3 of them waiting for mail servers; 9 put off until busy mail servers have time; 1 unknown so far; 1 connection open"; got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// What is left is reckoned by the last minute, and what an earlier run did is
// counted as done but not as fast.
func TestFigures(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	left := 1000
	p := newProgress(nil, &scanner.Batch{Scanner: &scanner.Scanner{}}, 500, func() (int, bool) { return left, left >= 0 })
	p.now = func() time.Time { return now }
	p.samples = []sample{{at: now, done: -3000}}
	now = now.Add(30 * time.Second)
	if f := p.figures(); f.done != 500 || f.total != 1500 || f.rate != 100 || f.left != 10*time.Second || f.exact {
		t.Errorf("%+v", f)
	}
	for range 3 {
		now = now.Add(rateOver)
		p.figures()
	}
	if f := p.figures(); f.rate != 0 || f.left >= 0 {
		t.Errorf("after a minute of nothing: %+v", f)
	}
	if left = 0; !p.figures().exact {
		t.Error("the end of the list is not noticed")
	}
	if left = -1; p.figures().total != -1 {
		t.Error("a list without a known end has one")
	}
}

// While results are written something can be said, and it is there at the end.
func TestSayLater(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, &scanner.Batch{Scanner: &scanner.Scanner{}}, 0, func() (int, bool) { return 0, true })
	if err := p.besides(func() error { p.sayLater(false, "the disk is full"); return nil }); err != nil {
		t.Fatal(err)
	}
	p.end()
	if out.String() != "mailvet: the disk is full\n" {
		t.Errorf("%q", out.String())
	}
	p.sayLater(false, "too late") // which the race detector would see, too
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.Contains(out.String(), "too late") {
		t.Errorf("%q", out.String())
	}
}

// Whatever the width of the terminal, and however it changes, no line is wider.
func TestBarFits(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	for _, total := range []int{-1, 0, 1, 1_000_000} {
		var out strings.Builder
		width := 0
		p := newProgress(&out, &scanner.Batch{Scanner: &scanner.Scanner{}}, 0, func() (int, bool) { return total, total >= 0 })
		p.asBar, p.ansi, p.columns = true, true, func() (int, bool) { return width, true }
		for _, width = range []int{200, 20, 40, 80, 132, 30} {
			out.Reset()
			p.show()
			for _, frame := range strings.Split(escapes.ReplaceAllString(out.String(), ""), "\r") {
				if n := utf8.RuneCountInString(frame); n > width {
					t.Errorf("%d of %d columns: %q", n, width, frame)
				}
			}
			if !strings.Contains(out.String(), "0") {
				t.Errorf("nothing is told in %d columns: %q", width, out.String())
			}
		}
		at := out.Len()
		if err := p.besides(func() error { out.WriteString("result\n"); return nil }); err != nil || out.String()[at:] != "\x1b[2K\rresult\n" {
			t.Errorf("a result beside the bar: %q, %v", out.String()[at:], err)
		}
		p.show()
		p.say(false, "hello")
		if !strings.HasSuffix(out.String(), "\rmailvet: hello\n") {
			t.Errorf("a line of its own: %q", out.String())
		}
	}
}
