package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
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
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"lab": startLab, "rtrcache": startCache, "tear": tear, "unoption": unoption, "webresolver": startWebResolver},
		Setup: func(e *testscript.Env) error {
			e.Setenv("TERM", "dumb")
			messages, err := filepath.Abs("../../testdata/messages")
			if err != nil {
				return err
			}
			e.Setenv("MESSAGES", messages)
			// txtar holds no such octets: a list as PowerShell writes it.
			return os.WriteFile(filepath.Join(e.WorkDir, "utf16.txt"), []byte("\xff\xfep\x00.\x00t\x00\n\x00"), 0o600)
		},
	})
}

// tear is the script command "tear FILE LINES OCTETS": what kill -9 leaves of a
// file, its last lines gone and of the one before them only the first octets; 0
// octets take nothing of it.
func tear(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: tear FILE LINES OCTETS")
	}
	gone, err := strconv.Atoi(args[1])
	ts.Check(err)
	octets, err := strconv.Atoi(args[2])
	ts.Check(err)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	lines := bytes.SplitAfter(data, []byte("\n"))
	lines = lines[:len(lines)-1-gone]
	if last := len(lines) - 1; octets > 0 {
		lines[last] = lines[last][:octets]
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Join(lines, nil), 0o600))
}

// unoption is the script command "unoption FROM TO": a file of results as of a
// version that did not write options down.
func unoption(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: unoption FROM TO")
	}
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	data = regexp.MustCompile(`"options":\[[^]]*\],`).ReplaceAll(data, nil)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

// startCache is the script command "rtrcache": an RTR cache (RFC 8210) with two
// VRPs, 127.0.0.0/8 up to /24 for AS64500 and AS64501, until the script ends. It
// sets CACHE.
func startCache(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: rtrcache")
	}
	answer := []byte{
		1, 3, 0, 77, 0, 0, 0, 8, // Cache Response
		1, 4, 0, 0, 0, 0, 0, 20, 1, 8, 24, 0, 127, 0, 0, 0, 0, 0, 0xfb, 0xf4, // IPv4 Prefix
		1, 4, 0, 0, 0, 0, 0, 20, 1, 8, 24, 0, 127, 0, 0, 0, 0, 0, 0xfb, 0xf5,
		1, 7, 0, 77, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 14, 16, 0, 0, 2, 88, 0, 0, 28, 32, // End of Data
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if _, err := io.ReadFull(c, make([]byte, 8)); err == nil { // Reset Query
				_, _ = c.Write(answer)
			}
			_ = c.Close()
		}
	})
	ts.Defer(func() { _ = ln.Close(); wg.Wait() })
	ts.Setenv("CACHE", ln.Addr().String())
}

// startLab is the script command "lab": it serves the built-in Internet on
// real sockets until the script ends, and sets RESOLVER, SMTP_PORT, HTTPS_PORT and the
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
	ts.Setenv("HTTPS_PORT", strconv.Itoa(s.HTTPSPort))
	ts.Check(os.WriteFile(ts.MkAbs("anchors"), []byte(s.Anchors), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("roots.pem"), []byte(s.Roots), 0o600))
}

// startWebResolver is the script command "webresolver": the lab's resolver over
// HTTPS, with a certificate that no system trusts, until the script ends. It sets
// WEB_RESOLVER and the file private.pem.
func startWebResolver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: webresolver")
	}
	address := ts.Getenv("RESOLVER")
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var m dns.Msg
		query, err := io.ReadAll(req.Body)
		if err = errors.Join(err, m.Unpack(query)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply, _, err := (&dns.Client{Net: "tcp"}).ExchangeContext(req.Context(), &m, address)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		b, _ := reply.Pack()
		w.Header().Set("Content-Type", "application/dns-message")
		_, _ = w.Write(b)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	ts.Defer(s.Close)
	ts.Setenv("WEB_RESOLVER", s.URL+"/dns-query")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs("private.pem"), certificate, 0o600))
}
