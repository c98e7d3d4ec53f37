package smtpcheck

import (
	"net/netip"
	"slices"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/guideline"
	"mailvet/smtpcheck/tlshello"
)

// graded is one address that completed a handshake, with what is known of its
// TLS.
type graded struct {
	contact
	tls   *evidence.TLS // never nil
	asked bool          // a plan of handshakes was begun
}

// gradedOf lists what is known of the TLS of a host, by address; the second
// result is the place of the counted address. Without a plan only the one
// handshake of the session is known.
func gradedOf(s *evidence.Snapshot, host string) ([]graded, int) {
	x := gradedHost(s, host)
	return x.list, x.at
}

// gradings is what gradedOf lists, under a name for the same grading of the same
// host in other snapshots: nil where there is none, as for one from a file.
type gradings struct {
	shared[graded]
	name *gradingName
}

func gradedHost(s *evidence.Snapshot, host string) gradings {
	return evidence.Once(s, gradedKey(host), func() gradings {
		g := gradings{shared: newShared(gradeContacts(s, host))}
		g.name = nameGrading(s.Memo(), host, g.shared)
		return g
	})
}

type gradedKey string

// maxNamed is the number of addresses of a host up to which a grading has a name.
const maxNamed = 4

// gradingName is everything that is judged of a grading. What is known of an
// address is the same as long as it is the prober's same piece of evidence,
// which nobody changes.
type gradingName struct {
	host  string
	at    int
	addrs [maxNamed]struct {
		addr      netip.Addr
		tls       *evidence.TLS
		handshake *evidence.Handshake
	}
}

func nameGrading(memo *evidence.Memo, host string, x shared[graded]) *gradingName {
	if memo == nil || len(x.list) > maxNamed {
		return nil
	}
	name := gradingName{host: host, at: x.at}
	for i, g := range x.list {
		if !g.asked {
			return nil
		}
		name.addrs[i].addr, name.addrs[i].tls, name.addrs[i].handshake = g.addr, g.tls, g.session.Handshake
	}
	return evidence.Remember(memo, name, func() *gradingName { return &name })
}

func gradeContacts(s *evidence.Snapshot, host string) ([]graded, int) {
	list, at := contacts(s, host)
	var out []graded
	counted := 0
	for i, c := range list {
		if !c.secured() {
			continue
		}
		if i == at {
			counted = len(out)
		}
		g := graded{contact: c, tls: c.session.TLS, asked: c.session.TLS != nil}
		if !g.asked {
			g.tls = firstHandshake(c.session.Handshake)
		}
		out = append(out, g)
	}
	return out, counted
}

// firstHandshake is what a single handshake says.
func firstHandshake(h *evidence.Handshake) *evidence.TLS {
	v := evidence.TLSVersion{Version: h.Version, Answer: evidence.Accepted}
	if h.Suite != "" {
		v.Suites = []evidence.TLSSuite{{Name: h.Suite, Group: h.Group}}
	}
	return &evidence.TLS{Versions: []evidence.TLSVersion{v}}
}

// Versions by name, newest first.
var versionNames = []string{"TLS 1.3", "TLS 1.2", "TLS 1.1", "TLS 1.0", "SSL 3.0", "SSL 2.0"}

// accepted lists the versions that are accepted, newest first.
func (g *graded) accepted() []string {
	return slices.DeleteFunc(slices.Clone(versionNames), func(v string) bool { return g.tls.Version(v).Answer != evidence.Accepted })
}

// onlyTLS13 reports whether all versions below are known to be refused.
func (g *graded) onlyTLS13() bool {
	return !slices.ContainsFunc(versionNames[1:], func(v string) bool { return g.tls.Version(v).Answer != evidence.Refused })
}

// complete reports whether everything is known of a version and its suites.
func (g *graded) complete(version string) bool {
	v := g.tls.Version(version)
	return v.Answer == evidence.Refused || v.Answer == evidence.Accepted && v.SuitesComplete
}

// reason is why something is not known.
func (g *graded) reason() string {
	if f := g.tls.Stopped; f != nil {
		short := *f
		short.Text = bound(f.Text)
		return short.Words()
	}
	return "no answer of the server tells"
}

// Internet.nl looks for versions with suites that OpenSSL calls medium or high,
// but for anonymous ones, triple DES and Camellia. It looks for suites in the
// highest version below TLS 1.3 only, and for one in TLS 1.3.

// seenForVersion reports whether Internet.nl offers a suite when it looks for versions.
func seenForVersion(name string) bool {
	if spec, ok := strings.CutPrefix(name, "SSL_CK_"); ok {
		return strings.HasPrefix(spec, "RC4_128_WITH") || strings.HasPrefix(spec, "RC2_128_CBC_WITH") || strings.HasPrefix(spec, "IDEA")
	}
	suite, ok := tlshello.ParseSuite(name)
	t := suite.Traits()
	return ok && seenForSuites(name) && t.Bits >= 128 && !t.Export && !t.Anonymous() && !strings.HasPrefix(t.Cipher, "CAMELLIA")
}

// ccm8 is the one suite of TLS 1.3 that Internet.nl looks for.
const ccm8 = "TLS_AES_128_CCM_8_SHA256"

// seenForSuites reports whether the libraries that Internet.nl probes with know
// a suite: OpenSSL 1.0.2 and 1.1.1, without pre-shared keys and passwords.
func seenForSuites(name string) bool {
	suite, ok := tlshello.ParseSuite(name)
	if !ok {
		return false
	}
	t := suite.Traits()
	fixed := t.KeyExchange == tlshello.DH || t.KeyExchange == tlshello.ECDH || t.Anonymous()
	switch t.KeyExchange {
	case tlshello.AnyKeyExchange:
		return name == ccm8
	case tlshello.RSA, tlshello.DH, tlshello.DHE, tlshello.ECDH, tlshello.ECDHE:
	case tlshello.GOST:
		return t.Max >= tlshello.TLS12 && !strings.Contains(name, "341112")
	default:
		return false
	}
	switch {
	case strings.HasPrefix(name, "TLS_RSA_FIPS"), strings.HasPrefix(name, "SSL_"):
		return false
	case strings.HasPrefix(t.Cipher, "ARIA"):
		return strings.HasSuffix(t.Cipher, "GCM") && !fixed
	case strings.HasPrefix(t.Cipher, "CAMELLIA"):
		return strings.HasSuffix(t.Cipher, "CBC")
	case strings.HasPrefix(t.Cipher, "SM4"), strings.HasPrefix(t.Cipher, "AEGIS"):
		return false
	}
	return true
}

// sees is Internet.nl's answer to whether a version is accepted.
func (g *graded) sees(version string) evidence.Answer {
	v := g.tls.Version(version)
	switch {
	case v.Answer != evidence.Accepted:
		if v.Answer == evidence.Refused {
			return evidence.Refused
		}
		return evidence.AnswerUnknown
	case version == "TLS 1.3", slices.ContainsFunc(v.Suites, func(x evidence.TLSSuite) bool { return seenForVersion(x.Name) }):
		return evidence.Accepted
	case v.SuitesComplete:
		return evidence.Refused
	}
	return evidence.AnswerUnknown
}

// looked is the version whose suites Internet.nl looks at: empty where there is
// none below TLS 1.3. The second result is false where it is not known.
func (g *graded) looked() (string, bool) {
	for _, v := range versionNames[1:] {
		switch g.sees(v) {
		case evidence.Accepted:
			return v, true
		case evidence.AnswerUnknown:
			return "", false
		}
	}
	return "", true
}

// looks lists the suites that Internet.nl finds. The second result is false
// where there may be more.
func (g *graded) looks() (list []evidence.TLSSuite, all bool) {
	v, known := g.looked()
	if !known {
		return nil, false
	}
	all = true
	if v != "" {
		for _, x := range g.tls.Version(v).Suites {
			if seenForSuites(x.Name) {
				list = append(list, x)
			}
		}
		all = g.complete(v)
	}
	switch g.tls.Suite("TLS 1.3", ccm8) {
	case evidence.Accepted:
		for _, x := range g.tls.Version("TLS 1.3").Suites {
			if x.Name == ccm8 {
				list = append(list, x)
			}
		}
	case evidence.Refused:
	default:
		all = false
	}
	return list, all
}

// opinion is what a check says of one address.
type opinion struct {
	code    *check.Code
	verdict string // Internet.nl's for the same facts; empty where it is not known
	problem string // in a few words, where the code is Fail or Weak
	args    map[string]string
}

// open are the answers where something is not known.
type open struct{ unknown, budget, notAsked *check.Code }

// openCodes makes them: what could not be found out, as "which versions {where}
// accepts".
func openCodes(what string) open {
	return open{
		&check.Code{Name: "unknown", Outcome: check.Inconclusive,
			Text:   "It could not be found out " + what + " ({reason}).",
			Advice: "Scan again later. If the server limits how often it may be connected to, scan with a longer --host-interval."},
		&check.Code{Name: "budget", Outcome: check.Inconclusive,
			Text:   "It was not found out " + what + ", for the connections or the time allowed were used up ({reason}).",
			Advice: "Scan again with a higher --max-connections, or a longer --timeout."},
		&check.Code{Name: "not-asked", Outcome: check.Inconclusive, NotAsked: true,
			Text: "It was not asked " + what + ", to spare the server further connections."},
	}
}

func (o open) codes() []*check.Code { return []*check.Code{o.unknown, o.budget, o.notAsked} }

// of picks the answer for an address. The verdict is Internet.nl's where that
// is known all the same.
func (o open) of(g *graded, verdict string) opinion {
	switch {
	case !g.asked:
		return opinion{code: o.notAsked, verdict: verdict}
	case g.tls.Stopped != nil && g.tls.Stopped.Class == evidence.ClassBudget:
		return opinion{code: o.budget, verdict: verdict}
	}
	return opinion{code: o.unknown, verdict: verdict}
}

// Answers of the checks of TLS for hosts whose addresses differ.
var (
	tlsWorseElsewhere = &check.Code{Name: "worse-elsewhere", Outcome: check.Fail,
		Text:   "{host} {problem} at {where}. At {counted}, the only address that Internet.nl looks at, that is not so.",
		Advice: "Configure TLS alike at all addresses of {host}."}
	tlsWeakerElsewhere = &check.Code{Name: "weaker-elsewhere", Outcome: check.Weak,
		Text:   "{host} {problem} at {where}. At {counted}, the only address that Internet.nl looks at, that is not so.",
		Advice: "Configure TLS alike at all addresses of {host}."}
)

// tlsWeakerHere is for the checks that Internet.nl does not have.
var tlsWeakerHere = &check.Code{Name: "weaker-elsewhere", Outcome: check.Weak,
	Text:   "{host} {problem} at {where}. At {counted} that is not so.",
	Advice: "Configure TLS alike at all addresses of {host}."}

// tlsArgs are the arguments that every check of TLS may use.
var tlsArgs = []string{"host", "where", "counted", "problem", "reason"}

// judgeName names a judgement of gradings: the code that it gives to a good one,
// and the tables that it goes by, if any.
type judgeName struct {
	code   *check.Code
	tables *guideline.Tables
}

// gradeEach judges every address of a host and answers by the counted one,
// unless another is worse: then by that, under the verdict of the counted one.
// What is not known elsewhere does not count, but the text then names the
// addresses that it is about.
//
// The judgement is remembered under its name, unless that is empty. One with a
// name reads TLS, Handshake and address of the gradings, and nothing else.
func gradeEach(s *evidence.Snapshot, host string, name judgeName, judge func(*graded) opinion) check.Finding {
	return grade(s, host, name, tlsWeakerElsewhere, judge)
}

// gradeExtra is gradeEach for the checks that Internet.nl does not have.
func gradeExtra(s *evidence.Snapshot, host string, name judgeName, judge func(*graded) opinion) check.Finding {
	return grade(s, host, name, tlsWeakerHere, judge)
}

// judged is a finding without its evidence, which is at these places of the list.
type judged struct {
	check.Finding
	where []int
}

// judgedKey is what a judgement was made of, and by.
type judgedKey struct {
	of *gradingName
	by judgeName
}

func grade(s *evidence.Snapshot, host string, name judgeName, weaker *check.Code, judge func(*graded) opinion) check.Finding {
	x := gradedHost(s, host)
	memo := s.Memo()
	if x.name == nil || name.code == nil {
		memo = nil
	}
	j := evidence.Remember(memo, judgedKey{x.name, name}, func() judged { return judgeGradings(x.list, x.at, host, weaker, judge) })
	f := j.Finding
	for _, i := range j.where {
		f.Evidence = append(f.Evidence, pointers(s, x.list[i].session)...)
	}
	return f
}

func judgeGradings(list []graded, at int, host string, weaker *check.Code, judge func(*graded) opinion) judged {
	opinions := make([]opinion, len(list))
	for i := range list {
		opinions[i] = judge(&list[i])
	}
	mine, worst := opinions[at], at
	for i, o := range opinions {
		if severity(o.code) > severity(opinions[worst].code) {
			worst = i
		}
	}
	f := judged{Finding: check.Finding{Code: mine.code, Verdict: mine.verdict, Args: map[string]string{}}}
	if worst != at {
		f.Code = tlsWorseElsewhere
		if opinions[worst].code.Outcome == check.Weak {
			f.Code = weaker
		}
	}
	var where []string
	for i, o := range opinions {
		if o.code == opinions[worst].code {
			where = append(where, list[i].addr.String())
			f.where = append(f.where, i)
		}
	}
	for k, v := range opinions[worst].args {
		f.Args[k] = v
	}
	f.Args["host"], f.Args["counted"], f.Args["problem"] = host, list[at].addr.String(), opinions[worst].problem
	f.Args["reason"] = list[worst].reason()
	f.Args["where"] = host
	switch {
	case worst != at:
		f.Args["where"] = join(where)
	case len(where) < len(list):
		f.Args["where"] = host + " at " + join(where)
	}
	return f
}

// levels sorts names by level, each once.
type levels map[guideline.Level][]string

func (l levels) add(level guideline.Level, name string) {
	if !slices.Contains(l[level], name) {
		l[level] = append(l[level], name)
	}
}

// worst is the lowest level that there is; Good where there is nothing.
func (l levels) worst() guideline.Level {
	worst := guideline.Good
	for level := range l {
		worst = min(worst, level)
	}
	return worst
}

// verdictOf is Internet.nl's verdict for a level.
func verdictOf(l guideline.Level) string {
	switch l {
	case guideline.Insufficient:
		return "bad"
	case guideline.PhaseOut:
		return "phase-out"
	}
	return "good"
}
