package smtptest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// CA is a root with one intermediate that issues. Everything it makes depends
// only on its name, its time and what is asked: ECDSA and Ed25519 keys come
// from seeds, ECDSA signatures from RFC 6979, RSA keys from files. It is of no
// use outside tests, for everybody has its keys.
type CA struct {
	name         string
	now          time.Time
	root         *x509.Certificate
	intermediate *x509.Certificate
	key          crypto.Signer // of the intermediate
	rootKey      crypto.Signer
}

// Key is a kind of public key. RSA keys are few: all certificates with keys of
// one size share one of two keys, chosen by the seed.
type Key uint8

const (
	P256 Key = iota
	P384
	Ed25519
	RSA1024
	RSA2048
	RSA3072
)

// Form is how the chain is sent.
type Form uint8

const (
	Full         Form = iota // leaf, intermediate
	LeafOnly                 // without the intermediate
	WithRoot                 // leaf, intermediate, root
	WrongOrder               // leaf, root, intermediate
	Unrelated                // leaf, intermediate of another CA
	Unparseable              // a leaf that is no certificate, intermediate
	DirectByRoot             // issued by the root: leaf alone
	Extra                    // leaf, intermediate, intermediate of another CA
)

// Leaf says what certificate to issue. The zero value of every field is the
// good case.
type Leaf struct {
	Names      []string // DNS names, the first is the common name too; default "mx.example.test"
	NotBefore  time.Time
	NotAfter   time.Time // default: valid for 90 days, 30 of them past
	Expired    bool      // valid until the day before
	Key        Key
	Seed       string // another seed is another key; default: the first name
	SHA1       bool   // signed with SHA-1
	SHA224     bool   // ECDSA with SHA-224, by its name alone: the signature does not verify
	PSS        bool   // with SelfSigned and an RSA key: signed by RSASSA-PSS, which is other octets each time
	SelfSigned bool
	Nameless   bool // for no name at all
	MustStaple bool // says that an OCSP response comes with it (RFC 7633)
	SCTs       int  // with so many timestamps of logs, which nobody signed (RFC 6962, Section 3.3)
	Form       Form
}

// NewCA makes the authority; its own certificates are valid for ten years
// around now.
func NewCA(name string, now time.Time) *CA {
	ca := &CA{name: name, now: now.UTC().Truncate(time.Second)}
	ca.rootKey = newKey(P256, name+" root")
	ca.key = newKey(P256, name+" intermediate")
	template := func(cn string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: serial(cn), Subject: pkix.Name{CommonName: cn, Organization: []string{"Mailvet tests"}},
			NotBefore: ca.now.AddDate(-5, 0, 0), NotAfter: ca.now.AddDate(5, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}
	}
	root := template(name + " Root")
	ca.root = sign(root, root, ca.rootKey.Public(), ca.rootKey)
	ca.intermediate = sign(template(name+" Intermediate"), ca.root, ca.key.Public(), ca.rootKey)
	return ca
}

// Pool holds the root.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.root)
	return p
}

// Root is the root's certificate.
func (ca *CA) Root() *x509.Certificate { return ca.root }

// Intermediate is the certificate of the issuing authority.
func (ca *CA) Intermediate() *x509.Certificate { return ca.intermediate }

// Issue makes a certificate. It panics if asked for what cannot be made.
func (ca *CA) Issue(l Leaf) tls.Certificate {
	if len(l.Names) == 0 {
		l.Names = []string{"mx.example.test"}
	}
	if l.Seed == "" {
		l.Seed = l.Names[0]
	}
	key := newKey(l.Key, l.Seed)
	leaf := sign(ca.template(l), ca.issuer(l), key.Public(), ca.signer(l, key))
	if l.SHA224 {
		leaf = renamed(leaf)
	}
	c := tls.Certificate{PrivateKey: key, Leaf: leaf, Certificate: [][]byte{leaf.Raw}}
	switch {
	case l.SelfSigned:
	case l.Form == Full:
		c.Certificate = append(c.Certificate, ca.intermediate.Raw)
	case l.Form == LeafOnly, l.Form == DirectByRoot:
	case l.Form == WithRoot:
		c.Certificate = append(c.Certificate, ca.intermediate.Raw, ca.root.Raw)
	case l.Form == WrongOrder:
		c.Certificate = append(c.Certificate, ca.root.Raw, ca.intermediate.Raw)
	case l.Form == Unrelated:
		c.Certificate = append(c.Certificate, NewCA(ca.name+" other", ca.now).intermediate.Raw)
	case l.Form == Extra:
		c.Certificate = append(c.Certificate, ca.intermediate.Raw, NewCA(ca.name+" other", ca.now).intermediate.Raw)
	case l.Form == Unparseable:
		c.Certificate = [][]byte{[]byte("this is no certificate"), ca.intermediate.Raw}
	default:
		panic(fmt.Sprintf("smtptest: chain form %d", l.Form))
	}
	return c
}

func (ca *CA) template(l Leaf) *x509.Certificate {
	from, to := ca.now.AddDate(0, 0, -30), ca.now.AddDate(0, 0, 60)
	if l.Expired {
		from, to = ca.now.AddDate(0, 0, -91), ca.now.AddDate(0, 0, -1)
	}
	if !l.NotBefore.IsZero() {
		from = l.NotBefore
	}
	if !l.NotAfter.IsZero() {
		to = l.NotAfter
	}
	t := &x509.Certificate{
		SerialNumber: serial(fmt.Sprint(ca.name, l.Names, l.Seed, l.Key)), Subject: pkix.Name{CommonName: l.Names[0]},
		DNSNames: l.Names, NotBefore: from, NotAfter: to, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if l.SHA1 {
		t.SignatureAlgorithm = x509.ECDSAWithSHA1
		if l.SelfSigned && l.Key >= RSA1024 {
			t.SignatureAlgorithm = x509.SHA1WithRSA
		}
	}
	if l.PSS {
		t.SignatureAlgorithm = x509.SHA256WithRSAPSS
	}
	if l.Nameless {
		t.Subject, t.DNSNames = pkix.Name{Organization: []string{"Mailvet tests"}}, nil
	}
	if l.MustStaple { // status_request is 5
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}})
	}
	if l.SCTs > 0 {
		t.ExtraExtensions = append(t.ExtraExtensions, timestamps(l.SCTs))
	}
	return t
}

// timestamps is the extension with SCTs (RFC 6962, Sections 3.2 and 3.3): log,
// time and signature are zero.
func timestamps(n int) pkix.Extension {
	list := cryptobyte.NewBuilder(nil)
	list.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for range n {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				b.AddBytes(make([]byte, 1+32+8+2)) // version, log, time, no extensions
				b.AddBytes([]byte{4, 3, 0, 0})     // SHA-256, ECDSA, an empty signature
			})
		}
	})
	value, err := asn1.Marshal(list.BytesOrPanic())
	if err != nil {
		panic("smtptest: timestamps: " + err.Error())
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value}
}

// renamed is a certificate that says of itself to be signed by ECDSA with SHA-224.
func renamed(c *x509.Certificate) *x509.Certificate {
	with256, with224 := []byte{6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2}, []byte{6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 1}
	if !bytes.Contains(c.Raw, with256) {
		panic("smtptest: SHA-224 is for certificates that ECDSA signs")
	}
	c, err := x509.ParseCertificate(bytes.ReplaceAll(c.Raw, with256, with224))
	if err != nil {
		panic("smtptest: read own certificate: " + err.Error())
	}
	return c
}

func (ca *CA) issuer(l Leaf) *x509.Certificate {
	switch {
	case l.SelfSigned:
		return ca.template(l)
	case l.Form == DirectByRoot:
		return ca.root
	}
	return ca.intermediate
}

func (ca *CA) signer(l Leaf, own crypto.Signer) crypto.Signer {
	switch {
	case l.SelfSigned:
		return own
	case l.Form == DirectByRoot:
		return ca.rootKey
	}
	return ca.key
}

func sign(template, parent *x509.Certificate, pub crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	// Without a source of randomness ECDSA signatures follow RFC 6979.
	var random io.Reader
	if template.SignatureAlgorithm == x509.SHA256WithRSAPSS {
		random = rand.Reader
	}
	der, err := x509.CreateCertificate(random, template, parent, pub, by)
	if err != nil {
		panic("smtptest: sign certificate: " + err.Error())
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic("smtptest: read own certificate: " + err.Error())
	}
	return c
}

func serial(seed string) *big.Int {
	h := sha256.Sum256([]byte("serial " + seed))
	h[0] = h[0]&0x7f | 0x40 // positive, of one length
	return new(big.Int).SetBytes(h[:16])
}

// newKey derives a key from a seed.
func newKey(kind Key, seed string) crypto.Signer {
	switch kind {
	case P256:
		return ecdsaKey(elliptic.P256(), seed)
	case P384:
		return ecdsaKey(elliptic.P384(), seed)
	case Ed25519:
		h := sha256.Sum256([]byte("ed25519 " + seed))
		return ed25519.NewKeyFromSeed(h[:])
	case RSA1024, RSA2048, RSA3072:
		return rsaKey(map[Key]int{RSA1024: 1024, RSA2048: 2048, RSA3072: 3072}[kind], seed)
	}
	panic(fmt.Sprintf("smtptest: key kind %d", kind))
}

func ecdsaKey(curve elliptic.Curve, seed string) crypto.Signer {
	p := curve.Params()
	// FIPS 186-5, Appendix A.2.1: d = (c mod (n-1)) + 1.
	h := sha512.Sum512([]byte(p.Name + " " + seed))
	d := new(big.Int).SetBytes(h[:])
	d.Mod(d, new(big.Int).Sub(p.N, big.NewInt(1))).Add(d, big.NewInt(1))
	k, err := ecdsa.ParseRawPrivateKey(curve, d.FillBytes(make([]byte, (p.BitSize+7)/8)))
	if err != nil {
		panic("smtptest: derive key: " + err.Error())
	}
	return k
}

//go:embed rsa
var rsaFiles embed.FS

func rsaKey(bits int, seed string) crypto.Signer {
	which := "ab"[sha256.Sum256([]byte(seed))[0]&1]
	b, err := rsaFiles.ReadFile(fmt.Sprintf("rsa/%d%c.pem", bits, which))
	if err != nil {
		panic("smtptest: " + err.Error())
	}
	block, _ := pem.Decode(b)
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic("smtptest: RSA key: " + err.Error())
	}
	return k.(crypto.Signer)
}

// Config is a TLS configuration that serves the certificates, as a careful
// operator would make it: TLS 1.2 and 1.3, and no suite that a guideline finds
// fault with. Nor do its servers sign with SHA-1.
func Config(certs ...tls.Certificate) *tls.Config {
	certs = slices.Clone(certs)
	for i := range certs {
		certs[i].SupportedSignatureAlgorithms = signatures // without SHA-1, whatever GODEBUG says
	}
	return &tls.Config{
		Certificates: certs, MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		},
	}
}

var signatures = []tls.SignatureScheme{
	tls.Ed25519, tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512,
	tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512, tls.PKCS1WithSHA256, tls.PKCS1WithSHA384, tls.PKCS1WithSHA512,
}
