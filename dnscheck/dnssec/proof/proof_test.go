package proof_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnssec/proof"
	"mailvet/report/evidence"
	"mailvet/scanner/lab"
	"mailvet/testdata"
)

// made scans domains of the built-in Internet and returns their proofs, as
// stored, and the trust anchors.
func made(t testing.TB, want func(domain string) bool) (lines map[string][]byte, anchors []dns.RR) {
	t.Helper()
	l, err := lab.Load(testdata.Scenarios, "scenarios", lab.Options{Now: time.Now(), Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	s := l.Scanner()
	s.Prober, s.Vantage.NoSMTP = nil, true
	resolver := l.Resolver()
	resolver.Validator.Keep = true
	s.Resolver = resolver
	anchors, lines = resolver.Validator.Anchors, map[string][]byte{}
	s.Prove = func(snap *evidence.Snapshot, judged []dnssec.Judged) {
		p, err := proof.New(snap, anchors, judged)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := proof.Encode(&b, p); err != nil {
			t.Fatal(err)
		}
		lines[snap.Domain] = b.Bytes()
	}
	for _, d := range l.Domains() {
		if want == nil || want(d) {
			if _, err := s.Scan(context.Background(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return lines, anchors
}

// TestVerify: every proof holds under the anchors it was made with, and shows
// nothing secure under others.
func TestVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines, anchors := made(t, nil)
		seen := map[evidence.Security]int{}
		for domain, line := range lines {
			p, err := proof.Decode(line)
			if err != nil {
				t.Fatalf("%s: %v", domain, err)
			}
			list, err := p.Verify(t.Context(), anchors)
			if err != nil {
				t.Fatalf("%s: %v", domain, err)
			}
			for _, v := range list {
				seen[v.Found]++
				if v.Problem != "" {
					t.Errorf("%s: %s %s: %s", domain, v.Name, v.Type, v.Problem)
				}
			}
			if list, err = p.Verify(t.Context(), dnssec.RootAnchors()); err != nil {
				t.Fatalf("%s: %v", domain, err)
			}
			for _, v := range list {
				if v.Problem == "" {
					t.Errorf("%s: %s %s holds under another root", domain, v.Name, v.Type)
				}
			}
			var again bytes.Buffer
			if err := proof.Encode(&again, p); err != nil || !bytes.Equal(again.Bytes(), line) {
				t.Errorf("%s: another form on the way back: %v", domain, err)
			}
		}
		if len(lines) < 20 || seen[evidence.SecuritySecure] < 100 || seen[evidence.SecurityInsecure] == 0 || seen[evidence.SecurityBogus] == 0 {
			t.Errorf("%d proofs, answers by security: %v", len(lines), seen)
		}
	})
}

func only(name string) func(string) bool { return func(d string) bool { return d == name } }

// TestFlips changes every octet of a stored proof.
func TestFlips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines, anchors := made(t, only("nullmx.test"))
		line := lines["nullmx.test"]
		for i := range len(line) - 1 { // not the line end
			changed := slices.Clone(line)
			changed[i] ^= [...]byte{0x01, 0x20, 0x04}[i%3]
			p, err := proof.Decode(changed)
			if err != nil {
				continue
			}
			list, err := p.Verify(t.Context(), anchors)
			if err == nil && !slices.ContainsFunc(list, func(v proof.Verdict) bool { return v.Problem != "" }) {
				t.Errorf("octet %d of %d: a change from %q to %q goes unnoticed", i, len(line), line[i], changed[i])
			}
		}
	})
}

// TestForged changes octets of the data and makes the digest anew: what is
// signed protects itself.
func TestForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines, anchors := made(t, only("nullmx.test"))
		changes, unnoticed := 0, 0
		try := func(what string, change func(p *proof.Proof)) {
			p, err := proof.Decode(lines["nullmx.test"])
			if err != nil {
				t.Fatal(err)
			}
			change(p)
			changes++
			list, err := p.Verify(t.Context(), anchors)
			if err == nil && !slices.ContainsFunc(list, func(v proof.Verdict) bool { return v.Problem != "" }) {
				unnoticed++
				t.Errorf("%s: the change goes unnoticed", what)
			}
		}
		p, err := proof.Decode(lines["nullmx.test"])
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range p.Messages {
			for j, text := range m.Answer {
				rr, err := dns.NewRR(text)
				if err != nil {
					t.Fatal(err)
				}
				wire := make([]byte, dns.Len(rr)+16)
				n, err := dns.PackRR(rr, wire, 0, nil, false)
				if err != nil {
					t.Fatal(err)
				}
				rdata := n - int(rr.Header().Rdlength)
				for at := rdata; at < n; at++ {
					changed := slices.Clone(wire[:n])
					changed[at] ^= 0x11
					other, _, err := dns.UnpackRR(changed, 0)
					if err != nil || same(rr, other) {
						continue
					}
					try(m.Name+" "+m.Type+" "+text, func(p *proof.Proof) {
						p.Messages[i].Answer = slices.Clone(p.Messages[i].Answer)
						p.Messages[i].Answer[j] = other.String()
					})
				}
			}
		}
		for i := range p.Answers {
			if len(p.Answers[i].Records) > 0 {
				try("recorded data", func(p *proof.Proof) { p.Answers[i].Records[0].Data = "0 elsewhere.test." })
				try("recorded outcome", func(p *proof.Proof) { p.Answers[i].Outcome = evidence.OutcomeNoData })
			}
			try("recorded security", func(p *proof.Proof) { p.Answers[i].Security = evidence.SecurityInsecure })
			try("time after expiry", func(p *proof.Proof) { p.Answers[i].Steps[0].Time = p.Time.AddDate(1, 0, 0) })
			try("time before inception", func(p *proof.Proof) { p.Answers[i].Steps[0].Time = p.Time.AddDate(-1, 0, 0) })
			try("no steps", func(p *proof.Proof) { p.Answers[i].Steps = nil })
			try("no chain", func(p *proof.Proof) { p.Answers[i].Steps[0].Chain = nil })
			try("another name", func(p *proof.Proof) { p.Answers[i].Name = "www.example.test" })
			try("another reply", func(p *proof.Proof) { p.Answers[i].Steps[0].Reply = 0 })
			try("a reply that is not there", func(p *proof.Proof) { p.Answers[i].Steps[0].Reply = -1 })
			try("a message that is not there", func(p *proof.Proof) { p.Answers[i].Steps[0].Chain[0] = 1 << 30 })
		}
		if changes < 500 {
			t.Errorf("only %d changes", changes)
		}
		t.Logf("%d changes, %d unnoticed", changes, unnoticed)
	})
}

// same reports whether two records are one to a validator: names in signed
// data have no case.
func same(a, b dns.RR) bool { return strings.EqualFold(a.String(), b.String()) }

// TestRecords: odd records come back with the same octets.
func TestRecords(t *testing.T) {
	sig, err := dns.NewRR("a.test. 300 IN RRSIG TXT 13 2 300 20261206073017 20261122060017 12557 test. " + base64.StdEncoding.EncodeToString(make([]byte, 64)))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`a.test. 300 IN TXT "a\"b\\c;d" "\000\255\010" ""`,
		`a\032b\.c\@.test. 300 IN A 192.0.2.1`,
		`a.test. 300 IN TYPE65280 \# 3 abcdef`,
		`a.test. 300 IN TYPE65280 \# 0`,
		`a.test. 300 IN HTTPS 1 svc.test. alpn="h2,h3" port=8443`,
		`a.test. 300 IN CAA 0 issue "ca.example; x=\"y\""`,
		`a.test. 300 IN NSEC3 1 1 0 - 0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM A RRSIG TYPE65280`,
		`a.test. 300 IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m`,
	} {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		name, typ := rr.Header().Name, rr.Header().Rrtype
		reply := &dns.Msg{Answer: []dns.RR{rr, sig}}
		snap := &evidence.Snapshot{Domain: "a.test", Time: time.Unix(1795300000, 0).UTC(), Lookups: []evidence.Lookup{{Name: "a.test", Type: "MX", Outcome: evidence.OutcomeNoData, Security: evidence.SecurityInsecure}}}
		snap.Canonical()
		p, err := proof.New(snap, nil, []dnssec.Judged{{Lookup: snap.Lookups[0], Proofs: []*dnssec.Proof{{Name: name, Type: typ, Reply: reply}}}})
		if err != nil {
			t.Fatal(err)
		}
		back, err := dns.NewRR(p.Messages[0].Answer[0])
		if err != nil {
			t.Fatalf("%s is stored as %q: %v", text, p.Messages[0].Answer[0], err)
		}
		want, got := make([]byte, 512), make([]byte, 512)
		n, err1 := dns.PackRR(rr, want, 0, nil, false)
		m, err2 := dns.PackRR(back, got, 0, nil, false)
		if err1 != nil || err2 != nil || !bytes.Equal(want[:n], got[:m]) {
			t.Errorf("%s comes back as %s", text, back)
		}
	}
}

// TestBounds: what does not fit is counted, and the rest still holds together.
func TestBounds(t *testing.T) {
	snap := &evidence.Snapshot{Domain: "a.test", Time: time.Unix(1795300000, 0).UTC()}
	var judged []dnssec.Judged
	big := &dns.TXT{Hdr: dns.RR_Header{Name: "a.test.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: slices.Repeat([]string{strings.Repeat("x", 255)}, 200)}
	for i := range 60 {
		l := evidence.Lookup{Name: "h" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".test", Type: "SOA", Outcome: evidence.OutcomeNoData, Security: evidence.SecurityInsecure}
		snap.Lookups = append(snap.Lookups, l)
		judged = append(judged, dnssec.Judged{Lookup: l, Proofs: []*dnssec.Proof{{Name: l.Name + ".", Type: dns.TypeSOA, Reply: &dns.Msg{Ns: []dns.RR{big, big}}}}})
	}
	snap.Canonical()
	p, err := proof.New(snap, nil, judged)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := proof.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	if p.LeftOut == 0 || p.LeftOut+len(p.Answers) != 60 || len(p.Messages) != len(p.Answers) || b.Len() > proof.MaxEncoded {
		t.Errorf("%d answers, %d messages, %d left out, %d octets", len(p.Answers), len(p.Messages), p.LeftOut, b.Len())
	}
	if _, err := proof.Decode(b.Bytes()); err != nil {
		t.Error(err)
	}
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		``:                                      "decode",
		`[]`:                                    "decode",
		`{"schema":"other/v1"}`:                 "schema",
		`{"schema":"mailvet.proof/v1"}`:         "digest",
		`{"schema":"mailvet.proof/v1","new":1}`: "unknown field",
		`{"schema":"mailvet.proof/v1"} {"schema":""}`: "after the end",
	} {
		if _, err := proof.Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := proof.Decode([]byte(`{"schema":"mailvet.proof/v1"}`)); !errors.Is(err, proof.ErrDamaged) {
		t.Error(err)
	}
}

// FuzzVerify: whatever stands in a file, nothing panics or hangs, and nothing
// is secure under an anchor that nobody can sign with.
func FuzzVerify(f *testing.F) {
	lines, _ := made(f, func(d string) bool { return d == "nullmx.test" || d == "bogus.test" })
	for _, line := range lines {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		p, err := proof.Decode(line)
		if err != nil {
			return
		}
		list, err := p.Verify(t.Context(), dnssec.RootAnchors())
		if err != nil {
			return
		}
		for _, v := range list {
			if v.Found == evidence.SecuritySecure {
				t.Errorf("%s %s is secure", v.Name, v.Type)
			}
		}
	})
}
