package resolver

import (
	"context"
	"net"
	"net/netip"

	"mailvet/report/evidence"
)

// dial opens a connection. It ends with ctx.
func (r *Resolver) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if r.Dial != nil {
		return r.Dial(ctx, network, address)
	}
	var d net.Dialer
	if network == "udp" {
		if to, err := netip.ParseAddrPort(address); err == nil {
			return d.DialUDP(ctx, network, netip.AddrPort{}, to) // without the way through names
		}
	}
	return d.DialContext(ctx, network, address)
}

// buffer lends a buffer that holds any message; it goes back to buffers.
func (r *Resolver) buffer() *[]byte {
	b, ok := r.buffers.Get().(*[]byte)
	if !ok {
		b = new([]byte)
		*b = make([]byte, maxMessage)
	}
	return b
}

// openSocket waits until one more socket may be open. It reports false if ctx
// ended. Who got one calls closedSocket.
func (r *Resolver) openSocket(ctx context.Context) bool {
	select {
	case r.sockets <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *Resolver) closedSocket() { <-r.sockets }

// overUDP asks over a socket of its own. A used one is not used again: each
// question has a port that nobody can have learnt (RFC 5452, Section 9.2). What does not answer the question is
// dropped, and we wait on for the rest of the time (RFC 5452, Section 9.1); so
// we do for a message that cannot be read, for it may be somebody else's.
func (r *Resolver) overUDP(ctx context.Context, address string, q *question) *reply {
	if !r.openSocket(ctx) {
		return failed(ctx, evidence.OpDial, context.Cause(ctx))
	}
	defer r.closedSocket()
	limited, cancel := context.WithTimeout(ctx, q.patience)
	defer cancel()
	conn, err := r.dial(limited, "udp", address)
	if err != nil {
		return failed(limited, evidence.OpDial, err)
	}
	stop := context.AfterFunc(limited, func() { conn.Close() })
	defer func() {
		if stop() {
			conn.Close()
		}
	}()
	r.count(ctx, false)
	if _, err := conn.Write(q.wire); err != nil {
		return failed(limited, evidence.OpQuery, err)
	}
	buf := r.buffer()
	defer r.buffers.Put(buf)
	unreadable := false
	for {
		n, err := conn.Read(*buf)
		if err != nil && unreadable {
			return unread()
		}
		if err != nil {
			return failed(limited, evidence.OpQuery, err)
		}
		m, what := q.parse((*buf)[:n])
		switch what {
		case answered:
			return &reply{msg: m, octets: n}
		case malformed:
			unreadable = true
		case notOurs:
			r.stats.dropped.Add(1)
		}
	}
}

// failed is the reply of a try that err ended. That the time was up shows in
// ctx, for then the connection was closed under the call.
func failed(ctx context.Context, op evidence.Op, err error) *reply {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	f := failure(op, err)
	if f.Class == evidence.ClassTimeout {
		f.Text = ""
		return &reply{outcome: evidence.OutcomeTimeout, failure: f}
	}
	return &reply{outcome: evidence.OutcomeNetwork, failure: f}
}

// unread is the reply of a try that got only what cannot be read.
func unread() *reply {
	return &reply{outcome: evidence.OutcomeMalformed, failure: failure(evidence.OpQuery, errUnreadable)}
}
