package realdns_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// brokenWays are the ways in which a signed zone can be wrong, each with the
// zone that is. What must not be believed then is named below the zone: "all",
// or a name and a type.
var brokenWays = []struct {
	way, zone string
	bogus     []string
	well      []string // what is not touched by it; nil where all is bogus
}{
	{"signatures have expired", "expired.test", []string{"all"}, nil},
	{"signatures are not yet valid", "future.test", []string{"all"}, nil},
	{"signatures end before they begin", "backwards.test", []string{"mx A"}, []string{" MX"}},
	{"the DS record is of another key", "badds.test", []string{"all"}, nil},
	{"the DS record is of an algorithm that no key has", "otheralgorithm.test", []string{"all"}, nil},
	{"there is a DS record, and no key", "nokeys.test", []string{"all"}, nil},
	{"the keys are not signed by the one in the DS record", "badkeys.test", []string{"all"}, nil},
	{"the key that signs is not among the keys", "lostkey.test", []string{"all"}, nil},
	{"a key is there that the signatures over the keys do not know", "addedkey.test", []string{"all"}, nil},
	{"the key is revoked, and the DS record is of before", "revoked.test", []string{"all"}, nil},
	{"a signature names a key that is not there", "wrongkey.test", []string{"mx A"}, []string{" MX"}},
	{"a signature names another zone as its signer", "wrongsigner.test", []string{"mx A"}, []string{" MX"}},
	{"a signature counts fewer labels than the name has", "fewlabels.test", []string{"mx A"}, []string{" MX"}},
	{"a signature is another RRset's", "swapped.test", []string{"mx A"}, []string{" MX"}},
	{"one type has no signature", "stripped.test", []string{" TXT"}, []string{" MX", "mx A"}},
	{"data was changed after it was signed", "edited.test", []string{"mx A"}, []string{" MX"}},
	{"a record was added after the set was signed", "added.test", []string{"mx A"}, []string{" MX"}},
	{"names do not exist without proof, NSEC", "nodenial.test", []string{"no A", " AAAA"}, []string{"mx A"}},
	{"names do not exist without proof, NSEC3", "nodenial3.test", []string{"no A", " AAAA"}, []string{"mx A"}},
	{"a wildcard is expanded without proof, NSEC", "wildcard.test", []string{"x.w TXT"}, []string{"mx A", "*.w TXT"}},
	{"a denial has no signature, NSEC3", "unsigneddenial.test", []string{"no A", " AAAA"}, []string{"mx A"}},
	{"a denial denies a type that is there, NSEC", "lyingdenial.test", []string{"mx MX"}, []string{"mx A"}},
}

// brokenZones are those of them that stand nowhere else.
func brokenZones() []*zone {
	return []*zone{
		{name: "otheralgorithm.test", signer: knot, algorithm: "ecdsap256sha256", asParent: otherAlgorithm, text: common},
		{name: "backwards.test", signer: ldns, algorithm: "RSASHA256", edit: signature("mx", "A", func(f []string) { f[4], f[5] = f[5], f[4] }), text: common},
		{name: "lostkey.test", signer: ldns, algorithm: "ED25519", edit: replace("\tDNSKEY\t257", "\tTYPE65280\t\\# 1 00 ;"), text: common},
		{name: "addedkey.test", signer: ldns, algorithm: "ECDSAP256SHA256", edit: after("\tDNSKEY\t257", anotherKey), text: common},
		{name: "revoked.test", signer: ldns, algorithm: "RSASHA256", revoke: keyOnly, text: common},
		{name: "revokedds.test", signer: ldns, algorithm: "ECDSAP256SHA256", revoke: keyAndDS, text: common},
		{name: "wrongkey.test", signer: ldns, algorithm: "RSASHA256", edit: signature("mx", "A", func(f []string) { f[6] = otherTag(f[6]) }), text: common},
		{name: "wrongsigner.test", signer: ldns, algorithm: "ED25519", args: []string{"-n"}, edit: signature("mx", "A", func(f []string) { f[7] = "test." }), text: common},
		{name: "fewlabels.test", signer: ldns, algorithm: "ED25519", edit: signature("mx", "A", func(f []string) { f[2] = "2" }), text: common},
		{name: "swapped.test", signer: ldns, algorithm: "RSASHA256", args: []string{"-n"}, edit: swapSignatures("b.ent", "mx", "A"), text: common},
		{name: "added.test", signer: ldns, algorithm: "ED25519", edit: after("mx.added.test.\t3600\tIN\tA\t", "mx.added.test.\t3600\tIN\tA\t192.0.2.66\n"), text: common},
		{name: "wildcard.test", signer: ldns, algorithm: "RSASHA256", edit: leaveOut("host.w.wildcard.test.\t300\tIN\tNSEC", "host.w.wildcard.test.\t300\tIN\tRRSIG\tNSEC"), text: common},
		{name: "unsigneddenial.test", signer: ldns, algorithm: "ED25519", args: []string{"-n", "-p"}, edit: leaveOut("RRSIG\tNSEC3 "), text: common},
		{name: "lyingdenial.test", signer: ldns, algorithm: "RSASHA256", edit: lie, text: common},
	}
}

const anotherKey = "addedkey.test.\t3600\tIN\tDNSKEY\t256 3 13 cHMIn99Qw0EPFLrofkGH+Zj9Z1UfikEgSNoRVHkHF1UYwdgqpRQSst+s9iL8hooaUOA/JVQpXObLtcRwWizxXg==\n"

// otherAlgorithm keeps one DS record and changes its algorithm, to one that
// validators know.
func otherAlgorithm(list []*dns.DS) []*dns.DS {
	list[0].Algorithm = dns.RSASHA256
	return list[:1]
}

// signature changes the RRSIG of one RRset. The fields are those of RFC 4034,
// Section 3.2: the type covered, algorithm, labels, original TTL, expiration,
// inception, key tag, signer, signature.
func signature(name, typ string, change func(fields []string)) func(string) string {
	return func(line string) string {
		head, data, found := strings.Cut(line, "\tRRSIG\t")
		f := strings.Fields(data)
		if !found || !strings.HasPrefix(head, name+".") || len(f) < 9 || f[0] != typ {
			return line
		}
		change(f)
		return head + "\tRRSIG\t" + strings.Join(f, " ") + "\n"
	}
}

func otherTag(tag string) string {
	if tag == "1" {
		return "2"
	}
	return "1"
}

// swapSignatures gives the RRset of one name the signature of another's, which
// comes before it in the zone.
func swapSignatures(from, to, typ string) func(string) string {
	taken := ""
	take := signature(from, typ, func(f []string) { taken = f[8] })
	give := signature(to, typ, func(f []string) {
		if taken != "" {
			f[8] = taken
		}
	})
	return func(line string) string {
		take(line)
		return give(line)
	}
}

// after adds a line behind each that holds a text.
func after(text, more string) func(string) string {
	return func(line string) string {
		if strings.Contains(line, text) {
			return line + more
		}
		return line
	}
}

// lie takes A out of the types that the NSEC record of mx lists.
func lie(line string) string {
	if strings.HasPrefix(line, "mx.") && strings.Contains(line, "\tIN\tNSEC\t") {
		return strings.Replace(line, " A ", " ", 1)
	}
	return line
}

// brokenTypes are asked of each name in a broken zone.
var brokenTypes = []string{"A", "AAAA", "MX", "TXT", "TLSA", "CNAME", "SOA", "NS", "DS", "DNSKEY"}

// testBroken asks for every name and several types of each broken zone. We and
// Unbound have to agree on all of them.
func testBroken(t *testing.T, w *tree, server string) {
	var names []string
	for _, q := range commonQuestions {
		if !slices.Contains(names, q.name) {
			names = append(names, q.name)
		}
	}
	r := w.ours(t, server)
	total, bad := 0, 0
	for _, b := range brokenWays {
		t.Run(b.way, func(t *testing.T) {
			states := map[string]judgement{}
			hurt := 0
			for _, name := range names {
				for _, typ := range brokenTypes {
					full := below(name, b.zone)
					l := lookup(t, r, full, typ)
					ours, unbound := judgement{l.Security, l.Outcome}, verdict(t, server, question{name: full, typ: typ})
					if !ours.same(unbound) {
						t.Errorf("%s %s: we say %s, Unbound says %s: %s", full, typ, ours, unbound, l.Reason)
					}
					states[name+" "+typ] = ours
					if ours.security == bogus {
						hurt++
						if l.Reason == "" {
							t.Errorf("%s %s is bogus for no reason", full, typ)
						}
					}
				}
			}
			for q, j := range states {
				switch _, typ, _ := strings.Cut(q, " "); {
				case slices.Contains(b.bogus, q) && j.security != bogus:
					t.Errorf("%q is %s, want bogus", q, j)
				case slices.Contains(b.bogus, "all") && typ != "DS" && j.security != bogus:
					t.Errorf("%q is %s, want bogus as all else", q, j)
				case slices.Contains(b.well, q) && j.security != secure:
					t.Errorf("%q is %s, want secure", q, j)
				}
			}
			t.Logf("%d of %d bogus", hurt, len(states))
			total, bad = total+len(states), bad+hurt
		})
	}
	t.Logf("%d ways, %d questions, %d bogus", len(brokenWays), total, bad)
	if len(brokenWays) < 10 || total < 150 || bad < 150 {
		t.Errorf("%d ways, %d questions, %d bogus: want 10, 150 and 150 at least", len(brokenWays), total, bad)
	}
}

// testRevoked: a zone whose one key is revoked, but named by the DS record as it
// is. RFC 5011, Section 2.1 says that such a key is good for nothing but to say
// that it is revoked. We and BIND go by that; Unbound goes on with the key.
func testRevoked(t *testing.T, w *tree, port int) {
	r, ask := w.ours(t, addr(port)), w.delv(t, port)
	for _, q := range []question{
		{name: "revokedds.test", typ: "MX", want: bogus},
		{name: "no.revokedds.test", typ: "A", want: bogus},
		{name: "revokedds.test", typ: "DS", want: secure, outcome: answer},
	} {
		q.expect(t, "our validator", lookup(t, r, q.name, q.typ))
		if got, out := ask(q); got != q.want {
			t.Errorf("%s %s: delv says %s, want %s\n%s", q.name, q.typ, got, q.want, out)
		}
		if j := verdict(t, addr(port), q); j.security != secure {
			t.Errorf("%s %s: Unbound says %s; does it follow RFC 5011 now?", q.name, q.typ, j)
		}
	}
}
