// Package fetch makes HTTPS requests as an observer: what came back, or went
// wrong, is evidence. MTA-STS policies (RFC 8461, Section 3.3), BIMI's logos
// and mark certificates, and keys of a Web Key Directory come this way.
//
// Whoever publishes a record decides where a scanner sends a request. So a
// request goes only to what a web server of the Internet can be:
//
//   - https, the standard port, a name and no address in the URL;
//   - addresses come from the scanner's own resolver, and one of special
//     purpose (RFC 6890) is not connected to unless the user allows it;
//   - no redirect is followed (RFC 8461, Section 3.3 forbids it), no proxy is
//     used, no cookie and no compression is accepted;
//   - the certificate must be good for the name before anything is sent;
//   - headers, body, and time are bounded.
//
// Manners, in the whole run of a [Fetcher]: a URL is fetched once however many
// domains share it, and one request at a time goes to a host or address. An
// address that could not be connected to is left alone for a while.
package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"mailvet/dnscheck/flight"
	"mailvet/report/evidence"
)

// Defaults of a [Fetcher].
const (
	DefaultTimeout        = 20 * time.Second
	DefaultConnectTimeout = 8 * time.Second
	DefaultRetries        = 1
	DefaultBackoff        = time.Second
	DefaultMaxOpen        = 32
	DefaultRemember       = 1024
	DefaultUserAgent      = "mailvet"
)

// Bounds of what is read and written down.
const (
	MaxURL    = 2048
	MaxBody   = 1 << 20 // whatever limit a caller gives
	maxHeader = 32 << 10
	maxText   = 256 // octets of a header or name written down
	maxNames  = 32  // of a certificate
	maxTried  = 3   // addresses of a host
	deadFor   = 5 * time.Minute
	maxDead   = 4096
	httpsPort = 443
)

// Resolver asks DNS questions.
type Resolver interface {
	Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error)
}

// Fetcher fetches URLs and remembers what came of it for one run. The fields
// must not be changed once it is in use, and it must not be copied. It is safe
// for concurrent use.
type Fetcher struct {
	// Resolver finds the hosts; required.
	Resolver Resolver
	// Special names the purpose of addresses that are not connected to unless
	// AllowPrivate is set; one of the two is required.
	Special      func(netip.Addr) (purpose string, special bool)
	AllowPrivate bool
	NoIPv6       bool

	// Dial opens connections; nil means a net.Dialer. It is called with "tcp"
	// and an address literal with port.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Port int // connected to in the place of 443; 0 means 443
	// Roots are what certificates are verified against. Nil means the
	// system's; if these cannot be had, or are none at all, the state of every
	// certificate is unknown, and the request is made all the same.
	Roots     *x509.CertPool
	UserAgent string

	// Timeout bounds one try from the connection to the last octet,
	// ConnectTimeout the opening of the connection.
	Timeout, ConnectTimeout time.Duration
	// Retries is how often a temporary fault is tried again: 0 means the
	// default, negative never. Backoff is the pause before.
	Retries int
	Backoff time.Duration
	// MaxOpen bounds the requests under way at once.
	MaxOpen int
	// Remember is how many results are kept, negative none.
	Remember int
	// Now is the clock by which certificates are judged; nil means time.Now.
	Now func() time.Time

	once    sync.Once
	invalid error
	gate    chan struct{}
	hosts   locks[string]
	addrs   locks[netip.Addr]

	flight flight.Group[key, evidence.Fetch]
	mu     sync.Mutex
	kept   map[key]evidence.Fetch
	order  []key // of kept, oldest first
	dead   map[netip.Addr]death
}

type key struct {
	url   string
	limit int
}

// death is when an address could not be connected to, and why.
type death struct {
	at      time.Time
	failure evidence.Failure
}

// Fetch gets the URL, and at most limit octets of its body (0 means MaxBody).
// The error says that ctx is done or the Fetcher wrongly configured;
// everything else is evidence. The result belongs to the caller; its
// Connections are those opened by this call.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string, limit int) (evidence.Fetch, error) {
	f.once.Do(f.setup)
	switch {
	case f.invalid != nil:
		return evidence.Fetch{}, f.invalid
	case ctx.Err() != nil:
		return evidence.Fetch{}, fmt.Errorf("fetch: %s: %w", clip(rawURL), context.Cause(ctx))
	case limit <= 0 || limit > MaxBody:
		limit = MaxBody
	}
	u, why := parseURL(rawURL)
	if u == nil {
		return evidence.Fetch{URL: rawURL, Failure: &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassForbidden, Text: why}}, nil
	}
	k := key{rawURL, limit}
	if r, ok := f.remembered(k); ok {
		return r, nil
	}
	r, shared, err := f.flight.Do(ctx, k, func(ctx context.Context) evidence.Fetch {
		r := f.fetch(ctx, u, limit)
		if ctx.Err() == nil {
			f.remember(k, r)
		}
		return r
	})
	if err != nil {
		return evidence.Fetch{}, fmt.Errorf("fetch: %s: %w", clip(rawURL), err)
	}
	r = clone(r)
	if r.URL = rawURL; shared {
		r.Connections = 0
	}
	return r, nil
}

func (f *Fetcher) setup() {
	set(&f.Timeout, DefaultTimeout)
	set(&f.ConnectTimeout, min(f.Timeout, DefaultConnectTimeout))
	set(&f.Backoff, DefaultBackoff)
	set(&f.Retries, DefaultRetries)
	set(&f.MaxOpen, DefaultMaxOpen)
	set(&f.Remember, DefaultRemember)
	set(&f.Port, httpsPort)
	set(&f.UserAgent, DefaultUserAgent)
	if f.Dial == nil {
		f.Dial = new(net.Dialer).DialContext
	}
	if f.Now == nil {
		f.Now = time.Now
	}
	switch {
	case f.Resolver == nil:
		f.invalid = errors.New("fetch: there is no resolver")
	case f.Special == nil && !f.AllowPrivate:
		f.invalid = errors.New("fetch: which addresses are of special purpose is not known")
	case f.Port < 1 || f.Port > 65535:
		f.invalid = fmt.Errorf("fetch: port %d is outside 1 to 65535", f.Port)
	case min(f.Timeout, f.ConnectTimeout, f.Backoff) < 0 || f.MaxOpen < 0:
		f.invalid = errors.New("fetch: a time or limit is negative")
	case strings.ContainsFunc(f.UserAgent, func(r rune) bool { return r < ' ' || r >= 0x7f }):
		f.invalid = fmt.Errorf("fetch: %q cannot be a user agent", f.UserAgent)
	}
	if f.invalid != nil {
		return
	}
	if f.Roots == nil {
		f.Roots = systemRoots()
	}
	f.flight.Wait = true
	f.gate = make(chan struct{}, f.MaxOpen)
	f.kept = map[key]evidence.Fetch{}
	f.dead = map[netip.Addr]death{}
}

func set[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// systemRoots is nil where there are none: then nothing can be said about trust.
func systemRoots() *x509.CertPool {
	roots, err := x509.SystemCertPool()
	if err != nil || roots.Equal(x509.NewCertPool()) {
		return nil
	}
	return roots
}

// parseURL accepts what a request may be made of, else says what is wrong.
func parseURL(raw string) (*url.URL, string) {
	if len(raw) > MaxURL {
		return nil, fmt.Sprintf("the URL is longer than %d octets", MaxURL)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, "the URL cannot be read"
	case u.Scheme != "https":
		return nil, "only https is used"
	case u.User != nil:
		return nil, "the URL has a user name"
	case u.Port() != "" && u.Port() != "443":
		return nil, "only port 443 is used"
	case !isName(u.Hostname()):
		return nil, "the URL has no host name of two labels or more"
	}
	u.Fragment, u.RawFragment = "", ""
	return u, ""
}

// isName accepts host names of two labels and more, and no addresses.
func isName(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if _, err := netip.ParseAddr(host); err == nil || len(host) > 253 || !strings.Contains(host, ".") {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			return false
		}
	}
	return strings.Trim(host[strings.LastIndexByte(host, '.')+1:], "0123456789") != ""
}

func (f *Fetcher) remembered(k key) (evidence.Fetch, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.kept[k]
	r = clone(r)
	r.Connections = 0
	return r, ok
}

func (f *Fetcher) remember(k key, r evidence.Fetch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.kept[k]; ok || f.Remember < 0 {
		return
	}
	for len(f.order) >= f.Remember {
		delete(f.kept, f.order[0])
		f.order = f.order[1:]
	}
	f.kept[k] = r
	f.order = append(f.order, k)
}

// clone copies what a snapshot may change.
func clone(r evidence.Fetch) evidence.Fetch {
	if r.Certificate != nil {
		c := *r.Certificate
		r.Certificate = &c
	}
	if r.Failure != nil {
		c := *r.Failure
		r.Failure = &c
	}
	return r
}

// clip bounds a text of the network and makes it printable ASCII.
func clip(s string) string {
	s = evidence.EscapeText(s)
	if len(s) > maxText {
		s = s[:maxText] + "..."
	}
	return s
}
