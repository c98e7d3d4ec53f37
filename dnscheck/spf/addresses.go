package spf

import (
	"math/big"
	"net/netip"
	"slices"
)

// Addresses is a set of IP addresses. The zero value is empty. Methods that
// combine sets leave them as they are.
type Addresses struct {
	spans []span // in order, IPv4 before IPv6, with gaps between them
}

// span is all addresses of a family from one to another.
type span struct{ first, last netip.Addr }

// AddressesOf is the set of the addresses in some networks.
func AddressesOf(networks ...netip.Prefix) Addresses {
	var spans []span
	for _, p := range networks {
		if p.IsValid() {
			spans = append(spans, span{p.Masked().Addr(), lastOf(p)})
		}
	}
	return merge(spans)
}

// merge makes a set of spans in any order.
func merge(spans []span) Addresses {
	slices.SortFunc(spans, func(a, b span) int { return a.first.Compare(b.first) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && out[n-1].first.BitLen() == s.first.BitLen() {
			end := &out[n-1].last
			// Next is not valid behind the last address of a family.
			if next := end.Next(); !next.IsValid() || s.first.Compare(next) <= 0 {
				if s.last.Compare(*end) > 0 {
					*end = s.last
				}
				continue
			}
		}
		out = append(out, s)
	}
	return Addresses{out}
}

// Or is the union of two sets.
func (a Addresses) Or(b Addresses) Addresses {
	return merge(slices.Concat(a.spans, b.spans))
}

// Minus is a without the addresses in b.
func (a Addresses) Minus(b Addresses) Addresses {
	var out []span
	i := 0
	for _, s := range a.spans {
		for i < len(b.spans) && b.spans[i].last.Compare(s.first) < 0 {
			i++
		}
		gone := false
		for j := i; j < len(b.spans) && b.spans[j].first.Compare(s.last) <= 0; j++ {
			if cut := b.spans[j]; cut.first.Compare(s.first) > 0 {
				out = append(out, span{s.first, cut.first.Prev()})
			}
			if b.spans[j].last.Compare(s.last) >= 0 {
				gone = true
				break
			}
			s.first = b.spans[j].last.Next()
		}
		if !gone {
			out = append(out, s)
		}
	}
	return Addresses{out}
}

// And is the addresses that both sets have.
func (a Addresses) And(b Addresses) Addresses { return a.Minus(a.Minus(b)) }

// Contains reports whether the set has an address.
func (a Addresses) Contains(x netip.Addr) bool {
	return slices.ContainsFunc(a.spans, func(s span) bool { return s.first.Compare(x) <= 0 && x.Compare(s.last) <= 0 })
}

// Count is the number of IPv4 and of IPv6 addresses.
func (a Addresses) Count() (v4, v6 *big.Int) {
	v4, v6 = new(big.Int), new(big.Int)
	for _, s := range a.spans {
		n := v4
		if s.first.Is6() {
			n = v6
		}
		first, last := new(big.Int).SetBytes(s.first.AsSlice()), new(big.Int).SetBytes(s.last.AsSlice())
		n.Add(n, last.Sub(last, first))
		n.Add(n, big.NewInt(1))
	}
	return v4, v6
}

// Networks is the set as the fewest networks, in order, IPv4 first.
func (a Addresses) Networks() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range a.spans {
		for first := s.first; ; {
			p := netip.PrefixFrom(first, first.BitLen())
			// The widest network that begins here and ends within the span.
			for p.Bits() > 0 {
				wider := netip.PrefixFrom(first, p.Bits()-1)
				if wider.Masked().Addr() != first || lastOf(wider).Compare(s.last) > 0 {
					break
				}
				p = wider
			}
			list = append(list, p)
			if lastOf(p) == s.last {
				break
			}
			first = lastOf(p).Next()
		}
	}
	return list
}

// lastOf is the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	octets := p.Addr().AsSlice()
	for i := range octets {
		switch host := (i+1)*8 - p.Bits(); {
		case host >= 8:
			octets[i] = 0xff
		case host > 0:
			octets[i] |= 1<<host - 1
		}
	}
	last, _ := netip.AddrFromSlice(octets)
	return last
}
