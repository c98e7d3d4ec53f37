package dane_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/certificate"
	"mailvet/smtpcheck/dane"
)

const host = "mx.example.test"

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// pki is a root, an intermediate and some server certificates.
type pki struct {
	root, inter                      *x509.Certificate
	rootKey, interKey                crypto.Signer
	leaf, expired, otherName, cnOnly []byte
	selfSigned, weak, other          []byte
}

func newKey(tb testing.TB) crypto.Signer {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func issue(tb testing.TB, tmpl, parent *x509.Certificate, key crypto.PublicKey, signer crypto.Signer) []byte {
	tb.Helper()
	tmpl.SerialNumber = big.NewInt(int64(now.Year()))
	if tmpl.NotAfter.IsZero() {
		tmpl.NotBefore, tmpl.NotAfter = now.AddDate(-6, 0, 0), now.AddDate(94, 0, 0) // also by the clock of other tools
	}
	if parent == nil {
		parent = tmpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key, signer)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
}

func server(names ...string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: "server"}, DNSNames: names}
}

func parse(tb testing.TB, der []byte) *x509.Certificate {
	tb.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func newPKI(tb testing.TB) *pki {
	tb.Helper()
	p := &pki{rootKey: newKey(tb), interKey: newKey(tb)}
	p.root = parse(tb, issue(tb, authority("Root"), nil, p.rootKey.Public(), p.rootKey))
	p.inter = parse(tb, issue(tb, authority("Intermediate"), p.root, p.interKey.Public(), p.rootKey))
	p.leaf = issue(tb, server(host), p.inter, newKey(tb).Public(), p.interKey)
	old := server(host)
	old.NotBefore, old.NotAfter = now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0)
	p.expired = issue(tb, old, p.inter, newKey(tb).Public(), p.interKey)
	p.otherName = issue(tb, server("other.example.test"), p.inter, newKey(tb).Public(), p.interKey)
	p.cnOnly = issue(tb, &x509.Certificate{Subject: pkix.Name{CommonName: host}}, p.inter, newKey(tb).Public(), p.interKey)
	key := newKey(tb)
	p.selfSigned = issue(tb, server(host), nil, key.Public(), key)
	key = newKey(tb)
	p.other = issue(tb, server(host), nil, key.Public(), key)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		tb.Fatal(err)
	}
	p.weak = issue(tb, server(host), p.inter, weak.Public(), p.interKey)
	return p
}

func (p *pki) chain(leaf []byte) [][]byte { return [][]byte{leaf, p.inter.Raw, p.root.Raw} }

// tlsa makes the record of that form for a certificate.
func tlsa(tb testing.TB, usage, selector, matching uint8, der []byte) evidence.TLSA {
	tb.Helper()
	data := der
	if selector == dane.SPKI {
		var err error
		if data, err = certificate.SPKI(der); err != nil {
			tb.Fatal(err)
		}
	}
	switch matching {
	case dane.SHA256:
		sum := sha256.Sum256(data)
		data = sum[:]
	case dane.SHA512:
		sum := sha512.Sum512(data)
		data = sum[:]
	}
	return evidence.TLSA{Usage: usage, Selector: selector, Matching: matching, Data: data}
}

// row is a case for both readings.
type row struct {
	name    string
	records []evidence.TLSA
	chain   [][]byte
	trust   evidence.Trust
	verdict dane.Verdict
	first   dane.Status // of the first record
	compat  dane.CompatStatus
}

func rows(tb testing.TB, p *pki) []row {
	record := func(u, s, m uint8, der []byte) evidence.TLSA { return tlsa(tb, u, s, m, der) }
	one := func(u, s, m uint8, der []byte) []evidence.TLSA { return []evidence.TLSA{record(u, s, m, der)} }
	full := p.chain(p.leaf)
	const (
		none, failed, validated = dane.CompatNone, dane.CompatFailed, dane.CompatValidated
		trusted, untrusted      = evidence.Trusted, evidence.Untrusted
	)
	list := []row{
		{"no records", nil, full, trusted, dane.NoRecords, 0, none},
		{"no chain", one(3, 1, 1, p.leaf), nil, 0, dane.Unknown, dane.NotTried, none},
		{"3 1 1 with a wrong name", one(3, 1, 1, p.otherName), p.chain(p.otherName), trusted, dane.Validated, dane.Matched, validated},
		{"3 0 1 expired", one(3, 0, 1, p.expired), p.chain(p.expired), untrusted, dane.Validated, dane.Matched, validated},
		{"3 1 1 self-signed", one(3, 1, 1, p.selfSigned), [][]byte{p.selfSigned}, untrusted, dane.Validated, dane.Matched, validated},
		{"3 1 1 of another key", one(3, 1, 1, p.other), full, trusted, dane.Mismatched, dane.NoMatch, failed},
		{"3 1 1 of the issuer", one(3, 1, 1, p.inter.Raw), full, trusted, dane.Mismatched, dane.NoMatch, failed},
		{"2 1 1 of the intermediate", one(2, 1, 1, p.inter.Raw), full[:2], untrusted, dane.Validated, dane.Matched, validated},
		{"2 0 1 of the root, sent", one(2, 0, 1, p.root.Raw), full, untrusted, dane.Validated, dane.Matched, validated},
		{"2 0 1 of the root, not sent", one(2, 0, 1, p.root.Raw), full[:2], trusted, dane.Mismatched, dane.NoMatch, failed},
		{"2 0 1, chain in wrong order", one(2, 0, 1, p.root.Raw), [][]byte{p.leaf, p.root.Raw, p.inter.Raw}, untrusted, dane.Validated, dane.Matched, validated},
		{"2 0 1 of the root, intermediate missing", one(2, 0, 1, p.root.Raw), [][]byte{p.leaf, p.root.Raw}, untrusted, dane.Mismatched, dane.NoPath, failed},
		{"2 1 1 with a wrong name", one(2, 1, 1, p.inter.Raw), p.chain(p.otherName), trusted, dane.Mismatched, dane.WrongName, failed},
		{"2 1 1 expired", one(2, 1, 1, p.inter.Raw), p.chain(p.expired), untrusted, dane.Mismatched, dane.OutsideValidity, failed},
		{"2 1 1, name in the common name only", one(2, 1, 1, p.inter.Raw), p.chain(p.cnOnly), untrusted, dane.Validated, dane.Matched, validated},
		{"2 1 1, first certificate no certificate", one(2, 1, 1, p.inter.Raw), [][]byte{[]byte("no"), p.inter.Raw}, 0, dane.Mismatched, dane.Unreadable, none},
		{"2 0 0, anchor not sent", one(2, 0, 0, p.root.Raw), full[:2], untrusted, dane.Validated, dane.Matched, validated},
		{"2 0 0, anchor sent", one(2, 0, 0, p.root.Raw), full, untrusted, dane.Validated, dane.Matched, validated},
		{"2 1 0, key of the top's issuer", one(2, 1, 0, p.inter.Raw), full[:1], untrusted, dane.Validated, dane.Matched, validated},
		{"2 1 0, key of nobody here", one(2, 1, 0, p.selfSigned), full, untrusted, dane.Mismatched, dane.NoMatch, failed},
		{"1 1 1 only", one(1, 1, 1, p.leaf), full, trusted, dane.Unusable, dane.UsagePKIX, none},
		{"0 0 1 only", one(0, 0, 1, p.root.Raw), full, trusted, dane.Unusable, dane.UsagePKIX, none},
		{"1 1 1 beside a 3 1 1 that matches nothing, trusted", []evidence.TLSA{record(1, 1, 1, p.leaf), record(3, 1, 1, p.other)}, full, trusted, dane.Mismatched, dane.UsagePKIX, validated},
		{"1 1 1 beside a 3 1 1 that matches nothing, untrusted", []evidence.TLSA{record(1, 1, 1, p.leaf), record(3, 1, 1, p.other)}, full, untrusted, dane.Mismatched, dane.UsagePKIX, failed},
		{"1 1 1 beside a 3 1 1 that matches nothing, wrong name", []evidence.TLSA{record(1, 1, 1, p.otherName), record(3, 1, 1, p.other)}, p.chain(p.otherName), trusted, dane.Mismatched, dane.UsagePKIX, failed},
		{"1 1 1 superseded by a 1 1 2", []evidence.TLSA{record(1, 1, 1, p.leaf), record(1, 1, 2, p.other), record(3, 1, 1, p.other)}, full, trusted, dane.Mismatched, dane.UsagePKIX, failed},
		{"0 0 1 beside a 3 1 1 that matches nothing, trusted", []evidence.TLSA{record(0, 0, 1, p.inter.Raw), record(3, 1, 1, p.other)}, full, trusted, dane.Mismatched, dane.UsagePKIX, validated},
		{"unknown matching type", []evidence.TLSA{{Usage: 3, Selector: 1, Matching: 3, Data: make([]byte, 32)}}, full, trusted, dane.Unusable, dane.UnknownMatching, failed},
		{"unknown selector", []evidence.TLSA{{Usage: 3, Selector: 2, Matching: 1, Data: make([]byte, 32)}}, full, trusted, dane.Unusable, dane.UnknownSelector, failed},
		{"unknown usage", []evidence.TLSA{{Usage: 4, Selector: 1, Matching: 1, Data: make([]byte, 32)}}, full, trusted, dane.Unusable, dane.UnknownUsage, failed},
		{"short SHA-256", []evidence.TLSA{{Usage: 3, Selector: 1, Matching: 1, Data: make([]byte, 31)}}, full, trusted, dane.Unusable, dane.BadData, failed},
		{"long SHA-512", []evidence.TLSA{{Usage: 3, Selector: 1, Matching: 2, Data: make([]byte, 65)}}, full, trusted, dane.Unusable, dane.BadData, failed},
		{"2 0 0 with no certificate in it", []evidence.TLSA{{Usage: 2, Selector: 0, Matching: 0, Data: []byte("no")}}, full, trusted, dane.Unusable, dane.BadData, failed},
		{"an unusable one and a matching one", []evidence.TLSA{{Usage: 3, Selector: 1, Matching: 9, Data: []byte{1}}, record(3, 1, 1, p.leaf)}, full, trusted, dane.Validated, dane.UnknownMatching, validated},
		{"weaker digest right, stronger wrong", []evidence.TLSA{record(3, 1, 1, p.leaf), record(3, 1, 2, p.other)}, full, trusted, dane.Mismatched, dane.Superseded, failed},
		{"weaker digest wrong, stronger right", []evidence.TLSA{record(3, 1, 1, p.other), record(3, 1, 2, p.leaf)}, full, trusted, dane.Validated, dane.Superseded, validated},
		{"the other selector is not superseded", []evidence.TLSA{record(3, 0, 1, p.leaf), record(3, 1, 2, p.other)}, full, trusted, dane.Validated, dane.Matched, validated},
		{"RSA key of 1024 bits", one(3, 1, 1, p.weak), p.chain(p.weak), untrusted, dane.Validated, dane.Matched, failed},
	}
	// Every usable form, right and wrong.
	for _, usage := range []uint8{dane.DANETA, dane.DANEEE} {
		der := p.leaf
		if usage == dane.DANETA {
			der = p.inter.Raw
		}
		for _, selector := range []uint8{dane.Cert, dane.SPKI} {
			for _, matching := range []uint8{dane.Full, dane.SHA256, dane.SHA512} {
				form := fmt.Sprintf("%d %d %d ", usage, selector, matching)
				wrong := dane.NoMatch
				if usage == dane.DANETA && selector == dane.Cert && matching == dane.Full {
					wrong = dane.NoPath // the anchor is at hand, in the record
				}
				list = append(list,
					row{form + "right", one(usage, selector, matching, der), full, trusted, dane.Validated, dane.Matched, validated},
					row{form + "wrong", one(usage, selector, matching, p.other), full, trusted, dane.Mismatched, wrong, failed})
			}
		}
	}
	return list
}

func TestVerify(t *testing.T) {
	for _, r := range rows(t, newPKI(t)) {
		t.Run(r.name, func(t *testing.T) {
			in := dane.Input{Records: r.records, Chain: r.chain, Names: []string{host}, Time: now}
			res := dane.Verify(in)
			if res.Verdict != r.verdict {
				t.Errorf("verdict %v, want %v", res.Verdict, r.verdict)
			}
			if len(res.Records) != len(r.records) {
				t.Fatalf("%d records became %d", len(r.records), len(res.Records))
			}
			if len(res.Records) > 0 && res.Records[0].Status != r.first {
				t.Errorf("first record %v, want %v", res.Records[0].Status, r.first)
			}
			if got := dane.Compat(in, host, r.trust); got != r.compat {
				t.Errorf("compat %v, want %v", got, r.compat)
			}
		})
	}
}

// With a memo the answers are those without: for all rows one after another,
// under other names, at the edges of every certificate's time, and for a chain
// in which one octet differs.
func TestMemo(t *testing.T) {
	p := newPKI(t)
	memo := new(evidence.Memo)
	var chains [][][]byte
	compare := func(what string, in dane.Input, trust evidence.Trust) {
		t.Helper()
		want, compat := dane.Verify(in), dane.Compat(in, host, trust)
		in.Memo = memo
		for range 2 {
			if got := dane.Verify(in); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, without memo %v", what, got, want)
			}
			if got := dane.Compat(in, host, trust); got != compat {
				t.Errorf("%s: compat %v, without memo %v", what, got, compat)
			}
		}
	}
	times := []time.Time{now}
	for _, der := range [][]byte{p.leaf, p.expired, p.inter.Raw} {
		c := parse(t, der)
		for _, edge := range []time.Time{c.NotBefore, c.NotAfter} {
			times = append(times, edge.Add(-time.Nanosecond), edge, edge.Add(time.Nanosecond))
		}
	}
	for _, r := range rows(t, p) {
		chains = append(chains, r.chain)
		for _, at := range times {
			compare(r.name, dane.Input{Records: r.records, Chain: r.chain, Names: []string{host}, Time: at}, r.trust)
			compare(r.name, dane.Input{Records: r.records, Chain: r.chain, Names: []string{"elsewhere.test"}, Time: at}, r.trust)
		}
	}
	for _, chain := range chains {
		for i := range chain {
			other := slices.Clone(chain)
			other[i] = slices.Clone(chain[i])
			if len(other[i]) == 0 {
				continue
			}
			other[i][len(other[i])-1] ^= 1 // within the signature
			for _, anchor := range [][]byte{p.inter.Raw, p.root.Raw} {
				record := tlsa(t, dane.DANETA, dane.SPKI, dane.SHA256, anchor)
				compare("an octet differs", dane.Input{Records: []evidence.TLSA{record}, Chain: other, Names: []string{host}, Time: now}, evidence.Untrusted)
			}
		}
	}
}

func TestScheme(t *testing.T) {
	p := newPKI(t)
	record := func(u, s, m uint8, der []byte) evidence.TLSA { return tlsa(t, u, s, m, der) }
	cases := []struct {
		name    string
		records []evidence.TLSA
		want    dane.Rollover
		compat  bool
	}{
		{"none", nil, dane.RolloverNone, false},
		{"one", []evidence.TLSA{record(3, 1, 1, p.leaf)}, dane.RolloverNone, false},
		{"nothing matches", []evidence.TLSA{record(3, 1, 1, p.other), record(3, 1, 1, p.selfSigned)}, dane.RolloverNone, true},
		// RFC 7671, Section 8.1: current and next key.
		{"current and next", []evidence.TLSA{record(3, 1, 1, p.leaf), record(3, 1, 1, p.other)}, dane.RolloverNextKey, true},
		// RFC 7671, Section 8.4: the current key, and the issuer.
		{"key and issuer", []evidence.TLSA{record(3, 1, 1, p.leaf), record(2, 1, 1, p.inter.Raw)}, dane.RolloverIssuer, true},
		{"two issuers", []evidence.TLSA{record(2, 1, 1, p.root.Raw), record(2, 1, 1, p.inter.Raw)}, dane.RolloverIssuer, false},
		{"issuer and next issuer", []evidence.TLSA{record(2, 1, 1, p.inter.Raw), record(2, 1, 1, p.other)}, dane.RolloverNextKey, false},
		{"the same key by two digests", []evidence.TLSA{record(3, 1, 1, p.leaf), record(3, 1, 2, p.leaf)}, dane.RolloverSameKey, true},
		{"certificate and key", []evidence.TLSA{record(3, 0, 1, p.leaf), record(3, 1, 1, p.leaf)}, dane.RolloverSameKey, true},
		{"beside an unusable one", []evidence.TLSA{record(3, 1, 1, p.leaf), {Usage: 3, Selector: 1, Matching: 7}}, dane.RolloverNone, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res := dane.Verify(dane.Input{Records: c.records, Chain: p.chain(p.leaf), Names: []string{host}, Time: now})
			if got := dane.Scheme(res); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
			if got := dane.CompatRollover(c.records); got != c.compat {
				t.Errorf("compat %v, want %v", got, c.compat)
			}
		})
	}
}

// Names of RFC 7672, Section 3.2.2: any one of the reference identifiers will do.
func TestVerifyNames(t *testing.T) {
	p := newPKI(t)
	in := dane.Input{Records: []evidence.TLSA{tlsa(t, 2, 1, 1, p.inter.Raw)}, Chain: p.chain(p.leaf), Time: now}
	for _, c := range []struct {
		names []string
		want  dane.Verdict
	}{
		{nil, dane.Mismatched},
		{[]string{"alias.example.test", host}, dane.Validated},
		{[]string{"MX.example.TEST"}, dane.Validated},
		{[]string{"example.test"}, dane.Mismatched},
		{[]string{"192.0.2.1"}, dane.Mismatched},
		{[]string{"."}, dane.Mismatched},
	} {
		in.Names = c.names
		if got := dane.Verify(in); got.Verdict != c.want {
			t.Errorf("%q: %v, want %v", c.names, got.Verdict, c.want)
		}
	}
}

// A chain longer than any sound one is cut, not followed.
func TestVerifyLongChain(t *testing.T) {
	p := newPKI(t)
	chain := [][]byte{p.leaf}
	for range 1000 {
		chain = append(chain, p.other)
	}
	chain = append(chain, p.inter.Raw)
	res := dane.Verify(dane.Input{Records: []evidence.TLSA{tlsa(t, 2, 1, 1, p.inter.Raw)}, Chain: chain, Names: []string{host}, Time: now})
	if res.Verdict != dane.Mismatched {
		t.Errorf("%v: the end of the chain was looked at", res.Verdict)
	}
}

func TestText(t *testing.T) {
	if s := fmt.Sprint(dane.Unknown, dane.Validated, dane.NotTried, dane.Matched, dane.CompatValidated, dane.RolloverNextKey); s != "unknown validated not-tried matched validated next-key" {
		t.Error(s)
	}
}

func FuzzVerify(f *testing.F) {
	p := newPKI(f)
	for _, r := range rows(f, p)[:4] {
		for _, rec := range r.records {
			f.Add(rec.Usage, rec.Selector, rec.Matching, rec.Data, p.leaf, p.inter.Raw)
		}
	}
	f.Add(uint8(2), uint8(1), uint8(0), []byte{0x30}, []byte{}, []byte{0x30, 0})
	f.Fuzz(func(t *testing.T, usage, selector, matching uint8, data, leaf, issuer []byte) {
		record := evidence.TLSA{Usage: usage, Selector: selector, Matching: matching, Data: data}
		in := dane.Input{Records: []evidence.TLSA{record}, Chain: [][]byte{leaf, issuer}, Names: []string{host}, Time: now}
		res := dane.Verify(in)
		dane.Compat(in, host, evidence.Trusted)
		matched := res.Records[0].Status == dane.Matched
		if matched != (res.Verdict == dane.Validated) || matched != (res.Records[0].Depth >= 0) {
			t.Fatalf("verdict and record differ: %+v", res)
		}
		if usage == dane.DANEEE && matched && !dane.Matches(record, leaf) {
			t.Fatal("validated without a match")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	p := newPKI(b)
	for _, c := range []struct {
		name   string
		record evidence.TLSA
	}{{"3 1 1", tlsa(b, 3, 1, 1, p.leaf)}, {"2 1 1", tlsa(b, 2, 1, 1, p.inter.Raw)}} {
		in := dane.Input{Records: []evidence.TLSA{c.record}, Chain: p.chain(p.leaf), Names: []string{host}, Time: now}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if dane.Verify(in).Verdict != dane.Validated {
					b.Fatal("not validated")
				}
			}
		})
	}
}

// Usage PKIX-EE means nothing for SMTP, so the server counts as one that wants
// TLS and cannot be authenticated.
func ExampleVerify() {
	record := evidence.TLSA{Usage: dane.PKIXEE, Selector: dane.SPKI, Matching: dane.SHA256, Data: make([]byte, 32)}
	res := dane.Verify(dane.Input{Records: []evidence.TLSA{record}, Names: []string{"mx.example.test"}})
	fmt.Println(res.Verdict, res.Records[0].Status)
	// Output: unusable usage-pkix
}
