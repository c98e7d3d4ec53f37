package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/fetch"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
)

// resolverUsage is the text of --resolver, wherever it is a flag.
const resolverUsage = "recursive resolver `ADDR`: host, host:port, tcp://host, tls://host or https://host/dns-query (repeatable; default: the system's)"

// rootCAUsage is the text of --root-ca where only a resolver needs it.
const rootCAUsage = "root certificates, PEM, from `FILE`, trusted besides the system's for a resolver over TLS or HTTPS"

// newScanner puts the observers together from the flags. It sends nothing.
func newScanner(o *options) (*scanner.Scanner, error) {
	v := evidence.Vantage{
		IPv4: available("udp4", "192.0.2.1:53"), IPv6: available("udp6", "[2001:db8::1]:53"),
		SMTPPort: o.smtpPort, NoSMTP: o.noSMTP, NoHTTP: o.noHTTP, NoIPv6: o.noIPv6, NoExtra: o.noExtra, AllowPrivate: o.allowPrivate,
		TestInjection: o.testInjection, Helo: heloDefault(o.helo),
	}
	r, err := newResolver(o, &v)
	if err != nil {
		return nil, err
	}
	roots, err := rootPool(o.rootCA, &v)
	if err != nil {
		return nil, err
	}
	return &scanner.Scanner{
		Resolver: r,
		Prober: &probe.Prober{
			Port: o.smtpPort, Helo: v.Helo, Roots: roots, AllowPrivate: o.allowPrivate, Retries: probeRetries(o.retries),
			MaxConnections: o.maxConnections, Interval: o.hostInterval,
			HostRate: unlimited(o.hostRate), ProviderRate: unlimited(o.providerRate), MaxOpen: o.connections,
			TestInjection: o.testInjection,
		},
		Fetcher: &fetch.Fetcher{
			Resolver: r, Special: probe.SpecialPurpose, AllowPrivate: o.allowPrivate, NoIPv6: o.noIPv6,
			Port: o.httpsPort, Roots: roots, UserAgent: "mailvet/" + version(),
		},
		Vantage: v, Tool: tool(), Timeout: o.timeout, Workers: o.workers,
	}, nil
}

func tool() evidence.Tool { return evidence.Tool{Name: "mailvet", Version: version()} }

func newResolver(o *options, v *evidence.Vantage) (*resolver.Resolver, error) {
	settings := resolver.Settings{Servers: o.resolvers}
	var err error
	if len(settings.Servers) == 0 {
		if settings, err = resolver.System(); err != nil {
			return nil, fmt.Errorf("no resolver is known (%w); name one with --resolver", err)
		}
	}
	for _, s := range settings.Servers {
		if _, err := resolver.ParseServer(s); err != nil {
			return nil, usageError{"scan", fmt.Errorf("--resolver: %w", err)}
		}
	}
	v.Resolvers = settings.Servers
	r := &resolver.Resolver{
		Servers: settings.Servers, Timeout: settings.Timeout, Tries: tries(o, settings), Rotate: settings.Rotate, TrustAD: o.trustAD,
		MaxInFlight: o.questions, MaxSockets: max(resolver.DefaultMaxSockets, 2*o.questions),
	}
	if r.TLSConfig, err = resolverTLS(o.rootCA); err != nil {
		return nil, err
	}
	if o.trustAD {
		v.DNSSEC = evidence.ValidationAD
		return r, nil
	}
	anchors, err := readAnchors(o.trustAnchor)
	if err != nil {
		return nil, err
	}
	v.DNSSEC, v.OwnAnchors = evidence.ValidationOwn, o.trustAnchor != ""
	for _, a := range anchors {
		v.Anchors = append(v.Anchors, strings.Join(strings.Fields(a.String()), " "))
	}
	slices.Sort(v.Anchors)
	r.Validator = &dnssec.Validator{Anchors: anchors, Now: time.Now}
	return r, nil
}

// tries is how often a question is sent: what --retries says comes before what
// the system says.
func tries(o *options, system resolver.Settings) int {
	if system.Tries > 0 && !o.retriesGiven {
		return system.Tries
	}
	return o.retries + 1
}

func rootPool(file string, v *evidence.Vantage) (*x509.CertPool, error) {
	if file == "" {
		v.Roots = "system"
		pool, err := x509.SystemCertPool()
		if err != nil {
			v.Roots = "none"
			return nil, nil // trust is then unknown, which the report says
		}
		return pool, nil
	}
	pool := x509.NewCertPool()
	if err := addRoots(pool, file); err != nil {
		return nil, err
	}
	v.Roots = file
	return pool, nil
}

// resolverTLS is for resolvers asked over TLS or HTTPS. A private one has its
// certificate from a private CA and a public one from a public CA, whatever the
// mail servers are judged by: so what file holds counts besides the system's.
func resolverTLS(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if err := addRoots(pool, file); err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool}, nil
}

func addRoots(pool *x509.CertPool, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot read the root certificates: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("there is no PEM certificate in %s", file)
	}
	return nil
}

// available asks the system for a route of the address family. Connecting a
// UDP socket sends nothing.
func available(network, documentation string) evidence.Availability {
	c, err := net.Dial(network, documentation)
	if err != nil {
		return evidence.Missing
	}
	c.Close()
	return evidence.Available
}

// probeRetries and unlimited turn flags into fields, whose zero means the
// default, and which none is negative for.
func probeRetries(n int) int { return unlimited(n) }

func unlimited(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// heloDefault is what to say in EHLO: the host's name if it is a whole one,
// else nothing, which makes the prober give the address (RFC 5321, Section
// 4.1.4).
func heloDefault(given string) string {
	if given != "" {
		return given
	}
	if name, err := os.Hostname(); err == nil && heloName(name) && strings.Contains(name, ".") {
		return name
	}
	return ""
}
