package lab

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/resolver"
	"mailvet/dnscheck/rpki/origin"
	"mailvet/report/evidence"
	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
)

// ScannerFor is a new scanner on the lab that looks as the words of a want
// section say:
//
//	no-smtp, no-http, no-ipv6, no-extra, no-roots   leaves that out
//	lacks-ipv6                                      this side has no IPv6
//	public-only                                     connects to no address of special purpose, which all of the lab's are
//	test-injection                                  as the flag does
//	handshake-only                                  plans no further handshakes
//	connections=N                                   at most so many to an address
//	timeout=TIME                                    for the domain, after which nothing is waited for
//	no-validation, believes-ad                      nobody validates, or the resolver does
//	no-validation, believes-ad                      nobody validates, or the resolver does
//	resolver-strips                                 the resolver leaves DNSSEC records out
//	no-vrps                                         no source of VRPs is known
//	vrps-fail                                       they could not be had
//	selectors=A,B                                   DKIM selectors to look for
func (l *Lab) ScannerFor(how []string) (*scanner.Scanner, error) {
	s := l.Scanner()
	p, r := s.Prober.(*probe.Prober), s.Resolver.(*resolver.Resolver)
	for _, w := range how {
		word, value, _ := strings.Cut(w, "=")
		var err error
		switch word {
		case "no-smtp":
			s.Vantage.NoSMTP = true
		case "no-http":
			s.Vantage.NoHTTP = true
		case "no-ipv6":
			s.Vantage.NoIPv6 = true
		case "no-extra":
			s.Vantage.NoExtra = true
		case "no-roots":
			p.Roots = x509.NewCertPool()
		case "lacks-ipv6":
			s.Vantage.IPv6, p.Dial = evidence.Missing, without6(p.Dial)
		case "public-only":
			s.Vantage.AllowPrivate, p.AllowPrivate = false, false
		case "test-injection":
			p.TestInjection = true
		case "handshake-only":
			p.HandshakeOnly = true
		case "connections":
			p.MaxConnections, err = strconv.Atoi(value)
		case "timeout":
			s.Timeout, err = time.ParseDuration(value)
		case "no-vrps":
			s.Vantage.RPKI, s.Vantage.VRPs, s.Vantage.Routes, s.Router = evidence.Missing, nil, nil, nil
		case "vrps-fail":
			s.Router = &router{Router: origin.Router{Routes: l.router.Routes}}
		case "no-validation":
			r.Validator, s.Vantage.DNSSEC = nil, evidence.ValidationOff
		case "resolver-strips":
			err = l.strip(r)
		case "believes-ad":
			r.Validator, r.TrustAD, s.Vantage.DNSSEC = nil, true, evidence.ValidationAD
		case "selectors":
			s.Vantage.Selectors = strings.Split(value, ",")
		default:
			err = fmt.Errorf("unknown word")
		}
		if err != nil {
			return nil, fmt.Errorf("lab: want ... %s: %w", w, err)
		}
	}
	return s, nil
}

// without6 is a dialler on a machine without IPv6.
func without6(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if ap, err := netip.ParseAddrPort(address); err == nil && ap.Addr().Is6() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
		}
		return dial(ctx, network, address)
	}
}

// strip gives a resolver another one to ask, which strips DNSSEC records.
func (l *Lab) strip(r *resolver.Resolver) error {
	stripping := l.World.Resolver()
	if err := stripping.AddFaults(dnstest.Fault{Kind: dnstest.StripDNSSEC}); err != nil {
		return err
	}
	n := &network{dns: map[netip.Addr]exchanger{netip.MustParseAddr(ResolverAddr): stripping}, latency: l.opts.Latency}
	r.Dial = n.DialContext
	return nil
}
