package resolver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Transport is how a server is asked.
type Transport uint8

// The transports.
const (
	Plain Transport = iota // UDP, and TCP where an answer does not fit (RFC 1035, RFC 7766)
	TCP                    // TCP only
	TLS                    // DNS over TLS (RFC 7858)
	HTTPS                  // DNS over HTTPS (RFC 8484)
)

// schemes has, by transport, what stands before the address and the port if
// none is given.
var schemes = [...]struct{ scheme, port string }{
	Plain: {"", "53"}, TCP: {"tcp", "53"}, TLS: {"tls", "853"}, HTTPS: {"https", "443"},
}

// String is the scheme of the transport's addresses, empty for Plain.
func (t Transport) String() string { return schemes[t].scheme }

// secured reports whether the server shows a certificate.
func (t Transport) secured() bool { return t == TLS || t == HTTPS }

// DefaultPath is the path of DNS over HTTPS where none is given. RFC 8484
// names none; this is the one that the RFC's examples and all operators use.
const DefaultPath = "/dns-query"

// Server is a recursive resolver and the way to reach it.
type Server struct {
	Transport Transport
	Address   string // host:port, as Dial takes it
	Name      string // with TLS and HTTPS: what the certificate must be for, a host name or address
	Path      string // with HTTPS: begins with a slash
}

// String is the form that [ParseServer] reads, with the port and path.
func (s Server) String() string {
	if s.Transport == Plain {
		return s.Address
	}
	out := s.Transport.String() + "://" + s.Address + s.Path
	host, _, _ := net.SplitHostPort(s.Address)
	if s.Transport.secured() && unzoned(host) != s.Name {
		out += "#" + s.Name
	}
	return out
}

// ParseServer reads a server: an address or host name, with or without a
// port. Before it may stand "tcp://" (asked over TCP only), "tls://" (DNS over
// TLS) or "https://" (DNS over HTTPS, with a path or [DefaultPath]). The ports
// are 53, 53, 853 and 443 if none is given. With tls:// and https:// the name
// that the certificate must carry, if it is not the host, may follow after
// "#": "tls://192.0.2.1#dns.example". A URI template's "{?dns}" at the end
// (RFC 8484, Section 3) is left away: questions are sent by POST.
func ParseServer(s string) (Server, error) {
	bad := func(why string) (Server, error) {
		return Server{}, fmt.Errorf("resolver: %q is no server: %s", s, why)
	}
	if strings.TrimSpace(s) == "" {
		return Server{}, errors.New("resolver: the server's address is empty")
	}
	srv := Server{Transport: Plain}
	rest := s
	if scheme, after, found := strings.Cut(s, "://"); found {
		if srv.Transport = transport(scheme); srv.Transport == Plain {
			return bad("only tcp://, tls:// and https:// are known; without a scheme the server is asked over UDP and TCP")
		}
		rest = after
	}
	rest, name, named := strings.Cut(rest, "#")
	if named && !srv.Transport.secured() {
		return bad("a name after # is for tls:// and https:// only")
	}
	if named && !isHost(name) {
		return bad("after # must stand the name in the server's certificate")
	}
	if srv.Transport == HTTPS {
		srv.Path = DefaultPath
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			if srv.Path = strings.TrimSuffix(rest[i:], "{?dns}"); !isPath(srv.Path) {
				return bad("after the host may stand a path only, without a query")
			}
			rest = rest[:i]
		}
	}
	host, port, ok := splitHost(rest, schemes[srv.Transport].port)
	if !ok {
		return bad("want HOST or HOST:PORT, and an IPv6 address before a port in [brackets]")
	}
	if _, err := netip.ParseAddr(host); err != nil && !isHost(host) {
		return bad("the host is neither an address nor a host name")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return bad("the port must be a number from 1 to 65535")
	}
	srv.Address = net.JoinHostPort(host, port)
	if srv.Transport.secured() {
		srv.Name = unzoned(host) // a zone is known to this machine only, not to the certificate
		if named {
			srv.Name = name
		}
	}
	return srv, nil
}

// transport finds the transport of a scheme; Plain if there is none.
func transport(scheme string) Transport {
	for t, s := range schemes {
		if s.scheme == scheme {
			return Transport(t)
		}
	}
	return Plain
}

// splitHost reads HOST, HOST:PORT or an IPv6 address without brackets.
func splitHost(s, defaultPort string) (host, port string, ok bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String(), defaultPort, true
	}
	if inner, ok := bracketed(s); ok {
		return inner, defaultPort, true
	}
	if !strings.Contains(s, ":") {
		return s, defaultPort, true
	}
	host, port, err := net.SplitHostPort(s)
	return host, port, err == nil
}

// isPath reports whether s can be the path of a URL as it is.
func isPath(s string) bool {
	if strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return false
	}
	u, err := url.Parse("https://host.example" + s)
	return err == nil && u.Host == "host.example" && u.RawQuery == "" && !u.ForceQuery && u.EscapedPath() == s
}

// unzoned is an address without its zone (RFC 4007, Section 11).
func unzoned(host string) string {
	host, _, _ = strings.Cut(host, "%")
	return host
}

func bracketed(s string) (string, bool) {
	inner, ok := strings.CutPrefix(s, "[")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, "]")
}

// isHost reports whether s can be a host name (RFC 1123, Section 2.1).
func isHost(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	letters := false
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		letters = false // of the last label: 192.0.2 and 1.2.3.400 are no names
		for _, c := range []byte(label) {
			switch {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
				letters = true
			case '0' <= c && c <= '9', c == '-':
			default:
				return false
			}
		}
	}
	return letters
}
