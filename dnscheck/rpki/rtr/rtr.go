// Package rtr fetches validated ROA payloads from a cache by the RPKI-to-Router
// protocol, version 1 (RFC 8210) or 0 (RFC 6810).
//
// The protocol is made for routers, that stay connected and are told of every
// change. A scan wants everything, once: the client sends a Reset Query; the
// cache answers with a Cache Response, one PDU (message) for each VRP, and End
// of Data. A cache that has nothing yet answers with an Error Report.
//
// Each PDU names its version. A cache that knows only version 0 answers the
// question in version 1 by an Error Report in its own version, by version 0
// outright, or by hanging up (RFC 8210, Section 7); the client then takes what
// comes, or asks again in version 0. Router keys (BGPsec) are passed over.
//
// The connection is TCP without protection (RFC 8210, Section 9 asks for a
// trusted network); for TLS or SSH give a [Client.Dial] that makes such a
// connection.
package rtr

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"mailvet/dnscheck/rpki"
)

// Client fetches from caches. The zero value is ready, and safe for concurrent
// use with different builders.
type Client struct {
	// Dial opens the connection; nil is net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout is for all of it, connections included; 0: 2 minutes.
	Timeout time.Duration
	// Idle is how long the cache may take for its next octets; 0: 30 seconds.
	Idle time.Duration
	// MaxPDUs bounds the PDUs of one answer, of any type; 0: 4,000,000.
	MaxPDUs int
}

const (
	defaultTimeout = 2 * time.Minute
	defaultIdle    = 30 * time.Second
	defaultMaxPDUs = 4_000_000
	defaultPort    = "323" // RFC 8210, Section 9 (IANA: rpki-rtr)
)

// Fetch asks the cache at address, host:port or host alone, for all its VRPs and
// adds them to b. If it fails it has added none. The source's Generated is the
// time of the fetch; ValidUntil is that and the cache's expire interval
// (version 1 only), so ages of what the cache itself relies on do not show.
func (c *Client) Fetch(ctx context.Context, address string, b *rpki.VRPBuilder) (rpki.Source, error) {
	ctx, cancel := context.WithTimeout(ctx, orDefault(c.Timeout, defaultTimeout))
	defer cancel()
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(strings.Trim(address, "[]"), defaultPort)
	}
	var src rpki.Source
	for version := newest; ; version-- {
		err := b.Atomically(func() (err error) {
			src, err = c.fetch(ctx, address, version, b)
			return err
		})
		if err == nil {
			return src, nil
		}
		if ctx.Err() != nil || version == 0 || !older(err) {
			if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
				err = fmt.Errorf("%w: %w", cause, err)
			}
			return rpki.Source{}, fmt.Errorf("rtr: fetch from %s: %w", address, err)
		}
	}
}

// older reports whether the cache may understand an older version better: it
// said so, or hung up before it said anything.
func older(err error) bool {
	var report *ReportError
	return errors.As(err, &report) && report.Code == UnsupportedVersion || errors.Is(err, errSilent)
}

var errSilent = errors.New("the cache hung up without an answer")

func (c *Client) fetch(ctx context.Context, address string, version uint8, b *rpki.VRPBuilder) (rpki.Source, error) {
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return rpki.Source{}, err
	}
	defer conn.Close()
	// Whatever is being waited for ends with the context.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	s := &session{
		in: bufio.NewReaderSize(&patient{conn, orDefault(c.Idle, defaultIdle)}, 64<<10), builder: b,
		asked: version, left: orDefault(c.MaxPDUs, defaultMaxPDUs),
	}
	conn.SetWriteDeadline(time.Now().Add(orDefault(c.Idle, defaultIdle)))
	if _, err := conn.Write(resetQuery(version)); err != nil {
		return rpki.Source{}, fmt.Errorf("send the query: %w", err)
	}
	end, err := s.receive()
	if err != nil {
		return rpki.Source{}, err
	}
	src := rpki.Source{Format: rpki.FormatRTR, Generated: time.Now().UTC().Truncate(time.Second), Kept: s.kept}
	if end.expire > 0 {
		src.ValidUntil = src.Generated.Add(end.expire)
	}
	return src, nil
}

// patient allows each read its own time.
type patient struct {
	conn net.Conn
	idle time.Duration
}

func (p *patient) Read(b []byte) (int, error) {
	// Where this fails, so does reading, and says better why.
	p.conn.SetReadDeadline(time.Now().Add(p.idle))
	return p.conn.Read(b)
}

func orDefault[N int | time.Duration](n, standard N) N {
	if n == 0 {
		return standard
	}
	return n
}

// session is one answer to a Reset Query.
type session struct {
	in      *bufio.Reader
	builder *rpki.VRPBuilder
	asked   uint8 // version of the query
	version uint8 // of the answer, once begun
	id      uint16
	begun   bool
	heard   bool // anything at all
	left    int  // PDUs
	kept    int
}

// receive reads PDUs until End of Data (RFC 8210, Section 8.1).
func (s *session) receive() (endOfData, error) {
	for {
		if s.left--; s.left < 0 {
			return endOfData{}, fmt.Errorf("more PDUs than are read: %w", rpki.ErrTooLarge)
		}
		p, err := readPDU(s.in)
		if err != nil {
			if !s.heard && s.asked > 0 && hungUp(err) {
				return endOfData{}, fmt.Errorf("%w: %w", errSilent, err)
			}
			return endOfData{}, err
		}
		s.heard = true
		end, done, err := s.handle(p)
		if done || err != nil {
			return end, err
		}
	}
}

// hungUp reports that the other side ended the connection at the end of a PDU,
// as opposed to being slow, to this side ending it, or to saying something odd.
func hungUp(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &op) && !op.Timeout() && !errors.Is(err, net.ErrClosed)
}

func (s *session) handle(p pdu) (end endOfData, done bool, err error) {
	switch {
	case p.typ == typeErrorReport:
		// RFC 8210, Section 7: its version may be another one.
		return end, false, p.report()
	case p.typ == typeSerialNotify:
		// RFC 8210, Section 7: to be ignored before the version is settled, and
		// of no use to whom leaves afterwards.
		return end, false, nil
	case !s.begun && p.typ == typeCacheResponse:
		if p.version > s.asked {
			return end, false, fmt.Errorf("version %d in answer to a query in version %d", p.version, s.asked)
		}
		s.begun, s.version, s.id = true, p.version, p.field
		return end, false, nil
	case !s.begun:
		return end, false, fmt.Errorf("%s in place of a Cache Response", p.typ)
	case p.version != s.version:
		return end, false, fmt.Errorf("%s of version %d in an answer of version %d", p.typ, p.version, s.version)
	}
	switch p.typ {
	case typeIPv4Prefix, typeIPv6Prefix:
		return end, false, s.prefix(p)
	case typeRouterKey:
		if s.version == 0 {
			return end, false, fmt.Errorf("a Router Key in version 0")
		}
		return end, false, nil
	case typeEndOfData:
		if p.field != s.id {
			return end, false, fmt.Errorf("an End of Data for session %d in session %d", p.field, s.id)
		}
		end, err = p.end()
		return end, err == nil, err
	}
	return end, false, fmt.Errorf("%s in the middle of an answer", p.typ)
}

func (s *session) prefix(p pdu) error {
	v, announced, err := p.vrp()
	if err != nil {
		return err
	}
	if !announced {
		// RFC 8210, Section 5.6: nothing was announced before.
		return fmt.Errorf("a withdrawal of %s, which was not announced", v)
	}
	s.kept++
	return s.builder.Add(v)
}
