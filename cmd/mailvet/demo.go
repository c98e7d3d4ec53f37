package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/smtpcheck/probe"
	"mailvet/testdata"
)

func runDemo(ctx context.Context, args []string, std streams) error {
	var o options
	fs := newFlags("demo", "[flags] [DOMAIN...]",
		"Scans the domains of the built-in Internet: the whole program, but no network.\nWith a domain of it, such as perfect.test, prints the full report.", std)
	o.scanFlags(fs)
	o.outputFlags(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if err := o.check(fs); err != nil {
		return err
	}
	l, err := lab.Load(testdata.Scenarios, "scenarios", lab.Options{Now: time.Now(), Quick: true})
	if err != nil {
		return fmt.Errorf("cannot build the built-in Internet: %w", err)
	}
	named, err := argDomains(fs.Args())
	if err != nil {
		return usageError{"demo", err}
	}
	for _, d := range named {
		if !slices.Contains(l.Domains(), d.Name) {
			return usageError{"demo", fmt.Errorf("%s is not in the built-in Internet; there are %s", d.Name, strings.Join(l.Domains(), ", "))}
		}
	}
	if len(named) == 0 {
		for _, d := range l.Domains() {
			named = append(named, scanner.Domain{Name: d, Input: d})
		}
	}
	s := l.Scanner()
	s.Tool, s.Timeout, s.Workers = tool(), o.timeout, o.workers
	s.Vantage.NoSMTP, s.Vantage.NoHTTP, s.Vantage.NoIPv6 = o.noSMTP, o.noHTTP, o.noIPv6
	s.Vantage.NoExtra, s.Vantage.TestInjection = o.noExtra, o.testInjection
	if p, ok := s.Prober.(*probe.Prober); ok {
		p.TestInjection = o.testInjection
	}
	if s.Vantage.Selectors, err = o.wanted(named, func(format string, args ...any) {
		if !o.quiet {
			fmt.Fprintf(std.err, "mailvet: "+format+"\n", args...)
		}
	}); err != nil {
		return errors.Join(err, s.Close())
	}
	o.keepProofs(s)
	return scanAll(ctx, &o, &inOrder{s}, slices.Values(named), std, len(named) > 1)
}

// allScanner is what scanAll needs of a scanner.
type allScanner interface {
	ScanAll(context.Context, iter.Seq[scanner.Domain], func(scanner.Domain, *evidence.Snapshot) error) error
	Close() error
}

// inOrder gives the results in the order asked for: the demo's table should
// look the same each time.
type inOrder struct{ *scanner.Scanner }

func (i *inOrder) ScanAll(ctx context.Context, domains iter.Seq[scanner.Domain], emit func(scanner.Domain, *evidence.Snapshot) error) error {
	var order []scanner.Domain
	done := map[string]*evidence.Snapshot{}
	next := 0
	for d := range domains {
		order = append(order, d)
	}
	return i.Scanner.ScanAll(ctx, slices.Values(order), func(d scanner.Domain, snap *evidence.Snapshot) error {
		done[d.Name] = snap
		for ; next < len(order) && done[order[next].Name] != nil; next++ {
			if err := emit(order[next], done[order[next].Name]); err != nil {
				return err
			}
			delete(done, order[next].Name)
		}
		return nil
	})
}
