package bimi

import (
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"mailvet/report/evidence"
)

// Object identifiers of mark certificates.
var (
	markUsage = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 31}     // id-kp-BrandIndicatorforMessageIdentification
	logotype  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 12}     // RFC 3709, Section 4.1
	markType  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53087, 1, 13} // of the subject
)

// Certificate is what a mark certificate says.
type Certificate struct {
	Names     []string // DNS names it is for
	MarkType  string   // "Registered Mark"; empty where it does not say
	Issuer    string
	NotBefore time.Time
	NotAfter  time.Time
	// Logo is the SVG file inside, nil if it cannot be had.
	Logo []byte
	// Faults say what keeps it from being a mark certificate.
	Faults []string
}

// maxCertificates bounds a chain.
const maxCertificates = 10

// ReadCertificate reads PEM: the mark certificate, then those of the
// authorities above it. Who the last of them is, is not judged: the roots of
// mark certificates are not those of the web.
func ReadCertificate(data []byte) (*Certificate, error) {
	var chain []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("a certificate in it cannot be read")
		}
		if chain = append(chain, c); len(chain) > maxCertificates {
			return nil, errors.New("there are too many certificates in it")
		}
	}
	if len(chain) == 0 {
		return nil, errors.New("there is no PEM certificate in it")
	}
	leaf := chain[0]
	c := &Certificate{Names: leaf.DNSNames, Issuer: leaf.Issuer.String(), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter}
	for _, n := range leaf.Subject.Names {
		if s, ok := n.Value.(string); ok && n.Type.Equal(markType) {
			c.MarkType = s
		}
	}
	if !slices.ContainsFunc(leaf.UnknownExtKeyUsage, markUsage.Equal) {
		c.Faults = append(c.Faults, "it is not made for logos (extended key usage 1.3.6.1.5.5.7.3.31)")
	}
	found := false
	for _, e := range leaf.Extensions {
		if e.Id.Equal(logotype) {
			found, c.Logo = true, embedded(e.Value)
		}
	}
	if !found {
		c.Faults = append(c.Faults, "there is no logo in it")
	}
	for i := range len(chain) - 1 {
		if chain[i].CheckSignatureFrom(chain[i+1]) != nil {
			c.Faults = append(c.Faults, "the certificates behind it are not those of its authority, in order")
			break
		}
	}
	return c, nil
}

// Common reports whether it is a CMC: a certificate for a mark in use, where a
// VMC is for a registered or a government's one.
func (c *Certificate) Common() bool {
	return c.MarkType == "Prior Use Mark" || c.MarkType == "Modified Registered Mark"
}

// Covers reports whether the certificate is for a domain: by its name or one
// above it, or by that of the record.
func (c *Certificate) Covers(domain string) bool {
	return slices.ContainsFunc(c.Names, func(n string) bool {
		n = evidence.Name(n)
		return n == domain || strings.HasSuffix(domain, "."+n) || n == RecordName(domain)
	})
}

// embedded takes the SVG file out of a logotype extension: a data: URL with a
// file that is compressed. The URL is an IA5String, so its length stands
// before it.
func embedded(extension []byte) []byte {
	const prefix = "data:image/svg+xml;base64,"
	i := bytes.Index(extension, []byte(prefix))
	if i < 0 {
		return nil
	}
	for back := 2; back <= 5 && back <= i; back++ {
		var raw asn1.RawValue
		if extension[i-back] != asn1.TagIA5String {
			continue
		}
		if _, err := asn1.Unmarshal(extension[i-back:], &raw); err != nil || !bytes.HasPrefix(raw.Bytes, []byte(prefix)) {
			continue
		}
		packed, err := base64.StdEncoding.DecodeString(string(raw.Bytes[len(prefix):]))
		if err != nil {
			return nil
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil
		}
		svg, err := io.ReadAll(io.LimitReader(z, MaxFetch))
		if err != nil {
			return nil
		}
		return svg
	}
	return nil
}
