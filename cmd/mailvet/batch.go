package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"mailvet/report/evidence"
	"mailvet/report/summary"
	"mailvet/scanner"
)

// grace is for how long the domains in hand may be finished once the user
// asked for an end.
const grace = 15 * time.Second

// scanList scans a list: with progress, a second pass over what is unknown, a
// gentle end, and a summary.
func scanList(ctx context.Context, o *options, s *scanner.Scanner, named []scanner.Domain, file *list, std streams) error {
	out, err := newSink(ctx, o, std, true)
	if err != nil {
		return errors.Join(err, file.r.Close(), s.Close())
	}
	began := time.Now()
	stop := gently(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	say := func(format string, args ...any) {
		if !o.quiet {
			fmt.Fprintf(std.err, "mailvet: "+format+"\n", args...)
		}
	}
	reading, leave := context.WithCancel(ctx)
	defer leave()
	b := &scanner.Batch{Scanner: s, Workers: o.workers, InOrder: o.order == "input", Stop: stop, Interrupt: leave}
	entries := &entries{done: out.done, keep: o.keepDuplicates}
	if o.shard.of > 1 {
		b.Keep = func(ctx context.Context, d scanner.Domain) (bool, error) { return o.shard.has(ctx, s.Resolver, d.Name) }
	}
	total := -1
	if n, ok := file.count(); ok {
		total = n + len(named)
	}
	p := newProgress(std.err, b, len(out.done), func() (int, bool) { return entries.left(file, total) })
	p.start(o)
	shown := isTerminal(out.out) // the results and the bar are in one place then
	b.Notice = func(n scanner.Notice) { p.say(o.quiet, notice(n)) }
	kept := rememberProbes(s, out, func(err error) { p.sayLater(o.quiet, err.Error()) })
	defer kept.Close()
	file.complain = func(format string, args ...any) { p.say(false, fmt.Sprintf(format, args...)) }
	go func() {
		select {
		case <-ctx.Done():
		case <-stop:
			p.say(o.quiet, fmt.Sprintf("stopping: finishing what is in hand, at most %s; once more stops at once", grace))
			sleepThen(ctx, grace, cancel)
		}
	}()
	err = b.Run(ctx, entries.domains(reading, stop, named, file), func(d scanner.Domain, snap *evidence.Snapshot) (func() error, error) {
		write, err := out.prepare(snap, entries.take(d.Name))
		if err == nil && shown {
			return func() error { return p.besides(write) }, nil
		}
		return write, err
	})
	p.end()
	stopped := ctx.Err() != nil || errors.Is(err, scanner.ErrStopped)
	if ctx.Err() == nil {
		err = errors.Join(err, s.Close())
	}
	if file.changed() {
		say("%s was changed while it was read: some of its lines may not have been scanned", file.name)
	}
	sum := out.summary.Summary(time.Since(began).Seconds())
	if err == nil && o.format == "jsonl" {
		err = out.last(&sum)
	}
	if cerr := out.close(); err == nil || isClosedPipe(cerr) {
		err = cerr
	}
	if !isClosedPipe(err) && !o.quiet && sum.Domains > 0 {
		width, _ := terminalWidth(std.err)
		if terr := sum.Text(std.err, width); err == nil {
			err = terr
		}
	}
	switch {
	case stopped && !isClosedPipe(err):
		return fmt.Errorf("%w%s", interrupted(out.written), resumeHint(o))
	case errors.Is(err, scanner.ErrNetwork):
		return fmt.Errorf("%w; see whether the network is up, or name another resolver with --resolver; %s finished and written%s", scanner.ErrNetwork, plural(out.written, "domain"), resumeHint(o))
	case err != nil && !isClosedPipe(err):
		return fmt.Errorf("%w; %s finished and written%s", err, plural(out.written, "domain"), resumeHint(o))
	case err != nil:
		return err
	}
	return verdict(out, file)
}

// sleepThen calls f after a time, unless ctx ends before.
func sleepThen(ctx context.Context, d time.Duration, f func()) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		f()
	case <-ctx.Done():
	}
}

func notice(n scanner.Notice) string {
	switch n.Kind {
	case scanner.Paused:
		return fmt.Sprintf("no resolver answers any more; waiting, at most %s", scanner.DefaultPause)
	case scanner.Resumed:
		return "a resolver answers again; going on"
	case scanner.SecondPass:
		return fmt.Sprintf("scanning %s again of which something is not known", plural(n.Count, "domain"))
	}
	return ""
}

// last writes the summary as the last message of the stream.
func (s *sink) last(sum *summary.Summary) error {
	data, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	if _, err := s.out.Write(append(data, '\n')); err != nil {
		return writeError("results", err)
	}
	return nil
}

// entries are the domains of a run, each once, and how often each is reported.
type entries struct {
	once  seen
	done  counted      // by an earlier run
	keep  bool         // duplicates are reported too; then
	count counted      // how often each stands in the list, and
	ready atomic.Int64 // domains that are not begun
}

// left is how many domains are to come, at most; false where that is not known.
// The list has so many lines (-1: not known).
func (e *entries) left(file *list, lines int) (int, bool) {
	switch {
	case file.ended.Load():
		return int(e.ready.Load()), true
	case lines < 0:
		return 0, false
	}
	return max(0, lines-int(file.lines.Load())), true
}

// take is how often a domain is to be reported.
func (e *entries) take(name string) int {
	id := fingerprintOf(name)
	return max(1, e.count[id]-e.done[id])
}

// domains yields the named domains and those of the list, until ctx ends or
// stop is closed. To keep duplicates the list is read to its end first, for a
// domain may stand in it again after it was scanned.
func (e *entries) domains(ctx context.Context, stop <-chan struct{}, named []scanner.Domain, file *list) iter.Seq[scanner.Domain] {
	all := func(yield func(scanner.Domain) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-stop:
				cancel()
			case <-ctx.Done():
			}
		}()
		for _, d := range named {
			if !yield(d) {
				return
			}
		}
		file.domains(ctx)(yield)
	}
	if !e.keep {
		e.once = seen{}
		return func(yield func(scanner.Domain) bool) {
			for d := range all {
				if e.once.add(d.Name) && e.done[fingerprintOf(d.Name)] == 0 && !yield(d) {
					return
				}
			}
		}
	}
	return func(yield func(scanner.Domain) bool) {
		e.count = counted{}
		var names []byte // one a line: a million would take far more as strings
		for d := range all {
			id := fingerprintOf(d.Name)
			if e.count[id]++; e.count[id] == e.done[id]+1 {
				names = append(append(names, d.Name...), '\n')
				e.ready.Add(1)
			}
		}
		for name := range bytes.Lines(names) {
			e.ready.Add(-1)
			if !yield(scanner.Domain{Name: string(name[:len(name)-1])}) {
				return
			}
		}
	}
}

// shard is a part of a list, from 1: the zero value is all of it.
type shard struct{ part, of int }

func parseShard(s string) (shard, error) {
	var sh shard
	before, after, ok := strings.Cut(s, "/")
	if _, err := fmt.Sscanf(before+" "+after, "%d %d", &sh.part, &sh.of); !ok || err != nil || fmt.Sprintf("%d/%d", sh.part, sh.of) != s || sh.part < 1 || sh.part > sh.of || sh.of > 10000 {
		return shard{}, fmt.Errorf("--shard %s: give the part and the number of parts, such as 1/4", clip(s))
	}
	return sh, nil
}

// has reports whether a domain belongs to the part: those with the same mail
// provider, by the organisational domain of the first MX host, go together, so
// that it is one machine that is polite to it. A domain whose MX records
// cannot be had now belongs to every part, so that none leaves it out.
func (s shard) has(ctx context.Context, r scanner.Resolver, domain string) (bool, error) {
	l, err := r.Lookup(ctx, domain, "MX")
	if err != nil {
		return false, err
	}
	if l.Unknown() {
		return true, nil
	}
	snap := evidence.Snapshot{Domain: domain, Lookups: []evidence.Lookup{l}}
	owner := domain
	if hosts := slices.Clone(snap.Mail().Hosts); len(hosts) > 0 {
		slices.Sort(hosts)
		owner = summary.OrganisationalDomain(hosts[0])
	}
	f := fingerprintOf(owner)
	n := uint64(0)
	for _, octet := range f[:8] {
		n = n<<8 | uint64(octet)
	}
	return n%uint64(s.of) == uint64(s.part-1), nil
}
