package tlshello

import "slices"

// Ask offers one version with a list of suites; without a list, with all that
// servers with a certificate may speak in that version ([Usable]). The rest is
// what a usual client sends: all groups and signature schemes, extended master
// secret, a session ticket, and OCSP.
func Ask(v Version, suites ...Suite) Offer {
	if len(suites) == 0 {
		suites = Usable(v)
	}
	return Offer{
		Version: v, Suites: suites, Groups: preferredGroups(v), Signatures: SignatureSchemes(),
		ExtendedMasterSecret: true, SessionTicket: true, StatusRequest: true,
	}
}

// AskAllBut offers everything bad at once: all usable suites of a version
// except those named, and every compression method. One refusal then answers for
// all suites (a compression method is never refused, only not chosen). Beyond
// some hundred suites old servers stumble; [Split] helps. TLS 1.3 has no
// compression, and its servers refuse hellos that offer any (RFC 8446, Section
// 4.1.2).
func AskAllBut(v Version, good ...Suite) Offer {
	o := Ask(v)
	o.Suites = slices.DeleteFunc(o.Suites, func(s Suite) bool { return slices.Contains(good, s) })
	if v < TLS13 {
		o.Compression = []Compression{Deflate, LZS}
	}
	return o
}

// AskSignature asks whether a server signs its part of the key exchange with a
// hash function, by offering only schemes with that one, and only suites in
// which the server signs. It is a question for TLS 1.2 ([Pairs] says which
// schemes). Servers may not care: [Answer.KeyExchange] tells what they did.
func AskSignature(h Hash, suites ...Suite) Offer {
	o := Ask(TLS12, signed(suites)...)
	o.Signatures = Pairs(h)
	// The certificates may be signed as they are: only the key exchange is asked
	// about.
	o.CertificateSignatures = SignatureSchemes()
	return o
}

// AskGroups asks which of some groups a server takes for the key exchange, by
// offering only suites of version v that need one of them. In TLS 1.3 the
// answer is a HelloRetryRequest with the server's choice.
//
// Below TLS 1.3 a refusal is no full answer where the server has ECDSA
// certificates only: it may miss the certificate's own curve in the list, which
// counts for both (RFC 8422, Section 5.1). Add that curve, and look at which one
// the server takes. Servers may also use a finite field that was not named (RFC
// 7919 is younger than they are): [Answer.Group] tells.
func AskGroups(v Version, list ...Group) Offer {
	var curve, field bool
	for _, g := range list {
		field = field || g.Kind() == FiniteField
		curve = curve || g.Kind() != FiniteField
	}
	o := Ask(v)
	o.Groups = list
	o.Suites = slices.DeleteFunc(o.Suites, func(s Suite) bool {
		switch s.Traits().KeyExchange {
		case AnyKeyExchange:
			return false
		case ECDHE:
			return !curve
		case DHE:
			return !field
		default:
			return true
		}
	})
	return o
}

// AskV2 asks for SSL 2.0 with all its ciphers. The challenge is 16 octets of
// chance.
func AskV2(challenge [16]byte) *V2ClientHello {
	return &V2ClientHello{Version: SSL20, Specs: CipherSpecs(), Challenge: challenge[:]}
}

// Usable lists the suites of a version that a server with a certificate, or with
// nothing at all, may speak: no pre-shared keys, passwords or tickets of others,
// which a stranger does not have.
func Usable(v Version) []Suite {
	return slices.DeleteFunc(SuitesOf(v), func(s Suite) bool {
		switch s.Traits().KeyExchange {
		case AnyKeyExchange, RSA, DH, DHE, ECDH, ECDHE, GOST, Fortezza:
			return false
		default:
			return true
		}
	})
}

// Split cuts a list into as few lists of at most size as possible, of about
// equal length, each with suites from all over it. Some servers look at the
// first suites of a hello only, or refuse long ones.
func Split(suites []Suite, size int) [][]Suite {
	if len(suites) == 0 || size < 1 {
		return nil
	}
	parts := make([][]Suite, (len(suites)+size-1)/size)
	for i, s := range suites {
		parts[i%len(parts)] = append(parts[i%len(parts)], s)
	}
	return parts
}

// preferredGroups lists the groups of a version with the usual ones first.
func preferredGroups(v Version) []Group {
	list := []Group{X25519, SECP256R1, SECP384R1, SECP521R1, X448}
	for _, g := range GroupsOf(v) {
		if g.Kind() != Explicit && !slices.Contains(list, g) {
			list = append(list, g)
		}
	}
	if v < TLS10 {
		return nil
	}
	return list
}

func signed(suites []Suite) []Suite {
	if len(suites) == 0 {
		suites = Usable(TLS12)
	}
	return slices.DeleteFunc(slices.Clone(suites), func(s Suite) bool {
		t := s.Traits()
		return !t.ForwardSecrecy || t.Anonymous() || t.KeyExchange == AnyKeyExchange
	})
}
