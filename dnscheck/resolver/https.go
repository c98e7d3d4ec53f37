package resolver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"mailvet/report/evidence"
)

// mediaType is that of a DNS message (RFC 8484, Section 6).
const mediaType = "application/dns-message"

// maxWebConns bounds the connections to a server over HTTPS. HTTP/2 puts all
// questions into one; without it each connection has one question at a time.
const maxWebConns = 8

// web are the connections over HTTPS to a server.
type web struct {
	transport *http.Transport
	heard     atomic.Int64 // answers received, of whatever status
}

// overHTTPS asks by POST. The id is 0, which hides nothing and lets caches on
// the way work (RFC 8484, Section 4.1). Redirects are not followed, for they
// would lead to a server that nobody named.
func (r *Resolver) overHTTPS(ctx context.Context, s *server, q *question) *reply {
	limited, cancel := context.WithTimeout(ctx, q.patience)
	defer cancel()
	mine := *q
	mine.id, mine.wire = 0, append([]byte{0, 0}, q.wire[2:]...)
	req, err := http.NewRequestWithContext(limited, http.MethodPost, s.url(), bytes.NewReader(mine.wire))
	if err != nil {
		return failed(limited, evidence.OpConfig, err)
	}
	req.Header = http.Header{
		"Content-Type": {mediaType}, "Accept": {mediaType},
		"User-Agent": {""}, // RFC 8484, Section 8.2: nothing that tells clients apart
	}
	req.Header["Idempotency-Key"] = []string{} // not sent; lets net/http ask again over a new connection
	w := s.joinWeb(r)
	heard := w.heard.Load()
	r.count(ctx, true)
	resp, err := w.transport.RoundTrip(req)
	if err != nil {
		if ctx.Err() == nil && limited.Err() != nil && w.heard.Load() == heard {
			s.leaveWeb(w) // nothing at all came: perhaps the connection is dead
		}
		return failed(limited, opOf(err), err)
	}
	defer resp.Body.Close()
	w.heard.Add(1)
	if why := refusal(resp); why != nil {
		io.CopyN(io.Discard, resp.Body, 4096) // so that the connection can be used again
		return why
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage+1))
	switch {
	case err != nil:
		rep := failed(limited, evidence.OpQuery, err)
		if rep.failure.Class == evidence.ClassUnknown { // HTTP/2 has errors of its own
			rep.failure.Class = evidence.ClassClosed
		}
		return rep
	case len(body) > maxMessage:
		return &reply{outcome: evidence.OutcomeMalformed, failure: &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTooLarge, Text: "the answer is larger than a DNS message can be"}}
	}
	m, what := mine.parse(body)
	switch {
	case what == notOurs:
		r.stats.dropped.Add(1)
		return unread()
	case what == malformed, m.Truncated:
		return unread()
	}
	return &reply{msg: m, octets: len(body)}
}

// refusal is the reply if the HTTP response holds no DNS message; nil if it
// does (RFC 8484, Section 4.2.1: any 2xx).
func refusal(resp *http.Response) *reply {
	f := &evidence.Failure{Op: evidence.OpQuery, Text: "HTTP status " + strconv.Itoa(resp.StatusCode)}
	rep := &reply{outcome: evidence.OutcomeNetwork, failure: f}
	switch code := resp.StatusCode; {
	case code/100 == 2:
		kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if err == nil && kind == mediaType {
			return nil
		}
		rep.outcome = evidence.OutcomeMalformed
		f.Class, f.Text = evidence.ClassProtocol, fmt.Sprintf("the answer is no DNS message, but of type %q", text(kind, 60))
	case code/100 == 3:
		f.Class, f.Text = evidence.ClassProtocol, f.Text+": redirects are not followed"
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired, code == http.StatusUnavailableForLegalReasons:
		f.Class = evidence.ClassRefused
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code/100 == 5 && code != http.StatusNotImplemented:
		f.Class = evidence.ClassTemporary
		if n, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16); err == nil {
			rep.hold = time.Duration(n) * time.Second // RFC 9110, Section 10.2.3
		}
	default:
		f.Class = evidence.ClassPermanent
	}
	return rep
}

// url is where the questions go. The host is the name in the certificate, to
// whatever address we connect.
func (s *server) url() string {
	_, port, _ := net.SplitHostPort(s.Address)
	host := net.JoinHostPort(s.Name, port)
	if port == schemes[HTTPS].port {
		host = host[:len(host)-len(port)-1]
	}
	return (&url.URL{Scheme: HTTPS.String(), Host: host}).String() + s.Path
}

// joinWeb returns the connections to use.
func (s *server) joinWeb(r *Resolver) *web {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.web == nil {
		s.web = &web{transport: &http.Transport{
			DialTLSContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return r.openWeb(ctx, s) },
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxConnsPerHost:        maxWebConns,
			IdleConnTimeout:        idleFor,
			MaxResponseHeaderBytes: 16 << 10,
		}}
	}
	return s.web
}

// leaveWeb lets connections end after their last questions; nil: the current
// ones. They are no longer used.
func (s *server) leaveWeb(w *web) {
	s.mu.Lock()
	if w == nil {
		w = s.web
	}
	if s.web == w {
		s.web = nil
	}
	s.mu.Unlock()
	if w != nil {
		w.transport.CloseIdleConnections()
	}
}

// openWeb connects to the server.
func (r *Resolver) openWeb(ctx context.Context, s *server) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout())
	defer cancel()
	conn, err := r.dial(ctx, "tcp", s.Address)
	if err != nil {
		return nil, dialError{err}
	}
	return r.secure(ctx, s, conn, "h2", "http/1.1")
}

// dialError marks that no connection could be opened.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// opOf is what was being done when an HTTP request failed.
func opOf(err error) evidence.Op {
	var dial dialError
	var shake handshakeError
	switch {
	case errors.As(err, &dial):
		return evidence.OpDial
	case errors.As(err, &shake):
		return evidence.OpHandshake
	}
	return evidence.OpQuery
}
