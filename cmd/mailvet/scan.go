package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"mailvet/report"
	"mailvet/report/evidence"
	"mailvet/scanner"
)

func runScan(ctx context.Context, args []string, std streams) error {
	var o options
	fs := newFlags("scan", "[flags] DOMAIN|ADDRESS...", "Scans domains and prints the reports. Of a mail address the domain is\nscanned, and whether mail to it can be encrypted (not for those of a list).", std)
	o.networkFlags(fs)
	o.scanFlags(fs)
	o.outputFlags(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if err := o.check(fs); err != nil {
		return err
	}
	if fs.NArg() == 0 && o.file == "" {
		return usageError{"scan", errors.New("no domain given; name one, or a list with --file")}
	}
	named, err := argDomains(fs.Args())
	if err != nil {
		return usageError{"scan", err}
	}
	complain := func(format string, args ...any) { fmt.Fprintf(std.err, "mailvet: "+format+"\n", args...) }
	var file *list
	if o.file != "" {
		file, err = openList(ctx, o.file, o.column, std.in, complain)
		switch {
		case err != nil && ctx.Err() != nil:
			return interrupted(0)
		case err != nil:
			return err
		}
	}
	s, err := newScanner(&o)
	if err != nil {
		return errors.Join(err, closeList(file))
	}
	o.keepProofs(s)
	warn := complain
	if o.quiet {
		warn = func(string, ...any) {}
	}
	scanned := named
	if file != nil {
		scanned = nil
	}
	if s.Vantage.Selectors, err = o.wanted(scanned, warn); err != nil {
		return errors.Join(err, closeList(file), s.Close())
	}
	if err := routing(ctx, &o, s, warn); err != nil {
		err = errors.Join(err, closeList(file), s.Close())
		if ctx.Err() != nil {
			return interrupted(0)
		}
		return err
	}
	if o.terms = report.Options(&s.Vantage); file != nil {
		return scanList(ctx, &o, s, named, file, std)
	}
	return scanAll(ctx, &o, s, slices.Values(named), std, len(named) > 1)
}

func closeList(l *list) error {
	if l == nil {
		return nil
	}
	return l.r.Close()
}

// scanAll scans, writes, and says what the exit code is about.
func scanAll(ctx context.Context, o *options, s allScanner, domains iter.Seq[scanner.Domain], std streams, many bool) error {
	out, err := newSink(ctx, o, std, many)
	if err != nil {
		return err
	}
	err = s.ScanAll(ctx, domains, func(_ scanner.Domain, snap *evidence.Snapshot) error { return out.add(snap) })
	if ctx.Err() == nil {
		err = errors.Join(err, s.Close())
	}
	if cerr := out.close(); err == nil || isClosedPipe(cerr) {
		err = cerr
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return interrupted(out.written)
	default:
		return err
	}
	return verdict(out, nil)
}

func interrupted(written int) error {
	return fmt.Errorf("interrupted; %s finished and written", plural(written, "domain"))
}

func verdict(out *sink, file *list) error {
	switch {
	case file != nil && file.err != nil:
		return file.err
	case out.missed != nil:
		return out.missed
	case file != nil && file.bad > 0 && out.errored > 0:
		return fmt.Errorf("%w: %s of %s left out, and %w", errIncomplete, plural(file.bad, "line"), file.name, out.errors())
	case file != nil && file.bad > 0:
		return fmt.Errorf("%w: %s of %s left out", errIncomplete, plural(file.bad, "line"), file.name)
	case out.errored > 0:
		return fmt.Errorf("%w: %w", errIncomplete, out.errors())
	case out.written == 0 && file != nil && len(out.done) == 0 && out.o.shard.of < 2:
		return fmt.Errorf("there is no domain in %s", file.name)
	}
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func isTerminal(w io.Writer) bool {
	width, ok := terminalWidth(w)
	return ok && width > 0
}
