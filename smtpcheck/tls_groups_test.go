package smtpcheck_test

import (
	"testing"

	"mailvet/report/evidence"
)

// TestGroupsAccepted: the text lists the groups of all addresses, and says whether
// these are all.
func TestGroupsAccepted(t *testing.T) {
	open := func(t *evidence.TLS) { t.GroupsComplete = false }
	for _, test := range []struct {
		name   string
		change func(*world)
		want   string
	}{
		{"all", func(*world) {}, "x25519, secp256r1, X25519MLKEM768, and no others"},
		{"perhaps not all", tlsBoth(open), "x25519, secp256r1, X25519MLKEM768, and perhaps others"},
		{"perhaps not all of one address", tlsSix(open), "x25519, secp256r1, X25519MLKEM768, and perhaps others"},
		{"all of TLS 1.3", tlsBoth(open, func(t *evidence.TLS) { version(t, "TLS 1.3").GroupsComplete = true }), "x25519, secp256r1, X25519MLKEM768, and no others in TLS 1.3"},
		{"another at one address", tlsSix(func(t *evidence.TLS) {
			t.Groups = append(t.Groups, evidence.TLSGroup{Name: "x448", Answer: evidence.Accepted}, evidence.TLSGroup{Name: "secp521r1", Answer: evidence.Refused})
		}), "x25519, secp256r1, X25519MLKEM768, x448, and no others"},
		{"a field without a name", tlsBoth(keyed(sound256, dh(4096, ""))), "x25519, secp256r1, X25519MLKEM768, DH-4096, and no others"},
		{"very many", tlsBoth(func(t *evidence.TLS) {
			for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} {
				t.Groups = append(t.Groups, evidence.TLSGroup{Name: name, Answer: evidence.Accepted})
			}
		}), "x25519, secp256r1, X25519MLKEM768, a, b, c, d, e, f, g, h, i, 2 more, and no others"},
	} {
		w := newWorld()
		test.change(w)
		if got := finding(t, w, "tls-key-exchange").Args["groups"]; got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
