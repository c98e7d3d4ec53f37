package rpki

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
)

// maxOrigins bounds the origins of one line.
const maxOrigins = 64

// routeSink takes the routes that a reader finds.
type routeSink struct {
	RouteReader
	builder *RouteBuilder
	src     *Source
}

func (s *routeSink) add(p netip.Prefix, origin ASN, peers int) error {
	if s.src.Kept >= s.MaxRoutes {
		return fmt.Errorf("more than %d routes: %w", s.MaxRoutes, ErrTooLarge)
	}
	s.src.Kept++
	return s.builder.Add(Route{Prefix: p, Origin: origin, Peers: peers})
}

// readRoutes reads lines of three fields. In a dump of RIS the second one is a
// prefix, in pfx2as the length of the prefix in the first.
func readRoutes(in *bufio.Reader, sink *routeSink) error {
	lines := 0
	err := eachLine(in, func(line []byte) error {
		if line[0] == '%' || line[0] == '#' {
			return nil
		}
		var f [3][]byte
		if err := splitFields(line, &f); err != nil {
			return err
		}
		if lines++; lines == 1 {
			sink.src.Format = FormatPfx2as
			if bytes.IndexByte(f[1], '/') >= 0 {
				sink.src.Format = FormatRIS
			}
		}
		if sink.src.Format == FormatRIS {
			return sink.ris(f)
		}
		return sink.pfx2as(f)
	})
	if err == nil && lines == 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

func splitFields(line []byte, f *[3][]byte) error {
	for i := range f {
		end := bytes.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		f[i], line = line[:end], bytes.TrimLeft(line[end:], " \t")
	}
	if len(f[2]) == 0 || len(line) > 0 {
		return errors.New("three fields are expected: prefix, length, origins; or origin, prefix, peers")
	}
	return nil
}

func (s *routeSink) ris(f [3][]byte) error {
	p, err := parsePrefix(string(f[1]))
	if err != nil {
		return err
	}
	peers, err := strconv.ParseUint(string(f[2]), 10, 31)
	if err != nil {
		return fmt.Errorf("%s is no number of peers", quote(string(f[2])))
	}
	var origin ASN
	if f[0][0] == '{' && f[0][len(f[0])-1] == '}' {
		if err := checkSet(f[0][1 : len(f[0])-1]); err != nil {
			return err
		}
	} else if origin, err = ParseASN(string(f[0])); err != nil {
		return err
	}
	switch _, err := checkPrefix(p); {
	case err != nil:
		s.src.Odd++
		return nil
	case int(peers) < s.MinPeers:
		s.src.Unseen++
		return nil
	}
	return s.add(p, origin, int(peers))
}

func (s *routeSink) pfx2as(f [3][]byte) error {
	p, err := parsePrefix(string(f[0]) + "/" + string(f[1]))
	if err != nil {
		return err
	}
	_, odd := checkPrefix(p)
	if odd != nil {
		s.src.Odd++
	}
	n := 0
	for part := range bytes.SplitSeq(f[2], []byte("_")) {
		if n++; n > maxOrigins {
			return fmt.Errorf("more than %d origins: %w", maxOrigins, ErrTooLarge)
		}
		var origin ASN
		if bytes.IndexByte(part, ',') >= 0 {
			err = checkSet(part)
		} else {
			origin, err = ParseASN(string(part))
		}
		if err == nil && odd == nil {
			err = s.add(p, origin, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkSet checks the members of an AS_SET. A route that ends in one has no
// origin (RFC 6811, Section 2), so which they are does not matter.
func checkSet(set []byte) error {
	for a := range bytes.SplitSeq(set, []byte(",")) {
		if _, err := ParseASN(string(a)); err != nil {
			return err
		}
	}
	return nil
}
