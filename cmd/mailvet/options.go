package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mailvet/dnscheck/resolver"
	"mailvet/report/check"
	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
)

// options are the flags that scan and demo share, and those of scan alone.
type options struct {
	files                  []string // at most one
	proof, verifyProof     string
	proofs                 *proofs // with proof, once there is a scanner
	file, output, evidence string
	format, policyName     string
	resolvers              []string
	trustAnchor, rootCA    string
	trustAD                bool
	vrps, routes           []string
	selectors, messages    []string
	terms                  []string // [report.Options] of the scan, once there is a scanner
	originZone4            string
	originZone6, asZone    string
	origins                bool
	smtpPort, httpsPort    int
	maxConnections         int
	hostInterval           time.Duration
	hostRate, providerRate int
	connections, questions int
	testInjection          bool
	helo                   string
	allowPrivate           bool
	noSMTP, noHTTP, noIPv6 bool
	noExtra                bool
	workers, retries       int
	retriesGiven           bool // --retries was given
	timeout                time.Duration
	failUnder              int
	failOn                 []string
	quiet, verbose         bool
	color                  string
	column, order          string
	keepDuplicates, resume bool
	progress               string
	shardText              string
	shard                  shard
}

var formats = []string{"text", "json", "jsonl", "internetnl"}

// outputFlags are the flags of everything that prints reports.
func (o *options) outputFlags(fs *pflag.FlagSet) {
	fs.StringVarP(&o.output, "output", "o", "", "write the results to `FILE` instead of standard output")
	fs.StringVar(&o.format, "format", "text", "`FORM` of the results: "+strings.Join(formats, ", "))
	fs.StringVar(&o.policyName, "policy", scanner.Policies()[0], "judge TLS and certificates by the guideline of `NAME`: "+strings.Join(scanner.Policies(), ", ")+"; the points stay those of Internet.nl, and so does --format internetnl")
	fs.IntVar(&o.failUnder, "fail-under", 0, "exit with 3 if the score of a domain is, or may be, below `N` percent")
	fs.StringSliceVar(&o.failOn, "fail-on", nil, "exit with 3 if a check has this `STATUS` (failed, warning, info, unknown, error; repeatable)")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing on standard error but errors")
	fs.BoolVarP(&o.verbose, "verbose", "v", false, "show every check with its findings and where they come from")
	fs.StringVar(&o.color, "color", "auto", "`WHEN` to use colours in text: auto, always, never (auto: on a terminal, unless NO_COLOR is set)")
}

// scanFlags are those of scan and demo.
func (o *options) scanFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.evidence, "evidence", "", "also store what was seen in `FILE`, for \"mailvet score\" (JSON Lines)")
	fs.StringVar(&o.proof, "proof", "", "also store what the DNSSEC verdicts rest on in `FILE`, for \"mailvet score --verify-proof\" (JSON Lines)")
	fs.BoolVar(&o.noSMTP, "no-smtp", false, "open no connection to mail servers; what that leaves unknown is not tested")
	fs.BoolVar(&o.noHTTP, "no-http", false, "fetch nothing by HTTPS (MTA-STS policies, BIMI logos); what that leaves unknown is not tested")
	fs.BoolVar(&o.noIPv6, "no-ipv6", false, "use no IPv6; what that leaves unknown is not tested")
	fs.BoolVar(&o.noExtra, "no-extra", false, "leave out the checks beyond Internet.nl's test, which are most of the DNS questions; the score is the same")
	fs.IntVar(&o.workers, "workers", 16, "scan `N` domains at once")
	fs.DurationVar(&o.timeout, "timeout", 90*time.Second, "`TIME` for one domain, such as 90s or 2m; what is not known by then stays unknown")
	fs.IntVar(&o.retries, "retries", 2, "try a question or connection that failed for now `N` times more")
	fs.BoolVar(&o.testInjection, "test-injection", false, "also try on a further connection whether a mail server obeys a command sent in the clear behind STARTTLS (CVE-2011-0411); some log it or drop the connection")
	o.selectorFlags(fs)
}

// networkFlags are those of scan alone: the demo brings its own network.
func (o *options) networkFlags(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&o.files, "file", "f", nil, "read domains from `FILE` (- is standard input): one a line, or the first CSV column; # begins a comment")
	fs.StringVar(&o.column, "column", "", "with --file: the column of the CSV that holds the domains, by its `NAME` in the first line")
	fs.BoolVar(&o.keepDuplicates, "keep-duplicates", false, "with --file: report a domain as often as it stands in the list (it is scanned once)")
	fs.StringVar(&o.order, "order", "done", "with --file: `ORDER` of the results: done (as they are finished) or input (as in the list)")
	fs.BoolVar(&o.resume, "resume", false, "with --file and -o: go on where an earlier run ended; what the output file holds is not scanned again")
	fs.StringVar(&o.shardText, "shard", "", "with --file: scan only part `I/N` of the list; the domains of one mail provider stay together")
	fs.StringVar(&o.progress, "progress", "auto", "with --file: `WHEN` to show a progress bar: auto, always, never (auto: on a terminal, else a line every 30 s)")
	fs.StringArrayVar(&o.resolvers, "resolver", nil, resolverUsage)
	fs.StringVar(&o.trustAnchor, "trust-anchor", "", "DNSSEC trust anchors, DS or DNSKEY records in zone format, from `FILE` (default: IANA's for the root)")
	fs.BoolVar(&o.trustAD, "trust-ad", false, "believe the resolver's AD bit instead of validating")
	fs.StringVar(&o.rootCA, "root-ca", "", "trusted root certificates, PEM, from `FILE` (default: the system's); for the resolver, besides the system's")
	o.routingFlags(fs)
	fs.IntVar(&o.smtpPort, "smtp-port", 25, "`PORT` of the mail servers")
	fs.IntVar(&o.httpsPort, "https-port", 443, "`PORT` of the web servers")
	fs.IntVar(&o.maxConnections, "max-connections", probe.DefaultMaxConnections, "open at most `N` connections to each address of a mail server; what is not known by then stays unknown")
	fs.DurationVar(&o.hostInterval, "host-interval", 100*time.Millisecond, "pause for `TIME` between two connections to one address")
	fs.IntVar(&o.hostRate, "host-rate", probe.DefaultHostRate, "open at most `N` connections a minute to one address of a mail server; 0 for no such limit")
	fs.IntVar(&o.providerRate, "provider-rate", probe.DefaultProviderRate, "open at most `N` connections a minute to all mail servers of one provider, by the registered domain of their names; 0 for no such limit")
	fs.IntVar(&o.connections, "connections", probe.DefaultMaxOpen, "have at most `N` connections to mail servers open at once, never more than one to an address")
	fs.IntVar(&o.questions, "questions", resolver.DefaultMaxInFlight, "have at most `N` questions under way to the resolvers at once; it begins with fewer and adapts to what they bear")
	fs.StringVar(&o.helo, "helo", "", "`NAME` to give in EHLO (default: this host's)")
	fs.BoolVar(&o.allowPrivate, "allow-private", false, "connect to addresses of special-purpose ranges too (RFC 6890)")
}

// check finds contradictions and values out of range, before anything is done.
func (o *options) check(fs *pflag.FlagSet) error {
	bad := func(format string, args ...any) error {
		return usageError{fs.Name(), fmt.Errorf(format, args...)}
	}
	if len(o.files) > 0 {
		o.file = o.files[0]
	}
	o.inferFormat(fs)
	o.retriesGiven = fs.Changed("retries")
	switch {
	case len(o.files) > 1:
		return bad("--file is given %d times; give one list, or all of them as one: cat A B | mailvet scan -f -", len(o.files))
	case len(o.files) == 1 && o.file == "":
		return bad("--file has no name; give the file with the domains, or - for standard input")
	case !slices.Contains(formats, o.format):
		return bad("--format %s: choose one of %s", clip(o.format), strings.Join(formats, ", "))
	case !slices.Contains([]string{"auto", "always", "never"}, o.color):
		return bad("--color %s: choose one of auto, always, never", clip(o.color))
	case o.quiet && o.verbose:
		return bad("--quiet and --verbose contradict each other")
	case !slices.Contains(scanner.Policies(), o.policyName):
		return bad("--policy %s: choose one of %s", clip(o.policyName), strings.Join(scanner.Policies(), ", "))
	case o.verbose && o.format != "text":
		return bad("--verbose is for --format text; %s always holds everything", o.format)
	case o.failUnder < 0 || o.failUnder > 100:
		return bad("--fail-under %d: give a percentage from 0 to 100", o.failUnder)
	case o.trustAD && o.proof != "":
		return bad("--trust-ad and --proof contradict each other: with the first nothing is validated here")
	case o.trustAD && o.trustAnchor != "":
		return bad("--trust-ad and --trust-anchor contradict each other: with the first nothing is validated here")
	case o.noSMTP && fs.Changed("smtp-port"):
		return bad("--no-smtp and --smtp-port contradict each other")
	case fs.Lookup("smtp-port") != nil && (o.smtpPort < 1 || o.smtpPort > 65535):
		return bad("--smtp-port %d: give a port from 1 to 65535", o.smtpPort)
	case o.noHTTP && fs.Changed("https-port"):
		return bad("--no-http and --https-port contradict each other")
	case fs.Lookup("https-port") != nil && (o.httpsPort < 1 || o.httpsPort > 65535):
		return bad("--https-port %d: give a port from 1 to 65535", o.httpsPort)
	case o.noSMTP && slices.ContainsFunc(smtpLimits, fs.Changed):
		return bad("--no-smtp contradicts --%s: no connection is opened", strings.Join(smtpLimits, ", --"))
	case o.noSMTP && o.testInjection:
		return bad("--no-smtp contradicts --test-injection: no connection is opened")
	case fs.Lookup("max-connections") != nil && (o.maxConnections < 1 || o.maxConnections > 1000):
		return bad("--max-connections %d: give a number from 1 to 1000", o.maxConnections)
	case fs.Lookup("host-interval") != nil && (o.hostInterval < 0 || o.hostInterval > time.Hour):
		return bad("--host-interval %s: give a time from 0s to 1h", o.hostInterval)
	case min(o.hostRate, o.providerRate) < 0 || max(o.hostRate, o.providerRate) > 1_000_000:
		return bad("--host-rate %d, --provider-rate %d: give numbers from 0 to 1000000", o.hostRate, o.providerRate)
	case fs.Lookup("connections") != nil && (o.connections < 1 || o.connections > 10000):
		return bad("--connections %d: give a number from 1 to 10000", o.connections)
	case fs.Lookup("questions") != nil && (o.questions < 1 || o.questions > 10000):
		return bad("--questions %d: give a number from 1 to 10000", o.questions)
	case fs.Lookup("workers") != nil && (o.workers < 1 || o.workers > 10000):
		return bad("--workers %d: give a number from 1 to 10000", o.workers)
	case fs.Lookup("retries") != nil && (o.retries < 0 || o.retries > 10):
		return bad("--retries %d: give a number from 0 to 10", o.retries)
	case fs.Lookup("timeout") != nil && o.timeout < time.Second:
		return bad("--timeout %s: a domain needs at least a second, such as 90s", o.timeout)
	case fs.Changed("helo") && !heloName(o.helo):
		return bad("--helo %q: give a host name, or an address in brackets", clip(o.helo))
	}
	if err := o.checkList(fs); err != nil {
		return usageError{fs.Name(), err}
	}
	if err := o.checkRouting(); err != nil {
		return usageError{fs.Name(), err}
	}
	if err := o.checkSelectors(); err != nil {
		return usageError{fs.Name(), err}
	}
	if err := o.checkFiles(); err != nil {
		return usageError{fs.Name(), err}
	}
	for _, s := range o.failOn {
		if _, err := failStatus(s); err != nil {
			return bad("--fail-on %s: choose of failed, warning, info, unknown, error", clip(s))
		}
	}
	return nil
}

// smtpLimits are the flags that say how mail servers are to be treated.
var smtpLimits = []string{"max-connections", "host-interval", "host-rate", "provider-rate", "connections"}

// inferFormat takes the form of the results from the name of their file, where
// the user has not said it.
func (o *options) inferFormat(fs *pflag.FlagSet) {
	if ext := strings.TrimPrefix(filepath.Ext(o.output), "."); !fs.Changed("format") && slices.Contains([]string{"json", "jsonl"}, ext) {
		o.format = ext
	}
}

// checkList finds what is wrong with the flags about lists.
func (o *options) checkList(fs *pflag.FlagSet) (err error) {
	if fs.Lookup("order") == nil {
		return nil
	}
	for _, f := range []string{"column", "keep-duplicates", "order", "resume", "shard", "progress"} {
		if fs.Changed(f) && o.file == "" {
			return fmt.Errorf("--%s is for lists: give one with --file", f)
		}
	}
	switch {
	case !slices.Contains([]string{"done", "input"}, o.order):
		return fmt.Errorf("--order %s: choose one of done, input", clip(o.order))
	case !slices.Contains([]string{"auto", "always", "never"}, o.progress):
		return fmt.Errorf("--progress %s: choose one of auto, always, never", clip(o.progress))
	case o.resume && (o.output == "" || o.output == "-"):
		return errors.New("--resume needs the file to go on with: give it with -o")
	case o.resume && o.format != "jsonl":
		return errors.New("--resume is for --format jsonl, one result a line")
	}
	if o.shardText != "" {
		o.shard, err = parseShard(o.shardText)
	}
	return err
}

// checkFiles refuses to write two things into one file, or over what is read:
// the files of the flags, and one that is an argument.
func (o *options) checkFiles(argument ...string) error {
	type file struct {
		what, path string
		info       os.FileInfo // nil if it is not there yet
	}
	read := []file{{what: "--file", path: o.file}, {what: "--trust-anchor", path: o.trustAnchor}, {what: "--root-ca", path: o.rootCA}}
	for _, v := range o.vrps {
		if !strings.HasPrefix(v, rtrScheme) {
			read = append(read, file{what: "--vrps", path: v})
		}
	}
	for _, r := range o.routes {
		read = append(read, file{what: "--routes", path: r})
	}
	for _, m := range o.messages {
		read = append(read, file{what: "--message", path: m})
	}
	read = append(read, file{what: "--verify-proof", path: o.verifyProof})
	for _, a := range argument {
		read = append(read, file{what: "the file to read", path: a})
	}
	written := []file{{what: "--output", path: o.output}, {what: "--evidence", path: o.evidence}, {what: "--proof", path: o.proof}}
	var before []file
	for i, f := range append(read, written...) {
		if f.path == "" || f.path == "-" {
			continue
		}
		f.info, _ = os.Stat(f.path) // what cannot be read is told when it is opened
		for _, b := range before {
			if i >= len(read) && sameFile(b.path, b.info, f.path, f.info) {
				return fmt.Errorf("%s and %s are the same file, %s", b.what, f.what, f.path)
			}
		}
		before = append(before, f)
	}
	return nil
}

// sameFile tells whether writing to one would harm the other. Devices such as
// /dev/null do not mind.
func sameFile(a string, ai os.FileInfo, b string, bi os.FileInfo) bool {
	if ai != nil && bi != nil {
		return ai.Mode().IsRegular() && os.SameFile(ai, bi)
	}
	return ai == nil && bi == nil && filepath.Clean(a) == filepath.Clean(b)
}

func failStatus(word string) (check.Status, error) {
	var s check.Status
	if err := s.UnmarshalText([]byte(word)); err != nil || s == check.StatusPassed || s == check.StatusNotTested {
		return 0, errors.New("no status to fail on")
	}
	return s, nil
}

// heloName accepts what may follow EHLO (RFC 5321, Section 4.1.1.1) and
// nothing that could end the line.
func heloName(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for _, r := range s {
		if !(r == '.' || r == '-' || r == '[' || r == ']' || r == ':' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return false
		}
	}
	return true
}

// policy is how snapshots are judged. The form of Internet.nl has its verdicts,
// whatever guideline others are judged by.
func (o *options) policy() scanner.Policy {
	name := o.policyName
	if o.format == "internetnl" {
		name = ""
	}
	p, _ := scanner.PolicyOf(name)
	return p
}
