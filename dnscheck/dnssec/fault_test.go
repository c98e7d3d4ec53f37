package dnssec_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/report/evidence"
)

func (l *lab) faults(t testing.TB, lines ...string) {
	t.Helper()
	for _, line := range lines {
		f, err := dnstest.ParseFault(line)
		if err == nil {
			err = l.server.AddFaults(f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestFaults judges what resolvers do wrong: a fault of the network is never
// the zone's.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		what, name string
		typ        uint16
		faults     []string
		want       evidence.Security
		stripped   bool
		reason     string
	}{
		{"all stripped", "nsec.test", dns.TypeMX, []string{"* * * strip-dnssec"}, unknown, true, "does not hand on DNSSEC records"},
		{"signatures stripped", "nsec.test", dns.TypeMX, []string{"* * * strip-rrsig"}, unknown, true, "does not hand on DNSSEC records"},
		{"EDNS ignored", "nsec.test", dns.TypeMX, []string{"* * * ignore-edns"}, unknown, true, "does not hand on DNSSEC records"},
		{"stripped, name that is not there", "nothing.nsec.test", dns.TypeMX, []string{"* * * strip-dnssec"}, unknown, true, "does not hand on DNSSEC records"},
		{"one answer stripped", "nsec.test", dns.TypeMX, []string{"nsec.test MX * strip-rrsig"}, bogus, false, "there is no signature, but zone nsec.test is signed"},
		{"one denial stripped", "nothing.nsec.test", dns.TypeMX, []string{"nothing.nsec.test MX * strip-dnssec"}, bogus, false, ""},
		{"one answer corrupt", "nsec.test", dns.TypeMX, []string{"nsec.test MX * corrupt-rrsig"}, bogus, false, "does not fit the data"},
		{"one answer expired", "nsec.test", dns.TypeMX, []string{"nsec.test MX * expire-rrsig"}, bogus, false, "expired"},
		{"denial corrupt", "nothing.nsec.test", dns.TypeMX, []string{"nothing.nsec.test MX * corrupt-rrsig"}, bogus, false, "does not fit the data"},
		{"DS corrupt", "nsec.test", dns.TypeMX, []string{"nsec.test DS * corrupt-rrsig"}, bogus, false, "nsec.test DS: the signature"},
		{"DS stripped", "nsec.test", dns.TypeMX, []string{"nsec.test DS * strip-dnssec"}, bogus, false, "nsec.test DS"},
		{"DNSKEY stripped", "nsec.test", dns.TypeMX, []string{"nsec.test DNSKEY * strip-dnssec"}, bogus, false, "zone nsec.test: it must be signed, but has no DNSKEY records"},
		{"DNSKEY unsigned", "nsec.test", dns.TypeMX, []string{"nsec.test DNSKEY * strip-rrsig"}, bogus, false, "zone nsec.test: its DNSKEY records are not signed"},
		{"root SERVFAIL", "nsec.test", dns.TypeMX, []string{". DNSKEY * rcode SERVFAIL"}, unknown, false, ". DNSKEY could not be had: the resolver answered SERVFAIL"},
		{"DS SERVFAIL", "nsec.test", dns.TypeMX, []string{"nsec.test DS * rcode SERVFAIL"}, unknown, false, "nsec.test DS could not be had: the resolver answered SERVFAIL"},
		{"DS REFUSED", "www.unsigned.test", dns.TypeA, []string{"unsigned.test DS * rcode REFUSED"}, unknown, false, "unsigned.test DS could not be had: the resolver answered REFUSED"},
		{"DNSKEY SERVFAIL", "nsec.test", dns.TypeMX, []string{"nsec.test DNSKEY * rcode SERVFAIL"}, unknown, false, "nsec.test DNSKEY could not be had"},
		{"DNSKEY truncated", "nsec.test", dns.TypeMX, []string{"nsec.test DNSKEY * truncate"}, unknown, false, "truncated"},
		{"answer SERVFAIL", "nsec.test", dns.TypeMX, []string{"nsec.test MX * rcode SERVFAIL"}, unknown, false, "the resolver answered SERVFAIL"},
		{"answer truncated", "nsec.test", dns.TypeMX, []string{"nsec.test MX * truncate"}, unknown, false, "truncated"},
		{"stripped below unsigned", "www.unsigned.test", dns.TypeA, []string{"www.unsigned.test A * strip-dnssec"}, insecure, false, "zone unsigned.test is not signed"},
	} {
		t.Run(c.what, func(t *testing.T) {
			l := internet(t)
			l.faults(t, c.faults...)
			got := l.ask(t, l.validator(), c.name, c.typ)
			if got.Security != c.want || got.Stripped != c.stripped || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("%s, stripped %t, %q; want %s, stripped %t, ..%q..", got.Security, got.Stripped, got.Reason, c.want, c.stripped, c.reason)
			}
		})
	}
}

// TestNoAnswer lets DS and DNSKEY questions fail altogether.
func TestNoAnswer(t *testing.T) {
	for _, question := range []string{". DNSKEY", "test. DS", "test. DNSKEY", "nsec.test. DS", "nsec.test. DNSKEY"} {
		l := internet(t)
		l.fail[question] = errors.New("no resolver\x1b\xffanswered")
		clock := now
		v := &dnssec.Validator{Anchors: l.world.Anchors(), Now: func() time.Time { return clock }}
		got := l.ask(t, v, "nsec.test", dns.TypeMX)
		if want := strings.Replace(question, ". ", " ", 1); got.Security != unknown || question != ". DNSKEY" && !strings.Contains(got.Reason, want+" could not be had: no resolver??answered") {
			t.Errorf("%s: %s %q", question, got.Security, got.Reason)
		}
		delete(l.fail, question) // it is forgotten soon
		clock = clock.Add(2 * time.Second)
		if got := l.ask(t, v, "nsec.test", dns.TypeMX); got.Security != secure {
			t.Errorf("%s, later: %s %q", question, got.Security, got.Reason)
		}
	}
}

// TestAnchors: what the anchors say decides.
func TestAnchors(t *testing.T) {
	l := internet(t)
	keys := func(name string) []dns.RR {
		m, err := l.Fetch(t.Context(), name, dns.TypeDNSKEY)
		if err != nil {
			t.Fatal(err)
		}
		var list []dns.RR
		for _, rr := range m.Answer {
			if k, ok := rr.(*dns.DNSKEY); ok && k.Flags&dns.SEP != 0 {
				list = append(list, k)
			}
		}
		return list
	}
	ds := func(name string, digest uint8) []dns.RR { return []dns.RR{keys(name)[0].(*dns.DNSKEY).ToDS(digest)} }
	for _, c := range []struct {
		what    string
		anchors []dns.RR
		name    string
		want    evidence.Security
	}{
		{"none", nil, "nsec.test", insecure},
		{"root key", keys("."), "nsec.test", secure},
		{"root DS", ds(".", 2), "nsec.test", secure},
		{"another root", dnssec.RootAnchors(), "nsec.test", bogus},
		{"another and this root", append(dnssec.RootAnchors(), ds(".", 4)...), "nsec.test", secure},
		{"only above another zone", ds("nsec3.test", 2), "nsec.test", insecure},
		{"island", append(ds(".", 2), keys("island.test")...), "www.island.test", secure},
		{"island only", keys("island.test"), "www.island.test", secure},
		{"island, root wrong", append(dnssec.RootAnchors(), keys("island.test")...), "www.island.test", secure},
		{"wrong key for a zone in the chain", append(ds(".", 2), &dns.DS{Hdr: dns.RR_Header{Name: "nsec.test."}, KeyTag: 1, Algorithm: 13, DigestType: 2, Digest: strings.Repeat("00", 32)}), "nsec.test", bogus},
		{"below unsigned", append(ds(".", 2), keys("below.unsigned.test")...), "www.below.unsigned.test", secure},
		{"algorithm not known", []dns.RR{&dns.DS{Hdr: dns.RR_Header{Name: "."}, KeyTag: 1, Algorithm: 200, DigestType: 2, Digest: strings.Repeat("00", 32)}}, "nsec.test", insecure},
	} {
		t.Run(c.what, func(t *testing.T) {
			v := &dnssec.Validator{Anchors: c.anchors, Now: clock}
			if got := l.ask(t, v, c.name, dns.TypeNS); got.Security != c.want {
				t.Errorf("%s %q, want %s", got.Security, got.Reason, c.want)
			}
		})
	}
}

// TestMisuse: nothing panics, and nothing is secure by mistake.
func TestMisuse(t *testing.T) {
	l := internet(t)
	reply, _ := l.Fetch(t.Context(), "nsec.test", dns.TypeMX)
	for what, got := range map[string]dnssec.Result{
		"no clock":  (&dnssec.Validator{Anchors: l.world.Anchors()}).Validate(t.Context(), l, "nsec.test", dns.TypeMX, reply),
		"no reply":  l.validator().Validate(t.Context(), l, "nsec.test", dns.TypeMX, nil),
		"no source": l.validator().Validate(t.Context(), nil, "nsec.test", dns.TypeMX, reply),
		"no name":   l.validator().Validate(t.Context(), l, "nsec..test", dns.TypeMX, reply),
		"long name": l.validator().Validate(t.Context(), l, strings.Repeat("a.", 130), dns.TypeMX, reply),
	} {
		if got.Security != unknown || got.Reason == "" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if got := l.validator().Validate(t.Context(), l, "www.nsec.test", dns.TypeMX, reply); got.Security != bogus {
		t.Errorf("the answer to another question: %+v", got)
	}
}

// TestRounds counts how long a reply waits, in answers of 50 ms.
func TestRounds(t *testing.T) {
	for _, c := range []struct {
		name string
		typ  uint16
		want time.Duration
	}{
		{"nsec.test", dns.TypeMX, 50 * time.Millisecond},
		{"www.sub.nsec.test", dns.TypeA, 100 * time.Millisecond},
		{"www.unsigned.test", dns.TypeA, 50 * time.Millisecond},
		{"away.nsec.test", dns.TypeA, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := internet(t)
				reply, _ := l.Fetch(t.Context(), c.name, c.typ)
				l.delay = 50 * time.Millisecond
				start := time.Now()
				v := l.validator()
				v.Validate(t.Context(), l, c.name, c.typ, reply)
				if got := time.Since(start); got > c.want {
					t.Errorf("waited %v, want %v", got, c.want)
				}
				start = time.Now()
				v.Validate(t.Context(), l, c.name, c.typ, reply)
				if got := time.Since(start); got != 0 {
					t.Errorf("waited %v the second time", got)
				}
			})
		})
	}
}

// TestShared: fifty at once ask each question once.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := internet(t)
		reply, _ := l.Fetch(t.Context(), "nsec.test", dns.TypeMX)
		l.delay = 50 * time.Millisecond
		l.server.ResetCount()
		v := l.validator()
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if got := v.Validate(t.Context(), l, "nsec.test", dns.TypeMX, reply); got.Security != secure {
					t.Errorf("%s %q", got.Security, got.Reason)
				}
			})
		}
		group.Wait()
		for q, n := range l.server.Count() {
			if n != 1 {
				t.Errorf("%s asked %d times", q, n)
			}
		}
	})
}

// TestCancelled: who is cancelled hears so at once, and those who waited for
// the same answers still get them.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := internet(t)
		reply, _ := l.Fetch(t.Context(), "nsec.test", dns.TypeMX)
		l.delay = time.Second
		v := l.validator()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var group sync.WaitGroup
		start := time.Now()
		group.Go(func() { // leads
			if got := v.Validate(ctx, l, "nsec.test", dns.TypeMX, reply); got.Security != unknown || time.Since(start) > 200*time.Millisecond {
				t.Errorf("cancelled: %s %q after %v", got.Security, got.Reason, time.Since(start))
			}
		})
		synctest.Wait()
		group.Go(func() { // waits for it, with more time
			if got := v.Validate(t.Context(), l, "nsec.test", dns.TypeMX, reply); got.Security != secure {
				t.Errorf("the other: %s %q", got.Security, got.Reason)
			}
		})
		group.Go(func() { // waits, and is cancelled too
			if got := v.Validate(ctx, l, "www.nsec.test", dns.TypeMX, reply); got.Security != unknown {
				t.Errorf("the third: %s %q", got.Security, got.Reason)
			}
		})
		group.Wait()
	})
}

// TestMemory: states are remembered as long as the records say, at most an
// hour, and not beyond their signatures.
func TestMemory(t *testing.T) {
	l := internet(t)
	at := now
	v := &dnssec.Validator{Anchors: l.world.Anchors(), Now: func() time.Time { return at }}
	count := func() int {
		l.server.ResetCount()
		reply, _ := l.Fetch(t.Context(), "nsec.test", dns.TypeMX)
		v.Validate(t.Context(), l, "nsec.test", dns.TypeMX, reply)
		return l.server.Total() - 1
	}
	for _, step := range []struct {
		after time.Duration
		least int
		most  int
	}{
		{0, 5, 5},
		{4 * time.Second, 0, 0},
		{2 * time.Hour, 5, 5},
		{15 * 24 * time.Hour, 1, 5}, // all signatures have expired
	} {
		at = now.Add(step.after)
		if got := count(); got < step.least || got > step.most {
			t.Errorf("after %v: %d questions, want %d to %d", step.after, got, step.least, step.most)
		}
	}
	if got := l.ask(t, v, "nsec.test", dns.TypeMX); got.Security != bogus || !strings.Contains(got.Reason, "expired") {
		t.Errorf("after the signatures: %s %q", got.Security, got.Reason)
	}

	small := &dnssec.Validator{Anchors: l.world.Anchors(), Now: clock, MaxZones: 2}
	for range 3 {
		for _, name := range []string{"nsec.test", "nsec3.test", "www.sub.nsec.test", "www.unsigned.test"} {
			if got := l.ask(t, small, name, dns.TypeA); got.Security == bogus || got.Security == unknown {
				t.Errorf("with little memory: %s: %s %q", name, got.Security, got.Reason)
			}
		}
	}
}
