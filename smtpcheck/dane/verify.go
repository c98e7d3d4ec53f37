package dane

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"time"

	"mailvet/report/evidence"
)

// verifier holds what several DANE-TA records need.
type verifier struct {
	in     Input
	parsed []*x509.Certificate // by place in the chain; nil where crypto/x509 cannot read it
}

func newVerifier(in Input) *verifier {
	if len(in.Chain) > MaxChain {
		in.Chain = in.Chain[:MaxChain]
	}
	return &verifier{in: in}
}

func (v *verifier) verify(t evidence.TLSA) (Status, int) {
	if t.Usage == DANETA {
		return v.anchor(t)
	}
	// RFC 7671, Section 5.1: neither name nor dates.
	if Matches(t, v.in.Chain[0]) {
		return Matched, 0
	}
	return NoMatch, -1
}

// anchor verifies with a DANE-TA record (RFC 7671, Section 5.2).
//
// Beyond RFC 7671: a digest that matches the server's own certificate is no
// match, for that is not issued by anybody else. OpenSSL decides likewise.
func (v *verifier) anchor(t evidence.TLSA) (Status, int) {
	if v.in.MatchOnly && t.Matching != Full {
		return v.issuer(t)
	}
	if v.parsed == nil {
		v.parse()
	}
	best, depth := NoMatch, -1
	for _, anchor := range v.candidates(t) {
		status, d := v.path(anchor)
		if status > best {
			best, depth = status, d
		}
	}
	return best, depth
}

// issuer finds the certificate sent above the server's own that a record matches.
func (v *verifier) issuer(t evidence.TLSA) (Status, int) {
	for i := 1; i < len(v.in.Chain); i++ {
		if Matches(t, v.in.Chain[i]) {
			return Matched, i
		}
	}
	return NoMatch, -1
}

func (v *verifier) parse() {
	v.parsed = make([]*x509.Certificate, len(v.in.Chain))
	for i, der := range v.in.Chain {
		v.parsed[i] = evidence.Remember(v.in.Memo, parsedKey(sha256.Sum256(der)), func() *x509.Certificate {
			c, err := x509.ParseCertificate(der)
			if err != nil {
				return nil
			}
			return c
		})
	}
}

// parsedKey is the hash of a certificate's DER.
type parsedKey [sha256.Size]byte

// candidates lists the certificates that a DANE-TA record makes trust anchors;
// nil stands for one that crypto/x509 cannot read.
func (v *verifier) candidates(t evidence.TLSA) []*x509.Certificate {
	var list []*x509.Certificate
	for i := 1; i < len(v.in.Chain); i++ {
		if Matches(t, v.in.Chain[i]) {
			list = append(list, v.parsed[i])
		}
	}
	if t.Matching != Full || len(list) > 0 {
		return list
	}
	// The record holds the anchor itself, so the server need not send it
	// (RFC 7671, Section 5.2.2 and 5.2.3).
	if t.Selector == Cert {
		c, err := x509.ParseCertificate(t.Data)
		if err != nil {
			return nil
		}
		return []*x509.Certificate{c}
	}
	key, err := x509.ParsePKIXPublicKey(t.Data)
	if err != nil {
		return nil
	}
	anchor := &x509.Certificate{PublicKey: key, PublicKeyAlgorithm: algorithm(key)}
	for _, c := range v.parsed {
		if c != nil && anchor.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
			list = append(list, c)
		}
	}
	return list
}

// path verifies that the chain leads from the server's certificate to anchor.
// Path building, signatures, dates and constraints are those of crypto/x509,
// with anchor as the only root.
func (v *verifier) path(anchor *x509.Certificate) (Status, int) {
	leaf := v.parsed[0]
	if leaf == nil || anchor == nil {
		return Unreadable, -1
	}
	memo := v.in.Memo
	if len(anchor.Raw) == 0 || v.in.Time.IsZero() {
		memo = nil // an anchor that is only a key, or the time of the clock
	}
	found := evidence.Remember(memo, v.pathKey(anchor), func() path { return v.walk(anchor) })
	if found.status == Matched && !matchesName(leaf, v.in.Names) {
		return WrongName, -1
	}
	return found.status, found.depth
}

// path is what became of the way to an anchor, names left aside.
type path struct {
	status Status
	depth  int
}

func (v *verifier) walk(anchor *x509.Certificate) path {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(anchor)
	for _, c := range v.parsed[1:] {
		if c != nil {
			intermediates.AddCert(c)
		}
	}
	chains, err := v.parsed[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: v.in.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err == nil {
		return path{Matched, len(chains[0]) - 1}
	}
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return path{OutsideValidity, -1}
	}
	return path{NoPath, -1}
}

// pathKey is a hash of all that walk reads: the anchor, the chain, and of the
// time on which side of each date it is.
type pathKey [sha256.Size]byte

func (v *verifier) pathKey(anchor *x509.Certificate) (k pathKey) {
	h := sha256.New()
	for _, c := range append([]*x509.Certificate{anchor}, v.parsed...) {
		if c == nil {
			h.Write([]byte{0})
			continue
		}
		h.Write([]byte{1, side(v.in.Time, c.NotBefore), side(v.in.Time, c.NotAfter)})
		h.Write(c.Raw) // DER says where it ends
	}
	h.Sum(k[:0])
	return k
}

// side is where t is, seen from a date: before, at or after it.
func side(t, date time.Time) byte { return byte(1 + t.Compare(date)) }

// matchesName looks for one of the names in the certificate. The common name
// counts where there is no dNSName at all (RFC 7672, Section 3.2.3).
func matchesName(leaf *x509.Certificate, names []string) bool {
	presented := x509.Certificate{DNSNames: leaf.DNSNames}
	if len(leaf.DNSNames) == 0 {
		presented.DNSNames = []string{leaf.Subject.CommonName}
	}
	for _, name := range names {
		if presented.VerifyHostname(name) == nil {
			return true
		}
	}
	return false
}
