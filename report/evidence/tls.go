package evidence

import (
	"slices"
	"strings"
)

// Answer is what a server said to a question of the form "would you speak
// this?". Only Accepted and Refused are answers; the other values say why there
// is none.
type Answer uint8

const (
	AnswerUnknown Answer = iota // nothing is known, and nothing is known of why
	Accepted                    // the server chose it
	Refused                     // the server refused it, and would have answered otherwise
	NoAnswer                    // asked, and no answer came: a time-out, a reset, a 421
	NotAsked                    // not asked: for want of connections or time, see [TLS.Stopped]
	NotAskable                  // cannot be asked here: the server lacks what the question needs
)

var answers = texts{"unknown", "accepted", "refused", "no-answer", "not-asked", "not-askable"}

func (a Answer) String() string               { return answers.text(uint8(a)) }
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
func (a *Answer) UnmarshalText(b []byte) error {
	v, err := answers.parse("answer", b)
	*a = Answer(v)
	return err
}

// Known reports whether the server answered.
func (a Answer) Known() bool { return a == Accepted || a == Refused }

// Preference says whose order decides where both sides have several suites.
type Preference uint8

const (
	PreferenceUnknown Preference = iota // not found out, or there is only one suite
	PreferenceServer                    // the server's own order
	PreferenceClient                    // the order in which the client offers
)

var preferences = texts{"unknown", "server", "client"}

func (p Preference) String() string               { return preferences.text(uint8(p)) }
func (p Preference) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
func (p *Preference) UnmarshalText(b []byte) error {
	v, err := preferences.parse("preference", b)
	*p = Preference(v)
	return err
}

// TLS is what a plan of handshakes found out about the TLS of one address. Each
// connection is one question, and Asked lists them all; the other fields say
// what follows from them. A nil *TLS says that no plan was begun.
//
// All names are IANA's: suites "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" (those of
// SSL 2.0 "SSL_CK_RC4_128_WITH_MD5"), groups "x25519", signature schemes
// "rsa_pss_rsae_sha256" (pairs of TLS 1.2 without a name of their own "DSA with
// SHA224"), alerts "handshake_failure"; where there is none the number
// ("0x1234"). Versions are "SSL 2.0", "SSL 3.0", "TLS 1.0" to "TLS 1.3".
type TLS struct {
	Host        string `json:"host,omitempty"` // the MX name (SNI) that the questions were asked under
	Connections int    `json:"connections"`    // opened to the address by the plan, the one of the plain session not counted
	// Complete: every question of the plan was asked and answered, so that no
	// field below holds NoAnswer or NotAsked. Only Groups, Preference, and the
	// Hashes beside SHA-1 where that is accepted, may still be open: they are asked
	// about as long as it costs few connections.
	Complete bool `json:"complete,omitempty"`
	// Stopped is why the plan ended early: ClassBudget (connections or time),
	// ClassTemporary (421 and other 4xx), ClassTimeout, ... Nil if it came to its end.
	Stopped *Failure `json:"stopped,omitempty"`
	Asked   []Asked  `json:"asked,omitempty"` // in the order asked

	Versions []TLSVersion `json:"versions,omitempty"` // all six, oldest first

	// Preference is whose order of suites decides up to TLS 1.2. See
	// [TLS.Choices] for what it rests on, and for the order among suites.
	Preference Preference `json:"preference,omitempty"`

	// Groups are the groups accepted, in the order found, and X25519MLKEM768
	// whatever is known of it. GroupsComplete: no other group that the scanner
	// knows is accepted, in any version; see [TLSVersion.GroupsComplete].
	Groups         []TLSGroup `json:"groups,omitempty"`
	GroupsComplete bool       `json:"groups_complete,omitempty"`
	// WeakGroups: a curve other than x25519, x448, secp256r1, secp384r1, secp521r1
	// and brainpool, offered alone up to TLS 1.2; which one is in Groups.
	// NotAskable where the server has certificates of elliptic curves only, for
	// such a server needs their curve in the offer.
	WeakGroups Answer `json:"weak_groups,omitempty"`

	// Hashes are the hash functions with which the server was asked to sign its
	// part of the key exchange, when no better was offered: "SHA1", "SHA224",
	// "MD5". Asked in TLS 1.2, and NotAskable without it or where no suite is
	// signed. Accepted: a signature with it came.
	Hashes []TLSHash `json:"hashes,omitempty"`

	// ExtendedMasterSecret (RFC 7627) in TLS 1.2; NotAskable without TLS 1.2.
	ExtendedMasterSecret Answer `json:"extended_master_secret,omitempty"`
	// SecureRenegotiation (RFC 5746) in the highest version below TLS 1.3;
	// NotAskable with TLS 1.3 alone.
	SecureRenegotiation Answer `json:"secure_renegotiation,omitempty"`
	// ClientRenegotiation: would the server renegotiate at the client's wish, in
	// TLS 1.2 or below; NotAskable with TLS 1.3 alone. Accepted with
	// Renegotiations, how often it did so on one connection; the scanner stops at
	// [MaxRenegotiations].
	ClientRenegotiation Answer `json:"client_renegotiation,omitempty"`
	Renegotiations      int    `json:"renegotiations,omitempty"`
	// Compression (RFC 3749) in the highest version below TLS 1.3, and the method
	// chosen: "DEFLATE", "LZS". NotAskable with TLS 1.3 alone.
	Compression       Answer `json:"compression,omitempty"`
	CompressionMethod string `json:"compression_method,omitempty"`
	// EarlyData: a session ticket of TLS 1.3 allows 0-RTT, of up to MaxEarlyData
	// octets (RFC 8446, Section 4.2.10). Refused: there was a ticket without, or
	// none until the end of the session. NotAskable without TLS 1.3.
	EarlyData    Answer `json:"early_data,omitempty"`
	MaxEarlyData uint32 `json:"max_early_data,omitempty"`
	// Tickets: the server offers to resume sessions by ticket (RFC 5077; RFC 8446,
	// Section 4.6.1).
	Tickets Answer `json:"tickets,omitempty"`
	// OCSP: the server staples an OCSP response where asked (RFC 6066, Section 8).
	OCSP Answer `json:"ocsp,omitempty"`
	// ALPN: the server chose a protocol when "smtp" was offered (RFC 7301), which
	// is done along with the question for ClientRenegotiation. NotAskable where that
	// is.
	ALPN Answer `json:"alpn,omitempty"`

	// Certificates are the kinds of certificates asked for: "RSA", "ECDSA" (EdDSA
	// included), each with the chain served for it.
	Certificates []TLSCertificate `json:"certificates,omitempty"`
}

// MaxRenegotiations is how often a client renegotiates on one connection to see
// whether there is a limit. It is Internet.nl's number.
const MaxRenegotiations = 11

// TLSVersion is what is known of one version of SSL or TLS.
type TLSVersion struct {
	Version string `json:"version"`
	// Answer is Accepted if a server flight in exactly this version came. Refused
	// covers a version that is switched on without any suite or key to speak it.
	Answer Answer `json:"answer"`
	// Reason is the alert or event by which it was refused ("protocol_version",
	// "closed"), or why there is no answer.
	Reason string `json:"reason,omitempty"`
	// Suites are those accepted, in the order found.
	Suites []TLSSuite `json:"suites,omitempty"`
	// SuitesComplete: all others that the scanner knows are refused. Where it is
	// false see [TLS.Suite] for single ones.
	SuitesComplete bool `json:"suites_complete,omitempty"`
	// GroupsComplete: no group is accepted but those accepted in [TLS.Groups],
	// whatever version these were found in. It follows from a refusal of all
	// others; in TLS 1.3 also from the server's own list, see [TLSGroup.Told]. Up
	// to TLS 1.2 it is about curves, which go for all these versions alike, and
	// holds without any where no suite needs one: a field for DHE is in
	// [TLSSuite.DH]. It is false where [TLS.WeakGroups] is not askable for a
	// server with certificates of elliptic curves only, and in SSL, where groups
	// cannot be named.
	GroupsComplete bool `json:"groups_complete,omitempty"`
}

// TLSSuite is a suite that was accepted, and what came with it when all usual
// groups and schemes were offered.
type TLSSuite struct {
	Name  string `json:"name"`
	Group string `json:"group,omitempty"` // of the ephemeral key exchange; empty where there is none, or one without a name
	DH    *DH    `json:"dh,omitempty"`    // of DHE
	// RSABits is the size of the temporary RSA key of export suites.
	RSABits   int    `json:"rsa_bits,omitempty"`
	Signature string `json:"signature,omitempty"` // scheme of the ServerKeyExchange in TLS 1.2
	Hash      string `json:"hash,omitempty"`      // of that signature: "SHA256", "SHA1", "MD5+SHA1"
	Chain     string `json:"chain,omitempty"`     // ID of the [Chain] served up to TLS 1.2
}

// DH is a finite field for Diffie-Hellman.
type DH struct {
	Bits int `json:"bits"` // of the prime
	// Name is that of a well-known prime with generator 2: "ffdhe3072" (RFC 7919),
	// "modp2048" (RFC 3526). Empty for others.
	Name string `json:"name,omitempty"`
	// Generator is the number in hexadecimal, without leading zeros; "long" where
	// it has more than 16 digits.
	Generator string `json:"generator"`
	Prime     string `json:"prime"` // "sha256:" and the hash of the number in big-endian octets
}

// TLSGroup is a group for the key exchange.
type TLSGroup struct {
	Name   string `json:"name"`
	Answer Answer `json:"answer"`
	// Versions in which it was chosen, or told.
	Versions []string `json:"versions,omitempty"`
	// Told: in TLS 1.3 the server never chose it here, but named it in its own list
	// of all groups that it supports (RFC 8446, Section 4.2.7).
	Told bool `json:"told,omitempty"`
	// PassedOver: the group was offered first, and the server chose another. With
	// an Answer that is not known it says that it is not preferred.
	PassedOver bool `json:"passed_over,omitempty"`
}

// TLSHash is a hash function for signatures.
type TLSHash struct {
	Hash   string `json:"hash"`
	Answer Answer `json:"answer"`
}

// TLSCertificate is one kind of certificate that the server was asked for.
type TLSCertificate struct {
	Kind   string `json:"kind"` // "RSA", "ECDSA"
	Answer Answer `json:"answer"`
	Chain  string `json:"chain,omitempty"` // ID of the [Chain] served for it
}

// Asked is one connection of the plan: a hello, and what came back.
type Asked struct {
	At int64 `json:"at"` // milliseconds since the plan began
	// Question is what the plan wanted to know, in a few fixed words.
	Question string `json:"question"`
	Version  string `json:"version"` // the highest version offered
	// Offered are the suites in the order offered. Where most were offered it is
	// empty: then AllBut, which means all that are usable in the version but those
	// found in it before (they are in Versions), and those that Except lists.
	Offered []string `json:"offered,omitempty"`
	AllBut  bool     `json:"all_but,omitempty"`
	Except  []string `json:"except,omitempty"`
	// Groups and Hashes say what the offer was limited to, where it was.
	Groups []string `json:"groups,omitempty"`
	Hashes []string `json:"hashes,omitempty"`
	// Certificate is the kind of key, "RSA" or "ECDSA", that the server had to sign
	// with, where the offer was limited to it.
	Certificate string `json:"certificate,omitempty"`

	Answer Answer `json:"answer"`
	// What the server chose, with Accepted.
	Chosen    string `json:"chosen,omitempty"` // suite
	ChosenIn  string `json:"chosen_in,omitempty"`
	Group     string `json:"group,omitempty"`
	Signature string `json:"signature,omitempty"`
	// Told are the groups of the server's own list, where it sent one in TLS 1.3:
	// best first, at most 256.
	Told []string `json:"told,omitempty"`
	// Alert by which it refused. A refusal without is a connection closed right
	// after the hello, confirmed by asking again.
	Alert string `json:"alert,omitempty"`
	// Failure is why there is no answer.
	Failure *Failure `json:"failure,omitempty"`
}

// Version is what is known of a version; the zero value, with its name, where
// nothing is.
func (t *TLS) Version(name string) TLSVersion {
	if t != nil {
		for _, v := range t.Versions {
			if v.Version == name {
				return v
			}
		}
	}
	return TLSVersion{Version: name}
}

// Suite is what is known of one suite in one version. A suite of which nothing
// was asked is unknown, unless the version is refused.
func (t *TLS) Suite(version, suite string) Answer {
	v := t.Version(version)
	named := func(s TLSSuite) bool { return s.Name == suite }
	switch {
	case slices.ContainsFunc(v.Suites, named):
		return Accepted
	case v.Answer == Refused || v.SuitesComplete:
		return Refused
	case t == nil:
		return AnswerUnknown
	}
	answer := AnswerUnknown
	for _, a := range t.Asked {
		// A limit on groups or hashes may be what was refused. Old suites with curves
		// are named "OLD_TLS_ECDHE_...".
		limited := len(a.Hashes) > 0 || a.Certificate != "" || len(a.Groups) > 0 && (version == "TLS 1.3" || strings.Contains(suite, "TLS_ECDH"))
		switch {
		case a.Version != version || limited || !a.Offers(suite):
		case a.Answer == Refused:
			return Refused
		case a.Answer == NoAnswer:
			answer = NoAnswer
		}
	}
	return answer
}

// Offers reports whether the suite was offered. It must be one that is usable
// in the version.
func (a *Asked) Offers(suite string) bool {
	if a.AllBut {
		return !slices.Contains(a.Except, suite)
	}
	return slices.Contains(a.Offered, suite)
}

// Choices lists the questions in which the server had the choice between two or
// more suites in an order that is known, and took one.
func (t *TLS) Choices() []Asked {
	if t == nil {
		return nil
	}
	var list []Asked
	for _, a := range t.Asked {
		if a.Answer == Accepted && len(a.Offered) > 1 {
			list = append(list, a)
		}
	}
	return list
}

// Group is what is known of a group; the zero value, with its name, where
// nothing is. A group of which nothing was asked is refused if GroupsComplete.
func (t *TLS) Group(name string) TLSGroup {
	if t == nil {
		return TLSGroup{Name: name}
	}
	for _, g := range t.Groups {
		if g.Name == name {
			return g
		}
	}
	if t.GroupsComplete {
		return TLSGroup{Name: name, Answer: Refused}
	}
	return TLSGroup{Name: name}
}

// Hash is what is known of signing the key exchange with a hash function.
func (t *TLS) Hash(name string) Answer {
	if t != nil {
		for _, h := range t.Hashes {
			if h.Hash == name {
				return h.Answer
			}
		}
	}
	return AnswerUnknown
}
