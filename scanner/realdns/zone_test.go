package realdns_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// signer is who signs a zone, and with that who serves it: Knot its own and
// the unsigned ones, NSD those that ldns signed.
type signer uint8

const (
	nobody signer = iota
	knot
	ldns
)

// revocation is what is done to the key of a zone once it is made.
type revocation uint8

const (
	valid    revocation = iota
	keyOnly             // it is revoked, and the DS record is of before
	keyAndDS            // the DS record is that of the revoked key
)

// zone is one zone of the tree, and what is done to it.
type zone struct {
	name   string // without final dot; "." for the root
	signer signer
	// algorithm and policy are for Knot: further lines of its dnssec-policy.
	algorithm string
	policy    string
	split     bool       // a KSK and a ZSK instead of one key
	args      []string   // for ldns-signzone
	revoke    revocation // only with ldns
	// asParent changes what the parent has of the DS records; nil: nothing.
	asParent func([]*dns.DS) []*dns.DS
	// edit changes the signed zone's lines; nil: nothing. Only with ldns.
	edit func(line string) string
	text string // records, beside SOA and NS

	ds []*dns.DS // once it has keys
}

func (z *zone) under(parent *zone) bool {
	return z != parent && dns.IsSubDomain(dns.Fqdn(parent.name), dns.Fqdn(z.name))
}

// tree is the zones with their servers.
type tree struct {
	zones  []*zone
	knot   int // ports
	nsd    int
	anchor string // the root's DS records, as text
}

func (w *tree) zone(t *testing.T, name string) *zone {
	t.Helper()
	for _, z := range w.zones {
		if z.name == name {
			return z
		}
	}
	t.Fatalf("there is no zone %s", name)
	return nil
}

func (w *tree) by(s ...signer) (list []*zone) {
	for _, z := range w.zones {
		for _, want := range s {
			if z.signer == want {
				list = append(list, z)
			}
		}
	}
	return list
}

// parent is the zone that delegates z; nil for the root.
func (w *tree) parent(z *zone) (parent *zone) {
	for _, p := range w.zones {
		if z.under(p) && (parent == nil || len(p.name) > len(parent.name) || parent.name == ".") {
			parent = p
		}
	}
	return parent
}

// source is the zone as its signer gets it: complete with SOA, NS, its
// records, and the delegations with their DS records.
func (w *tree) source(z *zone) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ORIGIN %s\n$TTL 3600\n@ SOA ns1.dns.test. hostmaster.dns.test. 1 7200 900 1209600 300\n@ NS ns1.dns.test.\n@ NS ns2.dns.test.\n", dns.Fqdn(z.name))
	b.WriteString(z.text)
	b.WriteString("\n")
	for _, child := range w.zones {
		if w.parent(child) != z {
			continue
		}
		fmt.Fprintf(&b, "%[1]s NS ns1.dns.test.\n%[1]s NS ns2.dns.test.\n", dns.Fqdn(child.name))
		for _, ds := range child.parentDS() {
			fmt.Fprintln(&b, ds)
		}
	}
	return b.String()
}

func (z *zone) parentDS() []*dns.DS {
	if z.asParent == nil {
		return z.ds
	}
	list := make([]*dns.DS, len(z.ds))
	for i, ds := range z.ds {
		list[i] = dns.Copy(ds).(*dns.DS)
	}
	return z.asParent(list)
}

// readDS reads DS records from what a tool wrote.
func readDS(t *testing.T, text string) (list []*dns.DS) {
	t.Helper()
	for line := range strings.Lines(text) {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if ds, ok := rr.(*dns.DS); ok {
			list = append(list, ds)
		}
	}
	if len(list) == 0 {
		t.Fatalf("there is no DS record in %q", text)
	}
	return list
}

// newTree makes the keys of all zones, signs them and starts their servers.
func newTree(t *testing.T) *tree {
	k, l := newKnot(t), newNSD(t)
	w := &tree{zones: zones()}
	k.keys(t, w)
	l.keys(t, w)
	for _, ds := range w.zone(t, ".").ds {
		w.anchor += ds.String() + "\n"
	}
	w.nsd = l.start(t, w)
	w.knot = k.start(t, w)
	return w
}
