package evidence

import "time"

// Lookup is one DNS question and what came of it, after all retries. Name and
// Type together identify it within a [Snapshot].
type Lookup struct {
	Name    string  `json:"name"`
	Type    string  `json:"type"` // mnemonic, upper case: "MX", "TLSA"
	Outcome Outcome `json:"outcome"`
	RCode   string  `json:"rcode,omitempty"` // mnemonic, where Outcome is servfail, refused or rcode
	EDE     []EDE   `json:"ede,omitempty"`
	// Owner is the name at the end of the aliases, where it differs from Name.
	Owner   string `json:"owner,omitempty"`
	Aliases []RR   `json:"aliases,omitempty"` // the CNAME and DNAME records followed, in order
	Answer  []RR   `json:"answer,omitempty"`  // the RRset at Owner, in canonical order
	// Security is that of the whole answer, aliases and denial included: the
	// weakest part decides. Reason says why it is not secure.
	Security Security `json:"security"`
	Reason   string   `json:"reason,omitempty"`
	// Zones is the chain of trust to the answer, from the root downward.
	Zones      []Zone      `json:"zones,omitempty"`
	Signatures []Signature `json:"signatures,omitempty"` // the RRSIGs that made the answer secure
	// NSEC3 is the parameters of the hashed denials that were verified in the
	// answer, each once, at most [MaxNSEC3].
	NSEC3   []NSEC3  `json:"nsec3,omitempty"`
	AD      bool     `json:"ad,omitempty"` // the resolver set the AD bit
	Failure *Failure `json:"failure,omitempty"`
}

// RR is one resource record.
type RR struct {
	Name string `json:"name"`
	Type string `json:"type"`
	TTL  uint32 `json:"ttl"` // seconds, as received: not the rest of a cache's
	Data string `json:"data"`
}

// EDE is an extended DNS error (RFC 8914).
type EDE struct {
	Code uint16 `json:"code"`
	Text string `json:"text,omitempty"`
}

// Zone is one link of the chain of trust: how the delegation to Name was judged.
type Zone struct {
	Name     string   `json:"name"`
	Security Security `json:"security"`
	Keys     []Key    `json:"keys,omitempty"` // the DNSKEYs that a DS or anchor leads to
	Reason   string   `json:"reason,omitempty"`
	// DS and DNSKEYs are the records that lead into the zone and those it
	// publishes, whether they fit or not, in canonical order, at most
	// [MaxZoneRecords] of each; Signature is the RRSIG that makes the DNSKEY
	// RRset secure. To keep snapshots small they stand only in lookups of type
	// SOA, and at a zone where the chain ends.
	DS        []DS       `json:"ds,omitempty"`
	DNSKEYs   []DNSKEY   `json:"dnskeys,omitempty"`
	Signature *Signature `json:"signature,omitempty"`
}

// Bounds of what a lookup holds of DNSSEC.
const (
	MaxZoneRecords = 16
	MaxNSEC3       = 4
)

// DS is a DS record without its digest.
type DS struct {
	Tag       uint16 `json:"tag"`
	Algorithm uint8  `json:"algorithm"`
	Digest    uint8  `json:"digest"` // the type
}

// DNSKEY is a DNSKEY record without its key.
type DNSKEY struct {
	Tag       uint16 `json:"tag"`
	Algorithm uint8  `json:"algorithm"`
	Flags     uint16 `json:"flags"`          // 256 zone key, 1 secure entry point, 128 revoked
	Bits      int    `json:"bits,omitempty"` // the size of the key; 0 if the algorithm is not known
}

// NSEC3 is the parameters of one zone's NSEC3 records (RFC 5155, Section 3.1).
type NSEC3 struct {
	Zone       string `json:"zone"`
	Iterations uint16 `json:"iterations"`
	Salt       string `json:"salt,omitempty"` // hexadecimal
	OptOut     bool   `json:"opt_out,omitempty"`
}

// Key names a DNSKEY.
type Key struct {
	Tag       uint16 `json:"tag"`
	Algorithm uint8  `json:"algorithm"`
	Digest    uint8  `json:"digest,omitempty"` // of the DS that names it; 0 for an anchor that is a DNSKEY
}

// Signature is the validity of one RRSIG.
type Signature struct {
	Zone      string `json:"zone"`
	Covers    string `json:"covers,omitempty"` // mnemonic of the type signed
	Tag       uint16 `json:"tag"`
	Algorithm uint8  `json:"algorithm"`
	// TTL is the records' in their zone, seconds (RFC 4034, Section 3.1.4); 0
	// where nobody wrote it down.
	TTL        uint32    `json:"ttl,omitempty"`
	Inception  time.Time `json:"inception"`
	Expiration time.Time `json:"expiration"`
}

// Exists reports whether records of the type were found.
func (l *Lookup) Exists() bool { return l != nil && l.Outcome == OutcomeAnswer }

// Absent reports whether it is known that there are none.
func (l *Lookup) Absent() bool {
	return l != nil && (l.Outcome == OutcomeNoData || l.Outcome == OutcomeNXDomain)
}

// Unknown reports whether the question was asked and nothing is known.
func (l *Lookup) Unknown() bool { return l != nil && !l.Outcome.Known() }
