package evidence

import "time"

// Fetch is one HTTPS request and what came of it, after all tries: for an
// MTA-STS policy, a BIMI logo, a Web Key Directory. URL identifies it within a
// [Snapshot]. Redirects are never followed.
//
// A Failure of OpQuery is about the host's addresses: ClassUnreachable says
// that it is known to have none, every other class that they are not known.
type Fetch struct {
	URL         string `json:"url"`
	Addr        string `json:"addr,omitempty"` // the address of the last try; empty if none was connected to
	Connections int    `json:"connections,omitempty"`
	Status      int    `json:"status,omitempty"` // of the response; 0 if there was none
	ContentType string `json:"content_type,omitempty"`
	Location    string `json:"location,omitempty"` // where a redirect leads
	// Body is that of a response of status 200, at most as long as the one who
	// wanted the fetch allowed. Truncated says that there was more.
	Body      []byte `json:"body,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
	// Size is the length of the body in octets as far as it is known: as the
	// response declares it, or as was read.
	Size        int64           `json:"size,omitempty"`
	Certificate *WebCertificate `json:"certificate,omitempty"`
	Failure     *Failure        `json:"failure,omitempty"`
}

// WebCertificate is what a web server's certificate says, and whether it is
// good for the name in the URL. The texts are printable ASCII.
type WebCertificate struct {
	State     CertificateState `json:"state"`
	Names     []string         `json:"names,omitempty"`  // subject alternative names, bounded
	Issuer    string           `json:"issuer,omitempty"` // as a distinguished name
	NotBefore time.Time        `json:"not_before"`
	NotAfter  time.Time        `json:"not_after"`
}

// CertificateState says whether a certificate is good for a name at the time
// it was shown. Of several faults the first in this order is named.
type CertificateState uint8

const (
	CertificateUnknown     CertificateState = iota // not judged: no roots were at hand
	CertificateValid                               // for the name, in time, from a trusted authority
	CertificateOtherName                           // not for the name
	CertificateExpired                             // its time is over
	CertificateNotYetValid                         // its time has not come
	CertificateUntrusted                           // no chain leads to a trusted authority
)

var certificateStates = texts{"unknown", "valid", "other-name", "expired", "not-yet-valid", "untrusted"}

func (c CertificateState) String() string               { return certificateStates.text(uint8(c)) }
func (c CertificateState) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
func (c *CertificateState) UnmarshalText(b []byte) error {
	v, err := certificateStates.parse("certificate state", b)
	*c = CertificateState(v)
	return err
}

// Words says for people what the state is.
func (c CertificateState) Words() string { return certificateWords.text(uint8(c)) }

var certificateWords = texts{"whether the certificate is good is not known", "the certificate is good",
	"the certificate is not for this name", "the certificate has expired",
	"the certificate is not valid yet", "the certificate is from no trusted authority"}

// Fetch returns the fetch of a URL, or nil if it was not made.
func (s *Snapshot) Fetch(url string) *Fetch {
	for i := range s.Fetches {
		if s.Fetches[i].URL == url {
			return &s.Fetches[i]
		}
	}
	return nil
}

// Unknown reports whether the fetch was made and tells nothing about what the
// URL holds: it failed in a way that another try, or a scanner elsewhere, may
// not, or the server said that its trouble is for now.
func (f *Fetch) Unknown() bool {
	if f == nil {
		return false
	}
	if f.Failure != nil {
		switch c := f.Failure.Class; {
		case c == ClassNoFamily, c == ClassForbidden, c == ClassUnreachable && f.Failure.Op == OpDial:
			return true // this may lie with the scanner
		}
		return f.Failure.Temporary()
	}
	switch f.Status {
	case 408, 425, 429: // RFC 9110, Section 15.5.9; RFC 8470; RFC 6585
		return true
	}
	return f.Status >= 500
}
