package rtr

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"time"

	"mailvet/dnscheck/rpki"
)

// newest is the version to begin with.
const newest uint8 = 1

// pduType is the second octet of a PDU (RFC 8210, Section 5).
type pduType uint8

const (
	typeSerialNotify  pduType = 0
	typeSerialQuery   pduType = 1
	typeResetQuery    pduType = 2
	typeCacheResponse pduType = 3
	typeIPv4Prefix    pduType = 4
	typeIPv6Prefix    pduType = 6
	typeEndOfData     pduType = 7
	typeCacheReset    pduType = 8
	typeRouterKey     pduType = 9
	typeErrorReport   pduType = 10
)

var typeNames = [...]string{"Serial Notify", "Serial Query", "Reset Query", "Cache Response", "IPv4 Prefix", "", "IPv6 Prefix", "End of Data", "Cache Reset", "Router Key", "Error Report"}

func (t pduType) String() string {
	if int(t) < len(typeNames) && typeNames[t] != "" {
		return typeNames[t]
	}
	return "a PDU of type " + strconv.Itoa(int(t))
}

const (
	headerLength = 8
	// maxPDU bounds a PDU of variable length: a Router Key holds a public key,
	// an Error Report a PDU and a text.
	maxPDU = 64 << 10
	// maxReport bounds the text kept of an Error Report.
	maxReport = 256
)

// length says how long a PDU may be. PDUs whose length is fixed have least and
// most the same.
func (t pduType) length(version uint8) (least, most uint32, ok bool) {
	switch t {
	case typeSerialNotify:
		return 12, 12, true
	case typeCacheResponse, typeCacheReset:
		return headerLength, headerLength, true
	case typeIPv4Prefix:
		return 20, 20, true
	case typeIPv6Prefix:
		return 32, 32, true
	case typeEndOfData:
		if version == 0 { // RFC 6810, Section 5.8
			return 12, 12, true
		}
		return 24, 24, true
	case typeRouterKey:
		return headerLength + 24, maxPDU, true
	case typeErrorReport:
		return headerLength + 8, maxPDU, true
	}
	return 0, 0, false
}

// pdu is one message. Its body may only be used until the next is read.
type pdu struct {
	version uint8
	typ     pduType
	field   uint16 // session, error code or zero
	body    []byte
}

type reader interface {
	io.Reader
	Peek(int) ([]byte, error)
	Discard(int) (int, error)
}

// readPDU reads one PDU from in, whose buffer holds the longest one.
func readPDU(in reader) (pdu, error) {
	head, err := in.Peek(headerLength)
	if err != nil {
		if len(head) > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return pdu{}, fmt.Errorf("read a PDU: %w", err)
	}
	p := pdu{version: head[0], typ: pduType(head[1]), field: binary.BigEndian.Uint16(head[2:])}
	length := binary.BigEndian.Uint32(head[4:])
	if p.version > newest && p.typ != typeErrorReport {
		return pdu{}, fmt.Errorf("version %d, which is not spoken here", p.version)
	}
	least, most, ok := p.typ.length(p.version)
	if !ok {
		return pdu{}, fmt.Errorf("%s, which a cache does not send", p.typ)
	}
	if length < least || length > most {
		return pdu{}, fmt.Errorf("%s of %d octets", p.typ, length)
	}
	whole, err := in.Peek(int(length))
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return pdu{}, fmt.Errorf("read %s: %w", p.typ, err)
	}
	p.body = whole[headerLength:]
	_, err = in.Discard(int(length))
	return p, err
}

// resetQuery asks for everything (RFC 8210, Section 5.4).
func resetQuery(version uint8) []byte {
	return []byte{version, byte(typeResetQuery), 0, 0, 0, 0, 0, headerLength}
}

// vrp reads an IPv4 or IPv6 Prefix PDU (RFC 8210, Sections 5.6 and 5.7).
func (p pdu) vrp() (v rpki.VRP, announced bool, err error) {
	flags, bits, maxLength := p.body[0], int(p.body[1]), int(p.body[2])
	var addr netip.Addr
	rest := p.body[4:]
	if p.typ == typeIPv4Prefix {
		addr, rest = netip.AddrFrom4([4]byte(rest)), rest[4:]
	} else {
		addr, rest = netip.AddrFrom16([16]byte(rest)), rest[16:]
	}
	v = rpki.VRP{Prefix: netip.PrefixFrom(addr, bits), MaxLength: maxLength, ASN: rpki.ASN(binary.BigEndian.Uint32(rest))}
	if !v.Prefix.IsValid() {
		return v, false, fmt.Errorf("%s with a prefix length of %d", p.typ, bits)
	}
	return v, flags&1 == 1, nil
}

// endOfData holds what follows an answer (RFC 8210, Section 5.8).
type endOfData struct{ expire time.Duration } // 0: not told

// maxExpire is the longest expire interval (RFC 8210, Section 6).
const maxExpire = 172800 * time.Second

func (p pdu) end() (endOfData, error) {
	if p.version == 0 {
		return endOfData{}, nil
	}
	// Serial, refresh, retry, expire.
	expire := time.Duration(binary.BigEndian.Uint32(p.body[12:])) * time.Second
	return endOfData{min(expire, maxExpire)}, nil
}

// Error codes of interest (RFC 8210, Section 12).
const (
	NoData             uint16 = 2 // the cache has nothing yet
	UnsupportedVersion uint16 = 4
)

var codes = [...]string{"corrupt data", "internal error", "no data available", "invalid request", "unsupported protocol version", "unsupported PDU type", "withdrawal of unknown record", "duplicate announcement received", "unexpected protocol version"}

// ReportError is an Error Report of the cache.
type ReportError struct {
	Version uint8 // of the cache
	Code    uint16
	Text    string // its own, printable ASCII and cut to a bound; may be ""
}

func (e *ReportError) Error() string {
	what := "code " + strconv.Itoa(int(e.Code))
	if int(e.Code) < len(codes) {
		what = codes[e.Code]
	}
	if e.Text != "" {
		what += ": " + e.Text
	}
	return "the cache reports " + what
}

// report reads an Error Report (RFC 8210, Section 5.11): the PDU that was wrong
// and a text, each behind its length.
func (p pdu) report() error {
	n := uint64(binary.BigEndian.Uint32(p.body))
	if n+8 > uint64(len(p.body)) {
		return errors.New("an Error Report shorter than the PDU in it")
	}
	rest := p.body[4+n:]
	n = uint64(binary.BigEndian.Uint32(rest))
	if n+4 > uint64(len(rest)) {
		return errors.New("an Error Report shorter than its text")
	}
	text := string(rest[4 : 4+n])
	if len(text) > maxReport {
		text = text[:maxReport]
	}
	if text != "" {
		text = strconv.QuoteToASCII(text)
	}
	return &ReportError{p.version, p.field, text}
}
