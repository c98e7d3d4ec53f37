// Package lab is an Internet in one process: a signed root with zones below
// it, name servers, a recursive resolver and mail servers, all built from
// scenario files and reached over an in-memory network. Tests and "mailvet
// demo" run the real scanner on it.
//
// A scenario is a text file in txtar form: a comment, then sections. Files are
// joined into one Internet, so each need only hold what is its own.
//
//	-- zone NAME [signed] [nsec3] [opt-out] [bad-ds] [no-ds] [expired] [expiring] [rsa] [ed25519] [rolling] [old-ds] [old-nsec3] [salted] [stale] [algorithm=N] [digest=N] [iterations=N] --
//
// is a zone in zone-file format. A zone that is rolling is signed with ECDSA
// besides, the DS record of one with old-ds is of an RSA key that is gone,
// and old-nsec3 has iterations and a salt. Signatures of a zone that
// is stale are valid for long, and not renewed in time; salted has a salt alone. Algorithm and digest type of its DS
// record, and the iterations of NSEC3, may be given. SOA and NS records may be left out: then the
// zone is served by ns1.dns.test and ns2.dns.test. {tlsa HOST 3 1 1} stands
// for the data of a TLSA record that matches the certificate of HOST (usage 2:
// of its issuer), {tlsa HOST/KEY 3 1 1} for that of another key.
//
//	-- smtp HOST --
//
// is the mail server at all addresses of HOST, or with "-- smtp HOST ADDRESS... --"
// at these. Lines, all of which may be left out:
//
//	cert: WORD...           see below
//	also: WORD...           a second certificate, of another kind of key
//	starttls: no            STARTTLS is not offered; else the reply to the command
//	banner: REPLY           the greeting, with its reply code
//	ehlo: REPLY             the reply to EHLO, its lines separated by "|"
//	handshake: REPLY        what happens in place of the handshake
//	inject: TEXT            is sent in the clear behind the reply to STARTTLS
//	leftover: WORD          what becomes of commands behind STARTTLS: tls, dropped, obeyed, refused, answered
//	name: NAME              what it calls itself; else HOST
//	limit: N                connections a minute, then 421
//	tls: 1.2                the highest version
//	versions: A,B           versions of TLS, "SSL 2.0" to "TLS 1.3" (this line and those up to refuses: see smtptest.Model)
//	suites: A,B             suites, best first, by IANA's names
//	groups: A,B             groups, best first
//	hashes: A,B             hash functions for signatures in TLS 1.2: MD5, SHA1, SHA224, ...
//	specs: A,B              ciphers of SSL 2.0
//	order: client           the client's order of suites decides
//	compression: DEFLATE    it compresses
//	without: A,B            lacks extended-master-secret, secure-renegotiation
//	prime: ffdhe3072        the prime of DHE; else one of its own, of 1024 bits
//	refuses: HOW            alert, close, reset, silence, oddly
//	silent: yes             takes no connection and says nothing
//	extensions: A,B         the lines of the EHLO reply
//	ptr: NAME...            the names of its addresses in the zone arpa; else HOST, with "no" none
//
// A certificate is made by the words expired, future, days=N (of validity left),
// life=N (days of validity in all), names=NAME, nameless, key=p256|p384|ed25519|rsa1024|rsa2048|rsa3072, seed=KEY,
// self-signed, sha1, sha224, pss, must-staple, scts=N, and by how the chain is
// sent: incomplete, with-root, wrong-order, unrelated, extra, unparseable. A REPLY is a
// text, or one of the words silent, close and reset.
//
//	-- https HOST PATH [status=N] [type=TYPE] [location=URL] [repeat=N] [cert=WORD,WORD] [base64] [fault=silent|refused|closed] --
//
// is a page of the web server at all addresses of HOST; the section's text is
// its body, which repeat makes longer. Several hosts may share an address.
// cert (the words of an smtp section) and fault are those of the whole host;
// silent and refused those of the whole address.
//
//	-- faults [ADDRESS] --
//
// holds faults of the recursive resolver, as dnstest.ParseFault reads them:
// "NAME TYPE TRANSPORT KIND"; with an address, those of the name server there.
//
//	-- vrps --
//	-- routes --
//
// hold what the relying party and the route collectors of this Internet know:
// "PREFIX MAXLENGTH AS" is a validated ROA payload, "PREFIX AS" a route.
//
//	-- want DOMAIN --
//
// holds the findings that a scan must make ("CHECK CODE" or "CHECK HOST CODE"),
// all that are neither passed nor left out, and "score PERCENT LOW HIGH". The
// heading may go on with words that say how the scan is made, see [Want.Scanner].
package lab

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/fetch"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

// ResolverAddr is where the lab's recursive resolver answers.
const ResolverAddr = "192.0.2.53"

// Options change the Internet that is built.
type Options struct {
	Now     time.Time     // the time that signatures and certificates are made for; required
	Latency time.Duration // before each DNS answer and each flight of a mail server
	NoIPv6  bool          // the scanner's side has no IPv6
	// Quick gives the scanner little patience with silent servers: for a
	// demonstration on a real clock.
	Quick bool
	// With are further folders whose scenarios join those of the first.
	With []string
	// Loopback builds it for [Lab.Listen]: on addresses of the loopback interface.
	Loopback bool
}

// Lab is an Internet that was built. It is safe for concurrent use.
type Lab struct {
	// Wants are the scenarios' expectations, by domain.
	Wants []Want
	// Usual are findings, "check-id code", of checks beyond Internet.nl's test
	// that any domain may have without its scenario listing them: what most
	// domains lack, and what is told for information.
	Usual []string
	// World and Recursive are the name space and its recursive resolver, for
	// tests that add faults or count questions.
	World     *dnstest.World
	Recursive *dnstest.Server

	opts    Options
	net     *network
	ca      *smtptest.CA
	servers map[string]*smtptest.Server
	certs   map[string]tls.Certificate
	router  *router
	sites   map[string]*site
}

// Load builds the Internet of all scenario files (*.txt) in a folder, and in
// those of Options.With.
func Load(fsys fs.FS, dir string, opts Options) (*Lab, error) {
	s, err := parse(fsys, append([]string{dir}, opts.With...))
	if err != nil {
		return nil, err
	}
	l := &Lab{
		Wants: s.wants, Usual: s.usual, opts: opts, ca: smtptest.NewCA("Mailvet Lab", opts.Now),
		servers: map[string]*smtptest.Server{}, certs: map[string]tls.Certificate{}, sites: map[string]*site{},
		net: &network{
			web: map[netip.Addr]*webServer{},
			dns: map[netip.Addr]exchanger{}, smtp: map[netip.Addr]*smtptest.Server{}, silent: map[netip.Addr]bool{},
			noIPv6: opts.NoIPv6, latency: opts.Latency,
		},
	}
	for _, h := range s.hosts {
		if err := l.addServer(h); err != nil {
			return nil, fmt.Errorf("lab: %s: smtp %s: %w", h.file, h.name, err)
		}
	}
	if err := l.addZones(s.zones, s.hosts); err != nil {
		return nil, err
	}
	if err := l.connect(s); err != nil {
		return nil, err
	}
	if err := l.route(s); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Lab) addZones(texts []zoneText, hosts []hostText) error {
	var zones []*dnstest.Zone
	expanded := map[string]string{}
	for _, z := range texts {
		text, err := expandTLSA(z.text, l.tlsa)
		if err != nil {
			return fmt.Errorf("lab: %s: zone %s: %w", z.file, z.origin, err)
		}
		if l.opts.Loopback {
			text = loopback(text)
		}
		if !strings.Contains(text, " NS ") {
			text += "\n@ NS ns1.dns.test.\n@ NS ns2.dns.test.\n"
		}
		zone, err := dnstest.ParseZone(dns.Fqdn(z.origin), text, l.zoneOptions(z))
		if err != nil {
			return fmt.Errorf("lab: %s: %w", z.file, err)
		}
		zones = append(zones, zone)
		expanded[z.origin] = text
	}
	reverse, err := l.reverseZone(hosts, expanded)
	if err != nil {
		return err
	}
	zones = append(zones, reverse)
	l.World, err = dnstest.NewWorld(l.opts.Now, zones...)
	return err
}

func (l *Lab) zoneOptions(z zoneText) dnstest.Options {
	o := dnstest.Options{Signed: z.has("signed"), BadDS: z.has("bad-ds"), NoDS: z.has("no-ds")}
	if z.has("nsec3") || z.has("opt-out") {
		o.NSEC3 = &dnstest.NSEC3Options{OptOut: z.has("opt-out")}
	}
	if z.has("expired") {
		o.Inception, o.Expiration = l.opts.Now.AddDate(0, 0, -30), l.opts.Now.AddDate(0, 0, -2)
	}
	if z.has("expiring") {
		o.Inception, o.Expiration = l.opts.Now.AddDate(0, 0, -12), l.opts.Now.AddDate(0, 0, 2)
	}
	if z.has("old-nsec3") {
		o.NSEC3 = &dnstest.NSEC3Options{Iterations: 10, Salt: "5a17"}
	}
	if z.has("salted") {
		o.NSEC3 = &dnstest.NSEC3Options{Salt: "5a17"}
	}
	if z.has("stale") {
		o.Inception, o.Expiration = l.opts.Now.AddDate(0, 0, -85), l.opts.Now.AddDate(0, 0, 5)
	}
	if n := z.number("iterations"); n > 0 {
		o.NSEC3 = &dnstest.NSEC3Options{Iterations: uint16(n)}
	}
	o.Algorithm, o.Digest = z.number("algorithm"), z.number("digest")
	if z.has("rolling") {
		o.Also = dns.ECDSAP256SHA256
	}
	if z.has("old-ds") {
		o.OldDS = dns.RSASHA256
	}
	switch {
	case z.has("rsa"):
		o.Algorithm = dns.RSASHA256
	case z.has("ed25519"):
		o.Algorithm = dns.ED25519
	}
	return o
}

// tlsa is the data of a TLSA record for a host's certificate, or for one with
// another key of that host.
func (l *Lab) tlsa(host, key string, usage, selector, matching uint8) (string, error) {
	cert, ok := l.certs[host]
	if !ok {
		return "", fmt.Errorf("{tlsa %s}: there is no such mail server", host)
	}
	if key != "" {
		cert = l.ca.Issue(smtptest.Leaf{Names: []string{host}, Seed: host + "/" + key})
	}
	c := cert.Leaf
	if usage == 0 || usage == 2 {
		c = l.ca.Intermediate()
		if len(cert.Certificate) > 1 {
			var err error
			if c, err = x509.ParseCertificate(cert.Certificate[1]); err != nil {
				return "", fmt.Errorf("{tlsa %s}: %w", host, err)
			}
		}
	}
	data := c.Raw
	if selector == 1 {
		data = c.RawSubjectPublicKeyInfo
	}
	switch matching {
	case 1:
		h := sha256.Sum256(data)
		data = h[:]
	case 2:
		h := sha512.Sum512(data)
		data = h[:]
	}
	return hex.EncodeToString(data), nil
}

// connect puts the servers at their addresses.
func (l *Lab) connect(s *scenario) error {
	l.Recursive = l.World.Resolver()
	l.net.dns[netip.MustParseAddr(ResolverAddr)] = l.Recursive
	if err := l.Recursive.AddFaults(s.faults...); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	for _, a := range l.World.Addrs() {
		if server := l.World.ServersFor(a); server != nil {
			l.net.dns[a] = server
		}
	}
	for addr, faults := range s.serverFaults {
		if l.opts.Loopback && addr.Is6() {
			continue // it has no IPv6 there
		}
		server := l.World.ServersFor(addr)
		if server == nil {
			return fmt.Errorf("lab: no name server lives at %s, which has faults", addr)
		}
		if err := server.AddFaults(faults...); err != nil {
			return fmt.Errorf("lab: %w", err)
		}
	}
	for _, h := range s.hosts {
		addrs := h.addrs
		if len(addrs) == 0 {
			var err error
			if addrs, err = l.addresses(h.name); err != nil {
				return err
			}
		}
		if len(addrs) == 0 {
			return fmt.Errorf("lab: %s: the mail server %s has no address", h.file, h.name)
		}
		for _, a := range addrs {
			if l.net.smtp[a] != nil || l.net.silent[a] {
				return fmt.Errorf("lab: %s: two mail servers at %s", h.file, a)
			}
			if h.values["silent"] != "" {
				l.net.silent[a] = true
				continue
			}
			l.net.smtp[a] = l.servers[h.key()]
		}
	}
	return l.serveWeb(s.pages)
}

// addresses asks the lab's resolver for a host's addresses.
func (l *Lab) addresses(host string) ([]netip.Addr, error) {
	var list []netip.Addr
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		var m dns.Msg
		m.SetQuestion(dns.Fqdn(host), qtype)
		m.CheckingDisabled = true
		query, err := m.Pack()
		if err != nil {
			return nil, fmt.Errorf("lab: ask for %s: %w", host, err)
		}
		reply, err := l.Recursive.Exchange(context.Background(), "tcp", query)
		if err == nil {
			err = m.Unpack(reply)
		}
		if err != nil {
			return nil, fmt.Errorf("lab: ask for %s: %w", host, err)
		}
		for _, rr := range m.Answer {
			switch rr := rr.(type) {
			case *dns.A:
				a, _ := netip.AddrFromSlice(rr.A.To4())
				list = append(list, a)
			case *dns.AAAA:
				a, _ := netip.AddrFromSlice(rr.AAAA)
				list = append(list, a)
			}
		}
	}
	l.Recursive.ResetCount()
	return list, nil
}

// Domains lists the domains that the scenarios say something of, by name.
func (l *Lab) Domains() []string {
	var list []string
	for _, w := range l.Wants {
		list = append(list, w.Domain)
	}
	slices.Sort(list)
	return list
}

// Dial connects to an address of the lab.
func (l *Lab) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return l.net.DialContext(ctx, network, address)
}

// Server is the mail server of that name, at all its addresses; nil if there is none. Its counters
// tell what the scan cost it.
func (l *Lab) Server(host string) *smtptest.Server { return l.servers[host] }

// Roots are the lab's trusted certificates.
func (l *Lab) Roots() *x509.CertPool { return l.ca.Pool() }

// Resolver is a new resolver, with a cold cache, that asks the lab's.
func (l *Lab) Resolver() *resolver.Resolver {
	return &resolver.Resolver{
		Servers: []string{ResolverAddr}, Dial: l.Dial,
		Validator: &dnssec.Validator{Anchors: l.World.Anchors(), Now: time.Now},
	}
}

// Scanner is a new scanner on the lab, with nothing remembered.
func (l *Lab) Scanner() *scanner.Scanner {
	v := evidence.Vantage{
		IPv4: evidence.Available, IPv6: evidence.Available, Resolvers: []string{ResolverAddr},
		DNSSEC: evidence.ValidationOwn, Helo: "scanner.example", Roots: "lab", SMTPPort: 25, AllowPrivate: true,
	}
	if l.opts.NoIPv6 {
		v.IPv6 = evidence.Missing
	}
	v.RPKI, v.VRPs, v.Routes = evidence.Available, []string{"lab"}, []string{"lab"}
	p := &probe.Prober{Dial: l.Dial, Helo: v.Helo, Roots: l.Roots(), AllowPrivate: true}
	if l.opts.Quick {
		p.ConnectTimeout, p.Backoff = 200*time.Millisecond, 50*time.Millisecond
	}
	r := l.Resolver()
	f := &fetch.Fetcher{Resolver: r, Dial: l.Dial, Roots: l.Roots(), AllowPrivate: true, UserAgent: "mailvet/lab"}
	if l.opts.Quick {
		f.ConnectTimeout, f.Backoff = 200*time.Millisecond, 50*time.Millisecond
	}
	return &scanner.Scanner{
		Resolver: r, Prober: p, Router: l.router, Fetcher: f,
		Vantage: v, Tool: evidence.Tool{Name: "mailvet", Version: "lab"},
	}
}
