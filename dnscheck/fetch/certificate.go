package fetch

import (
	"crypto/x509"
	"time"

	"mailvet/report/evidence"
)

// judge says whether the chain, leaf first and not empty, is good for the name
// at that time.
func judge(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) *evidence.WebCertificate {
	leaf := chain[0]
	c := &evidence.WebCertificate{Issuer: clip(leaf.Issuer.String()), NotBefore: storable(leaf.NotBefore), NotAfter: storable(leaf.NotAfter)}
	for _, n := range leaf.DNSNames[:min(len(leaf.DNSNames), maxNames)] {
		c.Names = append(c.Names, clip(n))
	}
	switch {
	case leaf.VerifyHostname(name) != nil:
		c.State = evidence.CertificateOtherName
	case now.After(leaf.NotAfter):
		c.State = evidence.CertificateExpired
	case now.Before(leaf.NotBefore):
		c.State = evidence.CertificateNotYetValid
	case roots == nil:
		c.State = evidence.CertificateUnknown
	default:
		c.State = evidence.CertificateValid
		between := x509.NewCertPool()
		for _, x := range chain[1:] {
			between.AddCert(x)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now}); err != nil {
			c.State = evidence.CertificateUntrusted
		}
	}
	return c
}

// storable is a time that RFC 3339 can write; any other becomes the zero time.
func storable(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
