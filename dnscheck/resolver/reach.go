package resolver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// reachPort is where name servers answer.
const reachPort = 53

// Reach asks a name server directly for the NS records of a name: EDNS, CD
// set, RD not; over UDP, and over TCP if the answer is truncated, which then
// must answer too. Any answer counts, whatever its response code, even one
// that cannot be read (the Failure then says protocol). An address family
// that this host has no route for leaves the outcome unknown.
//
// That it answers is kept as long as the Resolver is used, by address and
// name: a server may answer for one name and be silent for another. That it
// does not is kept as a lookup's failure is. An address that was silent for
// several names is tried once for each further one, until it answers something.
// The error is the context's, or says what is wrong with the Resolver or the
// arguments.
func (r *Resolver) Reach(ctx context.Context, host string, addr netip.Addr, name string) (evidence.Reach, error) {
	if err := r.setup(); err != nil {
		return evidence.Reach{}, err
	}
	canonical, ok := canonicalName(evidence.Name(name))
	if !ok {
		return evidence.Reach{}, fmt.Errorf("resolver: reach %s: %q cannot be asked for", host, name)
	}
	if !addr.IsValid() {
		return evidence.Reach{}, fmt.Errorf("resolver: reach %s: no address", host)
	}
	if err := ctx.Err(); err != nil {
		return evidence.Reach{}, fmt.Errorf("resolver: reach %s: %w", host, context.Cause(ctx))
	}
	k := key{name: canonical, qtype: dns.TypeNS, addr: addr.String()}
	found, ok := r.reaches.get(k, r.now())
	if !ok {
		var err error
		found, _, err = r.probing.Do(ctx, k, func(ctx context.Context) *evidence.Reach { return r.probe(ctx, k) })
		if err != nil {
			return evidence.Reach{}, fmt.Errorf("resolver: reach %s: %w", host, err)
		}
	}
	reach := *found
	reach.Host = evidence.Name(host)
	if found.Failure != nil {
		f := *found.Failure
		reach.Failure = &f
	}
	return reach, nil
}

// probe tries the address until it answers.
func (r *Resolver) probe(ctx context.Context, k key) *evidence.Reach {
	found := &evidence.Reach{Addr: k.addr}
	select {
	case r.reaching <- struct{}{}:
		defer func() { <-r.reaching }()
	case <-ctx.Done():
		return found
	}
	tries, quiet := r.tries(), key{addr: k.addr}
	if n, _ := r.silences.get(quiet, r.now()); n >= quietAfter {
		tries = 1
	}
	for found.Tries < tries {
		if found.Tries > 0 && found.Failure.Class != evidence.ClassTimeout && !sleep(ctx, firstPause<<min(found.Tries-1, 6)) {
			return found
		}
		found.Tries++
		q, err := newQuestion(k, udpSize, r.timeout(), r.Rand)
		if err != nil {
			found.Failure = failure(evidence.OpConfig, err)
			return found
		}
		rep := r.probeOnce(ctx, k, q)
		found.Outcome, found.Failure = reached(rep)
		if rep.msg != nil {
			found.RCode, found.Authoritative = rcodeName(rep.msg.Rcode), rep.msg.Authoritative
		}
		if ctx.Err() != nil {
			return found
		}
		if found.Outcome != evidence.NotReached {
			break
		}
	}
	switch {
	case found.Outcome == evidence.Reached:
		r.reaches.put(k, found, 256, r.now().Add(forever))
		r.silences.put(quiet, 0, 64, r.now().Add(forever))
	case found.Outcome == evidence.NotReached:
		r.reaches.put(k, found, 256, r.now().Add(FailureTTL))
		n, _ := r.silences.get(quiet, r.now())
		r.silences.put(quiet, n+1, 64, r.now().Add(quietFor))
	}
	return found
}

// An address is taken for dead after silence for so many names, for so long.
const (
	quietAfter = 3
	quietFor   = 10 * time.Minute
)

// forever is for what holds as long as the Resolver is used.
const forever = 100 * 365 * 24 * time.Hour

// probeOnce asks once.
func (r *Resolver) probeOnce(ctx context.Context, k key, q *question) *reply {
	address := net.JoinHostPort(k.addr, fmt.Sprint(reachPort))
	rep := r.overUDP(ctx, address, q)
	if rep.msg != nil && rep.msg.Truncated {
		return r.overTCP(ctx, address, q)
	}
	return rep
}

// reached says what a reply tells of its server.
func reached(rep *reply) (evidence.Reachable, *evidence.Failure) {
	switch {
	case rep.msg != nil:
		return evidence.Reached, nil
	case rep.outcome == evidence.OutcomeMalformed:
		return evidence.Reached, rep.failure
	case rep.failure.Class == evidence.ClassNoFamily:
		return evidence.ReachableUnknown, rep.failure
	}
	return evidence.NotReached, rep.failure
}

// overTCP asks over a connection of its own.
func (r *Resolver) overTCP(ctx context.Context, address string, q *question) *reply {
	if !r.openSocket(ctx) {
		return failed(ctx, evidence.OpDial, context.Cause(ctx))
	}
	defer r.closedSocket()
	limited, cancel := context.WithTimeout(ctx, q.patience)
	defer cancel()
	conn, err := r.dial(limited, "tcp", address)
	if err != nil {
		return failed(limited, evidence.OpDial, err)
	}
	st := r.start(conn)
	defer func() {
		st.close(net.ErrClosed)
		conn.Close() // not some time later, as st does it: the socket counts
	}()
	return r.askOver(ctx, limited, nil, st, q)
}
