package lab_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/testdata"
)

// TestMaze: a domain whose zone is a maze of aliases, rings of them and
// includes costs what is allowed and no more, and is judged; those beside it
// are scanned as ever.
func TestMaze(t *testing.T) {
	ground, err := fs.ReadFile(testdata.Scenarios, "scenarios/00-internet.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("-- zone maze.test signed --\n@ TXT \"v=spf1")
	for i := range 12 {
		fmt.Fprintf(&b, " include:i%d.maze.test", i)
	}
	b.WriteString(" -all\"\n")
	for i := range 12 {
		fmt.Fprintf(&b, "i%d CNAME j%d.maze.test.\nj%d TXT \"v=spf1 include:i%d.maze.test include:ring0.maze.test -all\"\n", i, i, i, (i+5)%12)
		fmt.Fprintf(&b, "@ MX %d m%d.maze.test.\nm%d CNAME a%d-0.maze.test.\n", i, i, i, i)
		for k := range 9 {
			fmt.Fprintf(&b, "a%d-%d CNAME a%d-%d.maze.test.\n", i, k, i, k+1)
		}
		fmt.Fprintf(&b, "a%d-9 A 198.51.100.9\n", i)
	}
	for i := range 3 {
		fmt.Fprintf(&b, "ring%d CNAME ring%d.maze.test.\n", i, (i+1)%3)
	}
	b.WriteString("_dmarc CNAME ring1.maze.test.\n_mta-sts CNAME ring2.maze.test.\n_domainkey CNAME ring0.maze.test.\n_smtp._tls CNAME _smtp._tls.maze.test.\n")
	b.WriteString("-- zone calm.test --\n@ MX 10 mx.calm.test.\nmx A 198.51.100.10\n@ TXT \"v=spf1 mx -all\"\n")
	synctest.Test(t, func(t *testing.T) {
		l, err := lab.Load(fstest.MapFS{"maze/00.txt": {Data: ground}, "maze/10.txt": {Data: []byte(b.String())}}, "maze", lab.Options{Now: time.Now(), Latency: 10 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		s := l.Scanner()
		batch := &scanner.Batch{Scanner: s, Workers: 2}
		began, found := time.Now(), map[string]*evidence.Snapshot{}
		err = batch.Run(t.Context(), func(yield func(scanner.Domain) bool) {
			_ = yield(scanner.Domain{Name: "maze.test"}) && yield(scanner.Domain{Name: "calm.test"})
		}, func(d scanner.Domain, snap *evidence.Snapshot) (func() error, error) {
			judge(t, snap)
			return func() error { found[d.Name] = snap; return nil }, nil
		})
		if err != nil || len(found) != 2 {
			t.Fatalf("%d domains, %v", len(found), err)
		}
		maze, calm := found["maze.test"], found["calm.test"]
		t.Logf("%d lookups, %d questions, %d sessions, %s", len(maze.Lookups), maze.Cost.DNSQueries, len(maze.Sessions), time.Since(began))
		if n := len(maze.Lookups); n > scanner.DefaultMaxQuestions || maze.Error != nil || calm.Error != nil || len(calm.Sessions) != 1 {
			t.Errorf("%d lookups; %v, %v, %d sessions of the other", n, maze.Error, calm.Error, len(calm.Sessions))
		}
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("took %s", took)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
