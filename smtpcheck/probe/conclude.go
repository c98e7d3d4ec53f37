package probe

import (
	"slices"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// conclude writes down what the plan found out. Stopped is why it ended before
// there were no more questions.
func (p *plan) conclude(host string, stopped *evidence.Failure) *evidence.TLS {
	f := p.fold(false)
	t := &evidence.TLS{
		Host: host, Connections: len(p.log), Stopped: stopped,
		Groups: f.groups, ClientRenegotiation: f.renegotiation, Renegotiations: f.renegotiations,
		ExtendedMasterSecret: f.master, Compression: f.compression, ALPN: f.alpn, Tickets: f.ticket, OCSP: f.ocsp,
		EarlyData: p.first.early, MaxEarlyData: p.first.maxEarly,
	}
	for i := range p.log {
		t.Asked = append(t.Asked, p.log[i].asked(p.effective(i, false)))
	}
	missing := evidence.NotAsked
	if stopped == nil {
		missing = evidence.NoAnswer // asked twice, in vain
	}
	p.versions(t, f, missing)
	p.groupsFound(t, f, missing)
	p.old(t, f, missing)
	if !t.EarlyData.Known() {
		t.EarlyData = missing
		if f.version[tlshello.TLS13] == evidence.Refused {
			t.EarlyData = evidence.NotAskable
		}
	}
	for _, a := range []*evidence.Answer{&t.Tickets, &t.OCSP} {
		if !a.Known() {
			*a = missing
			if !below13(f) && f.version[tlshello.TLS13] == evidence.Refused {
				*a = evidence.NotAskable
			}
		}
	}
	p.certificates(t, f, missing)
	t.Preference = preference(f)
	t.Complete = stopped == nil && complete(t)
	return t
}

func (p *plan) versions(t *evidence.TLS, f *facts, missing evidence.Answer) {
	for _, v := range tlshello.Versions() {
		x := evidence.TLSVersion{Version: v.String(), Answer: f.version[v], Reason: f.reason[v], Suites: f.found[v]}
		switch {
		case x.Answer == evidence.AnswerUnknown:
			x.Answer = missing
		case v == tlshello.SSL20:
			x.SuitesComplete = x.Answer.Known()
		case x.Answer.Known():
			x.SuitesComplete = x.Answer == evidence.Refused || len(f.open[v]) == 0
		}
		t.Versions = append(t.Versions, x)
	}
}

func (p *plan) groupsFound(t *evidence.TLS, f *facts, missing evidence.Answer) {
	if g := tlshello.X25519MLKEM768; !slices.ContainsFunc(f.groups, func(x evidence.TLSGroup) bool { return x.Name == g.String() }) {
		x := evidence.TLSGroup{Name: g.String(), Answer: evidence.Refused}
		if f.version[tlshello.TLS13] != evidence.Refused && slices.Contains(f.modern, g) {
			// The first handshake offers it before all others.
			x.Answer, x.PassedOver = missing, p.first.version == tlshello.TLS13 && p.first.complete
			if missing == evidence.NoAnswer && p.asked(askGroups) == 0 {
				x.Answer = evidence.NotAsked
			}
		}
		t.Groups = append(t.Groups, x)
	}
	weak := slices.ContainsFunc(f.groups, func(x evidence.TLSGroup) bool {
		g, ok := tlshello.ParseGroup(x.Name)
		return ok && slices.Contains(p.lists.weak, g) || g.Kind() == tlshello.Explicit
	})
	curves := len(curved(f)) > 0
	switch {
	case weak:
		t.WeakGroups = evidence.Accepted
	case curves && f.weakRefused:
		t.WeakGroups = evidence.Refused
	case f.version[tlshello.TLS12] == evidence.Refused, len(f.open[tlshello.TLS12]) == 0 && !curves:
		t.WeakGroups = evidence.NotAskable
	default:
		t.WeakGroups = missing
	}
	p.groupsComplete(t, f)
}

// groupsComplete says of each version whether all its groups are known.
func (p *plan) groupsComplete(t *evidence.TLS, f *facts) {
	t.GroupsComplete = true
	for i := range t.Versions {
		x := &t.Versions[i]
		v, _ := tlshello.ParseVersion(x.Version)
		switch {
		case x.Answer == evidence.Refused:
			continue
		case x.Answer != evidence.Accepted || v < tlshello.TLS10:
		case v == tlshello.TLS13:
			x.GroupsComplete = len(f.modern) == 0
		case slices.ContainsFunc(oldVersions, func(v tlshello.Version) bool { return slices.ContainsFunc(f.suites[v], elliptic) }):
			x.GroupsComplete = len(f.curves) == 0 && len(curved(f)) > 0
		default:
			x.GroupsComplete = x.SuitesComplete
		}
		t.GroupsComplete = t.GroupsComplete && x.GroupsComplete
	}
}

func elliptic(s tlshello.Suite) bool { return s.Traits().Elliptic() }

// old fills in what is asked of versions below TLS 1.3.
func (p *plan) old(t *evidence.TLS, f *facts, missing evidence.Answer) {
	v := highest(f)
	if v != 0 {
		t.SecureRenegotiation = f.secure[v]
	}
	if f.compression == evidence.Accepted {
		t.CompressionMethod = f.method.String()
	}
	if unfinishable := t.ClientRenegotiation == evidence.AnswerUnknown && v != 0 && !slices.ContainsFunc(f.suites[v], finishable) && len(f.open[v]) == 0; unfinishable || p.insists(f) {
		t.ClientRenegotiation = evidence.NotAskable // no suite that the scanner can finish, or only with compression
	}
	if t.ClientRenegotiation == evidence.NotAskable && t.ALPN == evidence.AnswerUnknown {
		t.ALPN = evidence.NotAskable // it goes with that question
	}
	none := !below13(f)
	for _, a := range []*evidence.Answer{&t.SecureRenegotiation, &t.ClientRenegotiation, &t.Compression, &t.ALPN} {
		switch {
		case a.Known(), *a == evidence.NotAskable:
		case none:
			*a = evidence.NotAskable
		case *a == evidence.AnswerUnknown:
			*a = missing
		}
	}
	if !t.ExtendedMasterSecret.Known() {
		t.ExtendedMasterSecret = missing
		if f.version[tlshello.TLS12] == evidence.Refused {
			t.ExtendedMasterSecret = evidence.NotAskable
		}
	}
	for _, h := range weakHashes {
		x := evidence.TLSHash{Hash: h.String(), Answer: f.hashes[h]}
		switch {
		case x.Answer.Known():
		case f.version[tlshello.TLS12] == evidence.Refused, !slices.ContainsFunc(f.suites[tlshello.TLS12], signed) && len(f.open[tlshello.TLS12]) == 0:
			x.Answer = evidence.NotAskable
		default:
			if x.Answer = missing; f.hashes[tlshello.SHA1] == evidence.Accepted && !p.tried(h) {
				x.Answer = evidence.NotAsked
			}
		}
		t.Hashes = append(t.Hashes, x)
	}
}

// insists reports whether the server refused hellos that offer no compression.
func (p *plan) insists(f *facts) bool {
	return f.compression == evidence.Accepted && slices.ContainsFunc(p.log, func(e entry) bool {
		return e.about == askRenegotiate && e.plain && e.answer == evidence.Refused
	})
}

// tried reports whether a question about a hash function stayed without an
// answer.
func (p *plan) tried(h tlshello.Hash) bool {
	for i := range p.log {
		if slices.Contains(p.log[i].hashes, h) && p.effective(i, false) == evidence.NoAnswer {
			return true
		}
	}
	return false
}

// highest is the highest accepted version below TLS 1.3; 0 without.
func highest(f *facts) tlshello.Version {
	for _, v := range oldVersions {
		if f.version[v] == evidence.Accepted {
			return v
		}
	}
	return 0
}

func (p *plan) certificates(t *evidence.TLS, f *facts, missing evidence.Answer) {
	for _, kind := range []string{"RSA", "ECDSA", "DSA"} {
		c, ok := f.kinds[kind]
		switch {
		case ok:
			t.Certificates = append(t.Certificates, c)
			continue
		case kind == "DSA":
			continue
		}
		c = evidence.TLSCertificate{Kind: kind, Answer: missing}
		if v := highest(f); v != 0 && len(f.open[v]) == 0 {
			c.Answer = evidence.Refused
		} else if !below13(f) && p.otherCertificate(f) == nil {
			c.Answer = evidence.NotAskable
		}
		t.Certificates = append(t.Certificates, c)
	}
}

// preference says whose order decides.
func preference(f *facts) evidence.Preference {
	for i := range f.order {
		e := &f.order[i]
		chosen := e.flight.Hello.Suite
		passed := slices.ContainsFunc(e.suites[:max(0, slices.Index(e.suites, chosen))], func(s tlshello.Suite) bool {
			return slices.Contains(f.suites[e.flight.Version()], s)
		})
		switch {
		case passed: // over one that it accepts, and that stood before
			return evidence.PreferenceServer
		case i > 0 || e.extra():
			return evidence.PreferenceClient // whatever stood first was chosen, both ways round
		}
	}
	return evidence.PreferenceUnknown
}

// extra: the question of two sound suites, in the order opposite to that in
// which they were found.
func (e *entry) extra() bool { return len(e.suites) == 2 && sound(e.suites[0]) && sound(e.suites[1]) }

func complete(t *evidence.TLS) bool {
	done := func(a evidence.Answer) bool { return a.Known() || a == evidence.NotAskable }
	for _, v := range t.Versions {
		if !v.Answer.Known() || !v.SuitesComplete {
			return false
		}
	}
	for _, h := range t.Hashes {
		if !done(h.Answer) && t.Hash(tlshello.SHA1.String()) != evidence.Accepted {
			return false
		}
	}
	for _, c := range t.Certificates {
		if !done(c.Answer) {
			return false
		}
	}
	for _, a := range []evidence.Answer{t.WeakGroups, t.ExtendedMasterSecret, t.SecureRenegotiation, t.ClientRenegotiation, t.Compression,
		t.EarlyData, t.Tickets, t.OCSP, t.ALPN} {
		if !done(a) {
			return false
		}
	}
	return true
}
