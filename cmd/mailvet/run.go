package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"
)

// Exit codes; users' scripts depend on them.
const (
	exitDone   = 0 // everything was scanned, and nothing that was asked for was missed
	exitFailed = 1 // could not run, or not everything could be scanned
	exitUsage  = 2 // the command line is wrong
	exitMissed = 3 // --fail-under or --fail-on was missed
)

type streams struct {
	in       io.Reader
	out, err io.Writer
}

// command is one subcommand. Its run gets the arguments after its name.
type command struct {
	name, args, short string
	run               func(ctx context.Context, args []string, std streams) error
}

func commands() []command {
	return []command{
		{"scan", "[flags] DOMAIN|ADDRESS...", "scan domains and print the reports", runScan},
		{"demo", "[flags] [DOMAIN...]", "the same against the built-in Internet: needs no network", runDemo},
		{"message", "[flags] FILE|-", "judge a received message: SPF, DKIM, DMARC", runMessage},
		{"spf", "[flags] DOMAIN", "show the SPF tree with its lookups; with --ip, judge a sender", runSPF},
		{"checks", "[ID]", "list the checks; with an ID, explain it", runChecks},
		{"score", "[flags] EVIDENCE", "judge stored evidence again, offline", runScore},
		{"merge", "[flags] FILE...", "join files of results and sum them up", runMerge},
		{"version", "", "print the version", runVersion},
	}
}

// usageError is a mistake on the command line.
type usageError struct {
	command string // "" for the program itself
	err     error
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// errMissed: the scan is done, a threshold that the user set is missed.
var errMissed = errors.New("missed")

// errIncomplete: results were written, but not for everything that was asked.
var errIncomplete = errors.New("not everything could be scanned")

// run is the program without the process: it returns the exit code.
func run(ctx context.Context, args []string, std streams) int {
	err := dispatch(ctx, args, std)
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, pflag.ErrHelp):
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(std.err, "mailvet: %v\n", err)
		if usage.command == "" {
			fmt.Fprintln(std.err, "Run \"mailvet help\" for the list of commands.")
		} else {
			fmt.Fprintf(std.err, "Run \"mailvet %s --help\" for its flags.\n", usage.command)
		}
		return exitUsage
	case errors.Is(err, errMissed):
		if err != errMissed {
			fmt.Fprintf(std.err, "mailvet: %v\n", err)
		}
		return exitMissed
	case isClosedPipe(err):
		return exitFailed // whoever read has seen enough; there is nobody to tell
	default:
		fmt.Fprintf(std.err, "mailvet: %v\n", err)
		return exitFailed
	}
}

func dispatch(ctx context.Context, args []string, std streams) error {
	if len(args) == 0 {
		return usageError{"", errors.New("say what to do: a domain, or a command")}
	}
	name := args[0]
	switch name {
	case "help", "--help", "-h":
		return help(ctx, args[1:], std)
	case "--version":
		return runVersion(ctx, nil, std)
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, args[1:], std)
		}
	}
	for _, later := range []string{"diff"} {
		if name == later {
			return usageError{"", fmt.Errorf("the command %q is planned, but this version does not have it", name)}
		}
	}
	// "mailvet DOMAIN" is short for "mailvet scan DOMAIN", flags before it too.
	if strings.HasPrefix(name, "-") || strings.ContainsAny(name, ".@") {
		return runScan(ctx, args, std)
	}
	return usageError{"", fmt.Errorf("%q is neither a command nor a domain", clip(name))}
}

func help(ctx context.Context, args []string, std streams) error {
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name == args[0] {
				return c.run(ctx, []string{"--help"}, std)
			}
		}
		return usageError{"", fmt.Errorf("there is no command %q", clip(args[0]))}
	}
	var b strings.Builder
	b.WriteString("Mailvet scans the e-mail security of domains and scores it as the mail test of\nInternet.nl does.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  mailvet %s\n        %s\n", strings.TrimSpace(c.name+" "+c.args), c.short)
	}
	b.WriteString("\n\"mailvet DOMAIN\" is short for \"mailvet scan DOMAIN\"; try \"mailvet demo\" first.\n" +
		"\"mailvet COMMAND --help\" lists the flags of a command.\n\n" +
		"Exit codes: 0 done; 1 could not run, or not everything could be scanned;\n" +
		"2 wrong usage; 3 --fail-under or --fail-on was missed.\n")
	_, err := io.WriteString(std.out, b.String())
	return err
}

// newFlags is a flag set whose errors and help go where ours go.
func newFlags(name, args, about string, std streams) *pflag.FlagSet {
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(std.err)
	fs.Usage = func() {
		fmt.Fprintf(std.out, "Usage: mailvet %s\n\n%s\n\nFlags:\n%s", strings.TrimSpace(name+" "+args), about, fs.FlagUsagesWrapped(80))
	}
	return fs
}

// parseFlags turns pflag's errors into usage errors.
func parseFlags(fs *pflag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		f := value.GetFlag()
		err = fmt.Errorf("--%s %s: give %s", f.Name, clip(value.GetValue()), wanted(f.Value.Type()))
	}
	return usageError{fs.Name(), err}
}

// wanted says in words what a type of flag takes.
func wanted(kind string) string {
	switch kind {
	case "int":
		return "a whole number"
	case "duration":
		return "a time with its unit, such as 90s or 2m"
	case "bool":
		return "true or false"
	}
	return "a valid value"
}

func runVersion(_ context.Context, args []string, std streams) error {
	if len(args) > 0 {
		return usageError{"", fmt.Errorf("version takes no arguments, but got %q", clip(args[0]))}
	}
	_, err := fmt.Fprintf(std.out, "mailvet %s\n", version())
	return err
}

// version is the module's version as the Go tool stamped it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

// clip bounds what the user typed when it is shown again.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
