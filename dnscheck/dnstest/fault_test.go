package dnstest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnstest"
)

func TestFaults(t *testing.T) {
	w := testWorld(t, now)
	const good = "NOERROR ra ad | nsec.test./MX nsec.test./RRSIG:MX"
	for _, c := range []struct {
		fault string
		want  string // of nsec.test MX with DO, the first time
		then  string // the second time; "" for the same
	}{
		{"* * * drop", "silence", ""},
		{"nsec.test MX udp drop first 1", "silence", good},
		{"NSEC.test. mx udp drop", "silence", ""},
		{"*.test MX * drop", "silence", ""},
		{"*.nsec.test MX * drop", good, ""},
		{"other.test MX * drop", good, ""},
		{"nsec.test TXT * drop", good, ""},
		{"nsec.test * tcp drop", good, ""},
		{"* * udp truncate", "NOERROR tc ra ad", ""},
		{"* * * rcode SERVFAIL ede 22", "SERVFAIL ra | | | EDE:22", ""},
		{"* * * rcode REFUSED", "REFUSED ra", ""},
		{"* * * strip-dnssec", "NOERROR ra | nsec.test./MX", ""},
		{"* * * strip-rrsig", "NOERROR ra ad | nsec.test./MX", ""},
		{"* * * wrong-id", "wrong id", ""},
		{"* * * wrong-question", "wrong question wrong.invalid.", ""},
		{"* * * wrong-case", "wrong question NSEC.TEST.", ""},
		{"* * * garbage", "garbage", ""},
		{"* * * lame", "NOERROR | | ./NS", ""},
		{"* * * no-edns-formerr", "FORMERR", ""},
		{"* * * no-edns-notimp", "NOTIMP", ""},
		{"* * * no-edns-drop", "silence", ""},
		{"* * * ignore-edns", "NOERROR ra | nsec.test./MX", ""},
		{"* * * set-ad", good, ""},
		{"* * * ignore-cd", good, ""},
		{"* * * ttl 0", good, ""},
		{"* * * lose-large", good, ""},
		{"* * * drop cd", good, ""},
		{"* * * clear-ad", "NOERROR ra | nsec.test./MX nsec.test./RRSIG:MX", ""},
	} {
		t.Run(c.fault, func(t *testing.T) {
			f, err := dnstest.ParseFault(c.fault)
			if err != nil {
				t.Fatal(err)
			}
			s := w.Resolver()
			for range 2 { // the second is remembered
				if got := faulty(t, s); got != good {
					t.Fatal("without the fault:", got)
				}
			}
			if err := s.AddFaults(f); err != nil {
				t.Fatal(err)
			}
			if got := faulty(t, s); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if c.then == "" {
				c.then = c.want
			}
			if got := faulty(t, s); got != c.then {
				t.Errorf("the second time got %s\nwant %s", got, c.then)
			}
			s.ClearFaults()
			if got := faulty(t, s); got != good {
				t.Error("without the fault again:", got)
			}
		})
	}
}

// faulty asks for nsec.test MX and outlines whatever comes.
func faulty(t *testing.T, s *dnstest.Server) string {
	t.Helper()
	octets, err := s.Exchange(t.Context(), dnstest.UDP, query(t, "nsec.test", "MX", do))
	if err != nil {
		t.Fatal(err)
	}
	if octets == nil {
		return "silence"
	}
	m := new(dns.Msg)
	if m.Unpack(octets) != nil {
		return "garbage"
	}
	if m.Id != 4711 {
		return "wrong id"
	}
	if m.Question[0].Name != "nsec.test." {
		return "wrong question " + m.Question[0].Name
	}
	return outline(m)
}

// Spoilt signatures fail, expired ones are good apart from their time, also for
// records that stem from a wildcard.
func TestSignatureFaults(t *testing.T) {
	w := testWorld(t, now)
	for _, q := range [][2]string{{"nsec.test", "MX"}, {"x.w.nsec.test", "TXT"}, {"no.nsec.test", "A"}, {"no.nsec3.test", "A"}, {"mx.rsa256.test", "A"}, {"nsec.test", "DNSKEY"}, {"*star.nsec.test", "A"}} {
		for kind, want := range map[dnstest.Kind][2]bool{ // verifies, in time
			0:                    {true, true},
			dnstest.CorruptRRSIG: {false, true},
			dnstest.ExpireRRSIG:  {true, false},
		} {
			s := w.Resolver()
			if kind != 0 {
				if err := s.AddFaults(dnstest.Fault{Kind: kind, Name: q[0], Type: dns.StringToType[q[1]]}); err != nil {
					t.Fatal(err)
				}
			}
			m := ask(t, s, dnstest.TCP, q[0], q[1], do|cd)
			checked := 0
			for _, section := range [][]dns.RR{m.Answer, m.Ns} {
				for _, rr := range section {
					sig, ok := rr.(*dns.RRSIG)
					if !ok {
						continue
					}
					checked++
					if got := verifies(t, w, sig, section); got != want[0] {
						t.Errorf("%v, %s: verifies: %t", kind, sig.Hdr.Name, got)
					}
					if got := sig.ValidityPeriod(now); got != want[1] {
						t.Errorf("%v, %s: in time: %t", kind, sig.Hdr.Name, got)
					}
				}
			}
			if checked == 0 {
				t.Error("no signatures in the answer to", q)
			}
		}
	}
}

func verifies(t *testing.T, w *dnstest.World, sig *dns.RRSIG, section []dns.RR) bool {
	t.Helper()
	var set []dns.RR
	for _, rr := range section {
		if h := rr.Header(); h.Name == sig.Hdr.Name && h.Rrtype == sig.TypeCovered {
			set = append(set, rr)
		}
	}
	for _, rr := range ask(t, w.Resolver(), dnstest.TCP, sig.SignerName, "DNSKEY", do|cd).Answer {
		if key, ok := rr.(*dns.DNSKEY); ok && key.KeyTag() == sig.KeyTag {
			return sig.Verify(key, set) == nil
		}
	}
	t.Fatal("no key for", sig)
	return false
}

func TestNoValidation(t *testing.T) {
	s := testWorld(t, now).Resolver()
	if err := s.AddFaults(dnstest.Fault{Kind: dnstest.NoValidation}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mx.corrupt.test", "mx.nsec.test"} {
		want := "NOERROR ra | " + name + "./A " + name + "./RRSIG:A"
		if got := outline(ask(t, s, dnstest.UDP, name, "A", do)); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// Faults that show only in some queries or in larger answers.
func TestSpecialFaults(t *testing.T) {
	w := testWorld(t, now)
	outlined := func(fault, name, qtype, transport string, f int) string {
		s := w.Resolver()
		parsed, err := dnstest.ParseFault(fault)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AddFaults(parsed); err != nil {
			t.Fatal(err)
		}
		octets, err := s.Exchange(t.Context(), transport, query(t, name, qtype, f))
		if err != nil {
			t.Fatal(err)
		}
		if octets == nil {
			return "silence"
		}
		m := new(dns.Msg)
		if err := m.Unpack(octets); err != nil {
			t.Fatal(err)
		}
		if len(m.Answer) > 0 && parsed.Kind == dnstest.TTL {
			return fmt.Sprint("TTL ", m.Answer[0].Header().Ttl)
		}
		return outline(m)
	}
	for _, c := range []struct {
		fault, name, qtype, transport string
		flags                         int
		want                          string
	}{
		{"* * * drop cd", "nsec.test", "MX", dnstest.UDP, do | cd, "silence"},
		{"* * * set-ad", "mx.unsigned.test", "A", dnstest.UDP, do, "NOERROR ra ad | mx.unsigned.test./A"},
		{"* * * ignore-cd", "mx.corrupt.test", "A", dnstest.UDP, do | cd, "SERVFAIL ra cd | | | EDE:6"},
		{"* * * ttl 2147483648", "nsec.test", "MX", dnstest.UDP, do, "TTL 2147483648"},
		{"* * * lose-large", "no.nsec3.test", "A", dnstest.UDP, do, "silence"},
	} {
		if got := outlined(c.fault, c.name, c.qtype, c.transport, c.flags); got != c.want {
			t.Errorf("%s: got %s, want %s", c.fault, got, c.want)
		}
	}
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testWorld(t, time.Now()).Resolver()
		if err := s.AddFaults(dnstest.Fault{Kind: dnstest.Delay, Delay: 50 * time.Millisecond, FirstN: 2}); err != nil {
			t.Fatal(err)
		}
		took := func() time.Duration {
			start := time.Now()
			ask(t, s, dnstest.UDP, "nsec.test", "MX", do)
			return time.Since(start)
		}
		if d := took(); d != 50*time.Millisecond {
			t.Error("the first answer took", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := s.Exchange(ctx, dnstest.UDP, query(t, "nsec.test", "MX", do))
		if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d != 20*time.Millisecond {
			t.Errorf("the context ended after %v with %v", d, err)
		}
		if d := took(); d != 0 {
			t.Error("the third answer took", d)
		}
	})
}

func TestParseFault(t *testing.T) {
	for _, c := range []struct {
		line string
		want string // as String gives it, or the end of the error
	}{
		{"example.test MX udp drop", "example.test MX udp drop"},
		{" *  *  *  delay  1500ms first 3", "* * * delay 1.5s first 3"},
		{"*.example.test type65280 tls rcode servfail ede 22 first 1", "*.example.test TYPE65280 tls rcode SERVFAIL ede 22 first 1"},
		{"example.test * * expire-rrsig first 2 cd", "example.test * * expire-rrsig cd first 2"},
		{"* * * ttl 2147483648", "* * * ttl 2147483648"},
		{"* * * ttl x", "want a TTL"},
		{"example.test MX udp", "want name, type, transport, kind"},
		{"example.test XM udp drop", "unknown type XM"},
		{"example.test MX pigeon drop", `unknown transport "pigeon"`},
		{"example.test MX udp explode", `unknown kind of fault "explode"`},
		{"example.test MX udp delay", `invalid duration ""`},
		{"example.test MX udp delay -1s", "out of range"},
		{"example.test MX udp rcode", "want an RCODE"},
		{"example.test MX udp drop first", "want a number after first"},
		{"example.test MX udp drop first 0", "want a number after first"},
		{"example.test MX udp drop ede 1", `unexpected "ede"`},
		{"example.test MX udp rcode NXDOMAIN ede x", "want a code after ede"},
		{"a..b MX udp drop", `"a..b" is not a name`},
	} {
		f, err := dnstest.ParseFault(c.line)
		got := f.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.HasSuffix(got, c.want)) {
			t.Errorf("%q: got %s, want %s", c.line, got, c.want)
		}
	}
}

// Every kind has a text, and the text leads back to it.
func TestKinds(t *testing.T) {
	for k := dnstest.Drop; k <= dnstest.TTL; k++ {
		if got, err := dnstest.ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%v becomes %v, %v", k, got, err)
		}
	}
	if err := new(dnstest.Server).AddFaults(dnstest.Fault{}); err == nil {
		t.Error("a fault without a kind is accepted")
	}
}

func FuzzParseFault(f *testing.F) {
	f.Add("example.test MX udp drop first 2")
	f.Add("* * * rcode SERVFAIL ede 22")
	f.Add("*.example.test TYPE1234 tls delay 50ms")
	f.Fuzz(func(t *testing.T, line string) {
		fault, err := dnstest.ParseFault(line)
		if err != nil {
			return
		}
		again, err := dnstest.ParseFault(fault.String())
		if err != nil || again.String() != fault.String() {
			t.Errorf("%q becomes %q, %v", line, fault, err)
		}
	})
}
