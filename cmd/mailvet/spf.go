package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
	"mailvet/scanner"
)

// spfOptions are the flags of spf.
type spfOptions struct {
	options
	ip, from  string
	checkHelo string
}

func (o *spfOptions) flags(fs *pflag.FlagSet) {
	fs.StringVar(&o.ip, "ip", "", "would a server with this `ADDR` pass? (check_host of RFC 7208)")
	fs.StringVar(&o.from, "from", "", "with --ip: the sender's `ADDRESS`, of this domain (default: postmaster)")
	fs.StringVar(&o.checkHelo, "helo", "", "with --ip: the `NAME` that the server gives in HELO or EHLO (default: the domain)")
	fs.StringVar(&o.format, "format", "text", "`FORM` of the result: text, json")
	fs.StringArrayVar(&o.resolvers, "resolver", nil, resolverUsage)
	fs.StringVar(&o.trustAnchor, "trust-anchor", "", "DNSSEC trust anchors, DS or DNSKEY records in zone format, from `FILE` (default: IANA's for the root)")
	fs.StringVar(&o.rootCA, "root-ca", "", rootCAUsage)
	fs.BoolVar(&o.trustAD, "trust-ad", false, "believe the resolver's AD bit instead of validating")
	fs.DurationVar(&o.timeout, "timeout", 90*time.Second, "`TIME` for it all, such as 90s; what is not known by then stays unknown")
}

// errNotLookedUp: the result is printed, but for want of a resolver or of time
// it is not the whole truth.
var errNotLookedUp = errors.New("not everything could be looked up")

func runSPF(ctx context.Context, args []string, std streams) error {
	o := spfOptions{options: options{retries: 2}}
	fs := newFlags("spf", "[flags] DOMAIN",
		"Shows the SPF policy of a domain: the tree of its records, the lookups that it\n"+
			"costs receivers, and the addresses that it authorises. With --ip: whether that\n"+
			"server would pass, and why. Exits with 0 whatever the policy is like, with 1 if\n"+
			"for want of a resolver or of time it is not known.", std)
	o.flags(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	domain, sender, err := o.read(fs)
	if err != nil {
		return usageError{"spf", err}
	}
	r, err := newResolver(&o.options, &evidence.Vantage{})
	var usage usageError
	if errors.As(err, &usage) {
		return usageError{"spf", usage.err}
	}
	if err != nil {
		return err
	}
	defer r.Close()
	timed, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if o.ip != "" {
		err = o.printCheck(timed, validating{r}, domain, sender, std.out)
	} else {
		err = o.printSurvey(timed, validating{r}, domain, std.out)
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// validating answers as a resolver does for its clients: what is bogus is a
// server failure (RFC 4035, Section 5.5).
type validating struct{ spf.Resolver }

func (v validating) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	l, err := v.Resolver.Lookup(ctx, name, qtype)
	if l.Security == evidence.SecurityBogus {
		l.Outcome, l.Answer = evidence.OutcomeServFail, nil
	}
	return l, err
}

// read finds mistakes in the arguments and returns what they mean.
func (o *spfOptions) read(fs *pflag.FlagSet) (domain string, s spf.Sender, err error) {
	bad := func(format string, args ...any) (string, spf.Sender, error) {
		return "", s, fmt.Errorf(format, args...)
	}
	switch {
	case fs.NArg() != 1:
		return bad("give one domain, but got %d", fs.NArg())
	case o.format != "text" && o.format != "json":
		return bad("--format %s: choose one of text, json", clip(o.format))
	case o.trustAD && o.trustAnchor != "":
		return bad("--trust-ad and --trust-anchor contradict each other: with the first nothing is validated here")
	case o.timeout < time.Second:
		return bad("--timeout %s: give at least a second, such as 90s", o.timeout)
	case o.ip == "" && (fs.Changed("ip") || fs.Changed("from") || fs.Changed("helo")):
		return bad("--from and --helo need --ip, the address of the server that sends")
	case fs.Changed("helo") && !heloName(o.checkHelo):
		return bad("--helo %q: give a host name, or an address in brackets", clip(o.checkHelo))
	}
	if domain, err = policyDomain(fs.Arg(0)); err != nil || o.ip == "" {
		return domain, s, err
	}
	if s.IP, err = netip.ParseAddr(o.ip); err != nil || s.IP.Zone() != "" {
		return bad("--ip %q: give an IPv4 or IPv6 address, such as 192.0.2.1", clip(o.ip))
	}
	if s.Helo = o.checkHelo; s.Helo == "" {
		s.Helo = domain
	}
	s.From = "postmaster@" + domain
	if o.from != "" && o.from != "<>" { // RFC 7208, Section 2.4: the null sender is postmaster
		at := strings.LastIndexByte(o.from, '@')
		if at < 0 || at > 1000 {
			return bad("--from %q: give a mail address, such as user@%s", clip(o.from), domain)
		}
		of, err := policyDomain(o.from[at+1:])
		if err != nil {
			return bad("--from: %w", err)
		}
		if of != domain {
			return bad("--from is an address of %s; receivers ask that domain, not %s, whether its sender may send", of, domain)
		}
		s.From = o.from[:at] + "@" + domain
	}
	return domain, s, nil
}

// policyDomain reads a domain. Unlike one that is scanned it may have
// underscores, as many names have that others include.
func policyDomain(arg string) (string, error) {
	plain := strings.ReplaceAll(arg, "_", "x")
	d, err := scanner.ParseDomain(plain)
	if err != nil || plain == arg {
		return d.Name, err
	}
	if name := evidence.Name(arg); evidence.Name(plain) == d.Name {
		return name, nil
	}
	_, err = scanner.ParseDomain(arg)
	return "", err
}

func (o *spfOptions) printSurvey(ctx context.Context, r spf.Resolver, domain string, out io.Writer) error {
	s, err := spf.Look(ctx, r, domain)
	if err != nil {
		return err
	}
	if o.format == "json" {
		err = writeJSON(out, surveyJSON(s))
	} else {
		_, err = io.WriteString(out, surveyText(s))
	}
	if err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	if !lookedUp(s) {
		return errNotLookedUp
	}
	return nil
}

// lookedUp reports whether the survey is all that is to be known here: what a
// name server does not answer belongs to the domain, what no resolver answers
// does not.
func lookedUp(s *spf.Survey) bool {
	for _, l := range s.Failed {
		if ours(l) {
			return false
		}
	}
	return len(s.Missing) == 0
}

// ours reports whether a lookup failed for want of a resolver.
func ours(l *evidence.Lookup) bool {
	switch l.Outcome {
	case evidence.OutcomeNetwork, evidence.OutcomeTimeout, evidence.OutcomeRefused:
		return true
	}
	return false
}

func (o *spfOptions) printCheck(ctx context.Context, r spf.Resolver, domain string, s spf.Sender, out io.Writer) error {
	c := spf.Checker{Resolver: r, Time: time.Now()}
	v, err := c.Check(ctx, domain, s)
	if err != nil {
		return err
	}
	if o.format == "json" {
		err = writeJSON(out, checkJSON(domain, s, v))
	} else {
		_, err = io.WriteString(out, checkText(domain, s, v))
	}
	if err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	if v.Reason == spf.ReasonTime || v.Failed != nil && ours(v.Failed) {
		return errNotLookedUp
	}
	return nil
}

func writeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
