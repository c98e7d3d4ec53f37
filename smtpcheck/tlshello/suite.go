package tlshello

import (
	"fmt"
	"strings"
)

// Suite is a cipher suite: which key exchange, which authentication and which
// cipher a connection uses (IANA's registry "TLS Cipher Suites").
type Suite uint16

// Signalling values: suites that mean something else than a suite.
const (
	RenegotiationSCSV Suite = 0x00FF // RFC 5746, Section 3.3
	FallbackSCSV      Suite = 0x5600 // RFC 7507, Section 4
)

// KeyExchange says how the two sides come to a secret.
type KeyExchange uint8

// The key exchanges; Any is that of TLS 1.3, whose suites leave it open.
const (
	UnknownKeyExchange KeyExchange = iota
	AnyKeyExchange                 // TLS 1.3: ephemeral, or a pre-shared key
	RSA                            // the client encrypts the secret with the server's key
	DH                             // a fixed Diffie-Hellman key in the certificate
	DHE                            // an ephemeral one
	ECDH                           // a fixed elliptic-curve key in the certificate
	ECDHE                          // an ephemeral one
	PSK                            // a pre-shared key (RFC 4279)
	DHEPSK                         // the same with ephemeral Diffie-Hellman
	RSAPSK                         // the same with RSA
	ECDHEPSK                       // the same with ephemeral elliptic-curve Diffie-Hellman (RFC 5489)
	SRP                            // a password (RFC 5054)
	KRB5                           // Kerberos (RFC 2712)
	ECCPWD                         // a password (RFC 8492)
	GOST                           // RFC 9189 and its forerunners
	Fortezza                       // SSL 3.0 only
)

var keyExchangeNames = []string{"unknown", "any", "RSA", "DH", "DHE", "ECDH", "ECDHE", "PSK", "DHE_PSK", "RSA_PSK", "ECDHE_PSK", "SRP", "KRB5", "ECCPWD", "GOST", "FORTEZZA_KEA"}

func (k KeyExchange) String() string { return keyExchangeNames[k] }

// Authentication says by what the server shows who it is.
type Authentication uint8

// The authentications; Any is that of TLS 1.3, whose suites leave it open.
const (
	UnknownAuthentication Authentication = iota
	AnyAuthentication
	Anonymous // by nothing
	ByRSA
	ByDSS
	ByECDSA // also by EdDSA (RFC 8422, Section 5.10)
	ByPSK
	BySRP
	ByKRB5
	ByECCPWD
	ByGOST
	ByFortezza
)

var authenticationNames = []string{"unknown", "any", "anonymous", "RSA", "DSS", "ECDSA", "PSK", "SRP", "KRB5", "ECCPWD", "GOST", "FORTEZZA"}

func (a Authentication) String() string { return authenticationNames[a] }

// Traits is what a suite is made of.
type Traits struct {
	KeyExchange    KeyExchange
	Authentication Authentication
	// Cipher is the part of the name that names cipher and mode: "AES_128_GCM",
	// "3DES_EDE_CBC", "RC4_128", "NULL".
	Cipher string
	// Bits is the strength of the cipher's key against search: 112 for 3DES, 40
	// or 56 for export ciphers, 0 for none.
	Bits int
	// MAC is what protects the records against change: "AEAD" (the cipher
	// itself does), "MD5", "SHA", "SHA256", "SHA384", and those of GOST.
	MAC string
	// ForwardSecrecy: a stolen key of the server does not open what was
	// recorded earlier. Suites of TLS 1.3 have it unless a pre-shared key is
	// used alone.
	ForwardSecrecy bool
	Export         bool // weakened for the export rules of the 1990s
	Null           bool // no encryption
	// Min and Max are the versions in which servers speak the suite: Min as
	// implementations do it (many speak in SSL 3.0 what was specified for TLS
	// 1.0), Max as standards say (export ends with TLS 1.0, DES and IDEA with TLS
	// 1.1).
	Min, Max Version
}

// Anonymous reports whether the server does not show who it is.
func (t Traits) Anonymous() bool { return t.Authentication == Anonymous }

// Elliptic reports whether the key exchange needs an elliptic curve.
func (t Traits) Elliptic() bool {
	switch t.KeyExchange {
	case ECDH, ECDHE, ECDHEPSK, ECCPWD:
		return true
	default:
		return false
	}
}

// CBC reports whether the cipher is a block cipher in the mode CBC.
func (t Traits) CBC() bool { return strings.Contains(t.Cipher, "_CBC") }

type suiteRow struct {
	suite      Suite
	name       string
	registered bool
	signalling bool
	traits     Traits
}

// suiteTable is the two tables of runs, taken apart, by code.
var suiteTable = newSuiteTable()

// suitesByName finds the codes of names.
var suitesByName = func() map[string]Suite {
	m := make(map[string]Suite, len(suiteTable.order))
	for _, s := range suiteTable.order {
		m[suiteTable.rows[s].name] = s
	}
	return m
}()

type suiteIndex struct {
	rows  map[Suite]suiteRow
	order []Suite // as registered, then the unregistered ones
}

func newSuiteTable() suiteIndex {
	x := suiteIndex{rows: map[Suite]suiteRow{}}
	add := func(runs []run, isRegistered bool) {
		for _, r := range runs {
			for i, name := range strings.Fields(r.names) {
				if name == "-" {
					continue
				}
				s := r.first + Suite(i)
				row := suiteRow{suite: s, name: name, registered: isRegistered, signalling: strings.HasSuffix(name, "_SCSV")}
				if !row.signalling {
					row.traits = traitsOf(name)
				}
				x.rows[s] = row
				x.order = append(x.order, s)
			}
		}
	}
	add(registered, true)
	add(unregistered, false)
	return x
}

// Suites lists all suites that have a name, without signalling values: those
// of IANA's registry in its order, then those that were never registered.
func Suites() []Suite {
	var list []Suite
	for _, s := range suiteTable.order {
		if s != 0 && !suiteTable.rows[s].signalling {
			list = append(list, s)
		}
	}
	return list
}

// SuitesOf lists the suites of which servers of version v may know: those whose
// [Traits] have Min <= v <= Max. There is none for SSL 2.0, which has its own
// ([CipherSpecs]).
func SuitesOf(v Version) []Suite {
	var list []Suite
	for _, s := range Suites() {
		if t := suiteTable.rows[s].traits; t.Min <= v && v <= t.Max {
			list = append(list, s)
		}
	}
	return list
}

// ParseSuite is the suite of a name that [Suite.String] gives.
func ParseSuite(name string) (Suite, bool) {
	s, ok := suitesByName[name]
	return s, ok
}

// String is IANA's name, and the number ("0x1234") for suites without.
func (s Suite) String() string {
	if row, ok := suiteTable.rows[s]; ok {
		return row.name
	}
	return fmt.Sprintf("0x%04X", uint16(s))
}

// Registered reports whether IANA's registry has the suite.
func (s Suite) Registered() bool { return suiteTable.rows[s].registered }

// Signalling reports whether s is a signalling value, which a server must not
// choose.
func (s Suite) Signalling() bool { return suiteTable.rows[s].signalling }

// Traits is what the suite is made of; the zero value for suites without a name
// and for signalling values.
func (s Suite) Traits() Traits { return suiteTable.rows[s].traits }
