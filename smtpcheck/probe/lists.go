package probe

import (
	"slices"
	"strings"
	"sync"

	"mailvet/smtpcheck/guideline"
	"mailvet/smtpcheck/tlshello"
)

// lists are what a plan offers.
type lists struct {
	usable map[tlshello.Version][]tlshello.Suite // worst first
	usual  []tlshello.Group                      // up to TLS 1.2, best first, those of weak behind
	weak   []tlshello.Group                      // curves up to TLS 1.2 that nobody should use
	rare   []tlshello.Group                      // good ones that hardly anybody has
	modern []tlshello.Group                      // of TLS 1.3, post-quantum ones first
	// finishable are the suites in which [client] can finish a handshake, best
	// first.
	finishable []tlshello.Suite
}

// oldVersions are those below TLS 1.3 that are asked for by a ClientHello of
// SSL 3.0 and later, newest first.
var oldVersions = []tlshello.Version{tlshello.TLS12, tlshello.TLS11, tlshello.TLS10, tlshello.SSL30}

// theLists are the same for all plans, and made when the first one needs them.
var theLists = sync.OnceValue(newLists)

func newLists() *lists {
	l := &lists{usable: map[tlshello.Version][]tlshello.Suite{}}
	for _, v := range append([]tlshello.Version{tlshello.TLS13}, oldVersions...) {
		suites := tlshello.Usable(v)
		slices.SortStableFunc(suites, func(a, b tlshello.Suite) int { return int(level(a)) - int(level(b)) })
		l.usable[v] = suites
	}
	for _, s := range slices.Backward(l.usable[tlshello.TLS12]) {
		if finishable(s) {
			l.finishable = append(l.finishable, s)
		}
	}
	l.rare = []tlshello.Group{tlshello.BrainpoolP256R1, tlshello.BrainpoolP384R1, tlshello.BrainpoolP512R1}
	good := append([]tlshello.Group{tlshello.X25519, tlshello.SECP256R1, tlshello.SECP384R1, tlshello.SECP521R1, tlshello.X448}, l.rare...)
	for _, g := range tlshello.GroupsOf(tlshello.TLS12) {
		switch g.Kind() {
		case tlshello.PrimeCurve, tlshello.BinaryCurve:
			if !slices.Contains(good, g) {
				l.weak = append(l.weak, g)
			}
		}
	}
	// Groups of finite fields are left out: a server that knows RFC 7919 would
	// use one of those offered in place of its own.
	l.usual = append(good, l.weak...)
	l.modern = []tlshello.Group{
		tlshello.X25519MLKEM768, tlshello.SecP256r1MLKEM768, tlshello.SecP384r1MLKEM1024,
		tlshello.X25519, tlshello.SECP256R1, tlshello.SECP384R1, tlshello.SECP521R1, tlshello.X448,
	}
	for _, g := range tlshello.GroupsOf(tlshello.TLS13) {
		if !slices.Contains(l.modern, g) {
			l.modern = append(l.modern, g)
		}
	}
	return l
}

func level(s tlshello.Suite) guideline.Level { return guideline.Suites.ByName(s.String()) }

func sound(s tlshello.Suite) bool { return level(s) >= guideline.Sufficient }

// finishable reports whether [client] knows key exchange and cipher of a suite.
func finishable(s tlshello.Suite) bool {
	t := s.Traits()
	switch t.KeyExchange {
	case tlshello.ECDHE, tlshello.DHE, tlshello.RSA:
	default:
		return false
	}
	_, ok := cipherOf(t)
	return ok && !t.Export && !t.Anonymous()
}

func without[E comparable](list []E, drop ...E) []E {
	return slices.DeleteFunc(slices.Clone(list), func(e E) bool { return slices.Contains(drop, e) })
}

// byStandard lists suites as Internet.nl offers them where order matters: those
// with ChaCha20 last.
func byStandard(list []tlshello.Suite) []tlshello.Suite {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b tlshello.Suite) int { return chacha(a) - chacha(b) })
	return list
}

func chacha(s tlshello.Suite) int {
	if strings.Contains(s.String(), "CHACHA") {
		return 1
	}
	return 0
}

func texts[E interface{ String() string }](list []E) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.String())
	}
	return out
}

func phaseOut(s tlshello.Suite) bool { return level(s) == guideline.PhaseOut }
