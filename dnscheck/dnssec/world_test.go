package dnssec_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/report/evidence"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// lab is a world with a resolver as the source of a validator.
type lab struct {
	world  *dnstest.World
	server *dnstest.Server
	// delay is how long each answer takes.
	delay time.Duration
	// change is applied to each answer, if it is set.
	change func(*dns.Msg)

	mu   sync.Mutex
	fail map[string]error // by name and type
}

// Fetch implements [dnssec.Source].
func (l *lab) Fetch(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	if l.delay > 0 {
		select {
		case <-time.After(l.delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	l.mu.Lock()
	err := l.fail[dns.CanonicalName(name)+" "+dns.Type(qtype).String()]
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	q.SetEdns0(4096, true)
	q.CheckingDisabled = true
	b, err := q.Pack()
	if err != nil {
		return nil, err
	}
	if b, err = l.server.Exchange(ctx, dnstest.TCP, b); err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		return nil, err
	}
	if l.change != nil {
		l.change(m)
	}
	return m, nil
}

// ask asks the question and lets the reply be judged.
func (l *lab) ask(t testing.TB, v *dnssec.Validator, name string, qtype uint16) dnssec.Result {
	t.Helper()
	reply, err := l.Fetch(t.Context(), name, qtype)
	if err != nil {
		t.Fatalf("%s %s: %v", name, dns.Type(qtype), err)
	}
	return v.Validate(t.Context(), l, name, qtype, reply)
}

func (l *lab) validator() *dnssec.Validator {
	return &dnssec.Validator{Anchors: l.world.Anchors(), Now: clock}
}

type options = dnstest.Options

func zone(origin, text string, o options) *dnstest.Zone {
	return dnstest.MustParseZone(origin, "$TTL 300\n@ NS ns\nns A 192.0.2.53\n"+text, o)
}

func newLab(t testing.TB, zones ...*dnstest.Zone) *lab {
	t.Helper()
	w, err := dnstest.NewWorld(now, zones...)
	if err != nil {
		t.Fatal(err)
	}
	return &lab{world: w, server: w.Resolver(), fail: map[string]error{}}
}

// internet is a world with something of everything.
func internet(t testing.TB) *lab {
	hashed := &dnstest.NSEC3Options{Iterations: 1, Salt: "aabb"}
	records := `
@ MX 10 mx
mx A 192.0.2.25
www CNAME mx
a.b.ent A 192.0.2.7
*.wild TXT "anything"
*.walias CNAME mx
old DNAME new
new A 192.0.2.8
host.new A 192.0.2.9
away CNAME www.unsigned.test.
loop1 CNAME loop2
loop2 CNAME loop1
`
	return newLab(t,
		zone("test", "", options{Signed: true}),
		zone("nsec.test", records, options{Signed: true}),
		zone("nsec3.test", records, options{Signed: true, NSEC3: hashed}),
		zone("sub.nsec.test", "www A 192.0.2.10\n", options{Signed: true}),
		zone("optout.test", records+"secret NS ns.secret\nns.secret A 192.0.2.99\n", options{Signed: true, NSEC3: &dnstest.NSEC3Options{OptOut: true}}),
		zone("secret.optout.test", "www A 192.0.2.10\n", options{}),
		zone("many.test", records, options{Signed: true, NSEC3: &dnstest.NSEC3Options{Iterations: 101}}),
		zone("cap.test", records, options{Signed: true, NSEC3: &dnstest.NSEC3Options{Iterations: 100}}),
		zone("unsigned.test", "www A 192.0.2.11\nback CNAME mx.nsec.test.\n", options{}),
		zone("below.unsigned.test", "www A 192.0.2.12\n", options{Signed: true}),
		zone("island.test", "www A 192.0.2.13\n", options{Signed: true, NoDS: true}),
		zone("badds.test", "www A 192.0.2.14\n", options{Signed: true, BadDS: true}),
		zone("corrupt.test", "www A 192.0.2.15\n", options{Signed: true, Corrupt: true}),
		zone("expired.test", "www A 192.0.2.16\n", options{Signed: true, Inception: now.Add(-48 * time.Hour), Expiration: now.Add(-time.Second)}),
		zone("future.test", "www A 192.0.2.17\n", options{Signed: true, Inception: now.Add(time.Second), Expiration: now.Add(time.Hour)}),
		zone("gost.test", "www A 192.0.2.18\n", options{Signed: true, Algorithm: 12}),
		zone("sm2.test", "www A 192.0.2.18\n", options{Signed: true, Algorithm: 17}),
		zone("digest.test", "www A 192.0.2.19\n", options{Signed: true, Digest: 3}),
		zone("sha1.test", "www A 192.0.2.20\n", options{Signed: true, Digest: 1}),
		zone("sha384.test", "www A 192.0.2.20\n", options{Signed: true, Digest: 4}),
		zone("alg5.test", "www A 192.0.2.21\n", options{Signed: true, Algorithm: 5}),
		zone("alg7.test", "www A 192.0.2.21\n", options{Signed: true, Algorithm: 7, NSEC3: hashed}),
		zone("alg8.test", "www A 192.0.2.21\n", options{Signed: true, Algorithm: 8}),
		zone("alg10.test", "www A 192.0.2.21\n", options{Signed: true, Algorithm: 10}),
		zone("alg14.test", "www A 192.0.2.21\n", options{Signed: true, Algorithm: 14}),
		zone("alg15.test", "www A 192.0.2.21\n", options{Signed: true, Algorithm: 15, SingleKey: true}),
	)
}

const (
	secure   = evidence.SecuritySecure
	insecure = evidence.SecurityInsecure
	bogus    = evidence.SecurityBogus
	unknown  = evidence.SecurityIndeterminate
)

// TestWorld judges replies of all kinds.
func TestWorld(t *testing.T) {
	l := internet(t)
	v := l.validator()
	for _, c := range []struct {
		name string
		typ  uint16
		want evidence.Security
	}{
		{".", dns.TypeNS, secure},
		{".", dns.TypeDNSKEY, secure},
		{".", dns.TypeDS, secure},
		{".", dns.TypeTXT, secure},
		{"test", dns.TypeDS, secure},
		{"nsec.test", dns.TypeDS, secure},
		{"nsec.test", dns.TypeDNSKEY, secure},
		{"unsigned.test", dns.TypeDS, secure}, // that there is none is signed
		{"nosuchtld", dns.TypeA, secure},
		{"nsec.test", dns.TypeMX, secure},
		{"NSEC.Test", dns.TypeMX, secure},
		{"nsec.test", dns.TypeTXT, secure},
		{"www.nsec.test", dns.TypeA, secure},
		{"www.nsec.test", dns.TypeAAAA, secure},
		{"b.ent.nsec.test", dns.TypeA, secure},
		{"nothing.nsec.test", dns.TypeA, secure},
		{"a.nothing.nsec.test", dns.TypeA, secure},
		{"x.wild.nsec.test", dns.TypeTXT, secure},
		{"x.y.wild.nsec.test", dns.TypeTXT, secure},
		{"*.wild.nsec.test", dns.TypeTXT, secure},
		{"x.wild.nsec.test", dns.TypeA, secure},
		{"x.walias.nsec.test", dns.TypeA, secure},
		{"x.walias.nsec.test", dns.TypeAAAA, secure},
		{"host.old.nsec.test", dns.TypeA, secure},
		{"gone.old.nsec.test", dns.TypeA, secure},
		{"old.nsec.test", dns.TypeDNAME, secure},
		{"away.nsec.test", dns.TypeA, insecure},
		{"loop1.nsec.test", dns.TypeA, unknown}, // the resolver answers SERVFAIL
		{"www.sub.nsec.test", dns.TypeA, secure},
		{"sub.nsec.test", dns.TypeDS, secure},
		{"nsec3.test", dns.TypeMX, secure},
		{"nsec3.test", dns.TypeTXT, secure},
		{"b.ent.nsec3.test", dns.TypeA, secure},
		{"a.nothing.nsec3.test", dns.TypeA, secure},
		{"x.wild.nsec3.test", dns.TypeTXT, secure},
		{"x.y.wild.nsec3.test", dns.TypeTXT, secure},
		{"x.wild.nsec3.test", dns.TypeA, secure},
		{"x.walias.nsec3.test", dns.TypeA, secure},
		{"host.old.nsec3.test", dns.TypeA, secure},
		{"optout.test", dns.TypeMX, secure},
		{"optout.test", dns.TypeTXT, secure},
		{"nothing.optout.test", dns.TypeA, insecure},
		{"www.secret.optout.test", dns.TypeA, insecure},
		{"secret.optout.test", dns.TypeDS, insecure},
		{"x.wild.optout.test", dns.TypeTXT, insecure},
		{"many.test", dns.TypeMX, secure},
		{"many.test", dns.TypeTXT, insecure},
		{"nothing.many.test", dns.TypeA, insecure},
		{"nothing.cap.test", dns.TypeA, secure},
		{"www.unsigned.test", dns.TypeA, insecure},
		{"nothing.unsigned.test", dns.TypeA, insecure},
		{"back.unsigned.test", dns.TypeA, insecure},
		{"www.below.unsigned.test", dns.TypeA, insecure},
		{"www.island.test", dns.TypeA, insecure},
		{"nothing.island.test", dns.TypeA, insecure},
		{"www.badds.test", dns.TypeA, bogus},
		{"www.corrupt.test", dns.TypeA, bogus},
		{"www.expired.test", dns.TypeA, bogus},
		{"www.future.test", dns.TypeA, bogus},
		{"www.gost.test", dns.TypeA, insecure},
		{"www.sm2.test", dns.TypeA, insecure},
		{"www.digest.test", dns.TypeA, insecure},
		{"www.sha1.test", dns.TypeA, secure},
		{"www.sha384.test", dns.TypeA, secure},
		{"www.alg5.test", dns.TypeA, secure},
		{"www.alg7.test", dns.TypeA, secure},
		{"www.alg8.test", dns.TypeA, secure},
		{"www.alg10.test", dns.TypeA, secure},
		{"www.alg14.test", dns.TypeA, secure},
		{"www.alg15.test", dns.TypeA, secure},
	} {
		t.Run(c.name+" "+dns.Type(c.typ).String(), func(t *testing.T) {
			for _, how := range []struct {
				what string
				v    *dnssec.Validator
			}{{"cold", l.validator()}, {"warm", v}} {
				got := l.ask(t, how.v, c.name, c.typ)
				if got.Security != c.want {
					t.Errorf("%s: %s %q, want %s", how.what, got.Security, got.Reason, c.want)
				}
				if (got.Reason == "") != (got.Security == secure) {
					t.Errorf("%s: %s with the reason %q", how.what, got.Security, got.Reason)
				}
				if got.Security == secure && (len(got.Signatures) == 0 || len(got.Zones) == 0) {
					t.Errorf("%s: secure with %d signatures and %d zones", how.what, len(got.Signatures), len(got.Zones))
				}
			}
		})
	}
}

// TestReasons holds the sentences that people read to naming the zone.
func TestReasons(t *testing.T) {
	l := internet(t)
	for _, c := range []struct{ name, want string }{
		{"www.expired.test", "expired.test DNSKEY: the signature by zone expired.test expired on 2026-11-22 09:59:59 UTC"},
		{"www.future.test", "future.test DNSKEY: the signature by zone future.test is not valid before 2026-11-22 10:00:01 UTC"},
		{"www.unsigned.test", "zone unsigned.test is not signed: test has no DS record for it"},
		{"www.gost.test", "zone gost.test: it is signed only with algorithms that are not supported here"},
		{"www.digest.test", "zone digest.test: its DS records have only digest types that are not supported here"},
		{"nothing.many.test", "zone many.test: its NSEC3 records have 101 iterations; over 100 they are not followed"},
	} {
		got := l.ask(t, l.validator(), c.name, dns.TypeA)
		if got.Reason != c.want {
			t.Errorf("%s: %q, want %q", c.name, got.Reason, c.want)
		}
	}
}

// TestThrift counts the questions: only those needed are asked, and those that
// can be known beforehand together.
func TestThrift(t *testing.T) {
	for _, c := range []struct {
		name string
		typ  uint16
		want []string
	}{
		{"nsec.test", dns.TypeMX, []string{". DNSKEY", "nsec.test. DNSKEY", "nsec.test. DS", "test. DNSKEY", "test. DS"}},
		{"nothing.nsec.test", dns.TypeMX, []string{". DNSKEY", "nsec.test. DNSKEY", "nsec.test. DS", "test. DNSKEY", "test. DS"}},
		{"www.unsigned.test", dns.TypeA, []string{". DNSKEY", "test. DNSKEY", "test. DS", "unsigned.test. DS"}},
		{"test", dns.TypeDS, []string{". DNSKEY"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := internet(t)
			v := l.validator()
			reply, err := l.Fetch(t.Context(), c.name, c.typ)
			if err != nil {
				t.Fatal(err)
			}
			l.server.ResetCount()
			for range 2 { // the second time asks nothing more
				v.Validate(t.Context(), l, c.name, c.typ, reply)
			}
			var got []string
			for q, n := range l.server.Count() {
				got = append(got, slices.Repeat([]string{q.Name + " " + dns.Type(q.Type).String()}, n)...)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("asked %q, want %q", got, c.want)
			}
		})
	}
}

// TestChain looks at the zones and signatures handed back.
func TestChain(t *testing.T) {
	l := internet(t)
	got := l.ask(t, l.validator(), "www.sub.nsec.test", dns.TypeA)
	var names []string
	for _, z := range got.Zones {
		names = append(names, z.Name)
		if z.Security != secure || len(z.Keys) == 0 || z.Keys[0].Digest != dns.SHA256 || z.Keys[0].Algorithm != 13 {
			t.Errorf("zone %+v", z)
		}
	}
	if want := []string{".", "test", "nsec.test", "sub.nsec.test"}; !slices.Equal(names, want) {
		t.Errorf("zones %q, want %q", names, want)
	}
	if len(got.Signatures) != 1 {
		t.Fatalf("signatures %+v", got.Signatures)
	}
	s := got.Signatures[0]
	if s.Zone != "sub.nsec.test" || s.Algorithm != 13 || !s.Inception.Equal(now.Add(-time.Hour)) || !s.Expiration.Equal(now.Add(14*24*time.Hour)) {
		t.Errorf("signature %+v", s)
	}

	got = l.ask(t, l.validator(), "www.badds.test", dns.TypeA)
	last := got.Zones[len(got.Zones)-1]
	if last.Name != "badds.test" || last.Security != bogus || last.Reason != got.Reason {
		t.Errorf("broken link %+v, want that of %q", last, got.Reason)
	}
	got = l.ask(t, l.validator(), "away.nsec.test", dns.TypeA)
	byName := map[string]evidence.Security{}
	for _, z := range got.Zones {
		byName[z.Name] = z.Security
	}
	if want := map[string]evidence.Security{".": secure, "test": secure, "nsec.test": secure, "unsigned.test": insecure}; !maps.Equal(byName, want) {
		t.Errorf("zones %v, want %v", byName, want)
	}
}

// memory is a source that knows some answers beforehand.
type memory struct{ msgs map[string]*dns.Msg }

// Fetch implements [dnssec.Source].
func (m *memory) Fetch(_ context.Context, name string, typ uint16) (*dns.Msg, error) {
	if msg := m.msgs[dns.CanonicalName(name)+dns.Type(typ).String()]; msg != nil {
		return msg, nil
	}
	return nil, context.DeadlineExceeded
}
