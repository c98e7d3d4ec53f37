package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailvet/report"
	"mailvet/report/summary"
	"mailvet/scanner/lab"
	"mailvet/testdata"
)

// slowDomains of the built-in Internet take many seconds by the clock.
var slowDomains = map[string]bool{"halfdead.test": true, "ratelimited.test": true, "servfail.test": true, "hostile.test": true}

// labList writes a list of the lab's domains, those that are quick to scan.
func labList(t *testing.T, dir string) (file string, n int) {
	t.Helper()
	l, err := lab.Load(testdata.Scenarios, "scenarios", lab.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, d := range l.Domains() {
		if !slowDomains[d] {
			fmt.Fprintln(&b, d)
			n++
		}
	}
	file = filepath.Join(dir, "list.txt")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, n
}

// program is the real program, as a process of its own.
func program(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command("mailvet", args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	t.Cleanup(func() {
		if cmd.Process != nil && cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd, &errs
}

// lines counts the whole lines of a file that may not be there yet.
func lines(file string) int {
	data, _ := os.ReadFile(file)
	return bytes.Count(data, []byte("\n"))
}

// awaitLines returns once the file has so many lines, or the process has ended.
func awaitLines(file string, n int, ended <-chan error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for lines(file) < n {
		select {
		case <-tick.C:
		case <-ended:
			return
		}
	}
}

// results reads a file of results: what is said of each domain, apart from when
// that was and what it cost, and the summary.
func results(t *testing.T, file string) (map[string]string, *summary.Summary) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := map[string]string{}
	var sum *summary.Summary
	br := bufio.NewReader(f)
	for {
		line, err := readMessage(br, nil)
		if err != nil {
			return found, sum
		}
		var r report.Report
		if strings.HasPrefix(string(line), `{"schema":"`+summary.Schema) {
			sum = &summary.Summary{}
			if err := json.Unmarshal(line, sum); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%s: %v: %.200s", file, err, line)
		}
		if sum != nil {
			t.Errorf("%s: there is a result behind the summary", file)
		}
		if found[r.Domain] != "" {
			t.Errorf("%s: %s is there twice", file, r.Domain)
		}
		verdicts := fmt.Sprint(r.Score)
		if r.Score != nil {
			verdicts = fmt.Sprint(*r.Score)
		}
		for _, c := range r.Categories {
			for _, k := range c.Checks {
				for _, f := range k.Findings {
					verdicts += fmt.Sprintf("\n%s %s %s %s %s", k.ID, k.Status, f.Subject.Host, f.Subject.Addr, f.Code)
				}
			}
		}
		found[r.Domain] = verdicts
	}
}

// TestKill: whenever the program is killed, the same command with --resume comes
// to what a run without a break does.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	list, n := labList(t, dir)
	flags := append(labFlags(t), "-q", "-f", list, "--host-interval", "0", "--workers", "4")
	whole := filepath.Join(dir, "whole.jsonl")
	cmd, errs := program(t, append(flags, "-o", whole)...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	want, wantSum := results(t, whole)
	if len(want) != n || wantSum == nil || wantSum.Domains != n {
		t.Fatalf("%d results of %d domains, summary %+v", len(want), n, wantSum)
	}
	for _, kills := range [][]int{{1}, {7, 8, 20}, {n - 1}} {
		t.Run(fmt.Sprint(kills), func(t *testing.T) {
			out, seen := filepath.Join(dir, "out.jsonl"), filepath.Join(dir, "seen.jsonl")
			_ = os.Remove(out)
			_ = os.Remove(seen)
			args := append(flags, "-o", out, "--evidence", seen, "--resume")
			for _, after := range kills {
				cmd, _ := program(t, args...)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait(); close(ended) }()
				awaitLines(out, after, ended)
				_ = cmd.Process.Signal(syscall.SIGKILL)
				<-ended
			}
			before := lines(out)
			cmd, errs := program(t, args...)
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v: %s", err, errs)
			}
			got, sum := results(t, out)
			for d, verdicts := range want {
				if got[d] != verdicts {
					t.Errorf("%s: %s\n\nwant %s", d, got[d], verdicts)
				}
			}
			if len(got) != n || sum == nil || sum.Domains != n || sum.Scores != wantSum.Scores {
				t.Errorf("%d results of %d domains, summary %+v", len(got), n, sum)
			}
			if evidence := lines(seen); evidence != n {
				t.Errorf("evidence of %d domains", evidence)
			}
			t.Logf("killed with %d results", before)
		})
	}
}

// listenSilently is a UDP socket that nobody answers at.
func listenSilently() (*net.UDPConn, error) {
	return net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
}
