package realdns_test

import (
	"flag"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnstest"
	"mailvet/report/evidence"
	"mailvet/scanner"
)

var (
	massDomains = flag.Int("mass", 200, "domains of the list that is scanned through a cold Unbound")
	massTypes   = flag.Bool("mass-types", false, "tell the questions by type and first labels")
)

// massZones is a name space with n customers of few providers, half of them
// signed, with what mail domains usually have.
func massZones(t *testing.T, n int) []*dnstest.Zone {
	t.Helper()
	add := func(list []*dnstest.Zone, origin, text string, o dnstest.Options) []*dnstest.Zone {
		z, err := dnstest.ParseZone(dns.Fqdn(origin), text+"@ NS ns1.dns.test.\n@ NS ns2.dns.test.\n", o)
		if err != nil {
			t.Fatal(err)
		}
		return append(list, z)
	}
	signed := dnstest.Options{Signed: true}
	list := add(nil, ".", "", signed)
	list = add(list, "test", "", dnstest.Options{Signed: true, NSEC3: &dnstest.NSEC3Options{}})
	list = add(list, "dns.test", "ns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\nns2 A 203.0.113.2\nns2 AAAA 2001:db8:1::2\n", signed)
	for p := range 10 {
		var b strings.Builder
		b.WriteString("_spf TXT \"v=spf1 ip4:198.51.100.0/24 -all\"\n")
		for h := range 2 {
			fmt.Fprintf(&b, "mx%d A 198.51.100.%d\nmx%d AAAA 2001:db8:%d::%d\n_25._tcp.mx%d TLSA 3 1 1 %064d\n", h, 100+2*p+h, h, 100+p, h+1, h, p)
		}
		list = add(list, fmt.Sprintf("provider%d.test", p), b.String(), signed)
	}
	for i := range n {
		name := fmt.Sprintf("c%06d.test", i)
		list = add(list, name, fmt.Sprintf(`@ MX 10 mx0.provider%[1]d.test.
@ MX 20 mx1.provider%[1]d.test.
@ TXT "v=spf1 include:_spf.provider%[1]d.test -all"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@%[2]s"
default._domainkey TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
`, i%10, name), dnstest.Options{Signed: i%2 == 0})
	}
	return list
}

func massList(n int) iter.Seq[scanner.Domain] {
	return func(yield func(scanner.Domain) bool) {
		for i := range n {
			if !yield(scanner.Domain{Name: fmt.Sprintf("c%06d.test", i)}) {
				return
			}
		}
	}
}

// What a domain may cost on average without SMTP, our own validation included:
// for Internet.nl's test, and with all that goes beyond it, which is mostly the
// search for DKIM keys.
const (
	maxMassQuestions = 7.6
	maxMassAll       = 13.5
	// massShared is how many questions are about what all domains share.
	massShared = 200
)

// TestMass scans a list through a cold Unbound: questions are counted, and none
// may be lost to overload.
func TestMass(t *testing.T) {
	n := *massDomains
	zones := massZones(t, n)
	world, err := dnstest.NewWorld(time.Now(), zones...)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{".", "test.", "dns.test."}
	for p := range 10 {
		names = append(names, fmt.Sprintf("provider%d.test.", p))
	}
	for d := range massList(n) {
		names = append(names, d.Name+".")
	}
	server := world.Authoritative(names...)
	listener, err := server.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	u := unbound{modules: "validator iterator"}
	var stubs strings.Builder
	for _, name := range names {
		fmt.Fprintf(&stubs, "stub-zone:\n name: %q\n stub-addr: %s@%d\n", name, listener.Addr.Addr(), listener.Addr.Port())
	}
	u.zones = stubs.String()
	var anchors string
	for _, a := range world.Anchors() {
		text := strings.Join(strings.Fields(a.String()), " ")
		u.server += fmt.Sprintf(" trust-anchor: %q\n", text)
		anchors += text + "\n"
	}
	for _, set := range []struct {
		name    string
		noExtra bool
		most    float64
	}{{"all checks", false, maxMassAll}, {"Internet.nl's test", true, maxMassQuestions}} {
		port, _ := u.start(t) // a cold one
		r := client(t, addr(port))
		r.Validator = validator(t, anchors)
		r.Timeout = 0
		s := &scanner.Scanner{Resolver: r, Vantage: evidence.Vantage{
			IPv4: evidence.Available, Resolvers: []string{addr(port)}, DNSSEC: evidence.ValidationOwn,
			NoSMTP: true, NoHTTP: true, NoIPv6: true, NoExtra: set.noExtra,
		}}
		asked := map[string]int{}
		unknown, began := 0, time.Now()
		b := &scanner.Batch{Scanner: s}
		err := b.Run(t.Context(), massList(n), func(_ scanner.Domain, snap *evidence.Snapshot) (func() error, error) {
			return func() error {
				for _, l := range snap.Lookups {
					if l.Unknown() {
						unknown++
					}
					asked[kindOf(l, snap.Domain)]++
				}
				return nil
			}, nil
		})
		took := time.Since(began)
		stats := r.Stats()
		average := float64(stats.Questions) / float64(n)
		t.Logf("%s: %d domains in %s, %.0f a second, %.2f questions a domain, %d timeouts; %+v", set.name, n, took.Round(time.Millisecond), float64(n)/took.Seconds(), average, stats.Timeouts, stats)
		if err != nil || unknown > 0 || stats.Timeouts > stats.Questions/100 {
			t.Errorf("%v, %d lookups are unknown", err, unknown)
		}
		if most := set.most + massShared/float64(n); average > most {
			t.Errorf("%s: %.2f questions a domain, want at most %.2f", set.name, average, most)
		}
		if *massTypes {
			for k, c := range asked {
				t.Logf("%6.2f %s", float64(c)/float64(n), k)
			}
		}
	}
}

// kindOf is a lookup's name with the domain and providers left out.
func kindOf(l evidence.Lookup, domain string) string {
	name, _ := strings.CutSuffix(l.Name, domain)
	if strings.HasPrefix(name, "none-") {
		name = "none-..."
	}
	if i := strings.Index(name, "provider"); i >= 0 {
		name = name[:i] + "provider"
	}
	return name + " " + l.Type
}
