package rpki

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"
)

// VRPReader reads lists of VRPs. The zero value is ready.
//
// It understands JSON as Routinator (json, jsonext), rpki-client, rtrtr,
// StayRTR and GoRTR write it, and CSV as Routinator (csv, csvcompat, csvext),
// rpki-client and the RIPE NCC's validator do, plain or compressed by gzip. What
// it is shows in the first octets, not in a name. What it does not understand is
// an error: with a VRP less, a valid route can become invalid.
type VRPReader struct {
	Now      time.Time // VRPs that expire before it are left out; zero: none are
	MaxBytes int64     // after decompression; 0: 1 GiB
	MaxVRPs  int       // 0: 4,000,000
}

// RouteReader reads tables of routes. The zero value is ready.
//
// It understands CAIDA's pfx2as (prefix, length, origins; several origins are
// joined by "_", an AS_SET by ",") and the RIPE NCC's riswhoisdump (origin or
// {AS_SET}, prefix, number of peers), plain or compressed by gzip.
type RouteReader struct {
	// MinPeers is how many peers must see a route for it to count, where the
	// table tells; 0 means 10, as at Internet.nl.
	MinPeers  int
	MaxBytes  int64 // after decompression; 0: 1 GiB
	MaxRoutes int   // 0: 8,000,000
}

const (
	defaultMaxBytes  = 1 << 30
	defaultMaxVRPs   = 4_000_000
	defaultMaxRoutes = 8_000_000
	defaultMinPeers  = 10
	maxLine          = 64 << 10 // octets in a line of text
)

// A SyntaxError says where a source cannot be understood.
type SyntaxError struct {
	Line   int   // from 1; 0 for JSON
	Offset int64 // octets before the place in JSON, after decompression
	Err    error
}

func (e *SyntaxError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("at octet %d: %v", e.Offset, e.Err)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// ErrTooLarge is wrapped by errors about a source that exceeds a bound.
var ErrTooLarge = errors.New("too large")

// Read adds the VRPs of one source to b. If it fails, it has added none.
func (o VRPReader) Read(r io.Reader, b *VRPBuilder) (Source, error) {
	o.MaxBytes = orDefault(o.MaxBytes, defaultMaxBytes)
	o.MaxVRPs = orDefault(o.MaxVRPs, defaultMaxVRPs)
	var src Source
	err := b.Atomically(func() error {
		in, err := open(r, o.MaxBytes)
		if err != nil {
			return err
		}
		first, err := in.Peek(512)
		if len(first) == 0 {
			return unexpected(err)
		}
		if first = bytes.TrimLeft(first, " \t\r\n"); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
			src.Format = FormatJSON
			return readJSON(in, &vrpSink{o, b, &src})
		}
		src.Format = FormatCSV
		return readCSV(in, &vrpSink{o, b, &src})
	})
	if err != nil {
		return Source{}, fmt.Errorf("rpki: read VRPs: %w", err)
	}
	return src, nil
}

// Read adds the routes of one source to b. If it fails, it has added none.
func (o RouteReader) Read(r io.Reader, b *RouteBuilder) (Source, error) {
	o.MaxBytes = orDefault(o.MaxBytes, defaultMaxBytes)
	o.MaxRoutes = orDefault(o.MaxRoutes, defaultMaxRoutes)
	o.MinPeers = orDefault(o.MinPeers, defaultMinPeers)
	var src Source
	err := b.Atomically(func() error {
		in, err := open(r, o.MaxBytes)
		if err != nil {
			return err
		}
		return readRoutes(in, &routeSink{o, b, &src})
	})
	if err != nil {
		return Source{}, fmt.Errorf("rpki: read routes: %w", err)
	}
	return src, nil
}

func orDefault[N int | int64](n, standard N) N {
	if n == 0 {
		return standard
	}
	return n
}

// vrpSink takes the VRPs that a reader finds.
type vrpSink struct {
	VRPReader
	builder *VRPBuilder
	src     *Source
}

func (s *vrpSink) add(v VRP, expires time.Time) error {
	if !expires.IsZero() && !s.Now.IsZero() && expires.Before(s.Now) {
		s.src.Expired++
		return nil
	}
	if s.src.Kept >= s.MaxVRPs {
		return fmt.Errorf("more than %d VRPs: %w", s.MaxVRPs, ErrTooLarge)
	}
	s.src.Kept++
	return s.builder.Add(v)
}

// open finds out whether r is compressed, skips a byte-order mark, and ends with
// an error behind max octets.
func open(r io.Reader, max int64) (*bufio.Reader, error) {
	raw := bufio.NewReaderSize(r, maxLine)
	magic, err := raw.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	var text io.Reader = raw
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}): // RFC 1952, Section 2.3.1
		if text, err = gzip.NewReader(raw); err != nil {
			return nil, unexpected(err)
		}
	case bytes.HasPrefix(magic, []byte("BZh")), bytes.HasPrefix(magic, []byte("\xfd7zXZ")), bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}), bytes.HasPrefix(magic, []byte("PK\x03\x04")):
		return nil, errors.New("it is compressed, and not by gzip, which is all that is read here")
	}
	in := bufio.NewReaderSize(&bounded{text, max, max}, maxLine)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		in.Discard(3)
	}
	return in, nil
}

// bounded is io.LimitedReader, but one octet more is an error, not the end.
type bounded struct {
	r         io.Reader
	left, max int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, fmt.Errorf("more than %d octets: %w", b.max, ErrTooLarge)
	}
	p = p[:min(int64(len(p)), b.left+1)]
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, fmt.Errorf("more than %d octets: %w", b.max, ErrTooLarge)
	}
	return n, err
}

// unexpected names the end of input where there should be more.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// eachLine calls f with each line that is not blank, without white space around
// it and until f fails. The slice holds until f returns.
func eachLine(in *bufio.Reader, f func(line []byte) error) error {
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return &SyntaxError{Line: n, Err: fmt.Errorf("a line of more than %d octets: %w", maxLine, ErrTooLarge)}
		}
		if err != nil && err != io.EOF {
			return &SyntaxError{Line: n, Err: err}
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if err := f(line); err != nil {
				return &SyntaxError{Line: n, Err: err}
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}
