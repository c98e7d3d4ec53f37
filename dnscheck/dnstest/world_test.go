package dnstest_test

import (
	"testing"
	"time"

	"mailvet/dnscheck/dnstest"
)

// now is the time of the tests' worlds.
var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const apex = `
$TTL 3600
@     NS   ns
ns    A    192.0.2.1
ns    AAAA 2001:db8::1
`

const content = apex + `
@     MX   10 mx
@     TXT  "v=spf1 -all"
mx    A    192.0.2.25
*.w   TXT  "wildcard"
*.w   MX   10 mx
host.w A   192.0.2.9
a.b.ent TXT "deep"
c     CNAME mx
cw    CNAME x.w
cx    CNAME nowhere
cu    CNAME www.unsigned.test.
d     DNAME other.other.test.
_25._tcp.mx TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
*star A    192.0.2.10
sub   NS   ns.elsewhere.test.
`

const other = apex + `
other  TXT "other"
mx.other A 192.0.2.77
www    A   192.0.2.80
`

// testWorld has every kind of zone.
func testWorld(t testing.TB, at time.Time) *dnstest.World {
	t.Helper()
	signed := func(o dnstest.Options) dnstest.Options { o.Signed = true; return o }
	zones := []*dnstest.Zone{
		dnstest.MustParseZone("test", `
$TTL 3600
@   NS ns.nic
ns.nic A 192.0.2.2
`, signed(dnstest.Options{NSEC3: &dnstest.NSEC3Options{OptOut: true}})),
		dnstest.MustParseZone("nsec.test", content, signed(dnstest.Options{})),
		dnstest.MustParseZone("nsec3.test", content, signed(dnstest.Options{NSEC3: &dnstest.NSEC3Options{Iterations: 5, Salt: "aabb"}})),
		dnstest.MustParseZone("optout.test", content, signed(dnstest.Options{NSEC3: &dnstest.NSEC3Options{OptOut: true}})),
		dnstest.MustParseZone("manyiterations.test", content, signed(dnstest.Options{NSEC3: &dnstest.NSEC3Options{Iterations: 200}})),
		dnstest.MustParseZone("single.test", content, signed(dnstest.Options{SingleKey: true, Algorithm: 15})),
		dnstest.MustParseZone("rsa1.test", content, signed(dnstest.Options{Algorithm: 5})),
		dnstest.MustParseZone("rsa1n3.test", content, signed(dnstest.Options{Algorithm: 7, NSEC3: &dnstest.NSEC3Options{}})),
		dnstest.MustParseZone("rsa256.test", content, signed(dnstest.Options{Algorithm: 8})),
		dnstest.MustParseZone("rsa512.test", content, signed(dnstest.Options{Algorithm: 10, Digest: 4})),
		dnstest.MustParseZone("p384.test", content, signed(dnstest.Options{Algorithm: 14})),
		dnstest.MustParseZone("ed25519.test", content, signed(dnstest.Options{Algorithm: 15})),
		dnstest.MustParseZone("unknownalg.test", content, signed(dnstest.Options{Algorithm: 200})),
		dnstest.MustParseZone("unknowndigest.test", content, signed(dnstest.Options{Digest: 200})),
		dnstest.MustParseZone("island.test", content, signed(dnstest.Options{NoDS: true})),
		dnstest.MustParseZone("badds.test", content, signed(dnstest.Options{BadDS: true})),
		dnstest.MustParseZone("corrupt.test", content, signed(dnstest.Options{Corrupt: true})),
		dnstest.MustParseZone("expired.test", content, signed(dnstest.Options{Inception: at.Add(-48 * time.Hour), Expiration: at.Add(-24 * time.Hour)})),
		dnstest.MustParseZone("future.test", content, signed(dnstest.Options{Inception: at.Add(48 * time.Hour), Expiration: at.Add(96 * time.Hour)})),
		dnstest.MustParseZone("stripped.test", content, dnstest.Options{BadDS: true}),
		dnstest.MustParseZone("unsigned.test", content+"www A 192.0.2.81\n", dnstest.Options{}),
		dnstest.MustParseZone("other.test", other, signed(dnstest.Options{})),
		dnstest.MustParseZone("child.nsec.test", content, signed(dnstest.Options{})),
		dnstest.MustParseZone("plain.nsec.test", content, dnstest.Options{}),
		dnstest.MustParseZone("plain.nsec3.test", content, dnstest.Options{}),
		dnstest.MustParseZone("plain.optout.test", content, dnstest.Options{}),
		dnstest.MustParseZone("far.away.optout.test", content, dnstest.Options{}),
	}
	w, err := dnstest.NewWorld(at, zones...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
