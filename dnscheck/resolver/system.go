package resolver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// SystemFile is where [System] looks, on systems that have such a file.
const SystemFile = "/etc/resolv.conf"

// Bounds of what is read of a system's settings: those of the GNU C library.
const (
	MaxSystemServers  = 3 // name servers; what is named after them is not used
	maxSystemTimeout  = 30 * time.Second
	maxSystemAttempts = 5
)

// Settings are what a system says about its recursive resolvers.
type Settings struct {
	Servers []string      // in the form that [ParseServer] reads, the preferred one first
	Timeout time.Duration // for one try; zero: not said
	// Tries is how often a question may be sent, all servers together; zero:
	// not said.
	Tries  int
	Rotate bool // spread the questions over the servers
	// TrustAD says that the way to the servers is safe. Nothing here believes
	// it: who wants AD bits believed sets [Resolver.TrustAD].
	TrustAD bool
}

// System returns the settings of the system: from [SystemFile] on Unix; on
// Windows those that Go's own resolver found at its network adapters.
// Elsewhere, and where no server is known, it is an error.
func System() (Settings, error) {
	switch runtime.GOOS {
	case "windows":
		return discover(context.Background())
	case "android", "ios", "js", "plan9", "wasip1":
		return Settings{}, fmt.Errorf("resolver: find the system's name servers: %s does not tell them", runtime.GOOS)
	}
	return SystemFrom(SystemFile)
}

// SystemFrom reads a file in the format of resolv.conf(5), as the GNU C
// library does:
//
//   - nameserver: an address, with its zone after "%" if it needs one. The
//     first [MaxSystemServers] count. Without any, or without a file, there is
//     one at 127.0.0.1.
//   - options timeout:N and attempts:N, up to 30 seconds and 5 rounds through
//     all servers; rotate; use-vc (TCP only); trust-ad, which is only noted.
//   - All else is passed over, and so are lines that cannot be read: edns0, for
//     EDNS is always used; search, domain and ndots, for every name asked here
//     is absolute; sortlist, inet6 and single-request, for addresses are
//     neither sorted nor paired here.
//
// The environment (RES_OPTIONS, LOCALDOMAIN) is not looked at.
func SystemFrom(path string) (Settings, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{Servers: []string{loopback}}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("resolver: find the system's name servers: %w", err)
	}
	defer f.Close()
	s, err := readSettings(f)
	if err != nil {
		return Settings{}, fmt.Errorf("resolver: read %s: %w", path, err)
	}
	return s, nil
}

// loopback is the server of a system that names none.
const loopback = "127.0.0.1"

// readSettings reads the format of resolv.conf(5), at most 1 MiB of it.
func readSettings(file io.Reader) (Settings, error) {
	var s Settings
	attempts, tcp := 0, false
	lines := bufio.NewScanner(io.LimitReader(file, 1<<20))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if _, err := netip.ParseAddr(fields[1]); err == nil && len(s.Servers) < MaxSystemServers {
				s.Servers = append(s.Servers, fields[1])
			}
		case "options":
			for _, option := range fields[1:] {
				name, value, _ := strings.Cut(option, ":")
				switch name {
				case "timeout":
					if n, ok := number(value, int(maxSystemTimeout/time.Second)); ok {
						s.Timeout = time.Duration(n) * time.Second
					}
				case "attempts":
					if n, ok := number(value, maxSystemAttempts); ok {
						attempts = n
					}
				case "rotate":
					s.Rotate = true
				case "trust-ad":
					s.TrustAD = true
				case "use-vc", "usevc", "tcp": // of Linux, FreeBSD and OpenBSD
					tcp = true
				}
			}
		}
	}
	if err := lines.Err(); err != nil {
		return Settings{}, err
	}
	if len(s.Servers) == 0 {
		s.Servers = []string{loopback}
	}
	if tcp {
		for i, addr := range s.Servers {
			s.Servers[i] = TCP.String() + "://" + addr
		}
	}
	s.Tries = attempts * len(s.Servers)
	return s, nil
}

// number reads a number of at least 1; one above the bound is the bound.
func number(s string, bound int) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return int(max(1, min(n, uint64(bound)))), true
}

// discover asks Go's own resolver which servers it would ask: it dials them,
// which we note and refuse. Nothing is sent.
func discover(ctx context.Context) (Settings, error) {
	var mu sync.Mutex
	var s Settings
	asker := net.Resolver{PreferGo: true, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if _, err := ParseServer(address); err == nil && !slices.Contains(s.Servers, address) {
			s.Servers = append(s.Servers, address)
		}
		return nil, errNoted
	}}
	_, err := asker.LookupTXT(ctx, "name-servers.invalid.")
	mu.Lock()
	defer mu.Unlock()
	if len(s.Servers) == 0 {
		return Settings{}, fmt.Errorf("resolver: find the system's name servers: Go names none: %w", err)
	}
	return s, nil
}

var errNoted = errors.New("not dialled: only the address was wanted")
