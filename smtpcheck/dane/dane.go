// Package dane matches the certificates of an SMTP server with the TLSA
// records of its name: RFC 6698, as updated by RFC 7671, and RFC 7672 for SMTP.
// It is pure: records, chain, names and time come in, a verdict goes out.
// Whether the records were had securely (DNSSEC) is for the caller to see to.
//
// A TLSA record is four things: usage, selector, matching type, data.
//
//   - Usage DANE-EE (3): the record is about the server's own certificate. Name
//     and dates in the certificate do not matter (RFC 7671, Section 5.1).
//   - Usage DANE-TA (2): the record is about a trust anchor that the sent chain
//     leads to. Signatures, dates and name matter (RFC 7671, Section 5.2), and
//     the anchor's certificate must be in the chain that the server sends,
//     unless the record holds the whole certificate or key.
//   - Usages PKIX-TA (0) and PKIX-EE (1) mean nothing for SMTP: a server that
//     has only these counts as having no usable record (RFC 7672, Section 3.1.3).
//   - The selector takes the whole certificate (0) or its SubjectPublicKeyInfo (1).
//   - The matching type compares it as it is (0), by SHA-256 (1) or by SHA-512 (2).
//
// A record with other numbers, or with data of the wrong length, is unusable.
// Records of which none is usable still oblige the sender to use TLS, but
// nobody is authenticated (RFC 7672, Section 2.2): hence [Unusable] is a
// verdict of its own beside [Mismatched].
//
// [Verify] is that reading. [Compat] answers as the mail test of Internet.nl
// does for the same records, whose tool reads some of this differently.
package dane

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/certificate"
)

// Usages, selectors and matching types by their names in RFC 7218.
const (
	PKIXTA uint8 = 0
	PKIXEE uint8 = 1
	DANETA uint8 = 2
	DANEEE uint8 = 3

	Cert uint8 = 0
	SPKI uint8 = 1

	Full   uint8 = 0
	SHA256 uint8 = 1
	SHA512 uint8 = 2
)

// MaxChain is the number of certificates of a chain that are looked at.
const MaxChain = 20

// Input is what there is to verify. Nothing in it is changed, or kept but in Memo.
type Input struct {
	Records []evidence.TLSA
	Chain   [][]byte // DER as the server sent it, its own certificate first
	// Names are the reference identifiers (RFC 7672, Section 3.2.2), without a
	// final dot: the TLSA base domain, the MX host, and the domain itself where
	// its MX RRset is secure. One of them must be in the certificate for DANE-TA.
	Names []string
	Time  time.Time
	// MatchOnly compares records of usage 2 with the issuers sent, and verifies
	// neither signatures nor name nor dates: enough to tell what a record is
	// about, not that it validates.
	MatchOnly bool
	// Memo, if not nil, remembers which paths lead where, the dear part.
	Memo *evidence.Memo
}

// Verdict is what the records say together.
type Verdict uint8

const (
	Unknown    Verdict = iota // there is no certificate to compare them with
	NoRecords                 // there are none
	Unusable                  // not one of them is usable
	Mismatched                // there are usable ones, and none matches
	Validated                 // at least one matches
)

var verdicts = []string{"unknown", "no-records", "unusable", "mismatched", "validated"}

func (v Verdict) String() string { return verdicts[v] }

// Status is what one record says.
type Status uint8

const (
	NotTried        Status = iota // there is no certificate to compare it with
	UsagePKIX                     // unusable: usage 0 or 1 (RFC 7672, Section 3.1.3)
	UnknownUsage                  // unusable
	UnknownSelector               // unusable
	UnknownMatching               // unusable
	BadData                       // unusable: a digest of the wrong length, or no data that can be meant
	Superseded                    // left out, for a stronger digest stands beside it (RFC 7671, Section 9)
	NoMatch                       // usable, matches nothing that was sent
	Unreadable                    // DANE-TA: the server's certificate cannot be verified at all
	NoPath                        // DANE-TA: matches, but the signatures do not lead to it
	OutsideValidity               // DANE-TA: matches, but a certificate on the way is expired or not yet valid
	WrongName                     // DANE-TA: matches, but the certificate is for other names
	Matched
)

var statuses = []string{"not-tried", "usage-pkix", "unknown-usage", "unknown-selector", "unknown-matching-type", "bad-data",
	"superseded", "no-match", "unreadable", "no-path", "outside-validity", "wrong-name", "matched"}

func (s Status) String() string { return statuses[s] }

// Usable reports whether a record of that status counts as a usable one.
func (s Status) Usable() bool {
	switch s {
	case UsagePKIX, UnknownUsage, UnknownSelector, UnknownMatching, BadData:
		return false
	}
	return true
}

// Record is a TLSA record with what became of it.
type Record struct {
	evidence.TLSA
	Status Status
	// Depth is where in the verified chain it matched: 0 is the server's own
	// certificate. It is -1 without a match.
	Depth int
}

// Result is the verdict with its reasons, one for each record in their order.
type Result struct {
	Verdict Verdict
	Records []Record
}

// Worst is the status that tells most about why a result is [Mismatched]: that
// of the record that came nearest to matching.
func (r Result) Worst() Status {
	nearest := NotTried
	for _, rec := range r.Records {
		nearest = max(nearest, rec.Status)
	}
	return nearest
}

// MatchedEE reports whether a DANE-EE record matches.
func (r Result) MatchedEE() bool {
	for _, rec := range r.Records {
		if rec.Status == Matched && rec.Usage == DANEEE {
			return true
		}
	}
	return false
}

// Verify reads the records as RFC 7671 and RFC 7672 say. One match suffices.
func Verify(in Input) Result {
	res := Result{Verdict: Mismatched, Records: classify(in.Records)}
	switch {
	case len(in.Records) == 0:
		res.Verdict = NoRecords
		return res
	case !anyUsable(res.Records):
		res.Verdict = Unusable
		return res
	case len(in.Chain) == 0:
		res.Verdict = Unknown
		return res
	}
	supersede(res.Records)
	v := newVerifier(in)
	for i := range res.Records {
		r := &res.Records[i]
		if r.Status != NotTried {
			continue
		}
		if r.Status, r.Depth = v.verify(r.TLSA); r.Status == Matched {
			res.Verdict = Validated
		}
	}
	return res
}

func classify(list []evidence.TLSA) []Record {
	records := make([]Record, len(list))
	for i, t := range list {
		records[i] = Record{TLSA: t, Status: usability(t), Depth: -1}
	}
	return records
}

func anyUsable(records []Record) bool {
	for _, r := range records {
		if r.Status.Usable() {
			return true
		}
	}
	return false
}

// usability is NotTried for a usable record.
func usability(t evidence.TLSA) Status {
	switch {
	case t.Usage == PKIXTA || t.Usage == PKIXEE:
		return UsagePKIX
	case t.Usage > DANEEE:
		return UnknownUsage
	case t.Selector > SPKI:
		return UnknownSelector
	}
	switch t.Matching {
	case Full:
		if len(t.Data) == 0 || t.Usage == DANETA && !anchorData(t) {
			return BadData
		}
	case SHA256:
		if len(t.Data) != sha256.Size {
			return BadData
		}
	case SHA512:
		if len(t.Data) != sha512.Size {
			return BadData
		}
	default:
		return UnknownMatching
	}
	return NotTried
}

// anchorData reports whether the data of a "2 x 0" record is what it says.
func anchorData(t evidence.TLSA) bool {
	var err error
	if t.Selector == Cert {
		_, err = x509.ParseCertificate(t.Data)
	} else {
		_, err = x509.ParsePKIXPublicKey(t.Data)
	}
	return err == nil
}

// supersede implements digest agility (RFC 7671, Section 9): of the records
// with the same usage and selector only those with the strongest digest count,
// and those with none.
func supersede(records []Record) {
	var strongest [DANEEE + 1][SPKI + 1]uint8
	for _, r := range records {
		if r.Status == NotTried {
			s := &strongest[r.Usage][r.Selector]
			*s = max(*s, r.Matching)
		}
	}
	for i := range records {
		r := &records[i]
		if r.Status == NotTried && r.Matching != Full && r.Matching < strongest[r.Usage][r.Selector] {
			r.Status = Superseded
		}
	}
}

// Matches reports whether the record's data is that of the certificate, by its
// selector and matching type alone.
func Matches(t evidence.TLSA, der []byte) bool {
	selected := der
	switch t.Selector {
	case Cert:
	case SPKI:
		var err error
		if selected, err = certificate.SPKI(der); err != nil {
			return false
		}
	default:
		return false
	}
	switch t.Matching {
	case Full:
	case SHA256:
		sum := sha256.Sum256(selected)
		selected = sum[:]
	case SHA512:
		sum := sha512.Sum512(selected)
		selected = sum[:]
	default:
		return false
	}
	return len(selected) > 0 && bytes.Equal(selected, t.Data)
}

// EE returns the record that RFC 7672, Section 3.1.1 recommends for a server
// with that certificate, "3 1 1" and the hash of its key, in presentation
// format. It fails on what cannot be walked as a certificate.
func EE(der []byte) (string, error) {
	spki, err := certificate.SPKI(der)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(spki)
	return "3 1 1 " + hex.EncodeToString(sum[:]), nil
}
