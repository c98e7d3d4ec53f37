package resolver

import (
	"sync"
	"time"

	"github.com/miekg/dns"
)

// How long things are kept.
const (
	// minTTL keeps even an answer with TTL 0 for the time of about one scan,
	// so that the scan sees one state of the name, and asks once.
	minTTL = 10 * time.Second
	maxTTL = time.Hour
	// maxNegativeTTL is for NXDOMAIN and NODATA. RFC 2308, Section 5 finds one
	// to three hours sensible at most; somebody who repairs a name waits less.
	maxNegativeTTL = 15 * time.Minute
)

// averageSize is what an entry may take, in octets, on average. Larger ones
// push out more than one.
const averageSize = 4096

// cache keeps values until they expire, and at most size of them. In a list of
// domains most names are asked for once, and some, those of providers, again and
// again. So a value that was wanted again has a place among three quarters of
// all, one that was not yet among the rest; in either, the one not used for the
// longest time goes first, from the former to the latter. It is safe for
// concurrent use.
type cache[V any] struct {
	size int

	mu     sync.Mutex
	m      map[key]*entry[V]
	again  ring[V] // wanted again
	once   ring[V]
	octets int
}

type entry[V any] struct {
	key        key
	value      V
	expires    time.Time
	octets     int
	in         *ring[V]
	prev, next *entry[V]
}

// ring is a list of entries. Its end's next is the newest, its prev the oldest.
type ring[V any] struct {
	end entry[V]
	len int
}

func newCache[V any](size int) *cache[V] {
	c := &cache[V]{size: size, m: map[key]*entry[V]{}}
	for _, r := range []*ring[V]{&c.again, &c.once} {
		r.end.prev, r.end.next = &r.end, &r.end
	}
	return c
}

func (c *cache[V]) get(k key, now time.Time) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.m[k]
	if e == nil {
		return v, false
	}
	if !now.Before(e.expires) {
		c.remove(e)
		return v, false
	}
	e.leave()
	c.again.add(e)
	if c.again.len > c.size*3/4 {
		oldest := c.again.end.prev
		oldest.leave()
		c.once.add(oldest)
	}
	return e.value, true
}

func (c *cache[V]) put(k key, v V, octets int, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := &c.once
	if old := c.m[k]; old != nil {
		in = old.in
		c.remove(old)
	}
	limit := c.size * averageSize
	if c.size <= 0 || octets > limit {
		return
	}
	e := &entry[V]{key: k, value: v, expires: expires, octets: octets}
	c.m[k] = e
	c.octets += octets
	in.add(e)
	for c.once.len > c.size-c.size*3/4 {
		c.remove(c.once.end.prev)
	}
	for c.octets > limit {
		from := &c.once
		if from.len == 0 || from.len == 1 && from == e.in {
			from = &c.again
		}
		c.remove(from.end.prev)
	}
}

// shorten makes an entry expire by a time at the latest.
func (c *cache[V]) shorten(k key, by time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.m[k]; e != nil && by.Before(e.expires) {
		e.expires = by
	}
}

func (c *cache[V]) remove(e *entry[V]) {
	e.leave()
	delete(c.m, e.key)
	c.octets -= e.octets
}

// add makes e the newest.
func (r *ring[V]) add(e *entry[V]) {
	e.in, e.prev, e.next = r, &r.end, r.end.next
	e.prev.next, e.next.prev = e, e
	r.len++
}

func (e *entry[V]) leave() {
	e.prev.next, e.next.prev = e.next, e.prev
	e.in.len--
}

// lifetime is how long a message may be kept.
func lifetime(m *dns.Msg) time.Duration {
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
	default:
		return FailureTTL
	}
	least, longest := maxTTL, maxTTL
	for _, rr := range m.Answer {
		least = min(least, seconds(rr.Header().Ttl))
	}
	if m.Rcode == dns.RcodeNameError || !holds(m) {
		// RFC 2308, Section 5: the lesser of the SOA's TTL and MINIMUM field.
		// A denial without SOA should not be kept at all.
		longest = maxNegativeTTL
		negative := time.Duration(0)
		for _, rr := range m.Ns {
			if soa, ok := rr.(*dns.SOA); ok {
				negative = min(seconds(soa.Hdr.Ttl), seconds(soa.Minttl))
			}
		}
		least = min(least, negative)
	}
	return max(minTTL, min(least, longest))
}

// holds reports whether the answer holds records of the type asked for.
func holds(m *dns.Msg) bool {
	for _, rr := range m.Answer {
		if len(m.Question) == 1 && rr.Header().Rrtype == m.Question[0].Qtype {
			return true
		}
	}
	return false
}

// seconds reads a TTL. RFC 2181, Section 8: one with the top bit set is zero.
func seconds(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}
