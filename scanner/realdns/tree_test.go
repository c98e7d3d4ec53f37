package realdns_test

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// common are records that most zones have: what a mail domain has, and what
// has broken validators before.
const common = `@ MX 10 mx
@ TXT "v=spf1 mx -all"
mx A 192.0.2.25
mx AAAA 2001:db8::25
_25._tcp.mx TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
b.ent A 192.0.2.26
*.w TXT "from the wildcard"
host.w A 192.0.2.27
c CNAME mx
loop CNAME loop2
loop2 CNAME loop
`

// zones is the tree. Every zone below test is there for one thing.
func zones() []*zone {
	return append(append(damaged(), brokenZones()...), []*zone{
		{name: ".", signer: knot, algorithm: "ecdsap256sha256"},
		{name: "test", signer: knot, algorithm: "ecdsap256sha256", policy: "nsec3: on\nnsec3-iterations: 0\nnsec3-salt-length: 0"},
		{name: "dns.test", signer: knot, algorithm: "ecdsap256sha256",
			text: "ns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\nns2 A 198.51.100.1\nns2 AAAA 2001:db8:1::1\n"},

		// To be scanned.
		{name: "shop.test", signer: knot, algorithm: "ecdsap256sha256", text: shop("mx1.mail.test.", "mx2.mail.test.")},
		{name: "mail.test", signer: knot, algorithm: "ecdsap256sha256", policy: "nsec3: on\nnsec3-iterations: 0", text: mailHosts},
		{name: "half.test", signer: knot, algorithm: "ecdsap256sha256", text: shop("mx1.mail.test.", "mx.unsigned.test.")},

		// Signed by Knot.
		{name: "nsec.test", signer: knot, algorithm: "ecdsap256sha256", text: common + aliases + odd},
		{name: "nsec3.test", signer: knot, algorithm: "ecdsap256sha256", policy: "nsec3: on\nnsec3-iterations: 5\nnsec3-salt-length: 8", text: common + aliases + odd},
		{name: "optout.test", signer: knot, algorithm: "ecdsap256sha256", policy: "nsec3: on\nnsec3-opt-out: on\nnsec3-iterations: 0", text: common},
		{name: "rsa.test", signer: knot, algorithm: "rsasha256", split: true, policy: "ksk-size: 2048\nzsk-size: 1024", text: common},
		{name: "ed25519.test", signer: knot, algorithm: "ed25519", split: true, text: common},
		{name: "below.ent.nsec.test", signer: knot, algorithm: "ed25519", policy: "nsec3: on", text: common},
		{name: "child.nsec3.test", signer: knot, algorithm: "ecdsap384sha384", text: common},
		{name: "secure.optout.test", signer: knot, algorithm: "ecdsap256sha256", text: common},
		{name: "roll.test", signer: knot, algorithm: "ecdsap256sha256", asParent: addWrongDS, text: common},

		// Not signed, or without a chain to it.
		{name: "unsigned.test", text: common + "cs CNAME mx.nsec.test.\n"},
		{name: "plain.nsec.test", text: common},
		{name: "plain.nsec3.test", text: common},
		{name: "plain.optout.test", text: common},
		{name: "signed.unsigned.test", signer: knot, algorithm: "ecdsap256sha256", text: common},
		{name: "island.test", signer: knot, algorithm: "ecdsap256sha256", asParent: noDS, text: common},
		{name: "unknowndigest.test", signer: knot, algorithm: "ecdsap256sha256", asParent: unknownDigest, text: common},

		// Wrong.
		{name: "badds.test", signer: knot, algorithm: "ecdsap256sha256", asParent: wrongDS, text: common},
		{name: "nokeys.test", asParent: inventedDS, text: common},

		// Signed by ldns.
		{name: "p384.test", signer: ldns, algorithm: "ECDSAP384SHA384", text: common + odd},
		{name: "rsa512.test", signer: ldns, algorithm: "RSASHA512", args: []string{"-n"}, text: common},
		{name: "rsa1.test", signer: ldns, algorithm: "RSASHA1", text: common},
		{name: "rsa1n3.test", signer: ldns, algorithm: "RSASHA1-NSEC3-SHA1", args: []string{"-n"}, text: common},
		{name: "ldnsrsa.test", signer: ldns, algorithm: "RSASHA256", text: common},
		{name: "ldnsed.test", signer: ldns, algorithm: "ED25519", text: common},
		{name: "ldnsoptout.test", signer: ldns, algorithm: "ED25519", args: []string{"-n", "-p", "-s", "abcd"}, text: common},
		{name: "plain.ldnsoptout.test", text: common},
		{name: "many.test", signer: ldns, algorithm: "ED25519", args: []string{"-n", "-t", "100", "-s", "beef"}, text: common},
		{name: "toomany.test", signer: ldns, algorithm: "ED25519", args: []string{"-n", "-t", "101", "-s", "beef"}, text: common},
		{name: "plain.toomany.test", text: common},
		{name: "rsamd5.test", signer: ldns, algorithm: "RSAMD5", text: common},
		{name: "ed448.test", signer: ldns, algorithm: "ED448", text: common},

		// Signed by ldns, wrongly.
		{name: "expired.test", signer: ldns, algorithm: "ECDSAP256SHA256", args: []string{"-i", ldnsTime(-60 * day), "-e", ldnsTime(-30 * day)}, text: common},
		{name: "future.test", signer: ldns, algorithm: "ECDSAP256SHA256", args: []string{"-i", ldnsTime(30 * day), "-e", ldnsTime(60 * day)}, text: common},
		{name: "edited.test", signer: ldns, algorithm: "ECDSAP256SHA256", edit: replace("192.0.2.25", "192.0.2.99"), text: common},
		{name: "stripped.test", signer: ldns, algorithm: "ECDSAP256SHA256", edit: leaveOut("RRSIG\tTXT "), text: common},
		{name: "nodenial.test", signer: ldns, algorithm: "ECDSAP256SHA256", edit: leaveOut("\tNSEC\t", "RRSIG\tNSEC "), text: common},
		{name: "nodenial3.test", signer: ldns, algorithm: "ECDSAP256SHA256", args: []string{"-n"}, edit: leaveOut("\tNSEC3\t", "RRSIG\tNSEC3 "), text: common},
		{name: "badkeys.test", signer: ldns, algorithm: "ECDSAP256SHA256", edit: replace("RRSIG\tDNSKEY 13 2 3600", "RRSIG\tDNSKEY 13 2 3601"), text: common},
	}...)
}

// aliases lead from zone to zone. The name in the HTTPS record keeps its case
// in signatures (RFC 6840, Section 5.1), which NSD does not care for, so it is
// not among the odd records.
const aliases = `cu CNAME mx.unsigned.test.
cs CNAME mx.rsa.test.
cback CNAME cs.unsigned.test.
cnx CNAME no.ed25519.test.
cnodata CNAME c.ed25519.test.
cbogus CNAME mx.edited.test.
ctlsa CNAME _25._tcp.mx
*.cw CNAME mx
*.cwu CNAME mx.unsigned.test.
d DNAME ed25519.test.
du DNAME unsigned.test.
db DNAME edited.test.
dd DNAME d
_25._tcp.alias CNAME _25._tcp.mx.ed25519.test.
svcb HTTPS 1 MX.Rsa.TEST. alpn=h2
`

// odd are records whose canonical form (RFC 4034, Section 6) is easily got
// wrong, long ones and unknown ones.
var odd = `MiXeD MX 5 MX.Rsa.TEST.
srv SRV 0 0 25 MX.Rsa.TEST.
naptr NAPTR 100 10 "s" "SIP+D2U" "" SRV.Rsa.TEST.
caa CAA 0 issue "CA.example"
unknown TYPE65280 \# 4 deadBEEF
a\.b A 192.0.2.28
\042lit A 192.0.2.29
many A 192.0.2.130
many A 192.0.2.9
many A 192.0.2.10
long TXT ` + long(6) + `
longer TXT ` + long(50) + "\n"

// long is the data of a TXT record of n times 240 octets.
func long(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " \"%03d%s\"", i, strings.Repeat("x", 237))
	}
	return b.String()
}

// damaged are zones that lack one record each, some with NSEC and some with
// NSEC3.
func damaged() (list []*zone) {
	for i := range 12 {
		z := &zone{name: fmt.Sprintf("damaged%d.test", i), signer: ldns, algorithm: "ED25519", edit: without(1 + 2*i), text: common}
		if i%2 == 1 {
			z.args = []string{"-n", "-s", "beef"}
		}
		list = append(list, z)
	}
	return list
}

// without leaves out one line: the nth among the denials and signatures. Those
// at the top of the zone do not count, without which NSD takes it for unsigned.
func without(n int) func(string) string {
	return func(line string) string {
		top := strings.Contains(line, "RRSIG\tSOA") || strings.Contains(line, "RRSIG\tDNSKEY") || strings.Contains(line, "NSEC3PARAM")
		if top || !strings.Contains(line, "\tRRSIG\t") && !strings.Contains(line, "\tNSEC") {
			return line
		}
		if n--; n == 0 {
			return ""
		}
		return line
	}
}

// shop is a domain with all that a scan looks for.
func shop(hosts ...string) string {
	var b strings.Builder
	for i, h := range hosts {
		fmt.Fprintf(&b, "@ MX %d %s\n", 10*(i+1), h)
	}
	b.WriteString(`@ TXT "v=spf1 mx -all"
_dmarc TXT "v=DMARC1; p=reject"
mail._domainkey TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
`)
	return b.String()
}

const mailHosts = `mx1 A 192.0.2.25
mx1 AAAA 2001:db8::25
_25._tcp.mx1 TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
mx2 A 198.51.100.25
mx2 AAAA 2001:db8:1::25
_25._tcp.mx2 TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
`

// addWrongDS adds what a key that is gone has left behind.
func addWrongDS(list []*dns.DS) []*dns.DS {
	other := *list[0]
	return append(wrongDS([]*dns.DS{&other}), list...)
}

func wrongDS(list []*dns.DS) []*dns.DS {
	for _, ds := range list {
		ds.Digest = strings.Repeat("5a", len(ds.Digest)/2)
	}
	return list
}

func noDS([]*dns.DS) []*dns.DS { return nil }

// unknownDigest keeps one DS record, of a digest type that nobody assigned.
func unknownDigest(list []*dns.DS) []*dns.DS {
	list[0].DigestType = 250
	return list[:1]
}

// inventedDS is for the zone without keys.
func inventedDS([]*dns.DS) []*dns.DS {
	return []*dns.DS{{
		Hdr:    dns.RR_Header{Name: "nokeys.test.", Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: 3600},
		KeyTag: 4711, Algorithm: dns.ECDSAP256SHA256, DigestType: dns.SHA256, Digest: strings.Repeat("5a", 32),
	}}
}

func replace(old, by string) func(string) string {
	return func(line string) string { return strings.Replace(line, old, by, 1) }
}

// leaveOut leaves out the lines that hold one of the texts.
func leaveOut(texts ...string) func(string) string {
	return func(line string) string {
		for _, text := range texts {
			if strings.Contains(line, text) {
				return ""
			}
		}
		return line
	}
}
