package smtpcheck_test

import (
	"slices"
	"testing"

	"mailvet/report/evidence"
	"mailvet/smtpcheck"
	"mailvet/smtpcheck/smtptest"
)

func caaCases() []testCase {
	at := func(name string, data ...string) func(*world) {
		return func(w *world) {
			for _, n := range []string{mx, "example.test", "test"} {
				w.outcome(n, "CAA", evidence.OutcomeNoData)
			}
			w.answer(name, "CAA", data...)
		}
	}
	with := func(change, more func(*world)) func(*world) { return func(w *world) { change(w); more(w) } }
	return []testCase{
		{"caa", "good", "good", "", at(mx, `0 issue "ca.example"`)},
		{"caa", "good", "good", "at the domain", at("example.test", `0 issue "ca.example"`, `128 issuewild ";"`, `0 iodef "mailto:caa@example.test"`)},
		{"caa", "good", "good", "at the top-level domain", at("test", `0 issue ";"`)},
		{"caa", "good", "good", "through an alias", with(at(mx, `0 issue "ca.example"`), func(w *world) {
			w.lookup(mx, "CAA", func(l *evidence.Lookup) { l.Owner = "real.example.test" })
		})},
		{"caa", "good-capital", "insufficient", "", at(mx, `0 Issue "ca.example"`)},
		{"caa", "good-plain-report", "syntax-error", "", at(mx, `0 issue "ca.example"`, `0 iodef "http://example.test/"`)},
		{"caa", "good-certificate-unreadable", "bad", "", with(at(mx, `0 issue "ca.example"`), func(w *world) {
			bad := chain(smtptest.Leaf{Form: smtptest.Unparseable})
			w.serve(four, bad, evidence.TrustUnknown)
			w.serve(six, bad, evidence.TrustUnknown)
		})},
		{"caa", "none", "bad", "", func(w *world) {
			for _, n := range []string{mx, "example.test", "test"} {
				w.outcome(n, "CAA", evidence.OutcomeNXDomain)
			}
		}},
		{"caa", "syntax-error", "syntax-error", "", at(mx, `0 issue "ca.example"`, `1 issue "ca.example"`)},
		{"caa", "syntax-error", "insufficient", "capital letters too", at(mx, `0 ISSUE "ca.example;"`, `0 iodef "nowhere"`)},
		{"caa", "insufficient", "insufficient", "", at(mx, `0 issuewild "ca.example"`)},
		{"caa", "insufficient", "insufficient", "with mistakes", at(mx, `0 path "x"`, `0 contactphone ""`)},
		{"caa", "unknown", "bad", "", func(w *world) {
			w.outcome(mx, "CAA", evidence.OutcomeNoData)
			w.outcome("example.test", "CAA", evidence.OutcomeServFail)
		}},
		{"caa", "bogus", "good", "", with(at(mx, `0 issue "ca.example"`), func(w *world) { w.security(mx, "CAA", evidence.SecurityBogus) })},
		{"caa", "not-looked-up", "", "half way", func(w *world) { w.outcome(mx, "CAA", evidence.OutcomeNoData) }},
		{"caa", "not-looked-up", "", "no resolver", func(w *world) { w.outcome(mx, "CAA", evidence.OutcomeNetwork) }},
	}
}

// TestCAAWants: one question after the other, up to the first answer.
func TestCAAWants(t *testing.T) {
	w := newWorld()
	var asked []string
	for range 10 {
		w.Canonical()
		list := smtpcheck.Wants(w.Snapshot)
		i := slices.IndexFunc(list, func(q evidence.Question) bool { return q.Type == "CAA" })
		if i < 0 {
			break
		}
		asked = append(asked, list[i].Name)
		w.outcome(list[i].Name, "CAA", evidence.OutcomeNoData)
	}
	if want := []string{mx, "example.test", "test"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	w.answer("example.test", "CAA", `0 issue "ca.example"`)
	w.Canonical()
	if list := smtpcheck.Wants(w.Snapshot); len(list) != 0 {
		t.Errorf("there is an answer, yet %v is wanted", list)
	}
}
