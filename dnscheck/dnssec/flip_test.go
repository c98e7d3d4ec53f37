package dnssec_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
)

// signedQuestions have secure answers of all kinds in the world.
var signedQuestions = []struct {
	name string
	typ  uint16
}{
	{"nsec.test.", dns.TypeMX},
	{"www.nsec.test.", dns.TypeA},
	{"www.nsec.test.", dns.TypeAAAA},
	{"nothing.nsec.test.", dns.TypeA},
	{"x.wild.nsec.test.", dns.TypeTXT},
	{"x.wild.nsec.test.", dns.TypeA},
	{"x.walias.nsec.test.", dns.TypeA},
	{"host.old.nsec.test.", dns.TypeA},
	{"nsec3.test.", dns.TypeTXT},
	{"a.nothing.nsec3.test.", dns.TypeA},
	{"x.y.wild.nsec3.test.", dns.TypeTXT},
	{"x.wild.nsec3.test.", dns.TypeA},
	{"sub.nsec.test.", dns.TypeDS},
	{"unsigned.test.", dns.TypeDS},
	{"www.alg8.test.", dns.TypeA},
	{"www.alg15.test.", dns.TypeA},
}

// outcome is what somebody who asked reads from a reply: the data along the
// aliases, as text in lower case, without TTLs.
func outcome(m *dns.Msg, name string, typ uint16) []string {
	var list []string
	for range 20 {
		var target string
		var found []string
		for _, rr := range m.Answer {
			h := rr.Header()
			if h.Class != dns.ClassINET || dns.CanonicalName(h.Name) != name {
				continue
			}
			c, isAlias := rr.(*dns.CNAME)
			if h.Rrtype != typ && !isAlias {
				continue
			}
			if h.Rrtype != typ {
				target = dns.CanonicalName(c.Target)
			}
			rr = dns.Copy(rr)
			rr.Header().Ttl = 0
			text := rr.String()
			if typ != dns.TypeTXT {
				text = strings.ToLower(text)
			} else {
				text = text[len(h.Name):]
			}
			found = append(found, text)
		}
		slices.Sort(found)
		list = append(list, slices.Compact(found)...)
		if target == "" {
			return list
		}
		name = target
	}
	return list
}

// reply is a recorded reply in octets, with what it says.
type recorded struct {
	name  string
	typ   uint16
	wire  []byte
	truth []string
}

func record(t testing.TB, l *lab, v *dnssec.Validator) []recorded {
	t.Helper()
	var list []recorded
	for _, q := range signedQuestions {
		m, err := l.Fetch(t.Context(), q.name, q.typ)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Validate(t.Context(), l, q.name, q.typ, m); got.Security != secure {
			t.Fatalf("%s %s: %s %q", q.name, dns.Type(q.typ), got.Security, got.Reason)
		}
		m.Compress = false // so that a change is in one place only
		wire, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, recorded{q.name, q.typ, wire, outcome(m, q.name, q.typ)})
	}
	return list
}

// check judges octets as the reply to a question: if they are secure, they say
// what the recorded reply says.
func (r *recorded) check(t *testing.T, v *dnssec.Validator, l *lab, wire []byte) (isSecure bool) {
	t.Helper()
	m := new(dns.Msg)
	if m.Unpack(wire) != nil {
		return false
	}
	got := v.Validate(t.Context(), l, r.name, r.typ, m)
	if got.Security != secure {
		return false
	}
	if said := outcome(m, r.name, r.typ); !slices.Equal(said, r.truth) {
		t.Errorf("%s %s: %q is secure; the zone says %q", r.name, dns.Type(r.typ), said, r.truth)
	}
	return true
}

// TestFlips changes every octet of signed replies.
func TestFlips(t *testing.T) {
	l := internet(t)
	v := l.validator()
	for _, r := range record(t, l, v) {
		still := 0
		for i := range r.wire {
			wire := slices.Clone(r.wire)
			wire[i] ^= [...]byte{0x01, 0xa0, 0xff}[i%3]
			if r.check(t, v, l, wire) {
				still++
			}
		}
		if still == 0 || still > len(r.wire)*3/5 {
			t.Errorf("%s %s: %d of %d changes go unnoticed; some must, as those of the id and the TTLs, but not so many", r.name, dns.Type(r.typ), still, len(r.wire))
		}
	}
}

// TestMissing leaves out every record, and every pair of records, of signed
// replies.
func TestMissing(t *testing.T) {
	l := internet(t)
	v := l.validator()
	for _, r := range record(t, l, v) {
		whole := new(dns.Msg)
		if err := whole.Unpack(r.wire); err != nil {
			t.Fatal(err)
		}
		n := len(whole.Answer) + len(whole.Ns)
		for i := range n {
			for j := range n {
				m := whole.Copy()
				m.Answer, m.Ns = nil, nil
				for k := range n {
					switch {
					case k == i || k == j:
					case k < len(whole.Answer):
						m.Answer = append(m.Answer, whole.Answer[k])
					default:
						m.Ns = append(m.Ns, whole.Ns[k-len(whole.Answer)])
					}
				}
				wire, err := m.Pack()
				if err != nil {
					t.Fatal(err)
				}
				r.check(t, v, l, wire)
			}
		}
	}
}

// TestChainFlips changes every octet of the DS and DNSKEY answers: the reply
// may then be judged anything, but there must be no panic, and secure only
// where the change is of no matter.
func TestChainFlips(t *testing.T) {
	l := internet(t)
	m, err := l.Fetch(t.Context(), "nsec.test.", dns.TypeMX)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		name string
		typ  uint16
	}{{".", dns.TypeDNSKEY}, {"test.", dns.TypeDS}, {"nsec.test.", dns.TypeDNSKEY}} {
		good, err := l.Fetch(t.Context(), q.name, q.typ)
		if err != nil {
			t.Fatal(err)
		}
		good.Compress = false
		wire, err := good.Pack()
		if err != nil {
			t.Fatal(err)
		}
		for i := range wire {
			changed := slices.Clone(wire)
			changed[i] ^= 0x11
			bad := new(dns.Msg)
			if bad.Unpack(changed) != nil {
				continue
			}
			src := &swap{lab: l, name: q.name, typ: q.typ, msg: bad}
			got := l.validator().Validate(t.Context(), src, "nsec.test.", dns.TypeMX, m)
			if got.Security == secure && !slices.Equal(outcome(bad, q.name, q.typ), outcome(good, q.name, q.typ)) {
				t.Errorf("%s %s: octet %d changed, and secure", q.name, dns.Type(q.typ), i)
			}
			if got.Security == insecure && q.typ != dns.TypeDS {
				t.Errorf("%s %s: octet %d changed, and insecure: %q", q.name, dns.Type(q.typ), i, got.Reason)
			}
		}
	}
}

// swap answers one question with another message.
type swap struct {
	*lab
	name string
	typ  uint16
	msg  *dns.Msg
}

func (s *swap) Fetch(ctx context.Context, name string, typ uint16) (*dns.Msg, error) {
	if dns.CanonicalName(name) == s.name && typ == s.typ {
		return s.msg, nil
	}
	return s.lab.Fetch(ctx, name, typ)
}

func FuzzValidate(f *testing.F) {
	l := internet(f)
	v := l.validator()
	list := record(f, l, v)
	for i, r := range list {
		f.Add(uint8(i), r.wire)
	}
	f.Fuzz(func(t *testing.T, which uint8, wire []byte) {
		r := list[int(which)%len(list)]
		r.check(t, v, l, wire)
	})
}

// FuzzChain lets octets be the answer to every DS and DNSKEY question.
func FuzzChain(f *testing.F) {
	l := internet(f)
	reply, err := l.Fetch(f.Context(), "nsec.test.", dns.TypeMX)
	if err != nil {
		f.Fatal(err)
	}
	for _, q := range []string{".", "test.", "nsec.test."} {
		for _, typ := range []uint16{dns.TypeDS, dns.TypeDNSKEY} {
			m, err := l.Fetch(f.Context(), q, typ)
			if err != nil {
				f.Fatal(err)
			}
			wire, err := m.Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(wire)
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		m := new(dns.Msg)
		if m.Unpack(wire) != nil {
			return
		}
		got := l.validator().Validate(t.Context(), always{m}, "nsec.test.", dns.TypeMX, reply)
		if got.Security == secure {
			t.Errorf("one answer to all questions, and secure")
		}
	})
}

type always struct{ msg *dns.Msg }

func (a always) Fetch(context.Context, string, uint16) (*dns.Msg, error) { return a.msg, nil }
