package realdns_test

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// randomQuestions is how many are asked.
const randomQuestions = 2000

// randomLabels are those of the tree, and some near them. There is no "*": a
// name that begins with it and is made from a wildcard above makes Unbound and
// BIND count its labels wrongly, and take it for bogus (RFC 4034, Section
// 3.1.3: the asterisk does not count).
var randomLabels = []string{
	"mx", "w", "x", "y", "ent", "b", "a", "c", "_25", "_tcp", "host", "no", "d", "du", "db", "dd", "cu", "cs",
	"cback", "cw", "cwu", "cbogus", "cnx", "plain", "below", "child", "secure", "alias", "mixed", "mixee", "zz", "0", "-", `a\.b`, `\255`,
}

// randomTypes has no DNAME: asked for one below a DNAME, Unbound 1.17 misses a
// signature of the CNAME that is made from it (RFC 6672, Section 5.3.1: there
// is none).
var randomTypes = []string{"A", "AAAA", "MX", "TXT", "DS", "DNSKEY", "SOA", "NS", "CNAME", "TLSA", "NSEC", "NSEC3PARAM", "CAA", "TYPE65280"}

// testRandom asks where nobody wrote down what has to come of it: for random
// names, the same in every run, and in zones that lack a signature or a
// denial. We and Unbound have to agree.
func testRandom(t *testing.T, w *tree, server string) {
	r := w.ours(t, server)
	agree := func(name, typ string) judgement {
		l := lookup(t, r, name, typ)
		ours, unbound := judgement{l.Security, l.Outcome}, verdict(t, server, question{name: name, typ: typ})
		if !ours.same(unbound) {
			t.Errorf("%s %s: we say %s, Unbound says %s: %s", name, typ, ours, unbound, l.Reason)
		}
		return ours
	}
	random := rand.New(rand.NewPCG(4035, 5155))
	for range randomQuestions {
		z := w.zones[random.IntN(len(w.zones))]
		if z.revoke == keyAndDS {
			continue // see testRevoked
		}
		name := z.name
		for range random.IntN(4) {
			name = strings.TrimSuffix(randomLabels[random.IntN(len(randomLabels))]+"."+name, ".")
		}
		if strings.Contains(name, ".cnx.") {
			// Unbound 1.17 takes the NXDOMAIN at the end of an alias for one of
			// the alias, and so of all names below it (harden-below-nxdomain).
			continue
		}
		agree(name, randomTypes[random.IntN(len(randomTypes))])
	}
	for _, z := range w.zones {
		if !strings.HasPrefix(z.name, "damaged") {
			continue
		}
		hurt := 0
		for _, q := range commonQuestions {
			if agree(below(q.name, z.name), q.typ).security == bogus {
				hurt++
			}
		}
		t.Logf("%s: %d of %d bogus", z.name, hurt, len(commonQuestions))
		if hurt == len(commonQuestions) {
			t.Errorf("%s: everything is bogus, though only one record is missing", z.name)
		}
	}
}
