package scanner

import (
	"cmp"
	"errors"
	"net/netip"
	"time"

	"mailvet/report/evidence"
)

// hand is a domain in hand of a pass. Only its own goroutine touches it.
type hand struct {
	*pass
	domain Domain
	at     int           // in the list
	spent  evidence.Cost // on earlier scans
	worker bool          // it has one
	place  *place        // while it is set aside
	kept   bool          // there is a place kept for it, because
	under  netip.Addr    // it was parked for this address
}

// errParked says that a scan was given up, to be made anew when more is known
// of the mail server that it waited for.
var errParked = errors.New("scanner: the domain makes room for others")

// maxScans bounds how often one domain is scanned because no resolver answered.
const maxScans = 3

// scan takes the domain to its report or puts it off. The caller took a worker
// for it.
func (h *hand) scan() error {
	h.worker = true
	err := h.one()
	if h.worker {
		<-h.slots
	}
	h.progress.inHand.Add(-1)
	if errors.Is(err, errParked) {
		h.progress.parked.Add(1)
		h.aside.park(h.place.under, h.domain, h.spent)
		err = nil
	} else if h.kept {
		h.aside.release()
	}
	h.aside.back([]netip.Addr{h.under}, h.comeBack)
	return err
}

func (h *hand) one() error {
	if h.Keep != nil {
		switch keep, err := h.Keep(h.ctx, h.domain); {
		case err != nil:
			return err
		case !keep:
			return h.emit(h.ctx, h.at, nil)
		}
	}
	snap, err := h.onceAnswered()
	if err != nil {
		return err
	}
	if h.putOff && worthAgain(snap) {
		h.spend(snap)
		if h.order == nil {
			h.later(snap)
			return nil
		}
		aside := h.setAside(nil)
		h.rest(h.ctx, restBefore) // if the run is to end, the other try follows at once
		if aside {
			h.takeUp()
		}
		h.Scanner.forget(staleAfter)
		if snap, err = h.Scanner.scan(h.ctx, h.domain, h); err != nil {
			return err
		}
	}
	emit, err := h.prepare(h.domain, snap)
	if err != nil {
		return err
	}
	return h.emit(h.ctx, h.at, emit)
}

// onceAnswered scans the domain, and again when a resolver answers that did not.
func (h *hand) onceAnswered() (*evidence.Snapshot, error) {
	for try := 1; ; try++ {
		snap, err := h.Scanner.scan(h.ctx, h.domain, h)
		if err != nil {
			return nil, err
		}
		if !noResolver(snap) {
			h.answered.Store(true)
			return snap, nil
		}
		if h.Pause < 0 || try == maxScans {
			return snap, nil
		}
		waited, err := h.awaitResolver(h.ctx)
		if err != nil {
			return nil, err
		}
		if !waited && h.putOff {
			return snap, nil // it is about this domain, which is tried again anyway
		}
		h.spend(snap)
	}
}

// spend remembers what a scan cost that is made anew.
func (h *hand) spend(s *evidence.Snapshot) { h.spent = s.Cost }

// later keeps the domain for the second pass.
func (h *hand) later(snap *evidence.Snapshot) {
	h.mu.Lock()
	h.again.push(h.domain, h.spent)
	h.mu.Unlock()
	if h.Scanner.Prove != nil {
		h.Scanner.Prove(snap, nil) // what it was judged by is not needed
	}
	h.progress.again.Add(1)
}

// setAside gives the worker to another domain, if there is room for one more
// that waits. It reports whether it did. In a list that keeps its order there
// always is, or else another could not be parked: its turn may be next.
func (h *hand) setAside(addrs []netip.Addr) bool {
	if h.place = h.aside.enter(addrs, h.kept, h.order == nil); h.place == nil {
		return false
	}
	h.progress.setAside.Add(1)
	h.worker = false
	<-h.slots
	return true
}

// takeUp waits for a worker again. A domain that is nearly done goes on even
// if the list waits for a resolver. Without a worker (ctx is done) the domain
// goes on all the same, for a moment.
func (h *hand) takeUp() {
	h.slots <- struct{}{}
	h.worker = true
	h.progress.setAside.Add(-1)
	if !h.aside.exit(h.place) {
		h.kept = false
	}
	h.aside.back(h.place.addrs, h.comeBack)
	h.place = nil
}

// leave makes room for others, without a worker.
func (h *hand) leave(s *evidence.Snapshot) {
	h.spend(s)
	h.progress.setAside.Add(-1)
}

// patience is for how long a domain may be set aside.
func (h *hand) patience() time.Duration { return cmp.Or(h.Batch.Patience, DefaultPatience) }
