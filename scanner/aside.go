package scanner

import (
	"net/netip"
	"slices"
	"sync"

	"mailvet/report/evidence"
)

// asides are the domains that wait for mail servers without a worker. As each
// holds what was seen of it, there is room for so many only. When one more
// comes, one of those that wait for the most wanted address leaves: all that
// is kept of it is its name, and it is scanned anew when an answer has come
// from that address, or when there is room. So however many wait for a slow
// server, they do not keep others from being scanned.
type asides struct {
	most int

	mu     sync.Mutex
	places []*place // in the order in which they came
	kept   int      // places of domains that came back, whether these wait now or not
	parked map[netip.Addr]*backlog
	count  int // of those parked
}

// place is that of one domain.
type place struct {
	addrs []netip.Addr  // of the mail servers that it waits for, if these are among it
	leave chan struct{} // closed when it is to leave
	under netip.Addr    // then the address because of which
	kept  bool
}

// taken counts the places. The caller holds the lock.
func (a *asides) taken() int {
	n := a.kept
	for _, p := range a.places {
		if !p.kept {
			n++
		}
	}
	return n
}

// enter gives a place to a domain; nil if there is none and none can be made.
// Where the domain itself is the one that is to leave, its place is closed
// already. With park false none leaves.
func (a *asides) enter(addrs []netip.Addr, kept, park bool) *place {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := &place{addrs: addrs, leave: make(chan struct{}), kept: kept}
	if !kept && a.taken() >= a.most {
		if !park {
			return nil
		}
		a.places = append(a.places, p)
		if out := a.choose(); out >= 0 {
			left := a.places[out]
			a.places = slices.Delete(a.places, out, out+1)
			if left.kept {
				a.kept--
			}
			close(left.leave)
			return p
		}
		a.places = a.places[:len(a.places)-1]
		return nil
	}
	a.places = append(a.places, p)
	return p
}

// choose finds who is to leave: of those that wait for the address for which
// most do the one that came last; -1 if nobody can. Who came first to an
// address stays, for it is likely that its connection is open. The caller
// holds the lock.
func (a *asides) choose() int {
	wanted := map[netip.Addr]int{}
	first := make([]bool, len(a.places))
	for i, p := range a.places {
		for _, addr := range p.addrs {
			if wanted[addr]++; wanted[addr] == 1 {
				first[i] = true
			}
		}
	}
	best, most := -1, 1
	for i, p := range a.places {
		if first[i] {
			continue
		}
		for _, addr := range p.addrs {
			if wanted[addr] > most || best >= 0 && wanted[addr] == most {
				best, most, p.under = i, wanted[addr], addr
			}
		}
	}
	return best
}

// exit ends the waiting. It reports false if the domain was told to leave
// already, so that it has no place any more.
func (a *asides) exit(p *place) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.places, p)
	if i >= 0 {
		a.places = slices.Delete(a.places, i, i+1)
	}
	return i >= 0
}

// park keeps the name of a domain that has left.
func (a *asides) park(under netip.Addr, d Domain, spent evidence.Cost) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.parked == nil {
		a.parked = map[netip.Addr]*backlog{}
	}
	b := a.parked[under]
	if b == nil {
		b = &backlog{}
		a.parked[under] = b
	}
	b.push(d, spent)
	a.count++
}

// release gives up the place that was kept for a domain.
func (a *asides) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kept--
}

// back gives domains that are to come back, each with a place that is kept for
// it: one that was parked because of one of these addresses, as an answer has
// come from there, and any while half of the room is free.
func (a *asides) back(addrs []netip.Addr, begin func(netip.Addr, Domain, evidence.Cost)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	take := func(addr netip.Addr) bool {
		b := a.parked[addr]
		if b == nil {
			return false
		}
		d, spent, _ := b.pop()
		if b.len == 0 {
			delete(a.parked, addr)
		}
		a.count--
		a.kept++
		begin(addr, d, spent)
		return true
	}
	if a.count == 0 || a.taken() >= a.most {
		return
	}
	for _, addr := range addrs {
		if take(addr) {
			break
		}
	}
	for addr := range a.parked {
		for 2*a.taken() < a.most && take(addr) {
		}
	}
}
