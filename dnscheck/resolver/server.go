package resolver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is a recursive resolver and the way to reach it.
type Server struct {
	Address string // host:port, as Dial takes it
	TLS     bool   // DNS over TLS (RFC 7858); else UDP and TCP
	Name    string // with TLS: what the certificate must be for, a host name or address
}

// String is the form that [ParseServer] reads, with the port.
func (s Server) String() string {
	if !s.TLS {
		return s.Address
	}
	host, _, _ := net.SplitHostPort(s.Address)
	if unzoned(host) == s.Name {
		return "tls://" + s.Address
	}
	return "tls://" + s.Address + "#" + s.Name
}

// ParseServer reads a server: an address or host name, with or without a port
// (53 if none), "tls://" before it for DNS over TLS (853 if none). After "#"
// may follow the name that the certificate must carry, if it is not the host:
// "tls://192.0.2.1#dns.example".
func ParseServer(s string) (Server, error) {
	bad := func(why string) (Server, error) {
		return Server{}, fmt.Errorf("resolver: %q is no server: %s", s, why)
	}
	if strings.TrimSpace(s) == "" {
		return Server{}, errors.New("resolver: the server's address is empty")
	}
	rest, port := s, "53"
	scheme, after, found := strings.Cut(s, "://")
	if found && scheme != "tls" {
		return bad("only tls:// is known; without a scheme the server is asked over UDP and TCP")
	}
	if found {
		rest, port = after, "853"
	}
	rest, name, named := strings.Cut(rest, "#")
	if named && !found {
		return bad("a name after # is for tls:// only")
	}
	if named && !isHost(name) {
		return bad("after # must stand the name in the server's certificate")
	}
	host := rest
	if a, err := netip.ParseAddr(rest); err == nil { // IPv6 without brackets
		host = a.String()
	} else if inner, ok := bracketed(rest); ok {
		host = inner
	} else if strings.Contains(rest, ":") {
		if host, port, err = net.SplitHostPort(rest); err != nil {
			return bad("want HOST or HOST:PORT, and an IPv6 address before a port in [brackets]")
		}
	}
	if _, err := netip.ParseAddr(host); err != nil && !isHost(host) {
		return bad("the host is neither an address nor a host name")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return bad("the port must be a number from 1 to 65535")
	}
	srv := Server{Address: net.JoinHostPort(host, port), TLS: found}
	if found {
		srv.Name = unzoned(host) // a zone is known to this machine only, not to the certificate
		if named {
			srv.Name = name
		}
	}
	return srv, nil
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

// SystemFile is where [System] looks.
const SystemFile = "/etc/resolv.conf"

// System returns the name servers that the system is set up with, in its
// order. None, or no file to read, is an error.
func System() ([]string, error) { return SystemFrom(SystemFile) }

// SystemFrom is [System] with another file in the format of resolv.conf(5).
// Lines whose server cannot be read are passed over, as the C library does.
func SystemFrom(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("resolver: find the system's name servers: %w", err)
	}
	defer f.Close()
	var list []string
	lines := bufio.NewScanner(io.LimitReader(f, 1<<20))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if _, err := netip.ParseAddr(fields[1]); err == nil {
			list = append(list, fields[1])
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("resolver: read %s: %w", path, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("resolver: %s names no name server", path)
	}
	return list, nil
}

// How long a server that failed is left aside: twice as long each time.
const (
	firstAside = 2 * time.Second
	lastAside  = time.Minute
)

// plainFor is how long a server that refused EDNS, and answered without, is
// asked without it at once.
const plainFor = 10 * time.Minute

// server is a Server with what is known of it.
type server struct {
	Server

	mu       sync.Mutex
	failures int       // in a row
	aside    time.Time // not to be preferred before
	probing  bool      // one question was let through although it failed before
	answered time.Time // when it last answered anything
	plain    time.Time // to be asked without EDNS until then
	stream   *stream   // the connection in use over TCP or TLS
}

// prefer reports whether the server may be asked like a good one. A server
// whose time aside is over is let through once: its failure must cost one
// question its time, not all that are under way.
func (s *server) prefer(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures == 0 {
		return true
	}
	if now.Before(s.aside) {
		return false
	}
	s.aside, s.probing = now.Add(s.pause()), true
	return true
}

// pause is how long to leave the server aside, by its failures in a row.
func (s *server) pause() time.Duration {
	return min(firstAside<<min(s.failures-1, 10), lastAside)
}

// succeeded records that the server answered.
func (s *server) succeeded(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures, s.probing, s.answered = 0, false, now
}

// failed records that a question sent at that time got no answer. It is no
// sign against the server if it answered another one since.
func (s *server) failed(sent, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answered.After(sent) {
		return
	}
	if s.failures > 0 && !s.probing && now.Before(s.aside) {
		return // one of many that were under way together
	}
	s.failures++
	s.probing = false
	s.aside = now.Add(s.pause())
}
