package scanner

import (
	"fmt"
	"strings"
	"testing"

	"mailvet/report/evidence"
)

// What comes out of a backlog is what went in, in its order, however both are
// mixed, and it takes little more than the names.
func TestBacklog(t *testing.T) {
	var b backlog
	one := func(i int) (Domain, evidence.Cost) {
		d := Domain{Name: fmt.Sprintf("%s%d.example", strings.Repeat("x", i%240), i), Line: i}
		if i%3 == 0 {
			d.Local = strings.Repeat("l", i%65)
		}
		return d, evidence.Cost{DNSQueries: i, SMTPConnections: i % 40, HTTPSConnections: i % 3}
	}
	in, out, octets := 0, 0, 0
	check := func() {
		t.Helper()
		d, spent, ok := b.pop()
		want, cost := one(out)
		if !ok || d != want || spent != cost {
			t.Fatalf("%d: %+v %+v %v, want %+v %+v", out, d, spent, ok, want, cost)
		}
		out++
	}
	for range 20_000 {
		d, spent := one(in)
		b.push(d, spent)
		octets += len(d.Name) + len(d.Local)
		if in++; in%7 == 3 {
			check()
		}
	}
	held := 0
	for _, c := range b.chunks {
		held += cap(c)
	}
	if b.len != in-out || held > octets+20*in {
		t.Errorf("%d are there of %d, in %d octets for %d of names", b.len, in-out, held, octets)
	}
	for b.len > 0 {
		check()
	}
	if _, _, ok := b.pop(); ok || out != in || b.chunks != nil {
		t.Errorf("%d came out of %d", out, in)
	}
}
