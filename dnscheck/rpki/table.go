package rpki

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"sort"
)

// A table holds prefixes, each with any number of values, in one sorted slice
// for each family: in the order of the first address, then of the length. What
// lies inside a prefix stands behind it, and each row knows the nearest one
// that contains it. So the rows that contain a prefix are found by a binary
// search for the last row that is not behind it, and then by following up. A
// row takes 32 octets, less than in a trie, and a lookup among a million rows one
// or two microseconds.
type table[V any] struct{ v4, v6 []row[V] }

type row[V any] struct {
	hi, lo uint64 // the first address; an IPv4 address in the top of hi
	above  int32  // the nearest row of the same or a shorter prefix that contains this one, or -1
	bits   uint8
	value  V
}

// maxRows and maxSame bound one family, and the rows of one prefix: a lookup
// passes by at most 129 times maxSame rows.
const (
	maxRows = 16_000_000
	maxSame = 4096
)

func (t *table[V]) family(p netip.Prefix) *[]row[V] {
	if p.Addr().Is4() {
		return &t.v4
	}
	return &t.v6
}

func key(p netip.Prefix) (hi, lo uint64) {
	if p.Addr().Is4() {
		a := p.Addr().As4()
		return uint64(a[0])<<56 | uint64(a[1])<<48 | uint64(a[2])<<40 | uint64(a[3])<<32, 0
	}
	a := p.Addr().As16()
	for i := range 8 {
		hi, lo = hi<<8|uint64(a[i]), lo<<8|uint64(a[i+8])
	}
	return hi, lo
}

func (r *row[V]) prefix(is4 bool) netip.Prefix {
	if is4 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(r.hi >> 56), byte(r.hi >> 48), byte(r.hi >> 40), byte(r.hi >> 32)}), int(r.bits))
	}
	var a [16]byte
	for i := range 8 {
		a[i], a[i+8] = byte(r.hi>>(56-8*i)), byte(r.lo>>(56-8*i))
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), int(r.bits))
}

// add takes a prefix that [checkPrefix] has passed.
func (t *table[V]) add(p netip.Prefix, value V) error {
	rows := t.family(p)
	if len(*rows) >= maxRows {
		return fmt.Errorf("more than %d prefixes of one family", maxRows)
	}
	hi, lo := key(p)
	*rows = append(*rows, row[V]{hi: hi, lo: lo, bits: uint8(p.Bits()), value: value})
	return nil
}

// build sorts the table, the values of one prefix by order, of which values
// that are the same are one: the first. Nothing may be added afterwards.
func (t *table[V]) build(order func(a, b V) int, same func(a, b V) bool) error {
	for _, rows := range []*[]row[V]{&t.v4, &t.v6} {
		if err := arrange(rows, order, same); err != nil {
			return err
		}
	}
	return nil
}

func arrange[V any](rows *[]row[V], order func(a, b V) int, same func(a, b V) bool) error {
	slices.SortFunc(*rows, func(a, b row[V]) int {
		if c := a.compare(&b); c != 0 {
			return c
		}
		return order(a.value, b.value)
	})
	kept := (*rows)[:0]
	times := 1
	for _, r := range *rows {
		last := len(kept) - 1
		if last >= 0 && kept[last].compare(&r) == 0 {
			if same(kept[last].value, r.value) {
				continue
			}
			if times++; times > maxSame {
				return fmt.Errorf("more than %d entries for one prefix", maxSame)
			}
		} else {
			times = 1
		}
		r.above = int32(last)
		for r.above >= 0 && !kept[r.above].contains(&r) {
			r.above = kept[r.above].above
		}
		kept = append(kept, r)
	}
	clear((*rows)[len(kept):])
	*rows = slices.Clip(kept)
	return nil
}

func (r *row[V]) compare(o *row[V]) int {
	switch {
	case r.hi != o.hi:
		return cmp.Compare(r.hi, o.hi)
	case r.lo != o.lo:
		return cmp.Compare(r.lo, o.lo)
	}
	return cmp.Compare(r.bits, o.bits)
}

func (r *row[V]) contains(o *row[V]) bool {
	return r.bits <= o.bits && (r.hi^o.hi)>>(64-min(r.bits, 64)) == 0 && (r.bits <= 64 || (r.lo^o.lo)>>(128-r.bits) == 0)
}

// covering gives the rows whose prefix contains p or is p, the longest first.
func (t *table[V]) covering(p netip.Prefix) iter.Seq2[netip.Prefix, V] {
	return func(yield func(netip.Prefix, V) bool) {
		rows, is4 := *t.family(p), p.Addr().Is4()
		var want row[V]
		want.hi, want.lo = key(p)
		want.bits = uint8(p.Bits())
		i := sort.Search(len(rows), func(i int) bool { return rows[i].compare(&want) > 0 })
		for at := int32(i - 1); at >= 0; at = rows[at].above {
			if r := &rows[at]; r.contains(&want) && !yield(r.prefix(is4), r.value) {
				return
			}
		}
	}
}

// all gives the rows of both families in order, IPv4 first.
func (t *table[V]) all() iter.Seq2[netip.Prefix, V] {
	return func(yield func(netip.Prefix, V) bool) {
		for i := range t.v4 {
			if !yield(t.v4[i].prefix(true), t.v4[i].value) {
				return
			}
		}
		for i := range t.v6 {
			if !yield(t.v6[i].prefix(false), t.v6[i].value) {
				return
			}
		}
	}
}

func (t *table[V]) len() int { return len(t.v4) + len(t.v6) }

// condition says whether the table knows anything of the family of p: a dump
// of IPv4 says nothing about IPv6.
func (t *table[V]) condition(p netip.Prefix) Condition {
	if len(*t.family(p)) == 0 {
		return Empty
	}
	return Usable
}
