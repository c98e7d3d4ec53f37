package resolver

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// A reply of any octets is read or refused, and what is recorded of it is
// bounded, valid UTF-8, and the same when stored and read again.
func FuzzReply(f *testing.F) {
	k := key{name: "a.test", qtype: dns.TypeMX}
	q, err := newQuestion(k, udpSize, time.Second, bytes.NewReader([]byte{1, 2}))
	if err != nil {
		f.Fatal(err)
	}
	add := func(lines ...string) {
		var m dns.Msg
		if err := m.Unpack(q.wire); err != nil {
			f.Fatal(err)
		}
		m.SetReply(&m)
		for _, line := range lines {
			rr, err := dns.NewRR(line)
			if err != nil {
				f.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		m.SetEdns0(1232, true)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 6, ExtraText: "\xff"}}
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	add()
	add("a.test. 60 IN MX 10 M\\255.test.", "a.test. 60 IN MX 0 .")
	add("a.test. 60 IN CNAME b.test.", "b.test. 60 IN MX 10 m.test.", "test. 60 IN DNAME example.")
	add("a.test. 60 IN CNAME a.test.")
	f.Add(q.wire)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, what := q.parse(b)
		if (m != nil) != (what == answered) {
			t.Fatalf("%v with message %v", what, m)
		}
		if m == nil {
			return
		}
		lifetime(m)
		l := evidence.Lookup{Name: k.name, Type: "MX", EDE: appendEDE(nil, m)}
		if rep := (&reply{msg: m}); usable(rep) {
			tr := follow(m, k.name, k.qtype, nil)
			for _, rr := range tr.aliases {
				l.Aliases, l.Owner = append(l.Aliases, present(rr)), tr.end
			}
			conclude(&l, m, &tr)
		} else {
			unanswered(&l, rep)
		}
		if len(l.Answer) > MaxRecords || len(l.Aliases) > 2*(MaxAliases+1) || len(l.EDE) > maxEDE {
			t.Fatalf("%d records, %d aliases, %d errors", len(l.Answer), len(l.Aliases), len(l.EDE))
		}
		for _, rr := range slices.Concat(l.Answer, l.Aliases) {
			if strings.ContainsFunc(rr.Name+rr.Data, func(c rune) bool { return c == utf8.RuneError || c < ' ' && c != '\t' || c > '~' }) {
				t.Fatalf("not printable: %+q %+q", rr.Name, rr.Data)
			}
		}
		s := evidence.Snapshot{Domain: "a.test", Lookups: []evidence.Lookup{l}}
		stored, err := evidence.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := evidence.Unmarshal(stored)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(s)
		y, _ := json.Marshal(again)
		if !bytes.Equal(x, y) {
			t.Errorf("stored as %s, read as %s", x, y)
		}
	})
}

// A name that is good can be sent, and its canonical form is its own.
func FuzzName(f *testing.F) {
	for _, s := range []string{"a.test", `\097.test`, `a\.b.test`, "*._x.test", `\255.test`, "a..b", `\`, `a\00`, `a"b.test`, `\032.test`, `\ .test`, `\288`, strings.Repeat("a", 63) + ".test"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		name, ok := canonicalName(evidence.Name(in))
		if !ok {
			return
		}
		again, ok := canonicalName(name)
		if !ok || again != name {
			t.Fatalf("%q is %q, which is %q", in, name, again)
		}
		q, err := newQuestion(key{name: name, qtype: 1}, udpSize, time.Second, nil)
		if err != nil {
			t.Fatal(err)
		}
		var m dns.Msg
		if err := m.Unpack(q.wire); err != nil || !q.matches(&m) || !q.echoed(q.wire) {
			t.Errorf("%q: the question does not come back: %v", in, err)
		}
	})
}

// Go's own resolver tells whom it would ask, and sends nothing.
func TestDiscover(t *testing.T) {
	s, err := discover(t.Context())
	if err != nil || len(s.Servers) == 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, server := range s.Servers {
		if got, err := ParseServer(server); err != nil || got.Transport != Plain || !strings.HasSuffix(got.Address, ":53") {
			t.Errorf("%s: %+v, %v", server, got, err)
		}
	}
}

// A window never lets in more than it may, wakes in order, and forgets who left.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWindow(100)
		for range firstWindow {
			if !w.enter(t.Context()) {
				t.Fatal("not let in")
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		var order []int
		var group sync.WaitGroup
		for i := range 3 {
			ctx := t.Context()
			if i == 1 {
				ctx = leaving
			}
			group.Go(func() {
				if w.enter(ctx) {
					order = append(order, i)
				}
			})
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		if len(order) != 0 {
			t.Fatalf("%v are let in beyond the window", order)
		}
		w.leave()
		synctest.Wait()
		w.leave()
		group.Wait()
		if !slices.Equal(order, []int{0, 2}) || w.used != firstWindow || len(w.queue) != 0 {
			t.Errorf("let in %v, %d under way, %d wait", order, w.used, len(w.queue))
		}
		now := time.Now()
		for range 200 {
			w.answered()
		}
		if w.size != 100 {
			t.Errorf("grown to %v", w.size)
		}
		for range 50 { // one burst counts once
			w.silent(now, now)
		}
		if w.size != 50 {
			t.Errorf("after one burst of silence %v", w.size)
		}
		for i := range 50 {
			w.silent(now.Add(time.Duration(i)), now.Add(time.Duration(i)))
		}
		if w.size != leastWindow {
			t.Errorf("after fifty %v", w.size)
		}
		for range 4 {
			w.answered()
		}
		if w.size < leastWindow+0.9 || w.size > leastWindow+1 {
			t.Errorf("after a window of answers %v", w.size)
		}
	})
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		name, zone string
		want       bool
	}{
		{"a.test", "test", true}, {"test", "test", true}, {"a.test", ".", true}, {".", ".", true}, {".", "test", false},
		{"atest", "test", false}, {"test", "a.test", false}, {`a\.test`, "test", false}, {`a\\.test`, "test", true},
	} {
		if got := within(tt.name, tt.zone); got != tt.want {
			t.Errorf("within(%s, %s) = %v", tt.name, tt.zone, got)
		}
	}
}
