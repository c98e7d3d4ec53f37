package message

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailvet/report/evidence"
)

// Signature is one DKIM-Signature field and what came of it. The texts are
// those of the field without white space, bounded.
type Signature struct {
	Domain, Selector string // d and s; in lower-case A-labels where they are names
	Identifier       string // i; empty if the field has none
	Algorithm        string // a
	Header, Body     string // canonicalizations
	Fields           []string
	Length           string // l; empty if the field has none
	Time, Expires    time.Time
	Start            string // the first eight characters of b, which tell signatures apart (RFC 6008)
	Key              Key
	KeyLookup        *evidence.Lookup // nil if it was not asked

	Result Result8601
	Reason Reason
	Detail string // what goes beyond the reason

	keyName string // as go-msgauth asks for it
}

// Key is what the key record says.
type Key struct {
	Type    string // rsa, ed25519; empty if there is no usable record
	Bits    int
	Testing bool // t=y: the domain tests its signatures
	Strict  bool // t=s: the domain of i must be that of d
}

// Result8601 is a result of DKIM (RFC 8601, Section 2.7.1) or DMARC (RFC 7489,
// Section 11.2). The zero value is "none".
type Result8601 uint8

const (
	ResultNone Result8601 = iota
	ResultPass
	ResultFail
	ResultPolicy
	ResultNeutral
	ResultTempError
	ResultPermError
)

var results = [...]string{"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"}

func (r Result8601) String() string               { return results[r] }
func (r Result8601) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText writes, and nothing else.
func (r *Result8601) UnmarshalText(b []byte) error {
	i := slices.Index(results[:], string(b))
	if i < 0 {
		return fmt.Errorf("message: %q is no result", b)
	}
	*r = Result8601(i)
	return nil
}

// Reason says how the result of a signature came about.
type Reason uint8

const (
	ReasonUnknown          Reason = iota // go-msgauth refuses it, and says why in Detail
	ReasonVerified                       // the signature is good
	ReasonBodyHash                       // the body is not the one that was signed
	ReasonSignature                      // the header is not the one that was signed, or the key is another
	ReasonSyntax                         // the field is no tag list, or a value cannot be read
	ReasonVersion                        // v is not 1
	ReasonMissingTag                     // a tag that is required is not there
	ReasonName                           // d or s is no name
	ReasonIdentifier                     // i is not within d
	ReasonFrom                           // From is not signed
	ReasonExpired                        // x has passed
	ReasonQuery                          // q names no way that is known
	ReasonAlgorithm                      // a is not known
	ReasonSHA1                           // rsa-sha1 (RFC 8301, Section 3.1)
	ReasonCanonicalization               // c is not known
	ReasonLength                         // l leaves a part of the body unsigned
	ReasonKeyDNS                         // the question for the key brought no answer
	ReasonKeyMissing                     // there is no key
	ReasonKeySeveral                     // there are several records
	ReasonKeySyntax                      // the record cannot be read
	ReasonKeyRevoked                     // p is empty
	ReasonKeyType                        // the key is not for the algorithm
	ReasonKeyHash                        // h of the key leaves the hash out
	ReasonKeyService                     // s of the key leaves e-mail out
	ReasonKeyShort                       // under 1024 bits (RFC 8301, Section 3.2)
	ReasonKeyLong                        // over 8192 bits, which nobody needs to compute with
	ReasonKeyStrict                      // t=s, and the domain of i is another than d
)

var reasons = [...]string{"unknown", "verified", "body-hash", "signature", "syntax", "version", "missing-tag", "name", "identifier",
	"from-not-signed", "expired", "query", "algorithm", "sha1", "canonicalization", "length", "key-dns", "key-missing", "key-several",
	"key-syntax", "key-revoked", "key-type", "key-hash", "key-service", "key-short", "key-long", "key-strict"}

func (r Reason) String() string               { return reasons[r] }
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText writes, and nothing else.
func (r *Reason) UnmarshalText(b []byte) error {
	i := slices.Index(reasons[:], string(b))
	if i < 0 {
		return fmt.Errorf("message: %q is no reason", b)
	}
	*r = Reason(i)
	return nil
}

// result is what a reason makes of a signature (RFC 8601, Section 2.7.1;
// RFC 6376, Section 6.1).
func (r Reason) result() Result8601 {
	switch r {
	case ReasonVerified:
		return ResultPass
	case ReasonBodyHash, ReasonSignature, ReasonExpired:
		return ResultFail
	case ReasonSHA1, ReasonLength, ReasonKeyShort, ReasonKeyLong:
		return ResultPolicy
	case ReasonKeyDNS:
		return ResultTempError
	}
	return ResultPermError
}

// tags reads a tag list (RFC 6376, Section 3.2) as go-msgauth does.
func tags(s string) (map[string]string, error) {
	m := map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		name, value, ok := strings.Cut(part, "=")
		switch name = strings.TrimSpace(name); {
		case !ok && name == "":
			continue
		case !ok:
			return m, errors.New("a part is no tag")
		}
		if _, twice := m[name]; twice {
			return m, fmt.Errorf("the tag %s occurs twice", evidence.EscapeText(clip(name)))
		}
		m[name] = strings.TrimSpace(value)
	}
	return m, nil
}

// maxSignedFields bounds the list of h: each name is looked for in the whole header.
const maxSignedFields = 500

// newSignature reads a field. The reason is ReasonUnknown where nothing speaks
// against looking for the key.
func newSignature(f field, now time.Time) Signature {
	_, value, _ := strings.Cut(f.raw, ":")
	t, err := tags(value)
	get := func(name string) string { return clip(squeeze(t[name])) }
	s := Signature{
		Domain: get("d"), Selector: get("s"), Identifier: get("i"), Algorithm: get("a"), Length: get("l"),
		Header: "simple", Body: "simple",
	}
	if b := get("b"); len(b) >= 8 {
		s.Start = b[:8]
	}
	header, body, _ := strings.Cut(get("c"), "/")
	if header != "" {
		s.Header = header
	}
	if body != "" {
		s.Body = body
	}
	names := strings.Split(squeeze(t["h"]), ":")
	for _, n := range names[:min(len(names), maxSignedFields)] {
		s.Fields = append(s.Fields, clip(n))
	}
	refuse := func(r Reason, format string, args ...any) Signature {
		s.Reason, s.Detail = r, fmt.Sprintf(format, args...)
		return s
	}
	switch {
	case err != nil:
		return refuse(ReasonSyntax, "%v", err)
	case t["v"] != "1":
		return refuse(ReasonVersion, "")
	case len(names) > maxSignedFields:
		return refuse(ReasonSyntax, "h names more than %d fields", maxSignedFields)
	}
	for _, name := range []string{"a", "b", "bh", "d", "h", "s"} {
		if _, ok := t[name]; !ok {
			return refuse(ReasonMissingTag, "%s", name)
		}
	}
	if s.Domain, s.Selector = hostName(squeeze(t["d"])), selector(squeeze(t["s"])); s.Domain == "" || s.Selector == "" {
		s.Domain, s.Selector = get("d"), get("s")
		return refuse(ReasonName, "")
	}
	s.keyName = squeeze(t["s"]) + "._domainkey." + squeeze(t["d"])
	if s.Identifier != "" && !within(s.Identifier, s.Domain) {
		return refuse(ReasonIdentifier, "")
	}
	if !slices.ContainsFunc(s.Fields, func(n string) bool { return strings.EqualFold(n, "From") }) {
		return refuse(ReasonFrom, "")
	}
	for _, x := range []struct {
		tag string
		to  *time.Time
	}{{"t", &s.Time}, {"x", &s.Expires}} {
		if v, ok := t[x.tag]; ok {
			n, err := strconv.ParseInt(squeeze(v), 10, 64)
			if err != nil || n < 0 || n > 1<<40 {
				return refuse(ReasonSyntax, "%s is no time", x.tag)
			}
			*x.to = time.Unix(n, 0).UTC()
		}
	}
	_, limited := t["l"]
	switch {
	case !s.Expires.IsZero() && now.After(s.Expires):
		return refuse(ReasonExpired, "")
	case t["q"] != "" && !slices.Contains(strings.Split(squeeze(t["q"]), ":"), "dns/txt"):
		return refuse(ReasonQuery, "")
	case s.Algorithm == "rsa-sha1":
		return refuse(ReasonSHA1, "")
	case s.Algorithm != "rsa-sha256" && s.Algorithm != "ed25519-sha256":
		return refuse(ReasonAlgorithm, "")
	case !canonicalization(s.Header) || !canonicalization(s.Body):
		return refuse(ReasonCanonicalization, "")
	case limited:
		return refuse(ReasonLength, "")
	}
	return s
}

func canonicalization(s string) bool { return s == "simple" || s == "relaxed" }

// selector checks a selector: labels as in a domain name, but one is enough.
func selector(s string) string {
	if name, ok := strings.CutSuffix(hostName(s+".test"), ".test"); ok {
		return name
	}
	return ""
}

// within reports whether an identifier, "user@sub.example", is of a domain or
// below it (RFC 6376, Section 3.5).
func within(identifier, domain string) bool {
	d := identifierDomain(identifier)
	return d == domain || strings.HasSuffix(d, "."+domain)
}

func identifierDomain(identifier string) string { return domainOf(identifier) }

// squeeze takes all white space out.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
