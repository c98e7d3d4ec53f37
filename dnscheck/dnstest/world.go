package dnstest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// World is a name space: zones from the root down. It is safe for concurrent
// use.
type World struct {
	zones map[string]*tree // by origin
	hosts map[netip.Addr][]string

	mu      sync.Mutex
	servers map[netip.Addr]*Server
}

// rootZone stands in where a test does not care for a root zone of its own.
const rootZone = `
.        3600 IN SOA ns.root. hostmaster.root. 1 7200 3600 1209600 300
.        3600 IN NS  ns.root.
ns.root. 3600 IN A   192.0.2.53
ns.root. 3600 IN AAAA 2001:db8::53
`

// NewWorld joins zones. Zones are copied.
//
// A zone without a "." zone above gets one, signed, with a single name server
// at 192.0.2.53 and 2001:db8::53. Where a parent lacks the delegation to a
// child, it gets the child's NS records and what glue they need. Signed
// children get a DS record in their parent, unless it has one already or the
// child's options say otherwise. now is the time from which signatures count.
func NewWorld(now time.Time, zones ...*Zone) (*World, error) {
	w := &World{
		zones:   make(map[string]*tree),
		hosts:   make(map[netip.Addr][]string),
		servers: make(map[netip.Addr]*Server),
	}
	for _, z := range zones {
		if w.zones[z.origin] != nil {
			return nil, fmt.Errorf("dnstest: zone %s is there twice", z.origin)
		}
		w.zones[z.origin] = newTree(z)
	}
	if w.zones["."] == nil {
		w.zones["."] = newTree(MustParseZone(".", rootZone, Options{Signed: true}))
	}
	trees := w.sorted()
	for _, t := range trees {
		if err := t.prepare(now); err != nil {
			return nil, err
		}
	}
	for _, t := range trees {
		if t.origin != "." {
			t.parent = w.enclosing(parent(t.origin))
			t.parent.delegate(t)
		}
	}
	for _, t := range trees {
		if err := t.finish(); err != nil {
			return nil, err
		}
		if err := t.chain(); err != nil {
			return nil, err
		}
	}
	for _, t := range trees { // parents first
		t.trust = t.judge(now)
	}
	for _, t := range trees {
		w.locate(t)
	}
	return w, nil
}

// sorted lists the zones in canonical order: parents before children.
func (w *World) sorted() []*tree {
	list := make([]*tree, 0, len(w.zones))
	for _, t := range w.zones {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *tree) int { return cmp.Compare(orderKey(a.origin), orderKey(b.origin)) })
	return list
}

// enclosing finds the deepest zone at or above a name. The root always is.
func (w *World) enclosing(name string) *tree {
	for {
		if t := w.zones[name]; t != nil {
			return t
		}
		name = parent(name)
	}
}

// delegate fills in what t has to say about its child.
func (t *tree) delegate(child *tree) {
	n := t.node(child.origin)
	if n.sets[dns.TypeNS] == nil {
		if ns := child.apex.sets[dns.TypeNS]; ns != nil {
			for _, rr := range ns.rrs {
				t.add(dns.Copy(rr))
				t.addGlue(child, canonical(rr.(*dns.NS).Ns))
			}
		}
	}
	o := child.opts
	if o.NoDS || n.sets[dns.TypeDS] != nil || !o.Signed && !o.BadDS {
		return
	}
	var k *key
	switch {
	case o.OldDS != 0:
		k, _ = newKey(child.origin, secureZone, o.OldDS, child.origin)
	case child.keys != nil:
		k = child.keys[0]
	default:
		k, _ = newKey(child.origin, secureZone, dns.ECDSAP256SHA256, child.origin)
	}
	t.add(k.ds(cmp.Or(o.Digest, dns.SHA256), o.BadDS))
}

// addGlue copies the addresses of a host that lies within the child zone (RFC
// 9471: glue that a referral cannot do without).
func (t *tree) addGlue(child *tree, host string) {
	from := child.nodes[host]
	if from == nil {
		return
	}
	for _, typ := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if s := from.sets[typ]; s != nil {
			for _, rr := range s.rrs {
				t.add(dns.Copy(rr))
			}
		}
	}
}

// Zones lists the zones' names, parents before children.
func (w *World) Zones() []string {
	var names []string
	for _, t := range w.sorted() {
		names = append(names, t.origin)
	}
	return names
}

// Anchors gives the trust anchor: the DS record of the root zone's key-signing
// key; nothing if the root is not signed.
func (w *World) Anchors() []dns.RR {
	var list []dns.RR
	for _, ds := range w.zones["."].delegationSigners() {
		list = append(list, ds)
	}
	return list
}
