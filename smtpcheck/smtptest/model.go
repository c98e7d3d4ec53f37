package smtptest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"encoding/binary"
	"io"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"mailvet/smtpcheck/tlshello"
)

// Model is a TLS server that agrees to exactly what it is told, from SSL 2.0 to
// TLS 1.3. What crypto/tls can speak it speaks, with the certificates of
// [Server.TLS]; for all else it sends the first flight of a server that would,
// with certificates and parameters but without keys, so that such a handshake
// cannot be finished. The zero value of each list means none.
type Model struct {
	Versions []tlshello.Version
	Suites   []tlshello.Suite // best first, those of TLS 1.3 included
	// ClientOrder lets the order of the client's hello decide.
	ClientOrder bool
	Groups      []tlshello.Group // best first; without any, suites with elliptic curves are refused
	Hashes      []tlshello.Hash  // for signatures in TLS 1.2; nil: SHA-256 and better
	Specs       []tlshello.CipherSpec
	// Prime and Generator for DHE; nil: 1024 bits, all ones, and 2.
	Prime, Generator      []byte
	Compression           []tlshello.Compression
	NoMasterSecret        bool // no extended master secret
	NoSecureRenegotiation bool
	ALPN                  bool
	// NeedsCompression makes it refuse hellos that offer none of Compression.
	NeedsCompression bool
	// HatesCompression makes it refuse hellos that offer any.
	HatesCompression bool

	// TellGroups lets it choose, in TLS 1.3, among the groups for which the hello
	// brings a key, and tell all its groups where that one is not its best, as
	// OpenSSL does.
	TellGroups bool
	// LateRefusal lets it refuse a signature in TLS 1.3 only after its
	// ServerHello, as Java does.
	LateRefusal bool
	// WrongKind lets it send a certificate in TLS 1.3 that it was not asked for, in
	// place of refusing.
	WrongKind bool
	// Inside and Behind, if not nil, are sent after a ServerHello of TLS 1.3 in
	// place of all else: Inside encrypted, each time as one record of which the
	// last octet is the type, Behind in the clear.
	Inside, Behind *Flood

	// Refusal is how it says no; default: an alert.
	Refusal Refusal
	// MaxSuites, if positive, makes it close at hellos with more suites.
	MaxSuites int
}

// Refusal is how a server says no to a hello.
type Refusal uint8

const (
	RefuseByAlert Refusal = iota // handshake_failure, or protocol_version
	RefuseByClose
	RefuseByReset
	RefuseBySilence // it keeps the connection open, and says nothing
	RefuseOddly     // the alert internal_error
)

// choice is what the model agrees to.
type choice struct {
	version     tlshello.Version
	suite       tlshello.Suite
	group       tlshello.Group
	scheme      tlshello.SignatureScheme
	compression tlshello.Compression
	kind        string // of the certificate, in TLS 1.3; empty where there is none to go with the hello
}

// maxHello bounds the hello of a client.
const maxHello = 1 << 16

// readHello reads the records of a hello, or the one record of SSL 2.0.
func readHello(r io.Reader) (octets []byte, hello *tlshello.ClientHello, v2 *tlshello.V2ClientHello) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, nil, nil
	}
	if head[0]&0x80 != 0 {
		body := make([]byte, int(head[0]&0x7F)<<8|int(head[1]))
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, nil, nil
		}
		octets = append(head, body...)
		v2, _ = tlshello.ParseV2ClientHello(octets)
		return octets, nil, v2
	}
	octets = head
	for len(octets) < maxHello {
		header := make([]byte, 5)
		copy(header, octets[:2])
		from := 2
		if hello != nil || len(octets) > 2 {
			from = 0
		}
		if _, err := io.ReadFull(r, header[from:]); err != nil {
			return octets, nil, nil
		}
		octets = append(octets, header[from:]...)
		body := make([]byte, binary.BigEndian.Uint16(header[3:]))
		if _, err := io.ReadFull(r, body); err != nil {
			return octets, nil, nil
		}
		octets = append(octets, body...)
		if h, err := tlshello.ParseClientHello(octets); err == nil {
			return octets, h, nil
		}
	}
	return octets, nil, nil
}

// model answers at the handshake in place of crypto/tls. It returns the
// configuration by which to go on with it, with the hello before the connection's
// other octets; nil if the connection is over.
func (d *dialogue) model(m *Model) *tls.Config {
	octets, hello, v2 := readHello(d.r)
	d.unread(octets)
	if hello == nil {
		d.modelV2(m, v2)
		return nil
	}
	c, alert := m.choose(hello, d.s.TLS)
	switch {
	case m.MaxSuites > 0 && len(hello.Suites) > m.MaxSuites:
		return nil
	case alert != 0:
		d.refuse(m.Refusal, alert)
		return nil
	}
	// A hello for TLS 1.3 without a key, or without any other version, is a mere
	// question; and crypto/tls would choose the suite by itself.
	if question := c.version == tlshello.TLS13 && (len(hello.KeyShares()) == 0 || !hello.Offers(tlshello.TLS12)); !question {
		if conf := m.real(c, d.s.TLS); conf != nil {
			return conf
		}
	}
	if c.version == tlshello.TLS13 && d.flight13(m, c, hello, octets) {
		return nil
	}
	d.write(string(m.flight(c, hello, d.certificate(c.suite))))
	d.hush(Reply{})
	return nil
}

// unread puts octets back before those that are still to come.
func (d *dialogue) unread(octets []byte) {
	d.r.Reset(io.MultiReader(bytes.NewReader(octets), bytes.NewReader(d.buffered()), d.conn))
}

func (d *dialogue) buffered() []byte {
	b, _ := d.r.Peek(d.r.Buffered())
	return bytes.Clone(b)
}

func (d *dialogue) refuse(r Refusal, alert tlshello.AlertDescription) {
	switch r {
	case RefuseByClose:
		return
	case RefuseByReset:
		d.leave(Reply{Reset: true})
		return
	case RefuseBySilence:
		d.hush(Reply{})
		return
	case RefuseOddly:
		alert = tlshello.InternalError
	}
	d.write(string([]byte{21, 3, 1, 0, 2, byte(tlshello.Fatal), byte(alert)}))
}

func (d *dialogue) modelV2(m *Model, hello *tlshello.V2ClientHello) {
	var specs []tlshello.CipherSpec
	if hello != nil {
		for _, c := range hello.Specs {
			if slices.Contains(m.Specs, c) {
				specs = append(specs, c)
			}
		}
	}
	if !slices.Contains(m.Versions, tlshello.SSL20) || hello == nil {
		d.refuse(m.Refusal, tlshello.ProtocolVersion)
		return
	}
	leaf := d.s.TLS.Certificates[0].Certificate[0]
	b := cryptobyte.NewBuilder(nil)
	b.AddBytes([]byte{4, 0, 1, 0, 2}) // SERVER-HELLO, no session, X.509, version
	b.AddUint16(uint16(len(leaf)))
	b.AddUint16(uint16(3 * len(specs)))
	b.AddUint16(16)
	b.AddBytes(leaf)
	for _, c := range specs {
		b.AddUint24(uint32(c))
	}
	b.AddBytes(make([]byte, 16))
	body := b.BytesOrPanic()
	d.write(string(append([]byte{0x80 | byte(len(body)>>8), byte(len(body))}, body...)))
	d.hush(Reply{})
}

// choose is what the model agrees to, or the alert by which it refuses.
func (m *Model) choose(h *tlshello.ClientHello, conf *tls.Config) (c choice, alert tlshello.AlertDescription) {
	for _, v := range m.Versions {
		if h.Offers(v) && v > c.version {
			c.version = v
		}
	}
	if c.version == 0 {
		return c, tlshello.ProtocolVersion
	}
	first, second := m.Suites, h.Suites
	if m.ClientOrder {
		first, second = second, first
	}
	for _, s := range first {
		if slices.Contains(second, s) && m.can(s, &c, h, conf) {
			c.suite = s
			return c, 0
		}
	}
	return c, tlshello.HandshakeFailure
}

// can reports whether a suite can be spoken, and chooses what it needs.
func (m *Model) can(s tlshello.Suite, c *choice, h *tlshello.ClientHello, conf *tls.Config) bool {
	t := s.Traits()
	if t.Min > c.version || t.Max < c.version || kindOf(t) != "" && chainFor(conf, kindOf(t)) == nil {
		return false
	}
	c.group, c.scheme = 0, 0
	if c.version == tlshello.TLS13 {
		if c.kind = m.kind13(h, conf); c.kind == "" && !m.LateRefusal {
			return false
		}
	}
	if c.version == tlshello.TLS13 || t.Elliptic() {
		for _, g := range m.groupsFor(c.version, h) {
			if slices.Contains(h.Groups(), g) && (c.version == tlshello.TLS13 || g.Kind() != tlshello.Hybrid) {
				c.group = g
				break
			}
		}
		if c.group == 0 {
			return false
		}
	}
	if c.version == tlshello.TLS12 && t.ForwardSecrecy && !t.Anonymous() {
		for _, x := range h.SignatureSchemes() {
			if m.hash(x.Hash()) && kindOf(t) == map[tlshello.SignatureAlgorithm]string{tlshello.RSAPKCS1: "RSA", tlshello.RSAPSS: "RSA", tlshello.ECDSA: "ECDSA"}[x.Algorithm()] {
				c.scheme = x
				break
			}
		}
		if c.scheme == 0 {
			return false
		}
	}
	c.compression = tlshello.NoCompression
	if m.HatesCompression && len(h.Compression) > 1 {
		return false
	}
	for _, x := range m.Compression {
		if slices.Contains(h.Compression, x) {
			c.compression = x
		}
	}
	return !m.NeedsCompression || c.compression != tlshello.NoCompression
}

func (m *Model) hash(h tlshello.Hash) bool {
	if m.Hashes == nil {
		return h == tlshello.SHA256 || h == tlshello.SHA384 || h == tlshello.SHA512
	}
	return slices.Contains(m.Hashes, h)
}

func kindOf(t tlshello.Traits) string {
	switch t.Authentication {
	case tlshello.ByRSA:
		return "RSA"
	case tlshello.ByECDSA:
		return "ECDSA"
	}
	return ""
}

func kindOfKey(c tls.Certificate) string {
	if key, ok := c.PrivateKey.(crypto.Signer); ok {
		switch key.Public().(type) {
		case *rsa.PublicKey:
			return "RSA"
		case *ecdsa.PublicKey, ed25519.PublicKey:
			return "ECDSA"
		}
	}
	return ""
}

// chainFor is the chain for a kind of key; nil without.
func chainFor(conf *tls.Config, kind string) [][]byte {
	for _, c := range conf.Certificates {
		if kindOfKey(c) == kind || kind == "" {
			return c.Certificate
		}
	}
	return nil
}

func (d *dialogue) certificate(s tlshello.Suite) [][]byte {
	if s.Traits().Anonymous() {
		return nil
	}
	return chainFor(d.s.TLS, kindOf(s.Traits()))
}

// real is the configuration by which crypto/tls makes the choice; nil if it
// cannot.
func (m *Model) real(c choice, conf *tls.Config) *tls.Config {
	ours := slices.ContainsFunc(tls.CipherSuites(), func(s *tls.CipherSuite) bool { return s.ID == uint16(c.suite) })
	group := slices.Contains([]tls.CurveID{0, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521, tls.X25519MLKEM768}, tls.CurveID(c.group))
	plain := c.compression == tlshello.NoCompression && !m.NoMasterSecret && !m.NoSecureRenegotiation
	if !ours || !group || c.version < tlshello.TLS12 || !plain && c.version < tlshello.TLS13 || m.odd(c.scheme) {
		return nil
	}
	conf = conf.Clone()
	conf.MinVersion, conf.MaxVersion = uint16(c.version), uint16(c.version)
	if conf.CipherSuites = []uint16{uint16(c.suite)}; c.group != 0 {
		conf.CurvePreferences = []tls.CurveID{tls.CurveID(c.group)}
	}
	if c.group == tlshello.X25519 && c.version < tlshello.TLS13 {
		// crypto/tls wants the curve of an ECDSA certificate too, and prefers X25519.
		conf.CurvePreferences = append(conf.CurvePreferences, tls.CurveP256)
	}
	if m.ALPN {
		conf.NextProtos = []string{"smtp"}
	}
	return conf
}

// odd schemes are those that crypto/tls does not sign with.
func (m *Model) odd(s tlshello.SignatureScheme) bool {
	var usual Model
	return s != 0 && !usual.hash(s.Hash())
}

// Flood is what a hostile server does at the handshake: it sends Octets over and
// over, in pieces with a pause between, until the client leaves or Limit octets
// were sent.
type Flood struct {
	Octets []byte
	Pause  time.Duration
	Limit  int
}

func (d *dialogue) flood(f *Flood) {
	for sent := 0; f.Limit == 0 || sent < f.Limit; sent += len(f.Octets) {
		if !d.write(string(f.Octets)) || !d.sleep(f.Pause) {
			return
		}
	}
}
