package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"mailvet/report/evidence"
)

// fetch makes the request, and makes it again where the fault may pass.
func (f *Fetcher) fetch(ctx context.Context, u *url.URL, limit int) evidence.Fetch {
	release := f.hosts.hold(ctx, evidence.Name(u.Hostname()))
	if release == nil {
		return cancelled()
	}
	defer release()
	var r evidence.Fetch
	opened := 0
	for try := range max(0, f.Retries) + 1 {
		if try > 0 && !pause(ctx, f.Backoff) {
			return cancelled()
		}
		r = f.try(ctx, u, limit)
		opened += r.Connections
		if r.Connections = opened; !again(r) {
			break
		}
	}
	return r
}

// again reports whether another try at once may bring something better. What
// took its time already is not worth it; the resolver makes tries of its own.
func again(r evidence.Fetch) bool {
	if r.Failure == nil {
		return r.Status >= 500
	}
	return r.Failure.Op >= evidence.OpHandshake && (r.Failure.Class == evidence.ClassReset || r.Failure.Class == evidence.ClassClosed)
}

func cancelled() evidence.Fetch {
	return evidence.Fetch{Failure: &evidence.Failure{Op: evidence.OpFetch, Class: evidence.ClassCancelled, Text: "the scan was cancelled"}}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// try goes through the host's addresses, IPv4 first, until one can be spoken
// to. IPv6 addresses are looked up only if need be.
func (f *Fetcher) try(ctx context.Context, u *url.URL, limit int) evidence.Fetch {
	families := []string{"A", "AAAA"}
	if f.NoIPv6 {
		families = families[:1]
	}
	var r evidence.Fetch
	var failed *evidence.Failure // the most telling so far
	opened, tried := 0, 0
	for _, family := range families {
		addrs, failure := f.addresses(ctx, u.Hostname(), family)
		failed = worse(failed, failure)
		for _, addr := range addrs {
			if tried++; tried > maxTried {
				break
			}
			r = f.ask(ctx, u, addr, limit)
			opened += r.Connections
			r.Connections = opened
			if r.Failure == nil || r.Failure.Op != evidence.OpDial && r.Failure.Op != evidence.OpConfig {
				return r
			}
			failed = worse(failed, r.Failure)
		}
	}
	r.Failure = failed
	return r
}

// worse picks the failure that tells more about the host: a connection that
// failed tells more than a family without addresses, and what may pass more
// than an address that is not connected to.
func worse(a, b *evidence.Failure) *evidence.Failure {
	rank := func(f *evidence.Failure) int {
		switch {
		case f == nil:
			return 0
		case f.Op == evidence.OpQuery && f.Class == evidence.ClassUnreachable:
			return 1
		case f.Class == evidence.ClassNoFamily:
			return 2
		case f.Op == evidence.OpConfig:
			return 3
		case f.Op == evidence.OpQuery:
			return 4
		}
		return 5
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// addresses looks up the addresses of one family, in the order of numbers.
func (f *Fetcher) addresses(ctx context.Context, host, family string) ([]netip.Addr, *evidence.Failure) {
	fail := func(c evidence.Class, text string) ([]netip.Addr, *evidence.Failure) {
		return nil, &evidence.Failure{Op: evidence.OpQuery, Class: c, Text: text}
	}
	l, err := f.Resolver.Lookup(ctx, host, family)
	switch {
	case ctx.Err() != nil:
		return fail(evidence.ClassCancelled, "the scan was cancelled")
	case err != nil:
		return fail(evidence.ClassUnknown, clip(err.Error()))
	case l.Security == evidence.SecurityBogus:
		return fail(evidence.ClassProtocol, host+" "+family+": the answer is bogus")
	case l.Absent() || l.Outcome == evidence.OutcomeBadName:
		return fail(evidence.ClassUnreachable, host+" has no address")
	case l.Outcome == evidence.OutcomeTimeout:
		return fail(evidence.ClassTimeout, host+" "+family+": "+l.Words())
	case !l.Exists():
		return fail(evidence.ClassTemporary, host+" "+family+": "+l.Words())
	}
	var list []netip.Addr
	for _, rr := range l.Answer {
		if a, err := rr.Addr(); err == nil {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list, nil
}

// ask makes the request to one address.
func (f *Fetcher) ask(ctx context.Context, u *url.URL, addr netip.Addr, limit int) evidence.Fetch {
	r := evidence.Fetch{Addr: addr.String()}
	if f.Special != nil && !f.AllowPrivate {
		if purpose, special := f.Special(addr); special {
			r.Failure = &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassForbidden, Text: "not connected to: " + purpose}
			return r
		}
	}
	release := f.addrs.hold(ctx, addr)
	if release == nil {
		return cancelled()
	}
	defer release()
	if r.Failure = f.known(addr); r.Failure != nil {
		return r
	}
	select {
	case f.gate <- struct{}{}:
		defer func() { <-f.gate }()
	case <-ctx.Done():
		return cancelled()
	}
	limited, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	x := &exchange{f: f, url: u, limit: limit, fetch: &r}
	if err := x.run(limited, addr); err != nil {
		r.Failure = x.failure(ctx, limited, err)
	}
	if r.Failure != nil && r.Failure.Op == evidence.OpDial && ctx.Err() == nil {
		f.bury(addr, *r.Failure)
	}
	return r
}

// known is the failure to connect to an address that is remembered, if any.
func (f *Fetcher) known(addr netip.Addr) *evidence.Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, ok := f.dead[addr]
	switch {
	case !ok:
		return nil
	case time.Since(d.at) > deadFor:
		delete(f.dead, addr)
		return nil
	}
	return &d.failure
}

// bury remembers that nobody answers at an address.
func (f *Fetcher) bury(addr netip.Addr, why evidence.Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if why.Class == evidence.ClassNoFamily {
		return // quick enough to find out
	}
	for a := range f.dead {
		if len(f.dead) < maxDead {
			break
		}
		delete(f.dead, a)
	}
	f.dead[addr] = death{time.Now(), why}
}

// exchange is one request over one connection.
type exchange struct {
	f     *Fetcher
	url   *url.URL
	limit int
	fetch *evidence.Fetch
	op    evidence.Op // what is being done
}

var errCertificate = errors.New("the certificate is not good")

func (x *exchange) run(ctx context.Context, addr netip.Addr) error {
	x.op = evidence.OpDial
	dialCtx, cancel := context.WithTimeout(ctx, x.f.ConnectTimeout)
	defer cancel()
	x.fetch.Connections = 1
	raw, err := x.f.Dial(dialCtx, "tcp", netip.AddrPortFrom(addr, uint16(x.f.Port)).String())
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	defer raw.Close()

	x.op = evidence.OpHandshake
	conn := tls.Client(raw, x.config())
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	x.op = evidence.OpFetch
	transport := &http.Transport{
		DialTLSContext:    func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		ForceAttemptHTTP2: true, DisableKeepAlives: true, DisableCompression: true,
		MaxResponseHeaderBytes: maxHeader,
	}
	defer transport.CloseIdleConnections()
	req := &http.Request{
		Method: http.MethodGet, URL: x.url, Host: strings.TrimSuffix(x.url.Host, "."),
		Header: http.Header{"User-Agent": {x.f.UserAgent}, "Accept": {"*/*"}},
	}
	response, err := transport.RoundTrip(req.WithContext(ctx)) // a RoundTripper follows no redirects
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return x.read(response)
}

func (x *exchange) config() *tls.Config {
	name := strings.TrimSuffix(x.url.Hostname(), ".")
	return &tls.Config{
		ServerName: name, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12,
		// The certificate is verified in VerifyConnection, so that it can be
		// described where it is not good.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			x.fetch.Certificate = judge(s.PeerCertificates, name, x.f.Roots, x.f.Now())
			if refused(x.fetch.Certificate) {
				return errCertificate
			}
			return nil
		},
	}
}

// read writes the response down.
func (x *exchange) read(response *http.Response) error {
	r := x.fetch
	r.Status = response.StatusCode
	r.ContentType = clip(response.Header.Get("Content-Type"))
	r.Location = clip(response.Header.Get("Location"))
	r.Size = max(0, response.ContentLength)
	if r.Status != http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(x.limit)+1))
	if len(body) > x.limit {
		body, r.Truncated = body[:x.limit], true
	}
	r.Size = max(r.Size, int64(len(body)))
	if err != nil && !r.Truncated {
		return fmt.Errorf("after %d octets of the body: %w", len(body), err)
	}
	if len(body) > 0 {
		r.Body = body
	}
	return nil
}
