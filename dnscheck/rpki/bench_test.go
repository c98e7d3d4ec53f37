package rpki_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"

	"mailvet/dnscheck/rpki"
)

// prefixes generates n different prefixes in about the proportions of the
// Internet: four in five are IPv4, most of them /24, half inside another one.
func prefixes(n int) []netip.Prefix {
	r := rand.New(rand.NewPCG(1, 2))
	seen := make(map[netip.Prefix]bool, n)
	list := make([]netip.Prefix, 0, n)
	for len(list) < n {
		var p netip.Prefix
		if r.IntN(5) > 0 {
			bits := [...]int{24, 24, 24, 24, 23, 22, 21, 20, 19, 16}[r.IntN(10)]
			p, _ = netip.AddrFrom4([4]byte{byte(1 + r.IntN(222)), byte(r.IntN(256)), byte(r.IntN(256)), 0}).Prefix(bits)
		} else {
			bits := [...]int{48, 48, 48, 44, 40, 36, 32, 29}[r.IntN(8)]
			p, _ = netip.AddrFrom16([16]byte{0x20 + byte(r.IntN(16)), byte(r.IntN(256)), byte(r.IntN(16)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}).Prefix(bits)
		}
		if !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	return list
}

const (
	manyVRPs   = 500_000
	manyRoutes = 1_000_000
)

func vrpText(json bool, n int) []byte {
	var b bytes.Buffer
	list := prefixes(n)
	if json {
		b.WriteString(`{"metadata":{"generated":1795341600},"roas":[`)
	} else {
		b.WriteString("ASN,IP Prefix,Max Length,Trust Anchor\n")
	}
	for i, p := range list {
		if json {
			fmt.Fprintf(&b, `{ "asn": "AS%d", "prefix": "%s", "maxLength": %d, "ta": "ripe" }`, 64496+i%70000, p, p.Bits())
			if i < len(list)-1 {
				b.WriteString(",\n")
			}
		} else {
			fmt.Fprintf(&b, "AS%d,%s,%d,ripe\n", 64496+i%70000, p, p.Bits())
		}
	}
	if json {
		b.WriteString("]}")
	}
	return b.Bytes()
}

func routeText(n int) []byte {
	var b bytes.Buffer
	for i, p := range prefixes(n) {
		fmt.Fprintf(&b, "%d\t%s\t%d\n", 64496+i%70000, p, 10+i%400)
	}
	return b.Bytes()
}

// heap is what is in use after a collection.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// measure reports the time of one load, the memory that stays, and all that was
// allocated on the way.
func measure[T any](b *testing.B, entries int, load func() T) {
	before := heap()
	var kept T
	for b.Loop() {
		kept = load()
	}
	stays := float64(heap()) - float64(before)
	b.ReportMetric(stays/float64(entries), "B/entry")
	b.ReportMetric(stays/(1<<20), "MB-kept")
	runtime.KeepAlive(kept)
}

func BenchmarkLoadVRPs(b *testing.B) {
	for _, form := range []string{"json", "csv"} {
		b.Run(form, func(b *testing.B) {
			text := vrpText(form == "json", manyVRPs)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			measure(b, manyVRPs, func() *rpki.VRPs { return loadVRPs(b, text) })
			runtime.KeepAlive(text)
		})
	}
}

func BenchmarkLoadRoutes(b *testing.B) {
	text := routeText(manyRoutes)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	measure(b, manyRoutes, func() *rpki.Routes { return loadRoutes(b, text) })
	runtime.KeepAlive(text)
}

func loadVRPs(t testing.TB, text []byte) *rpki.VRPs {
	var vb rpki.VRPBuilder
	if _, err := (rpki.VRPReader{}).Read(bytes.NewReader(text), &vb); err != nil {
		t.Fatal(err)
	}
	set, err := vb.Build()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func loadRoutes(t testing.TB, text []byte) *rpki.Routes {
	var rb rpki.RouteBuilder
	if _, err := (rpki.RouteReader{}).Read(bytes.NewReader(text), &rb); err != nil {
		t.Fatal(err)
	}
	table, err := rb.Build()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func BenchmarkLookup(b *testing.B) {
	set, table := loadVRPs(b, vrpText(false, manyVRPs)), loadRoutes(b, routeText(manyRoutes))
	asked := prefixes(100_000)
	b.Run("routes to an address", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if _, c := table.To(asked[i%len(asked)].Addr()); c != rpki.Usable {
				b.Fatal(c)
			}
			i++
		}
	})
	b.Run("validate a route", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if x := set.Validate(rpki.Route{Prefix: asked[i%len(asked)], Origin: 64496}); x.State == rpki.StateUnknown {
				b.Fatal(x)
			}
			i++
		}
	})
}

// TestMemory holds the tables to 48 octets an entry, by a tenth of what the
// benchmarks load. With all of it that is 72 MB; what the benchmarks allocate
// in all on the way is 330 MB, of which the collector keeps a part.
func TestMemory(t *testing.T) {
	vrps, routes := vrpText(true, manyVRPs/10), routeText(manyRoutes/10)
	before := heap()
	set, table := loadVRPs(t, vrps), loadRoutes(t, routes)
	used := int64(heap()) - int64(before)
	if n := set.Len() + table.Len(); n != (manyVRPs+manyRoutes)/10 {
		t.Errorf("%d entries", n)
	}
	runtime.KeepAlive([]any{vrps, routes, set, table})
	if each := used * 10 / (manyVRPs + manyRoutes); each < 32 || each > 48 {
		t.Errorf("%d octets an entry, want 32 to 48", each)
	}
}
