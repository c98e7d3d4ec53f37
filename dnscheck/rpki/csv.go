package rpki

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// columns says which field of a line of CSV is what; -1 where there is none.
type columns struct{ asn, prefix, maxLength, anchor, expires int }

// maxFields bounds the fields of one line.
const maxFields = 32

// readCSV reads lines of AS number, prefix, maximum length and trust anchor. A
// header may name the columns and so put them in another order.
func readCSV(in *bufio.Reader, sink *vrpSink) error {
	cols := columns{asn: 0, prefix: 1, maxLength: 2, anchor: 3, expires: -1}
	var fields [maxFields][]byte
	lines := 0
	err := eachLine(in, func(line []byte) error {
		if line[0] == '#' {
			return nil
		}
		n, err := splitCSV(line, &fields)
		if err != nil {
			return err
		}
		if lines++; lines == 1 {
			if named, ok, err := header(fields[:n]); ok || err != nil {
				cols = named
				return err
			}
		}
		v, expires, err := cols.vrp(fields[:n])
		if err != nil {
			return err
		}
		return sink.add(v, expires)
	})
	if err == nil && lines == 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// header reads the names of columns, if that is what the fields are: a line of
// data has a prefix in it, so a slash.
func header(fields [][]byte) (cols columns, ok bool, err error) {
	cols = columns{-1, -1, -1, -1, -1}
	for i, f := range fields {
		switch strings.ReplaceAll(strings.ToLower(string(f)), " ", "") {
		case "asn", "as":
			cols.asn = i
		case "ipprefix", "prefix":
			cols.prefix = i
		case "maxlength", "maxlen":
			cols.maxLength = i
		case "trustanchor", "ta":
			cols.anchor = i
		case "expires":
			cols.expires = i
		}
	}
	if cols == (columns{-1, -1, -1, -1, -1}) {
		return cols, false, nil
	}
	if cols.asn < 0 || cols.prefix < 0 {
		return cols, false, errors.New(`the header has no "ASN" or no "IP Prefix"`)
	}
	return cols, true, nil
}

func (c columns) vrp(fields [][]byte) (VRP, time.Time, error) {
	field := func(i int) string {
		if i < 0 || i >= len(fields) {
			return ""
		}
		return string(fields[i])
	}
	asn, err := ParseASN(field(c.asn))
	if err != nil {
		return VRP{}, time.Time{}, err
	}
	p, err := parsePrefix(field(c.prefix))
	if err != nil {
		return VRP{}, time.Time{}, err
	}
	v := VRP{Prefix: p, MaxLength: p.Bits(), ASN: asn, TrustAnchor: field(c.anchor)}
	if s := field(c.maxLength); s != "" {
		if v.MaxLength, err = strconv.Atoi(s); err != nil {
			return VRP{}, time.Time{}, fmt.Errorf("%s is no maximum length", quote(s))
		}
	}
	expires, err := parseMoment(field(c.expires))
	return v, expires, err
}

// splitCSV puts the fields of a line into fields, without white space and quotes
// around them (RFC 4180, Section 2; no line ends and no quotes inside).
func splitCSV(line []byte, fields *[maxFields][]byte) (int, error) {
	for n := 0; ; {
		if n == maxFields {
			return 0, fmt.Errorf("more than %d fields: %w", maxFields, ErrTooLarge)
		}
		var f []byte
		if line = bytes.TrimLeft(line, " \t"); len(line) > 0 && line[0] == '"' {
			end := bytes.IndexByte(line[1:], '"')
			if end < 0 {
				return 0, errors.New("a quote that is not closed")
			}
			f, line = line[1:1+end], bytes.TrimLeft(line[2+end:], " \t")
			if len(line) > 0 && line[0] != ',' {
				return 0, errors.New("something between a closing quote and the comma")
			}
		} else {
			end := bytes.IndexByte(line, ',')
			if end < 0 {
				end = len(line)
			}
			f, line = line[:end], line[end:]
		}
		fields[n] = bytes.TrimSpace(f)
		n++
		if len(line) == 0 {
			return n, nil
		}
		line = line[1:]
	}
}
