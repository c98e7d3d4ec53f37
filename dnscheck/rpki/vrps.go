package rpki

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// VRPs is a set of validated ROA payloads. It is safe for concurrent use. Nil
// is a set that was never loaded: every state is then unknown.
type VRPs struct {
	table   table[payload]
	anchors []string
	lacking Condition // why it is unknown as a whole, or Usable
}

type payload struct {
	asn       uint32
	maxLength uint8
	anchor    uint8 // index of the trust anchor's name; 0 is none
}

// VRPBuilder collects VRPs from any number of sources. The zero value is ready.
// It is not safe for concurrent use.
type VRPBuilder struct {
	table   table[payload]
	anchors []string
}

// Bounds on names of trust anchors: there are five registries, a dozen names in use.
const (
	maxAnchors    = 255
	maxAnchorName = 64
)

// Add adds one VRP. It fails for one that cannot be (RFC 9582, Section 4.3.2):
// a maximum length shorter than the prefix or longer than an address, bits
// behind the prefix length, an IPv4-mapped prefix.
func (b *VRPBuilder) Add(v VRP) error {
	v, err := checkVRP(v)
	if err != nil {
		return fmt.Errorf("rpki: add a VRP: %w", err)
	}
	if err := b.table.add(v.Prefix, payload{uint32(v.ASN), uint8(v.MaxLength), b.anchor(v.TrustAnchor)}); err != nil {
		return fmt.Errorf("rpki: add a VRP: %w", err)
	}
	return nil
}

// anchor numbers the name of a trust anchor. The name only informs: one too
// odd, or one too many, is left out.
func (b *VRPBuilder) anchor(name string) uint8 {
	if name == "" || name == "N/A" {
		return 0
	}
	for i, a := range b.anchors {
		if a == name {
			return uint8(i + 1)
		}
	}
	odd := func(r rune) bool { return r < ' ' || r == 0x7f }
	if len(b.anchors) == maxAnchors || len(name) > maxAnchorName || !utf8.ValidString(name) || strings.ContainsFunc(name, odd) {
		return 0
	}
	b.anchors = append(b.anchors, strings.Clone(name))
	return uint8(len(b.anchors))
}

// Len is how many VRPs were added, repeated ones counted each time.
func (b *VRPBuilder) Len() int { return b.table.len() }

// Atomically runs fill, and if that fails forgets what it added: half a source
// would make routes not-found that are valid.
func (b *VRPBuilder) Atomically(fill func() error) error {
	v4, v6 := len(b.table.v4), len(b.table.v6)
	err := fill()
	if err != nil {
		b.table.v4, b.table.v6 = b.table.v4[:v4], b.table.v6[:v6]
	}
	return err
}

// Build makes the set and leaves the builder empty. Repeated VRPs are one.
// Without any VRP for a family, states of its routes are unknown, as [Empty].
// It fails if one prefix has thousands of VRPs.
func (b *VRPBuilder) Build() (*VRPs, error) {
	v := &VRPs{table: b.table, anchors: b.anchors, lacking: Usable}
	*b = VRPBuilder{}
	order := func(x, y payload) int {
		return cmp.Or(cmp.Compare(x.asn, y.asn), cmp.Compare(x.maxLength, y.maxLength), cmp.Compare(x.anchor, y.anchor))
	}
	same := func(x, y payload) bool { return x.asn == y.asn && x.maxLength == y.maxLength }
	if err := v.table.build(order, same); err != nil {
		return nil, fmt.Errorf("rpki: build the table of VRPs: %w", err)
	}
	return v, nil
}

// WithoutVRPs is a set of which nothing is known, for the reason why.
// It panics for Usable, which is no such reason.
func WithoutVRPs(why Condition) *VRPs {
	if why == Usable {
		panic("rpki: a set without VRPs cannot be usable")
	}
	return &VRPs{lacking: why}
}

// Len is the number of different VRPs.
func (v *VRPs) Len() int {
	if v == nil {
		return 0
	}
	return v.table.len()
}

// All gives the VRPs in order: IPv4 first, by prefix, then by AS number.
func (v *VRPs) All() iter.Seq[VRP] {
	return func(yield func(VRP) bool) {
		if v == nil {
			return
		}
		for p, x := range v.table.all() {
			if !yield(v.vrp(p, x)) {
				return
			}
		}
	}
}

// Covering lists the VRPs whose prefix contains p or is p, the longest first
// and then by falling AS number. The condition says whether the list can be
// relied on; a usable empty list means that there are none.
func (v *VRPs) Covering(p netip.Prefix) ([]VRP, Condition) {
	c := v.condition(p)
	if c != Usable {
		return nil, c
	}
	var list []VRP
	for q, x := range v.table.covering(p.Masked()) {
		list = append(list, v.vrp(q, x))
	}
	return list, c
}

func (v *VRPs) condition(p netip.Prefix) Condition {
	switch {
	case v == nil:
		return Missing
	case v.lacking != Usable:
		return v.lacking
	case !p.IsValid():
		return Missing
	}
	return v.table.condition(p)
}

func (v *VRPs) vrp(p netip.Prefix, x payload) VRP {
	r := VRP{Prefix: p, MaxLength: int(x.maxLength), ASN: ASN(x.asn)}
	if x.anchor > 0 {
		r.TrustAnchor = v.anchors[x.anchor-1]
	}
	return r
}
