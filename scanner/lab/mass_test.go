package lab_test

import (
	"fmt"
	"io/fs"
	"iter"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mailvet/scanner"
	"mailvet/scanner/lab"
	"mailvet/testdata"
)

// massProviders share all the mail of a mass of domains, with two hosts each.
const massProviders = 10

// mass is an Internet with n customers of few providers. Half of the domains
// are signed.
func mass(t testing.TB, n int, opts lab.Options) *lab.Lab {
	t.Helper()
	if opts.Now.IsZero() {
		opts.Now = time.Now()
	}
	l, err := newMass(n, opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newMass(n int, opts lab.Options) (*lab.Lab, error) {
	ground, err := fs.ReadFile(testdata.Scenarios, "scenarios/00-internet.txt")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for p := range massProviders {
		fmt.Fprintf(&b, "-- zone provider%d.test signed --\n_spf TXT \"v=spf1 ip4:198.51.100.0/24 -all\"\n", p)
		for h := range 2 {
			a := massAddrs(p, h)
			fmt.Fprintf(&b, "mx%d A %s\nmx%d AAAA %s\n", h, a[0], h, a[1])
			fmt.Fprintf(&b, "_25._tcp.mx%d TLSA {tlsa mx%d.provider%d.test 3 1 1}\n", h, h, p)
		}
	}
	for p := range massProviders {
		for h := range 2 {
			fmt.Fprintf(&b, "-- smtp mx%d.provider%d.test --\n", h, p)
		}
	}
	for i := range n {
		signed := ""
		if i%2 == 0 {
			signed = " signed"
		}
		p := i % massProviders
		fmt.Fprintf(&b, `-- zone %s%s --
@ MX 10 mx0.provider%d.test.
@ MX 20 mx1.provider%d.test.
@ TXT "v=spf1 include:_spf.provider%d.test -all"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@%s"
default._domainkey TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
`, massName(i), signed, p, p, p, massName(i))
	}
	l, err := lab.Load(fstest.MapFS{"mass/00.txt": {Data: ground}, "mass/10.txt": {Data: []byte(b.String())}}, "mass", opts)
	if err != nil {
		return nil, err
	}
	l.Recursive.Remember = 40 * n
	return l, nil
}

// massAddrs are the addresses of a provider's host.
func massAddrs(provider, host int) [2]netip.Addr {
	v6 := [16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 5: byte(100 + provider), 15: byte(host + 1)}
	return [2]netip.Addr{netip.AddrFrom4([4]byte{198, 51, 100, byte(100 + 2*provider + host)}), netip.AddrFrom16(v6)}
}

func massName(i int) string { return fmt.Sprintf("c%06d.test", i) }

func massList(n int) iter.Seq[scanner.Domain] {
	return func(yield func(scanner.Domain) bool) {
		for i := range n {
			if !yield(scanner.Domain{Name: massName(i), Line: i + 1}) {
				return
			}
		}
	}
}
