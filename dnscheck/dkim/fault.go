package dkim

import (
	"fmt"
	"strconv"
)

// Fault names what is wrong with a key record.
type Fault uint8

const (
	NoFault        Fault = iota
	NotKey               // the text is no key record at all: SPF, a verification token, ...
	Several              // more than one TXT record at the selector
	Syntax               // no list of tags
	Quotes               // quotation marks inside the record: published with those of a zone file
	Backslash            // "\;": escaped for a zone file, then published so
	Duplicate            // a tag occurs twice
	Version              // v is not DKIM1
	VersionLate          // v is not the first tag
	BadList              // h, s or t is no list of words; k is no word
	NoKey                // no tag p
	Base64               // p is no base64
	ASN1                 // the key is no SubjectPublicKeyInfo, nor an RSAPublicKey
	TrailingData         // octets behind the key
	UnknownType          // k is neither rsa nor ed25519
	WrongType            // the key is of another type than k says
	Ed25519Length        // an Ed25519 key that is not of 32 octets
	Ed25519Wrapped       // an Ed25519 key in a SubjectPublicKeyInfo, of which only the last 32 octets belong here
	TrailingSpace        // white space behind the last semicolon
	EmptyFlags           // t without a value
)

var faults = [...]string{"", "not-a-key", "several", "syntax", "quotes", "backslash", "duplicate", "version", "version-late", "list",
	"no-key", "base64", "asn1", "trailing-data", "unknown-type", "wrong-type", "ed25519-length", "ed25519-wrapped", "trailing-space", "empty-flags"}

// String is the fault's name; empty for NoFault.
func (f Fault) String() string {
	if int(f) >= len(faults) {
		panic("dkim: fault " + strconv.Itoa(int(f)) + " is outside its set")
	}
	return faults[f]
}

var faultWords = [...]string{"no fault",
	"it is not a DKIM key record",
	"there is more than one TXT record",
	"it is not a list of tags",
	"it holds quotation marks",
	"it holds a backslash before a semicolon",
	"a tag occurs twice",
	"its version is not DKIM1",
	"the version is not its first tag",
	"the value is not a list of words",
	"it has no tag p, and so no key",
	"the key is not in base64",
	"what base64 holds is not a key",
	"something follows the key",
	"the type of the key is unknown",
	"the key is not of the type that k says",
	"an Ed25519 key has 32 octets",
	"the Ed25519 key is wrapped in ASN.1",
	"white space follows the last semicolon",
	"the tag t is empty",
}

// Error is a fault with its place.
type Error struct {
	Fault  Fault
	Tag    string // empty where it is about none
	Offset int    // octets from the beginning of the text
	Detail string // more, for people; may hold octets of the text
}

func (e *Error) Error() string {
	s := "dkim: " + e.Fault.String()
	if e.Tag != "" {
		s += " in " + e.Tag
	}
	return fmt.Sprintf("%s at octet %d: %s", s, e.Offset, e.Words())
}

// Words says what is wrong, for people: "the key is not in base64 (tag p, octet
// 17: ...)".
func (e *Error) Words() string {
	s := faultWords[e.Fault]
	at := ""
	if e.Tag != "" {
		at = "tag " + e.Tag + ", "
	}
	switch e.Fault {
	case NotKey, Several, NoKey:
		return s
	}
	s += " (" + at + "octet " + strconv.Itoa(e.Offset+1)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s + ")"
}

// Tolerated reports whether the fault is one that verifiers in wide use
// overlook, though not all.
func (e *Error) Tolerated() bool { return e.Fault == TrailingSpace || e.Fault == EmptyFlags }
