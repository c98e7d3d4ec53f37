package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/report/evidence"
)

// whole is a snapshot in which every field of every type is set, so that a
// field that does not survive storage is noticed.
func whole() *evidence.Snapshot {
	at := time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.FixedZone("", 3600))
	failure := &evidence.Failure{Op: evidence.OpHandshake, Class: evidence.ClassTLSAlert, Text: "alert 40 <&>\x7f\u2028"}
	chain, certs := evidence.NewChain([][]byte{{0x30, 1}, {0x30, 2}})
	chain.Trust, chain.TrustReason = evidence.Untrusted, "unknown authority"
	rr := func(data string) evidence.RR {
		return evidence.RR{Name: "example.test", Type: "MX", TTL: 300, Data: data}
	}
	lookup := evidence.Lookup{
		Name: "example.test", Type: "MX", Outcome: evidence.OutcomeAnswer, RCode: "NOERROR",
		EDE: []evidence.EDE{{Code: 3, Text: "stale"}}, Owner: "other.test",
		Aliases: []evidence.RR{{Name: "example.test", Type: "CNAME", TTL: 1, Data: "other.test."}},
		Answer:  []evidence.RR{rr("20 b.test."), rr("10 a.test.")}, Security: evidence.SecuritySecure, Reason: "none",
		Zones: []evidence.Zone{{Name: ".", Security: evidence.SecuritySecure, Keys: []evidence.Key{{Tag: 20326, Algorithm: 8, Digest: 2}}, Reason: "anchor",
			DS: []evidence.DS{{Tag: 20326, Algorithm: 8, Digest: 2}}, DNSKEYs: []evidence.DNSKEY{{Tag: 20326, Algorithm: 8, Flags: 257, Bits: 2048}},
			Signature: &evidence.Signature{Zone: ".", Covers: "DNSKEY", Tag: 20326, Algorithm: 8, TTL: 172800, Inception: at, Expiration: at.Add(time.Hour)}}},
		NSEC3: []evidence.NSEC3{{Zone: "test", Iterations: 1, Salt: "ab", OptOut: true}},
		Signatures: []evidence.Signature{
			{Zone: "test", Covers: "MX", Tag: 2, Algorithm: 13, TTL: 3600, Inception: at, Expiration: at.Add(time.Hour)},
			{Zone: "test", Tag: 1, Algorithm: 13, TTL: 3600, Inception: at, Expiration: at.Add(time.Hour)},
		},
		AD: true, Failure: failure,
	}
	reply := &evidence.Reply{Code: 250, Lines: []string{"mx.example.test", "STARTTLS"}}
	session := evidence.Session{
		Host: "mx.example.test", Addr: "2001:db8::25", Port: 25, Time: at, Connections: 2, Reach: evidence.Reached,
		Transcript: []evidence.Line{{Sent: true, At: 5, Text: "EHLO scan.test"}}, Greeting: reply, Verb: "EHLO", Hello: reply,
		Extensions: []string{"STARTTLS"}, StartTLS: evidence.StartTLSStarted, StartReply: reply, Injected: []byte("250 x"), Injection: &evidence.Injection{Answer: evidence.NoAnswer, StartReply: &evidence.Reply{Code: 220}, Replies: []evidence.Reply{{Code: 250}}, Failure: failure},
		Handshake: &evidence.Handshake{SNI: "mx.example.test", Complete: true, Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Group: "x25519",
			Signature: "ecdsa_secp256r1_sha256", Told: []string{"x25519"}, ALPN: "smtp", Resumable: true, OCSP: true, Chain: chain.ID, Failure: failure},
		HelloTLS: reply, ExtensionsTLS: []string{"SIZE 1"}, TLS: wholeTLS(chain.ID, failure), Failure: failure,
	}
	vrps := []evidence.VRP{{Prefix: "192.0.0.0/16", MaxLength: 24, ASN: 64500}, {Prefix: "192.0.2.0/24", MaxLength: 24, ASN: 64500}}
	return &evidence.Snapshot{
		Schema: evidence.Schema, Tool: evidence.Tool{Name: "mailvet", Version: "test"}, Domain: "example.test",
		Address: "ann@example.test", Time: at,
		Vantage: evidence.Vantage{IPv4: evidence.Available, IPv6: evidence.Missing, Resolvers: []string{"192.0.2.53:53"}, DNSSEC: evidence.ValidationOwn,
			Anchors: []string{". DS 20326"}, StripsDNSSEC: true, Helo: "scan.test", Roots: "system", SMTPPort: 25, NoSMTP: true, NoHTTP: true, NoExtra: true, NoIPv6: true, AllowPrivate: true, OwnAnchors: true, TestInjection: true,
			RPKI: evidence.Available, VRPs: []string{"vrps.json"}, Routes: []string{"origin.asn.example"}, Origins: true, Selectors: []string{"all", "s1"}},
		Lookups: []evidence.Lookup{
			lookup,
			{Name: "example.test", Type: "A", Outcome: evidence.OutcomeNoData},
			{Name: "a.test", Type: "AAAA", Outcome: evidence.OutcomeTimeout, Failure: failure},
		},
		Reaches:  []evidence.Reach{{Host: "ns2.test", Addr: "192.0.2.2", Outcome: evidence.NotReached, Tries: 3, Failure: failure}, {Host: "ns1.test", Addr: "192.0.2.1", Outcome: evidence.Reached, Tries: 1, RCode: "REFUSED", Authoritative: true}},
		Sessions: []evidence.Session{session, {Host: "mx.example.test", Addr: "192.0.2.25", Port: 25, Time: at}},
		Chains:   []evidence.Chain{chain}, Certificates: certs,
		Fetches: []evidence.Fetch{{URL: "https://mta-sts.example.test/", Status: 200, ContentType: "text/plain", Body: []byte("version: STSv1"), Failure: failure,
			Addr: "192.0.2.80", Connections: 2, Location: "https://example.test/", Truncated: true, Size: 70000,
			Certificate: &evidence.WebCertificate{State: evidence.CertificateExpired, Names: []string{"mta-sts.example.test"}, Issuer: "CN=CA", NotBefore: at, NotAfter: at.Add(time.Hour)}}},
		Routings: []evidence.Routing{
			{Addr: "2001:db8::25", Network: "2001:db8::/48", RouteSource: evidence.SourceUnavailable, VRPSource: evidence.SourceStale, Failure: failure},
			{Addr: "192.0.2.25", Network: "192.0.2.0/24", RouteSource: evidence.SourceUsable, VRPSource: evidence.SourceUsable,
				RouteTime: at, VRPTime: at,
				Routes: []evidence.Route{
					{Prefix: "192.0.0.0/16", Origin: 64500, State: evidence.RouteNotFound},
					{Prefix: "192.0.2.0/24", Origin: 64501, State: evidence.RouteInvalid, Reason: evidence.ReasonAS, VRPs: vrps},
					{Prefix: "192.0.2.0/24", Origin: 64500, State: evidence.RouteValid, VRPs: vrps, Country: "NL", Registry: "ripencc"},
				}, VRPs: slices.Clone(vrps)},
		},
		Systems: []evidence.System{{ASN: 64501, Failure: failure}, {ASN: 64500, Name: "EXAMPLE, NL", Country: "NL", Registry: "ripencc"}},
		Cost:    evidence.Cost{DNSQueries: 41, SMTPConnections: 2, HTTPSConnections: 1, Milliseconds: 1300},
		Error:   failure,
	}
}

func marshal(t *testing.T, s *evidence.Snapshot) []byte {
	t.Helper()
	b, err := evidence.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// unset lists the fields of v, at any depth, that have their zero value in
// every place where the type occurs.
func unset(v reflect.Value, path string, set map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			unset(v.Elem(), path, set)
		}
	case reflect.Slice:
		for i := range v.Len() {
			unset(v.Index(i), path, set)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			set[name] = set[name] || !v.Field(i).IsZero()
			unset(v.Field(i), name, set)
		}
	}
}

func TestRoundTripIsByteIdentical(t *testing.T) {
	s := whole()
	set := map[string]bool{}
	unset(reflect.ValueOf(*s), "", set)
	for name, ok := range set {
		if !ok {
			t.Errorf("the test does not set %s", name)
		}
	}
	first := marshal(t, s)
	back, err := evidence.Unmarshal(first)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s, back) {
		t.Error("the snapshot read is not the one written")
	}
	if second := marshal(t, back); !bytes.Equal(first, second) {
		t.Errorf("written again it is\n%s\nnot\n%s", second, first)
	}
	if bytes.ContainsRune(first, '\n') {
		t.Error("the stored form is more than one line")
	}
	var line bytes.Buffer
	if err := evidence.Encode(&line, back); err != nil || line.String() != string(first)+"\n" {
		t.Errorf("Encode: %v, %q", err, line.String())
	}
}

func TestShufflingDoesNotShow(t *testing.T) {
	want := marshal(t, whole())
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := whole()
		// What came in twice counts once.
		s.Lookups = append(s.Lookups, s.Lookups[1])
		s.Sessions = append(s.Sessions, s.Sessions[0])
		s.Certificates = append(s.Certificates, s.Certificates...)
		shuffle(r, s.Lookups)
		shuffle(r, s.Reaches)
		shuffle(r, s.Sessions)
		shuffle(r, s.Chains)
		shuffle(r, s.Certificates)
		s.Routings = append(s.Routings, s.Routings[0])
		shuffle(r, s.Routings)
		s.Systems = append(s.Systems, s.Systems[1])
		shuffle(r, s.Systems)
		for i := range s.Routings {
			shuffle(r, s.Routings[i].Routes)
			shuffle(r, s.Routings[i].VRPs)
		}
		for i := range s.Lookups {
			shuffle(r, s.Lookups[i].Answer)
			shuffle(r, s.Lookups[i].Signatures)
		}
		if got := marshal(t, s); !bytes.Equal(got, want) {
			t.Fatalf("seed %d:\n%s\nwant\n%s", seed, got, want)
		}
	}
}

func shuffle[E any](r *rand.Rand, list []E) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func TestOrderOfAliasesStays(t *testing.T) {
	s := whole()
	s.Lookups[0].Aliases = []evidence.RR{{Name: "z.test", Type: "CNAME", Data: "b.test."}, {Name: "b.test", Type: "CNAME", Data: "a.test."}}
	back, err := evidence.Unmarshal(marshal(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if l := back.Lookup("example.test", "MX"); l.Aliases[0].Name != "z.test" {
		t.Errorf("the aliases were put in another order: %v", l.Aliases)
	}
}

func TestTimesAreUTCMilliseconds(t *testing.T) {
	b := string(marshal(t, whole()))
	if !strings.Contains(b, `"time":"2026-11-22T09:00:00.123Z"`) {
		t.Errorf("the time is not in UTC, to the millisecond: %s", b)
	}
}

func TestUnmarshalRejects(t *testing.T) {
	good := string(marshal(t, whole()))
	tests := []struct{ name, old, new, want string }{
		{"an unknown field", `"domain":`, `"tenant":"x","domain":`, "unknown field"},
		{"an unknown field deep down", `"tag":20326`, `"tag":20326,"size":2048`, "unknown field"},
		{"an unknown lookup outcome", `"outcome":"nodata"`, `"outcome":"empty"`, `"empty" is no lookup outcome`},
		{"an empty text", `"outcome":"nodata"`, `"outcome":""`, "is no lookup outcome"},
		{"a number for a text", `"outcome":"nodata"`, `"outcome":2`, "decode"},
		{"an unknown security status", `"security":"secure"`, `"security":"Secure"`, "security status"},
		{"an unknown operation", `"op":"handshake"`, `"op":"shake"`, "operation"},
		{"an unknown class", `"class":"tls-alert"`, `"class":"alert"`, "failure class"},
		{"an unknown availability", `"ipv6":"missing"`, `"ipv6":"no"`, "availability"},
		{"an unknown validation", `"dnssec":"own"`, `"dnssec":"self"`, "validation mode"},
		{"an unknown reachability", `"reach":"reached"`, `"reach":"yes"`, "reachability"},
		{"an unknown STARTTLS state", `"starttls":"started"`, `"starttls":"done"`, "STARTTLS state"},
		{"an unknown trust", `"trust":"untrusted"`, `"trust":"no"`, "trust"},
		{"an unknown source condition", `"vrp_source":"stale"`, `"vrp_source":"old"`, "source condition"},
		{"an unknown route state", `"state":"valid"`, `"state":"good"`, "route state"},
		{"an unknown reason", `"reason":"as"`, `"reason":"asn"`, "reason"},
		{"another schema", evidence.Schema, "mailvet.evidence/v2", "schema"},
		{"no schema", `"schema":"` + evidence.Schema + `",`, "", "schema"},
		{"a value out of range", `"ttl":300`, `"ttl":-1`, "decode"},
		{"a year that UTC has not", `2026-11-22T09:00:00.123Z`, `9999-12-31T23:30:00-01:00`, "years"},
		{"half a snapshot", `"cost":`, "", "decode"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(good, tt.old) {
				t.Fatalf("%q is not in the stored form", tt.old)
			}
			_, err := evidence.Unmarshal([]byte(strings.ReplaceAll(good, tt.old, tt.new)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	for name, text := range map[string]string{"two snapshots": good + good, "something behind": good + " x", "nothing": "", "an array": "[]"} {
		if _, err := evidence.Unmarshal([]byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := evidence.Unmarshal(make([]byte, evidence.MaxEncoded+1)); err == nil || !strings.Contains(err.Error(), "octets") {
		t.Errorf("too long a snapshot: %v", err)
	}
	if _, err := evidence.Unmarshal([]byte(good + " \n")); err != nil {
		t.Errorf("white space at the end: %v", err)
	}
}

func TestEmptySnapshot(t *testing.T) {
	b := marshal(t, &evidence.Snapshot{Domain: "example.test"})
	if !bytes.Contains(b, []byte(`"lookups":[]`)) {
		t.Errorf("no list of lookups: %s", b)
	}
	if _, err := evidence.Unmarshal(b); err != nil {
		t.Error(err)
	}
}

func TestDigest(t *testing.T) {
	a, err := evidence.Digest(whole())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := evidence.Marshal(whole()); err != nil || a != digestOf(b) {
		t.Errorf("%v, digest %q", err, a)
	}
	turned := whole()
	slices.Reverse(turned.Lookups)
	if b, _ := evidence.Digest(turned); b != a {
		t.Error("the order of lookups changes the digest")
	}
	other := whole()
	other.Lookups[0].Answer[0].TTL++
	if b, _ := evidence.Digest(other); b == a {
		t.Error("another TTL has the same digest")
	}
}

// digestOf hashes the stored form, which encoding/json wrote.
func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func TestChains(t *testing.T) {
	// printf '\x30\x01\x30\x02' | sha256sum
	const id = "sha256:864cd12ef5ac74c4224327c914f08d5b874ce375a73e14bbaa2af10741ae58f6"
	c, certs := evidence.NewChain([][]byte{{0x30, 1}, {0x30, 2}})
	if c.ID != id || len(certs) != 2 || certs[0].ID != c.Certificates[0] || certs[0].ID == certs[1].ID || c.ID == certs[0].ID {
		t.Errorf("chain %+v of %+v", c, certs)
	}
	swapped, _ := evidence.NewChain([][]byte{{0x30, 2}, {0x30, 1}})
	if swapped.ID == c.ID {
		t.Error("the order of a chain does not show in its ID")
	}
	if evidence.NewCertificate([]byte{0x30, 1}).ID != certs[0].ID {
		t.Error("a certificate has two names")
	}
	s := whole()
	s.Canonical()
	if got, ders := s.Chain(c.ID); got == nil || len(ders) != 2 || ders[0][1] != 1 || ders[1][1] != 2 {
		t.Errorf("chain %v, DER %v", got, ders)
	}
	if got, ders := s.Chain("sha256:none"); got != nil || ders != nil {
		t.Error("a chain that is not there was found")
	}
	s.Certificates = s.Certificates[:1]
	if got, ders := s.Chain(c.ID); got != nil || ders != nil {
		t.Error("a chain without all its certificates was found")
	}
}

// Whatever can be read can be stored, and is the same when read again.
func FuzzUnmarshal(f *testing.F) {
	b, err := evidence.Marshal(whole())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	head := `{"schema":"` + evidence.Schema + `","domain":"example.test",`
	f.Add([]byte(head + `"lookups":[]}`))
	f.Add([]byte(head + `"lookups":[{"name":"a","type":"A","outcome":"answer","security":"bogus","answer":[{"data":"\ud800"}]}]}`))
	f.Add([]byte(head + `"time":"9999-12-31T23:59:59-01:00"}`))
	f.Add([]byte(head + `"lookups":[{"name":"example.test","type":"MX","outcome":"answer","answer":[{"type":"MX","data":"0 ."},{"type":"MX","data":"10 \"\\"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := evidence.Unmarshal(b)
		if err != nil {
			return
		}
		first, err := evidence.Marshal(s)
		if err != nil {
			t.Fatalf("read, but not written: %v", err)
		}
		again, err := evidence.Unmarshal(first)
		if err != nil {
			t.Fatalf("written, but not read: %v\n%s", err, first)
		}
		if second, err := evidence.Marshal(again); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%v\n%s\n%s", err, first, second)
		}
		if got, err := evidence.Digest(again); err != nil || got != digestOf(first) {
			t.Fatalf("digest %s, %v of %s", got, err, first)
		}
		readAll(again)
	})
}

// readAll calls every reader: none may panic or run on.
func readAll(s *evidence.Snapshot) {
	m := s.Mail()
	for _, h := range m.Hosts {
		s.Addresses(h)
		s.SessionsOf(h)
	}
	evidence.Climb(s.Domain)
	for i := range s.Routings {
		s.Pointer(&s.Routings[i])
		s.System(64500)
		for _, r := range s.Routings[i].Routes {
			r.Covers(s.Routings[i].Network)
		}
	}
	for i := range s.Lookups {
		s.Pointer(&s.Lookups[i])
		for _, rr := range s.Lookups[i].Answer {
			_, _ = rr.MX()
			_, _ = rr.Addr()
			_, _ = rr.TLSA()
			_, _ = rr.Text(), rr.Target()
		}
	}
	for i := range s.Chains {
		s.Chain(s.Chains[i].ID)
	}
}
