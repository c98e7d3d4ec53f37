package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mailvet/scanner/lab"
	"mailvet/testdata"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mailvet": main})
}

// TestScript runs the program as its users do; the scripts can be read aloud.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"lab": startLab},
		Setup: func(e *testscript.Env) error {
			e.Setenv("TERM", "dumb")
			// txtar holds no such octets: a list as PowerShell writes it.
			return os.WriteFile(filepath.Join(e.WorkDir, "utf16.txt"), []byte("\xff\xfep\x00.\x00t\x00\n\x00"), 0o600)
		},
	})
}

// startLab is the script command "lab": it serves the built-in Internet on
// real sockets until the script ends, and sets RESOLVER, SMTP_PORT and the
// files anchors and roots.pem.
func startLab(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: lab")
	}
	l, err := lab.Load(testdata.Scenarios, "scenarios", lab.Options{Now: time.Now(), Loopback: true})
	ts.Check(err)
	s, err := l.Listen()
	ts.Check(err)
	ts.Defer(func() { _ = s.Close() })
	ts.Setenv("RESOLVER", s.Resolver)
	ts.Setenv("SMTP_PORT", strconv.Itoa(s.SMTPPort))
	ts.Check(os.WriteFile(ts.MkAbs("anchors"), []byte(s.Anchors), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("roots.pem"), []byte(s.Roots), 0o600))
}
