package probe

import (
	"slices"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// renegotiate finishes a handshake in TLS 1.2 or lower.
func (p *plan) renegotiate(f *facts) *question {
	if f.renegotiation.Known() || !below13(f) {
		return nil
	}
	// A suite that is not known yet may be learnt on the way.
	known := f.suites[tlshello.TLS12]
	fresh := without(p.lists.finishable, known...)
	q := &question{about: askRenegotiate, version: tlshello.TLS12, suites: append(fresh, slices.DeleteFunc(slices.Clone(known), func(s tlshello.Suite) bool { return !finishable(s) })...)}
	q.plain = f.compression == evidence.Accepted || p.plainOnly()
	if p.asked(askRenegotiate) > 1 {
		return nil
	}
	for i := range p.log {
		if e := &p.log[i]; e.about == askRenegotiate && e.answer == evidence.Refused && e.plain == q.plain {
			return nil
		}
	}
	return q
}

// plain asks for all suites of TLS 1.2 without compression, those of the question
// for renegotiation first, where every hello that offered some was refused. A
// server should not care (RFC 5246, Section 7.4.1.2); of one that does, nothing
// else would be learnt.
func (p *plan) plain(f *facts) *question {
	if !below13(f) {
		return nil
	}
	var refused, plain *entry
	for i := range p.log {
		switch e := &p.log[i]; {
		case e.about == askPlain && e.answer == evidence.Accepted:
			plain = e
		case !e.compressing():
		case e.answer == evidence.Accepted:
			return nil
		case e.about == askRenegotiate && (e.answer == evidence.Refused || e.closed):
			refused = e
		}
	}
	switch {
	case refused == nil || p.plainOnly():
		return nil
	case plain != nil: // was it the compression, or that nobody asked for this suite yet?
		return p.once(&question{about: askCompression, version: plain.version, suites: []tlshello.Suite{plain.flight.Hello.Suite}})
	}
	q := p.all(askPlain, tlshello.TLS12, f.suites[tlshello.TLS12])
	q.suites, q.plain = append(slices.Clone(refused.suites), without(q.suites, refused.suites...)...), true
	if slices.ContainsFunc(q.suites, func(s tlshello.Suite) bool { return slices.Contains(q.except, s) }) {
		q.except = nil
	}
	return p.once(q)
}

// plainOnly reports whether the server refused a hello for offering compression:
// it accepts the same without.
func (p *plan) plainOnly() bool {
	i := slices.IndexFunc(p.log, func(e entry) bool { return e.about == askPlain && e.answer == evidence.Accepted })
	if i < 0 {
		return false
	}
	s := p.log[i].flight.Hello.Suite
	return slices.ContainsFunc(p.log, func(e entry) bool {
		return e.compressing() && (e.answer == evidence.Refused || e.closed) && !e.limits(s) && e.version >= p.log[i].flight.Version() && slices.Contains(e.suites, s)
	})
}

// below13 reports whether there may be a version below TLS 1.3.
func below13(f *facts) bool {
	return slices.ContainsFunc(oldVersions, func(v tlshello.Version) bool { return f.version[v] != evidence.Refused })
}

// signatures asks the server to sign with a weak hash function, until it is
// known whether it does so with SHA-1. A suite that is not known yet stands
// before those that are: where the client's order decides, it is learnt on the
// way.
func (p *plan) signatures(f *facts) *question {
	if f.hashes[tlshello.SHA1] == evidence.Accepted {
		return nil // which others it takes besides is for extras
	}
	return p.hashes(f)
}

func (p *plan) hashes(f *facts) *question {
	known := slices.DeleteFunc(slices.Clone(f.suites[tlshello.TLS12]), func(s tlshello.Suite) bool { return !signed(s) })
	if len(known) == 0 || len(f.hashesOpen) == 0 {
		return nil
	}
	var suites []tlshello.Suite
	for _, s := range f.open[tlshello.TLS12] {
		if sound(s) && signed(s) {
			suites = append(suites, s)
		}
	}
	// OpenSSL signs with SHA-224, and with SHA-1 where Postfix uses it, so that
	// suites can be learnt from it that are offered alone.
	openssl := p.first.tickets > 1
	switch p.asked(askHashes) {
	case 0:
	case 1:
		openssl = !openssl && p.passedOver(suites)
	default:
		openssl = false
	}
	if len(suites) == 0 || !openssl {
		suites = append(suites, byStandard(known)...)
	}
	return p.unless(&question{about: askHashes, version: tlshello.TLS12, suites: suites, hashes: f.hashesOpen})
}

// passedOver reports whether the server signed with a weak hash function in a
// suite that was known, and passed others over, still open, that stood before.
func (p *plan) passedOver(open []tlshello.Suite) bool {
	for i := range p.log {
		if e := &p.log[i]; e.about == askHashes && e.answer == evidence.Accepted && e.flight.KeyExchange != nil {
			return slices.Contains(weakHashes, e.flight.KeyExchange.Hash) && slices.Contains(open, e.suites[0])
		}
	}
	return false
}

// signed reports whether the server signs its part of the key exchange.
func signed(s tlshello.Suite) bool {
	t := s.Traits()
	return t.ForwardSecrecy && !t.Anonymous() && t.KeyExchange != tlshello.AnyKeyExchange
}
