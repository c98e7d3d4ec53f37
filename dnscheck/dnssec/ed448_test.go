package dnssec

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/miekg/dns"
)

func mustRR(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// TestEd448 checks the examples of RFC 8080, Section 6.2, with the signatures
// of erratum 4935, and that they hold for no other record.
func TestEd448(t *testing.T) {
	const mx = "example.com. 3600 IN MX 10 mail.example.com."
	rows := []struct{ name, key, ds, sig string }{
		{
			"first", "3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
			"9713 16 2 6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7",
			"MX 16 2 3600 1440021600 1438207200 9713 example.com. 3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07+4RQvE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA",
		}, {
			"second", "kkreGWoccSDmUBGAe7+zsbG6ZAFQp+syPmYUurBRQc3tDjeMCJcVMRDmgcNLp5HlHAMy12VoISsA",
			"38353 16 2 645ff078b3568f5852b70cb60e8e696cc77b75bfaaffc118cf79cbda1ba28af4",
			"MX 16 2 3600 1440021600 1438207200 38353 example.com. E1/oLjSGIbmLny/4fcgM1z4oL6aqo+izT3urCyHyvEp4Sp8Syg1eI+lJ57CSnZqjJP41O/9l4m0AsQ4f7qI1gVnML8vWWiyW2KXhT9kuAICUSxv5OWbf81Rq7Yu60npabODB0QFPb/rkW3kUZmQ0YQUA",
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dnskey := mustRR(t, "example.com. 3600 IN DNSKEY 257 3 16 "+row.key).(*dns.DNSKEY)
			k, err := newKey(dnskey)
			if err != nil || k.unusable != nil {
				t.Fatal(err, k.unusable)
			}
			n, _ := parseName("example.com.")
			if ds := mustRR(t, "example.com. 3600 IN DS "+row.ds).(*dns.DS); !k.matches(n, ds) {
				t.Errorf("key %d is not the one of %s", k.tag, ds)
			}
			z := &zone{name: n, keys: []*key{k}}
			holds := func(records ...string) bool {
				var rrs []dns.RR
				for _, r := range records {
					rrs = append(rrs, mustRR(t, r))
				}
				_, f := z.verify(group(rrs).order[0], time.Unix(1439000000, 0), &work{})
				return f == nil
			}
			sig := "example.com. 3600 IN RRSIG " + row.sig
			if !holds(mx, sig) {
				t.Error("the signature does not hold")
			}
			if holds("example.com. 3600 IN MX 11 mail.example.com.", sig) {
				t.Error("the signature holds for another record")
			}
		})
	}
	t.Run("sizes", func(t *testing.T) {
		for _, octets := range []int{0, 32, 56, 58} {
			text := base64.StdEncoding.EncodeToString(make([]byte, octets))
			k, err := newKey(&dns.DNSKEY{Flags: 257, Protocol: 3, Algorithm: dns.ED448, PublicKey: text})
			if err == nil && k.unusable == nil {
				t.Errorf("a key of %d octets is taken", octets)
			}
		}
		if ed448.PublicKeySize != 57 || ed448.SignatureSize != 114 {
			t.Error("the sizes are not those of RFC 8080, Sections 3 and 4")
		}
	})
}
