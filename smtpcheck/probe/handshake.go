package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// maxInjected bounds what is read in the clear between the 220 and the
// handshake.
const maxInjected = 4096

// errNotTLS: the server went on in the clear.
var errNotTLS = errors.New("the server went on in the clear")

// handshake makes the TLS connection and writes down what was negotiated.
func (t *attempt) handshake(ctx context.Context) *evidence.Failure {
	s := &t.result.Session
	h := &evidence.Handshake{SNI: t.sni()}
	s.Handshake = h
	t.tickets = &ticketNote{h}
	var ders [][]byte
	clear := &clearConn{Conn: t.conn, r: t.r}
	c := tls.Client(clear, t.config(t.tickets, func(raw [][]byte, _ [][]*x509.Certificate) error {
		for _, der := range raw {
			ders = append(ders, bytes.Clone(der))
		}
		return nil
	}))
	t.deadline(t.p.Timeout)
	err := c.HandshakeContext(ctx)
	if err != nil {
		clear.rest()
	}
	s.Injected = clear.injected
	if err != nil && len(clear.injected) > 0 && !clear.begun && !errors.Is(err, errTooLarge) && ctx.Err() == nil {
		err = fmt.Errorf("%w: %s", errNotTLS, printable(strings.TrimSpace(string(clear.injected[:min(len(clear.injected), maxShown)]))))
	}
	noteState(h, c.ConnectionState(), err == nil)
	t.clear = clear
	t.ders = t.reread(h, ders)
	t.chain(t.ders)
	if err != nil {
		h.Failure = t.failure(ctx, evidence.OpHandshake, err)
		return h.Failure
	}
	t.use(c)
	return nil
}

// config offers all that crypto/tls has: the point is to see, not to be safe.
func (t *attempt) config(tickets tls.ClientSessionCache, certs func([][]byte, [][]*x509.Certificate) error) *tls.Config {
	conf := &tls.Config{
		ServerName:            t.host,
		InsecureSkipVerify:    true, // the chain is verified apart, and what comes out is evidence
		VerifyPeerCertificate: certs,
		MinVersion:            tls.VersionTLS10,
		ClientSessionCache:    tickets,
		Time:                  t.p.Now,
		KeyLogWriter:          &t.log,
	}
	if t.small {
		// A hello that fits into one segment, for servers and middleboxes
		// that fail at a longer one.
		conf.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}
	}
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, suite := range list {
			conf.CipherSuites = append(conf.CipherSuites, suite.ID)
		}
	}
	return conf
}

// seen are the octets that the server sent for the handshake and after it.
func (t *attempt) seen() []byte {
	if t.clear == nil {
		return nil
	}
	return t.clear.seen
}

// reread finds in the octets what crypto/tls does not tell: the signature
// scheme, and where it gave up what the server had chosen, with its
// certificates.
func (t *attempt) reread(h *evidence.Handshake, ders [][]byte) [][]byte {
	a := tlshello.ReadFlight(t.seen(), false)
	if a.Hello == nil || a.Hello.Retry && h.Version == "" {
		return ders
	}
	if h.Version == "" && !h.Complete {
		h.Version, h.Suite, h.Group = a.Version().String(), a.Hello.Suite.String(), groupText(a)
	}
	scheme, sent := tlshello.SignatureScheme(0), a.Certificates
	if a.Version() == tlshello.TLS13 {
		suite, _ := tlshello.ParseSuite(h.Suite)
		r := t.log.read13(suite, t.seen())
		scheme, sent, h.Told = r.scheme, r.certificates, texts(r.groups)
	} else if a.KeyExchange != nil {
		scheme = a.KeyExchange.Scheme
	}
	if scheme != 0 {
		h.Signature = scheme.String()
	}
	if len(ders) > 0 {
		return ders
	}
	for _, der := range sent {
		ders = append(ders, bytes.Clone(der))
	}
	return ders
}

// chain writes down the certificates and whether they lead to a trusted root.
func (t *attempt) chain(ders [][]byte) {
	if len(ders) == 0 {
		return
	}
	chain, certs := evidence.NewChain(ders)
	chain.Trust, chain.TrustReason = t.p.trust(ders)
	t.result.Session.Handshake.Chain = chain.ID
	t.result.Chains = []evidence.Chain{chain}
	t.result.Certificates = certs
}

// trust verifies a chain with the certificates that were sent as intermediates
// (RFC 5280, Section 6), at the time of the probe, without a name.
func (p *Prober) trust(ders [][]byte) (evidence.Trust, string) {
	if p.Roots == nil {
		return evidence.TrustUnknown, "no trusted roots are at hand"
	}
	leaf, err := x509.ParseCertificate(ders[0])
	if err != nil {
		return evidence.TrustUnknown, reason(err)
	}
	sent := x509.NewCertPool()
	for _, der := range ders[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			sent.AddCert(c)
		}
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: p.Roots, Intermediates: sent, CurrentTime: p.Now()})
	if err != nil {
		return evidence.Untrusted, reason(err)
	}
	return evidence.Trusted, ""
}

func reason(err error) string {
	text := strings.TrimPrefix(err.Error(), "x509: ")
	return printable(text[:min(len(text), maxShown)])
}

// ianaGroups are the names in the TLS Supported Groups registry where those
// of crypto/tls are others.
var ianaGroups = map[tls.CurveID]string{
	tls.CurveP256: "secp256r1", tls.CurveP384: "secp384r1", tls.CurveP521: "secp521r1", tls.X25519: "x25519",
	tls.X25519MLKEM768: "X25519MLKEM768", tls.SecP256r1MLKEM768: "SecP256r1MLKEM768", tls.SecP384r1MLKEM1024: "SecP384r1MLKEM1024",
}

// noteState copies what was negotiated, as far as the handshake came.
func noteState(h *evidence.Handshake, cs tls.ConnectionState, complete bool) {
	h.Complete = complete
	if cs.Version != 0 {
		h.Version = tls.VersionName(cs.Version)
	}
	if cs.CipherSuite != 0 {
		h.Suite = tls.CipherSuiteName(cs.CipherSuite)
	}
	if cs.CurveID != 0 {
		name, ok := ianaGroups[cs.CurveID]
		if !ok {
			name = fmt.Sprintf("0x%04X", uint16(cs.CurveID))
		}
		h.Group = name
	}
	h.ALPN = printable(cs.NegotiatedProtocol)
	h.OCSP = len(cs.OCSPResponse) > 0
}

// ticketNote is a session cache that holds nothing and notes that a session
// could have been resumed.
type ticketNote struct{ h *evidence.Handshake } // nil: too late

func (n *ticketNote) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

func (n *ticketNote) Put(_ string, s *tls.ClientSessionState) {
	if s != nil && n.h != nil {
		n.h.Resumable = true
	}
}

// clearConn is the connection under TLS. What comes in the clear before the
// server's first TLS record is kept apart instead of breaking the handshake:
// a client that took it for part of the dialogue after the handshake would
// have the flaw of CVE-2011-0411.
type clearConn struct {
	net.Conn
	r        *bufio.Reader
	injected []byte
	begun    bool   // the first record has come
	seen     []byte // from there on, at most maxSeen
}

// rest keeps what was received in the clear and never read, where the
// handshake failed at its first write.
func (c *clearConn) rest() {
	if n := min(c.r.Buffered(), maxInjected-len(c.injected)); !c.begun && n > 0 {
		b, _ := c.r.Peek(n)
		c.injected = append(c.injected, b...)
	}
}

func (c *clearConn) Read(b []byte) (int, error) {
	for !c.begun {
		head, err := c.r.Peek(1)
		if err != nil {
			return 0, err
		}
		// RFC 8446, Section 5.1: a handshake or alert record of version 3.x.
		if head[0] == 21 || head[0] == 22 {
			if head, err = c.r.Peek(2); err != nil {
				return 0, err
			}
			if head[1] == 3 {
				c.begun = true
				break
			}
		}
		if len(c.injected) >= maxInjected {
			return 0, fmt.Errorf("over %d octets in the clear before the handshake: %w", maxInjected, errTooLarge)
		}
		c.injected = append(c.injected, head[0])
		_, _ = c.r.Discard(1)
	}
	n, err := c.r.Read(b)
	c.seen = append(c.seen, b[:min(n, maxSeen-len(c.seen))]...)
	return n, err
}
