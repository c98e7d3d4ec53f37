package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mailvet/dnscheck/message"
	"mailvet/report/evidence"
)

// messageOptions are the flags of message.
type messageOptions struct {
	options
	ip, from  string
	sentHelo  string
	authserv  string
	maxSize   int64
	maxVerify int
}

func (o *messageOptions) flags(fs *pflag.FlagSet) {
	fs.StringVar(&o.ip, "ip", "", "the `ADDR` that the message came from (default: from the top Received field)")
	fs.StringVar(&o.from, "from", "", "the `ADDRESS` in MAIL FROM, <> for none (default: from Return-Path, or the Received field)")
	fs.StringVar(&o.sentHelo, "helo", "", "the `NAME` given in HELO or EHLO (default: from the top Received field)")
	fs.StringVar(&o.authserv, "authserv-id", "", "the `NAME` of who judges, for Authentication-Results (default: this host's)")
	fs.StringVar(&o.format, "format", "text", "`FORM` of the result: text, json")
	fs.Int64Var(&o.maxSize, "max-size", message.DefaultMaxSize, "judge no message of more than `N` octets")
	fs.IntVar(&o.maxVerify, "max-signatures", message.DefaultMaxSignatures, "verify at most `N` DKIM signatures")
	fs.StringArrayVar(&o.resolvers, "resolver", nil, resolverUsage)
	fs.StringVar(&o.trustAnchor, "trust-anchor", "", "DNSSEC trust anchors, DS or DNSKEY records in zone format, from `FILE` (default: IANA's for the root)")
	fs.StringVar(&o.rootCA, "root-ca", "", rootCAUsage)
	fs.BoolVar(&o.trustAD, "trust-ad", false, "believe the resolver's AD bit instead of validating")
	fs.DurationVar(&o.timeout, "timeout", 90*time.Second, "`TIME` for it all, such as 90s; what is not known by then stays unknown")
}

func runMessage(ctx context.Context, args []string, std streams) error {
	o := messageOptions{options: options{retries: 2}}
	fs := newFlags("message", "[flags] FILE|-",
		"Judges one received message, headers and all, as the server did or should have\n"+
			"done: verifies its DKIM signatures, checks SPF for the server that it came from,\n"+
			"applies DMARC, prints Authentication-Results and says why. Exits with 0 whatever\n"+
			"the result is, with 1 if there is none or it is not the whole truth.", std)
	o.flags(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	judge, err := o.judge(fs)
	if err != nil {
		return usageError{"message", err}
	}
	r, err := newResolver(&o.options, &evidence.Vantage{})
	var usage usageError
	if errors.As(err, &usage) {
		return usageError{"message", usage.err}
	}
	if err != nil {
		return err
	}
	defer r.Close()
	timed, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	judge.Resolver, judge.Time, judge.Receiver = validating{r}, time.Now(), o.authserv
	in, err := openMessage(ctx, fs.Arg(0), std.in)
	if err != nil {
		return err
	}
	defer in.Close()
	res, err := judge.Judge(timed, in)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return o.explain(err, fs.Arg(0))
	}
	return o.print(res, std.out)
}

// judge finds mistakes in the arguments and returns what they mean.
func (o *messageOptions) judge(fs *pflag.FlagSet) (*message.Judge, error) {
	j := &message.Judge{From: o.from, Helo: o.sentHelo, MaxSize: o.maxSize, MaxSignatures: o.maxVerify}
	switch {
	case fs.NArg() != 1:
		return nil, fmt.Errorf("give one file with a message, or - for standard input, but got %d", fs.NArg())
	case o.format != "text" && o.format != "json":
		return nil, fmt.Errorf("--format %s: choose one of text, json", clip(o.format))
	case o.trustAD && o.trustAnchor != "":
		return nil, errors.New("--trust-ad and --trust-anchor contradict each other: with the first nothing is validated here")
	case o.timeout < time.Second:
		return nil, fmt.Errorf("--timeout %s: give at least a second, such as 90s", o.timeout)
	case o.maxSize < 1:
		return nil, fmt.Errorf("--max-size %d: give a number of octets, such as %d", o.maxSize, message.DefaultMaxSize)
	case o.maxVerify < 1 || o.maxVerify > 100:
		return nil, fmt.Errorf("--max-signatures %d: give a number from 1 to 100", o.maxVerify)
	case fs.Changed("helo") && !heloName(o.sentHelo):
		return nil, fmt.Errorf("--helo %q: give a host name, or an address in brackets", clip(o.sentHelo))
	case fs.Changed("authserv-id") && !heloName(o.authserv):
		return nil, fmt.Errorf("--authserv-id %q: give a host name", clip(o.authserv))
	}
	if o.authserv == "" {
		o.authserv = hostname()
	}
	if fs.Changed("from") && (o.from == "" || o.from == "<>") {
		j.From = "<>"
	} else if o.from != "" {
		at := strings.LastIndexByte(o.from, '@')
		if at < 1 || at > 1000 {
			return nil, fmt.Errorf("--from %q: give a mail address, such as user@example.org, or <> for none", clip(o.from))
		}
		of, err := policyDomain(o.from[at+1:])
		if err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
		j.From = o.from[:at] + "@" + of
	}
	if fs.Changed("ip") {
		var err error
		if j.IP, err = netip.ParseAddr(o.ip); err != nil || j.IP.Zone() != "" {
			return nil, fmt.Errorf("--ip %q: give an IPv4 or IPv6 address, such as 192.0.2.1", clip(o.ip))
		}
		j.IP = j.IP.Unmap()
	}
	return j, nil
}

// hostname is the name for Authentication-Results.
func hostname() string {
	if name, err := os.Hostname(); err == nil && heloName(name) {
		return name
	}
	return "localhost"
}

// openMessage opens FILE, or standard input for "-". What ctx ends reads no
// more: a read from a terminal cannot be interrupted, so it is left behind.
func openMessage(ctx context.Context, file string, stdin io.Reader) (io.ReadCloser, error) {
	var in io.ReadCloser = io.NopCloser(stdin)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the message: %w", err)
		}
		if st, err := f.Stat(); err == nil && st.IsDir() {
			f.Close()
			return nil, fmt.Errorf("cannot read the message: %s is a directory", file)
		}
		in = f
	}
	pr, pw := io.Pipe()
	stop := context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(pw, in)
		stop()
		pw.CloseWithError(err) // nil is the end of the message
		in.Close()
	}()
	return pr, nil
}

// explain says in words why there is no result.
func (o *messageOptions) explain(err error, file string) error {
	if file == "-" {
		file = "standard input"
	}
	switch {
	case errors.Is(err, message.ErrTooLarge):
		return fmt.Errorf("cannot judge %s: it is larger than %d octets; --max-size sets another limit", file, o.maxSize)
	case errors.Is(err, message.ErrHeader), errors.Is(err, message.ErrBlank):
		return fmt.Errorf("cannot judge %s: %w", file, err)
	}
	return fmt.Errorf("cannot read %s: %w", file, err)
}

// print writes the result.
func (o *messageOptions) print(res *message.Result, out io.Writer) error {
	var err error
	if o.format == "json" {
		err = writeJSON(out, messageJSON(res, o.authserv))
	} else {
		_, err = io.WriteString(out, messageText(res, o.authserv))
	}
	if err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	for _, l := range res.Failed {
		if ours(l) {
			return errNotLookedUp
		}
	}
	return nil
}
