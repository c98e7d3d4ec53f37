package smtpcheck

import (
	"slices"
	"strconv"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/guideline"
	"mailvet/smtpcheck/tlshello"
)

const groupsAdvice = "In Postfix: tls_eecdh_auto_curves = X25519 prime256v1 secp384r1, against DHE smtpd_tls_ciphers = high with tls_high_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20, and from 3.8 on an empty tls_ffdhe_auto_groups for TLS 1.3. In Exim with GnuTLS: add -DHE-RSA:-GROUP-DH-ALL to tls_require_ciphers."

var (
	groupsGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good",
		Text: "{where} uses only good groups for the key exchange: {groups}."}
	groupsPhaseOut = &check.Code{Name: "phase-out", Outcome: check.Weak, Verdict: "phase-out",
		Text:   "{where} uses groups for the key exchange that should be phased out: {parameters}.",
		Advice: "Switch off finite-field key exchange (DHE), and the curve secp224r1. " + groupsAdvice}
	groupsInsufficient = &check.Code{Name: "insufficient", Outcome: check.Fail, Verdict: "bad",
		Text:   "{where} uses insufficient groups for the key exchange: {parameters}.",
		Advice: "Switch off finite-field key exchange (DHE), and allow only good curves, such as X25519 and secp256r1. " + groupsAdvice}
	groupsUnseen = &check.Code{Name: "insufficient-unseen", Outcome: check.Fail,
		Text:   "{where} uses insufficient groups for the key exchange, with suites or versions that Internet.nl does not look at: {parameters}.",
		Advice: "Switch off finite-field key exchange (DHE), and allow only good curves, such as X25519 and secp256r1. " + groupsAdvice}
	groupsPhaseOutUnseen = &check.Code{Name: "phase-out-unseen", Outcome: check.Weak,
		Text:   "{where} uses groups for the key exchange that should be phased out, with suites or versions that Internet.nl does not look at: {parameters}.",
		Advice: "Switch off finite-field key exchange (DHE), and the curve secp224r1. " + groupsAdvice}
	groupsSpare = &check.Code{Name: "weak-in-reserve", Outcome: check.Weak,
		Text:   "{where} uses better groups where it can, but accepts weak ones from a sender that offers nothing else: {parameters}. Internet.nl sees only what is used.",
		Advice: "Leave these groups out, so that nobody can be made to use them. " + groupsAdvice}
	groupsNothing = &check.Code{Name: "not-applicable", Outcome: check.NotApplicable, Verdict: "na",
		Text: "{where} uses no groups for the key exchange of which Internet.nl sees the size. It counts that as good."}
	groupsModern = &check.Code{Name: "good-unseen", Outcome: check.Pass, Verdict: "na",
		Text: "{where} uses only good groups for the key exchange: {groups}. Internet.nl does not see the size of any of them, and counts that as good."}
	groupsOpen = openCodes("whether {where} uses weak groups for the key exchange")
)

func tlsKeyExchangeBy(tables *guideline.Tables) *check.Check {
	return &check.Check{
		ID: "tls-key-exchange", API: "mail_starttls_tls_keyexchange", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
		Title: "Key exchange parameters",
		Doc: check.Doc{
			What: "The elliptic curves and Diffie-Hellman groups that the mail server uses to agree on a key are compared with the guideline.",
			Why:  "A weak or home-made group lets an attacker compute the key and read the mail, even mail recorded years ago.",
			How:  "Allow only good curves, and no finite-field groups. In Postfix: tls_eecdh_auto_curves = X25519 prime256v1 secp384r1.",
		},
		Cites:    []check.Citation{cite(tables, tables.FiniteFields), cite(tables, tables.Groups), check.RFC("7919", "")},
		Requires: requiresTLS,
		Args:     append([]string{"parameters", "groups"}, tlsArgs...),
		Codes: append([]*check.Code{groupsGood, groupsModern, groupsPhaseOut, groupsInsufficient, groupsUnseen, groupsPhaseOutUnseen, groupsSpare, groupsNothing,
			tlsWorseElsewhere, tlsWeakerElsewhere}, groupsOpen.codes()...),
		Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
			return gradeEach(s, subject.Host, judgeName{groupsGood, tables}, func(g *graded) opinion {
				o := judgeGroups(g, tables)
				if o.args == nil {
					o.args = map[string]string{}
				}
				o.args["groups"] = acceptedGroups(s, subject.Host)
				return o
			})
		},
	}
}

// judgeGroups keeps what the server uses of itself apart from what it accepts
// where nothing better is offered.
func judgeGroups(g *graded, tables *guideline.Tables) opinion {
	used := levels{}
	for _, v := range g.accepted() {
		for _, x := range g.tls.Version(v).Suites {
			if level, label, ok := exchanged(x, tables); ok {
				used.add(level, label)
			}
		}
	}
	verdict := groupsVerdict(g, tables)
	worst := used.worst()
	o := opinion{groupsGood, verdict, "", map[string]string{"parameters": join(used[worst])}}
	if worst < guideline.Sufficient {
		o.problem = "uses " + o.args["parameters"]
	}
	spare := spareGroups(g, tables)
	switch {
	case worst == guideline.Insufficient && verdict == "bad":
		o.code = groupsInsufficient
	case worst == guideline.Insufficient:
		o.code = groupsUnseen
	case !g.suitesKnown():
		return groupsOpen.of(g, verdict)
	case worst == guideline.PhaseOut && verdict == "phase-out":
		o.code = groupsPhaseOut
	case worst == guideline.PhaseOut:
		o.code = groupsPhaseOutUnseen
	case len(spare) > 0:
		o.code, o.args["parameters"] = groupsSpare, join(spare)
		o.problem = "accepts " + o.args["parameters"]
	case !g.tls.WeakGroups.Known() && g.tls.WeakGroups != evidence.NotAskable:
		return groupsOpen.of(g, verdict)
	case len(used) == 0:
		o.code = groupsNothing
	case verdict == "na":
		o.code = groupsModern
	}
	return o
}

// acceptedGroups lists the groups that are accepted at any address, and says
// whether these are all.
func acceptedGroups(s *evidence.Snapshot, host string) string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	all, all13 := true, true
	list, _ := gradedOf(s, host)
	for i := range list {
		g := &list[i]
		all, all13 = all && g.tls.GroupsComplete, all13 && g.tls.Version("TLS 1.3").GroupsComplete
		for _, x := range g.tls.Groups {
			if x.Answer == evidence.Accepted {
				add(x.Name)
			}
		}
		for _, v := range g.accepted() {
			for _, x := range g.tls.Version(v).Suites {
				if add(x.Group); x.DH != nil && x.Group == "" {
					add("DH-" + strconv.Itoa(x.DH.Bits))
				}
			}
		}
	}
	const most = 12
	if n := len(names); n > most {
		names = append(names[:most], strconv.Itoa(n-most)+" more")
	}
	rest := "and perhaps others"
	switch {
	case all:
		rest = "and no others"
	case all13:
		rest = "and no others in TLS 1.3"
	}
	return strings.Join(append(names, rest), ", ")
}

// exchanged is the level of the key exchange of a suite, and how Internet.nl
// labels it; false where there is no group, or nothing is known of it.
func exchanged(x evidence.TLSSuite, tables *guideline.Tables) (guideline.Level, string, bool) {
	switch {
	case x.DH != nil:
		level := guideline.Insufficient
		if x.DH.Generator == "2" {
			level = tables.FiniteField(x.DH.Name, x.DH.Bits)
		} else if x.DH.Name == "" && tables.Own != nil {
			level = tables.Own(x.DH.Bits)
		}
		return level, "DH-" + strconv.Itoa(x.DH.Bits), true
	case x.Group != "":
		level, ok := groupLevel(x.Group, tables)
		return level, groupLabel(x.Group), ok
	}
	return 0, "", false
}

// groupLevel is the level of a group by its name; false for those that no table
// speaks of, which are not curves or fields.
func groupLevel(name string, tables *guideline.Tables) (guideline.Level, bool) {
	group, known := tlshello.ParseGroup(name)
	switch group.Kind() {
	case tlshello.FiniteField:
		return tables.FiniteField(name, group.Bits()), true
	case tlshello.Hybrid, tlshello.KEM:
		return guideline.Good, guideline.Hybrids.ByName(name) == guideline.Good
	}
	return tables.Groups.ByName(strings.TrimSuffix(name, "tls13")), known || strings.HasPrefix(name, "0x") || name != ""
}

func groupLabel(name string) string {
	if bits, ok := strings.CutPrefix(name, "ffdhe"); ok {
		return "DH-" + bits
	}
	return "ECDH-" + name
}

// spareGroups are the weak groups that are accepted and were not chosen.
func spareGroups(g *graded, tables *guideline.Tables) []string {
	var list []string
	for _, x := range g.tls.Groups {
		level, ok := groupLevel(x.Name, tables)
		if label := groupLabel(x.Name); ok && x.Answer == evidence.Accepted && level < guideline.Sufficient && !slices.Contains(list, label) {
			list = append(list, label)
		}
	}
	return list
}

// shortDH is the length below which Internet.nl's library gives up, so that the
// group is not seen.
const shortDH = 1024

// groupsVerdict is Internet.nl's: it sees the groups that go with the suites
// that it looks at.
func groupsVerdict(g *graded, tables *guideline.Tables) string {
	list, all := g.looks()
	worst, sized, curves := guideline.Good, false, false
	for _, x := range list {
		if x.DH != nil && x.DH.Bits < shortDH {
			continue
		}
		level, _, ok := exchanged(x, tables)
		if !ok {
			continue
		}
		worst = min(worst, level)
		modern := strings.EqualFold(x.Group, "x25519") || strings.EqualFold(x.Group, "x448")
		sized = sized || !modern
		curves = curves || modern
	}
	switch {
	case worst > guideline.Insufficient && !all:
		return ""
	case worst == guideline.Good && !sized && !(curves && g.nistCurves()):
		return "na"
	}
	return verdictOf(worst)
}

// nistCurves reports whether the server may fall back on a curve of the kind
// whose size Internet.nl sees: it offers most suites without X25519 and X448.
func (g *graded) nistCurves() bool {
	return slices.ContainsFunc([]string{"secp256r1", "secp384r1", "secp521r1"}, func(name string) bool { return g.tls.Group(name).Answer != evidence.Refused })
}
