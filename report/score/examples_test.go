package score_test

import (
	"fmt"
	"strings"
	"testing"

	. "mailvet/report/reporttest"

	"mailvet/report/check"
	"mailvet/report/score"
)

// example is one of the worked examples of Internet.nl's arithmetic: a change
// of a world where everything is right, and for each category raw points and
// maximum, percentage, status, and the verdict where it is another word.
type example struct {
	name   string
	change func(w *World)
	want   string // ipv6 | dnssec | auth | tls | rpki | total; "=" is as in the right world
}

func set(changes ...string) func(*World) { return func(w *World) { w.Set(changes...) } }

// all makes changes of several checks at once: all("bad", ids...)
func all(answer string, ids ...string) []string {
	var list []string
	for _, id := range ids {
		list = append(list, id+"="+answer)
	}
	return list
}

var (
	rpkiExists = []string{"rpki-mx-exists", "rpki-ns-exists", "rpki-mx-ns-exists"}
	rpkiValid  = []string{"rpki-mx-valid", "rpki-ns-valid", "rpki-mx-ns-valid"}
)

// unsignedMX is both mail hosts in unsigned zones, without TLSA.
func unsignedMX(w *World) {
	w.Set("dnssec-mx-exists=bad", "dnssec-mx-valid=not-tested").NoTLSA(MX1).NoTLSA(MX2)
}

func nonSender(variant string) func(*World) {
	return func(w *World) { w.NoMail(variant).Set("dkim-exists=no-email") }
}

var examples = []example{
	{"1 everything right", set(), "20/20=100% passed | 10/10=100% passed | 50/50=100% passed | 140/140=100% passed | 45/45=100% passed | 100"},
	{"2 nothing signed", func(w *World) { unsignedMX(w); w.Set("dnssec-exists=bad", "dnssec-valid=not-tested") },
		"= | 2/10=20% failed | = | 120/130=92% failed | = | 82"},
	{"3 MX zone unsigned", unsignedMX, "= | 2/10=20% failed | = | 120/130=92% failed | = | 82"},
	{"4 MX hosts IPv4 only", set("ipv6-mx-address=bad", "ipv6-mx-reach=not-tested"), "10/20=50% failed | = | = | = | = | 90"},
	{"5 one MX without AAAA", set("ipv6-mx-address=bad", "ipv6-mx-reach=good:5"), "15/20=75% failed | = | = | = | = | 95"},
	{"6 one AAAA of mx2 does not answer", set("ipv6-mx-reach=bad:6"), "16/20=80% failed | = | = | = | = | 96"},
	{"7 one of two NS has an AAAA", set("ipv6-ns-address=other", "ipv6-ns-reach=good:5"), "15/20=75% failed | = | = | = | = | 95"},
	{"8 DMARC p=none", set("dmarc-policy=policy"), "= | = | 42/50=84% failed | = | = | 96"},
	{"9 DMARC syntax", set("dmarc-policy=bad"), "= | = | 40/50=80% failed | = | = | 96"},
	{"10 DMARC rua not authorised", set("dmarc-policy=external"), "= | = | 50/50=100% passed | = | = | 100"},
	{"11 SPF ?all", set("spf-policy=all"), "= | = | 42/50=84% failed | = | = | 96"},
	{"12 SPF include without record", set("spf-policy=include:0"), "= | = | 40/50=80% failed | = | = | 96"},
	{"13 no DMARC, SPF, DKIM", set("dmarc-exists=bad", "dmarc-policy=not-tested", "spf-exists=bad", "spf-policy=not-tested", "dkim-exists=bad"),
		"= | = | 0/50=0% failed | = | = | 80"},
	{"14 no MX", nonSender("no-mx"), "10/10=100% passed | = | 40/40=100% passed | 0/0=0% info (no-mx) | = | 100"},
	{"15 null MX", nonSender("null-mx"), "10/10=100% passed | = | 40/40=100% passed | 0/0=0% info (null-mx) | = | 100"},
	{"16 null MX without address", nonSender("null-mx-without-a-aaaa"),
		"10/10=100% passed | = | 40/40=100% passed | 0/0=0% info (null-mx-without-a-aaaa) | = | 100"},
	{"17 null MX beside another", nonSender("null-mx-with-other-mx"),
		"10/10=100% passed | = | 40/40=100% passed | 0/0=0% warning (null-mx-with-other-mx) | = | 100"},
	{"18 one MX unreachable", set("starttls-exists@" + MX2 + "=other"), "= | = | = | 0/140=0% error (unreachable) | = | 80"},
	{"19 both MX unreachable", set("starttls-exists=other"), "= | = | = | 0/10=0% error (unreachable) | = | 80"},
	{"20 time limit for one MX", set("starttls-exists@" + MX2 + "=could-not-test"), "= | = | = | 0/140=0% error (untestable) | = | 80"},
	{"21 old TLS on mx2", set("tls-version@" + MX2 + "=bad"), "= | = | = | 130/140=92% failed | = | 98"},
	{"22 another fault on each MX", set("tls-ciphers@"+MX1+"=bad", "tls-key-exchange@"+MX2+"=bad"), "= | = | = | 130/140=92% failed | = | 98"},
	{"23 phase-out only", set(all("phase-out", "tls-ciphers", "tls-key-exchange", "cert-key", "cert-signature", "tls-key-exchange-hash")...),
		"= | = | = | 140/140=100% passed | = | 100"},
	{"24 TLS 1.3 only", set("tls-extended-master-secret=na-no-tls-1-2"), "= | = | = | 130/130=100% passed | = | 100"},
	{"25 mx1 TLS 1.3 only", set("tls-extended-master-secret@" + MX1 + "=na-no-tls-1-2"), "= | = | = | 140/140=100% failed | = | 100"},
	{"26 no EMS on mx1", set("tls-extended-master-secret@" + MX1 + "=bad"), "= | = | = | 130/140=92% failed | = | 98"},
	{"27 self-signed, other name", set("cert-trust=bad", "cert-host=bad"), "= | = | = | 140/140=100% passed | = | 100"},
	{"28 DANE-TA and other name on mx1", set("cert-host@" + MX1 + "=bad/has_daneTA"), "= | = | = | 140/140=100% failed | = | 100"},
	{"29 TLSA on mx1 does not match", set("dane-valid@" + MX1 + "=bad"), "= | = | = | 120/140=85% failed | = | 97"},
	{"30 no TLSA on mx1", func(w *World) { w.NoTLSA(MX1) }, "= | = | = | 120/140=85% failed | = | 97"},
	{"31 no certificates of mx1", func(w *World) { w.NoCertificate(MX1) }, "= | = | = | 100/140=71% failed | = | 94"},
	{"32 prefix without ROA", set(append(all("bad", rpkiExists...), all("bad", rpkiValid...)...)...), "= | = | = | = | 0/45=0% failed | 80"},
	{"33 announcement invalid", set(all("invalid", rpkiValid...)...), "= | = | = | = | 15/45=33% failed | 86"},
	{"34 one address without route and ROA", set("rpki-mx-exists=bad"), "= | = | = | = | 40/45=88% warning | 97"},
	{"35 no Routinator", set(append(all("not-tested", rpkiExists...), all("not-tested/validator_error", rpkiValid...)...)...), "= | = | = | = | 0/45=0% error | 80"},
	{"36 no RISwhois for one address", set("rpki-mx-valid=not-tested/validator_error"), "= | = | = | = | 35/45=77% error | 95"},
	{"37 bogus", set("dnssec-valid=bad"), "= | 0/10=0% failed | = | = | = | 80"},
	{"38 mx2 does not exist", set("ipv6-mx-address=bad", "ipv6-mx-reach=good:5", "dnssec-mx-exists@"+MX2+"=resolver-error",
		"dnssec-mx-valid@"+MX2+"=not-tested/none", "starttls-exists@"+MX2+"=other"),
		"15/20=75% failed | 0/10=0% failed | = | 0/140=0% error (unreachable) | = | 55"},
	{"39 no such name", func(w *World) {
		w.NoMail("no-mx").Set("dnssec-exists=resolver-error", "dnssec-valid=not-tested/resolver_error", "dkim-exists=bad", "spf-exists=bad", "spf-policy=not-tested")
	}, "10/10=100% passed | 0/10=0% failed | 20/50=40% failed | 0/0=0% info (no-mx) | = | 60"},
	{"40 no route, but a ROA", set(), "= | = | = | = | 45/45=100% passed | 100"},
	{"41 one of two routes not found", set("rpki-mx-valid=bad"), "= | = | = | = | 35/45=77% failed | 95"},
	{"42 SPF with 11 includes", set("spf-policy=max-lookups"), "= | = | 42/50=84% failed | = | = | 96"},
	{"43 sp=none of the parent", set("dmarc-policy=policy"), "= | = | 42/50=84% failed | = | = | 96"},
	{"client renegotiation", set("tls-client-renegotiation@" + MX1 + "=allowed-with-too-high-limit"), "= | = | = | 140/140=100% passed | = | 100"},
	{"CAA errors", set("caa@" + MX1 + "=syntax-error"), "= | = | = | 140/140=100% passed | = | 100"},
	{"no CAA", set("caa@" + MX1 + "=bad"), "= | = | = | 140/140=100% passed | = | 100"},
	{"untrusted, other name on mx1", set("cert-trust@"+MX1+"=bad", "cert-host@"+MX1+"=bad"), "= | = | = | 140/140=100% passed | = | 100"},
	{"TLSA bogus", set("dane-exists@"+MX1+"=bogus", "dane-valid@"+MX1+"=*blocked", "dane-rollover@"+MX1+"=*blocked"), "= | = | = | 120/140=85% failed | = | 97"},
	{"no certificates of both", func(w *World) { w.NoCertificate(MX1).NoCertificate(MX2) }, "= | = | = | 100/110=90% failed | = | 98"},
	{"no TLSA on both", func(w *World) { w.NoTLSA(MX1).NoTLSA(MX2) }, "= | = | = | 120/130=92% failed | = | 98"},
	{"no STARTTLS on mx1", set("starttls-exists@" + MX1 + "=bad"), "= | = | = | 0/140=0% failed | = | 80"},
	{"TLS 1.3 only, no TLSA", func(w *World) { w.NoTLSA(MX1).NoTLSA(MX2).Set("tls-extended-master-secret=na-no-tls-1-2") },
		"= | = | = | 110/120=91% failed | = | 98"},
	{"no address anywhere has route or ROA", set(append(all("bad", rpkiExists...), all("not-routed", rpkiValid...)...)...), "= | = | = | = | 30/45=66% warning | 93"},
}

// costly are the faults of which any one costs 10 points, any two 20.
var costly = []string{"tls-version", "tls-ciphers", "tls-cipher-order", "tls-key-exchange", "cert-key", "cert-signature",
	"tls-compression", "tls-secure-renegotiation", "tls-extended-master-secret", "tls-key-exchange-hash"}

func TestWorkedExamples(t *testing.T) {
	list := examples
	for i, a := range costly {
		list = append(list, example{a, set(a + "@" + MX1 + "=bad"), "= | = | = | 130/140=92% failed | = | 98"})
		for _, b := range costly[:i] {
			list = append(list, example{a + ", " + b, set(a+"@"+MX1+"=bad", b+"@"+MX1+"=bad"), "= | = | = | 120/140=85% failed | = | 97"})
		}
	}
	right := strings.Split(examples[0].want, " | ")
	for _, x := range list {
		t.Run(x.name, func(t *testing.T) {
			w := Right()
			x.change(w)
			s := w.Score()
			want := strings.Split(x.want, " | ")
			for i, c := range s.Categories {
				if want[i] == "=" {
					want[i] = right[i]
				}
				if got := describe(c); got != want[i] {
					t.Errorf("%s: got %s, want %s", c.API, got, want[i])
				}
			}
			if got := fmt.Sprint(s.Percent); got != want[5] {
				t.Errorf("total: got %s, want %s", got, want[5])
			}
			if s.Low != s.Percent || s.High != s.Percent || !s.Complete {
				t.Errorf("everything is known, but the range is %d to %d, complete %t", s.Low, s.High, s.Complete)
			}
		})
	}
}

func describe(c score.Category) string {
	s := fmt.Sprintf("%d/%d=%d%% %s", c.Points, c.Max, c.Percent, c.Status)
	if c.Verdict != c.Status.String() {
		s += " (" + c.Verdict + ")"
	}
	return s
}

// Statuses of subtests in the worked examples, where they are not obvious.
func TestSubtests(t *testing.T) {
	for _, c := range []struct{ example, want string }{
		{"2 nothing signed", "dnssec-exists failed bad failed, dnssec-valid not_tested not-tested failed, dnssec-mx-exists failed bad failed, " +
			"dnssec-mx-valid not_tested not-tested failed, dane-exists failed bad failed, dane-valid not_tested not-tested info, dane-rollover not_tested not-tested info"},
		{"4 MX hosts IPv4 only", "ipv6-mx-address failed bad failed, ipv6-mx-reach not_tested not-tested failed"},
		{"14 no MX", "ipv6-mx-address not_tested other warning, ipv6-mx-reach not_tested not-tested warning, dnssec-mx-exists not_tested no-mailservers warning, " +
			"dnssec-mx-valid not_tested not-tested warning, dkim-exists not_tested no-email not_tested, starttls-exists not_tested other-2 info, " +
			"tls-ciphers not_tested not-tested info, caa not_tested not-tested warning, rpki-mx-exists not_tested no-addresses failed"},
		{"18 one MX unreachable", "starttls-exists error other failed, tls-key-exchange not_tested not-tested failed, dane-valid not_tested not-tested failed, caa not_tested not-tested warning"},
		{"19 both MX unreachable", "starttls-exists error other failed, tls-key-exchange not_tested not-tested info"},
		{"25 mx1 TLS 1.3 only", "tls-extended-master-secret not_tested na-no-tls-1-2 failed"},
		{"27 self-signed, other name", "cert-trust info bad info, cert-host info bad info"},
		{"28 DANE-TA and other name on mx1", "cert-host failed bad info"},
		{"29 TLSA on mx1 does not match", "dane-exists passed good failed, dane-valid failed bad failed"},
		{"30 no TLSA on mx1", "dane-exists failed bad failed, dane-valid not_tested not-tested failed"},
		{"31 no certificates of mx1", "caa warning bad warning, cert-key not_tested not-tested failed, cert-trust not_tested could-not-test info"},
		{"36 no RISwhois for one address", "rpki-mx-valid error not-tested failed, rpki-mx-exists passed good failed"},
	} {
		w := Right()
		found := false
		for _, x := range examples {
			if x.name == c.example {
				x.change(w)
				found = true
			}
		}
		if !found {
			t.Fatalf("no example %s", c.example)
		}
		s := w.Score()
		for _, want := range strings.Split(c.want, ", ") {
			id, _, _ := strings.Cut(want, " ")
			k := s.Check(id)
			if got := fmt.Sprintf("%s %s %s %s", k.ID, k.Status, k.Verdict, k.Worst); got != want {
				t.Errorf("%s: got %s, want %s", c.example, got, want)
			}
		}
	}
}

// On ties the verdict of the later host stands.
func TestTies(t *testing.T) {
	s := Right().Set("dane-exists@"+MX1+"=bad", "dane-exists@"+MX2+"=bogus").Score()
	if got := s.Check("dane-exists").Verdict; got != "bogus" {
		t.Errorf("got %s, want the verdict of the later host", got)
	}
	s = Right().Set("dane-exists@"+MX1+"=bogus", "dane-exists@"+MX2+"=bad").Score()
	if got := s.Check("dane-exists").Verdict; got != "bad" {
		t.Errorf("got %s, want the verdict of the later host", got)
	}
}

// The points of a check are those of the worst server, of the category the
// smallest sum.
func TestPointsOfChecks(t *testing.T) {
	s := Right().Set("tls-ciphers@"+MX1+"=bad", "tls-key-exchange@"+MX2+"=bad", "dnssec-mx-valid@"+MX2+"=not-tested").Score()
	for id, want := range map[string][2]int{
		"tls-ciphers": {0, 10}, "tls-key-exchange": {0, 10}, "tls-version": {10, 10}, "cert-trust": {0, 0}, "caa": {0, 0},
		"dnssec-valid": {2, 10}, "dnssec-mx-valid": {0, 0}, "dane-exists": {10, 10}, "dane-valid": {10, 10}, "spf-exists": {10, 10},
	} {
		if k := s.Check(id); k.Points != want[0] || k.Max != want[1] {
			t.Errorf("%s: %d of %d, want %d of %d", id, k.Points, k.Max, want[0], want[1])
		}
	}
	if c := s.Category(check.TLS); c.Points != 130 {
		t.Errorf("TLS has %d points, want the smallest sum, 130", c.Points)
	}
}
