package resolver

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/report/evidence"
)

const (
	maxEDE     = 8   // extended errors recorded of one lookup
	maxEDEText = 256 // octets of an extended error's text
)

// pass is one way through a lookup with all its questions: which server is
// asked first, and whether it is told not to validate. The first pass, the zero
// value, sets CD, so that we see the data whatever others think of them.
type pass struct {
	round   uint8
	checked bool // CD is clear
}

// validator is that of a pass. Each has its own, so that no key or delegation
// of one pass counts in another.
func (r *Resolver) validator(p pass) *dnssec.Validator {
	i := 2 * int(p.round)
	if p.checked {
		i++
	}
	return r.validators[i]
}

// resolve looks k up. What is bogus as one server gave it with CD set may be
// good without: told to validate, a resolver looks for data that hold, where it
// otherwise hands on the first that came, such as a stale secondary's (RFC
// 6840, Section 5.9 and Appendix B). What one server makes bogus or strips of
// what proves it, another may be able to prove. So all that have a chance are
// asked, two passes for each server at most; nobody can prove what is not so.
func (r *Resolver) resolve(ctx context.Context, k key, typ string) *finished {
	f, stripped := r.attempt(ctx, k, typ, pass{})
	withheld := false // no server that is told to validate has an answer
	for n := 1; n < len(r.validators) && ctx.Err() == nil; n++ {
		p := pass{round: uint8(n / 2), checked: n%2 == 1}
		bogus := f.lookup.Security == evidence.SecurityBogus
		if !bogus && !stripped {
			break
		}
		if p.checked && (!bogus || withheld) {
			continue // checking brings back no stripped records
		}
		r.stats.again.Add(1)
		if p.checked && r.withholds(ctx, &f.lookup, p) {
			withheld = true
			continue
		}
		other, lacks := r.attempt(ctx, k, typ, p)
		if l := &other.lookup; l.Outcome.Known() && (l.Security == evidence.SecuritySecure || l.Security == evidence.SecurityInsecure) {
			f, stripped = other, lacks
			break
		}
		withheld = withheld || p.checked && !other.lookup.Outcome.Known()
	}
	if ctx.Err() == nil {
		if stripped {
			r.stripped.Store(true)
		}
		r.keep(k, f)
	}
	return f
}

// Proven is [Resolver.Lookup] without a question, where what a signed zone has
// proven before denies what is asked for (RFC 8198): ok is false where it does
// not, or not for sure. Whoever wants to see what the servers say to the very
// question, a failure above all, asks Lookup.
func (r *Resolver) Proven(ctx context.Context, name, qtype string) (l evidence.Lookup, ok bool) {
	k, asked, ok := r.askable(ctx, name, qtype)
	if !ok {
		return l, false
	}
	f := r.proven(ctx, k, qtype)
	if f == nil || ctx.Err() != nil {
		return l, false
	}
	r.stats.proven.Add(1)
	r.keep(k, f)
	return given(ctx, f, asked), true
}

func (r *Resolver) proven(ctx context.Context, k key, typ string) *finished {
	if r.Validator == nil || r.AskAll {
		return nil
	}
	d, ok := r.Validator.Deny(k.name, k.qtype)
	if !ok {
		return nil
	}
	rep := &reply{msg: d.Reply, expires: earlier(d.Until, r.now().Add(lifetime(d.Reply)))}
	f := &finished{lookup: evidence.Lookup{Name: k.name, Type: typ, AD: d.Reply.AuthenticatedData}, expires: rep.expires}
	t := follow(rep.msg, k.name, k.qtype, nil)
	if !conclude(&f.lookup, rep.msg, &t) || !f.lookup.Absent() {
		return nil
	}
	v := verdict{r: r}
	if d.Judged {
		v.take(d.Result)
	} else {
		v.answer(ctx, rep, "", k.name, k.qtype)
	}
	if v.security != evidence.SecuritySecure || v.exists {
		return nil
	}
	v.write(&f.lookup)
	f.proofs = v.proofs
	return f
}

// withholds reports whether a server that is told to validate does not give the
// keys of a zone to which the chain of trust is broken. Then a pass that has it
// validate is in vain for all names of that zone, and for as long as the answer
// is kept none is asked for; else the pass needs the keys anyway.
func (r *Resolver) withholds(ctx context.Context, l *evidence.Lookup, p pass) bool {
	for _, z := range l.Zones {
		if z.Security != evidence.SecurityBogus {
			continue
		}
		rep, err := r.ask(ctx, key{name: z.Name, qtype: dns.TypeDNSKEY, round: p.round, checking: true})
		return err == nil && !usable(rep)
	}
	return false
}

// attempt is one pass of resolve: it asks, follows aliases, asks again where the server
// did not follow them to the end, and validates each answer. What it returns
// once ctx has ended nobody sees. stripped says that a server leaves out DNSSEC
// records.
func (r *Resolver) attempt(ctx context.Context, k key, typ string, p pass) (f *finished, stripped bool) {
	f = &finished{lookup: evidence.Lookup{Name: k.name, Type: typ}, expires: r.now().Add(maxTTL)}
	l := &f.lookup
	v := verdict{r: r, pass: p}
	var passed []string // names that are aliases
	var asked []key
	ad := true
	for name := k.name; ; {
		question := key{name: name, qtype: k.qtype, round: p.round, checking: p.checked}
		asked = append(asked, question)
		rep, bogus, err := r.askSecured(ctx, question)
		if err != nil {
			return f, false
		}
		f.expires = earlier(f.expires, rep.expires)
		if rep.msg != nil {
			l.EDE = appendEDE(l.EDE, rep.msg)
			ad = ad && rep.msg.AuthenticatedData
		}
		if !usable(rep) {
			unanswered(l, rep)
			v.unanswered(l)
			ad = false
			break
		}
		t := follow(rep.msg, name, k.qtype, passed)
		if len(t.made) > 0 { // the validator must see what we follow
			whole, msg := *rep, *rep.msg
			msg.Answer = slices.Concat(msg.Answer, t.made)
			whole.msg = &msg
			rep = &whole
		}
		passed = append(passed, t.owners...)
		for _, rr := range t.aliases {
			l.Aliases = append(l.Aliases, present(rr))
			l.Owner = t.end
		}
		if !conclude(l, rep.msg, &t) {
			v.aliases(ctx, rep, bogus, t.proofs)
			name = t.end
			continue
		}
		if l.Outcome.Known() {
			v.answer(ctx, rep, bogus, name, k.qtype)
			if v.exists { // the signatures count, not the unsigned response code
				proven := *rep.msg
				proven.Rcode = dns.RcodeSuccess
				conclude(l, &proven, &t)
			}
		} else {
			v.nothing("the aliases lead nowhere")
		}
		break
	}
	l.AD = ad
	v.write(l)
	f.proofs = v.proofs
	if ctx.Err() == nil {
		r.doubt(l, asked, p)
	}
	return f, v.stripped
}

// unanswered records why the servers' reply settles nothing.
func unanswered(l *evidence.Lookup, rep *reply) {
	l.Failure = rep.failure
	if rep.msg == nil {
		l.Outcome = rep.outcome
		return
	}
	l.RCode = rcodeName(rep.msg.Rcode)
	if filtered(rep.msg) {
		l.Outcome = evidence.OutcomeRefused
		l.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassRefused, Text: told(appendEDE(nil, rep.msg))}
		return
	}
	switch rep.msg.Rcode {
	case dns.RcodeSuccess: // a referral
		l.Outcome, l.RCode = evidence.OutcomeMalformed, ""
		l.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassProtocol, Text: "the server refers to others instead of resolving"}
	case dns.RcodeServerFailure:
		l.Outcome = evidence.OutcomeServFail
	case dns.RcodeRefused:
		l.Outcome = evidence.OutcomeRefused
		l.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassRefused}
	default:
		l.Outcome = evidence.OutcomeRCode
	}
}

// conclude records what stands at the end of the trail. It reports false if
// the answer does not say, so that the end must be asked for.
func conclude(l *evidence.Lookup, m *dns.Msg, t *trail) bool {
	switch {
	case t.loop:
		l.Outcome = evidence.OutcomeLoop
	case t.broken:
		l.Outcome = evidence.OutcomeMalformed
		l.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassProtocol, Text: "a DNAME leads to a name that is too long"}
	case m.Rcode == dns.RcodeNameError: // of the last name: RFC 6604, Section 3
		l.Outcome = evidence.OutcomeNXDomain
	case t.records != nil:
		l.Outcome = evidence.OutcomeAnswer
		var cut bool
		if l.Answer, cut = records(t.records); cut {
			l.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassTooLarge, Text: "only the first " + strconv.Itoa(MaxRecords) + " records are kept"}
		}
	case t.denied:
		l.Outcome = evidence.OutcomeNoData
	default:
		return false
	}
	return true
}

// doubt keeps the messages of a lookup whose validation failed no longer than
// a failure: it may have been one bad copy, and be better soon.
func (r *Resolver) doubt(l *evidence.Lookup, asked []key, p pass) {
	if !failing(l.Security) {
		return
	}
	for _, z := range l.Zones {
		if failing(z.Security) {
			asked = append(asked,
				key{name: z.Name, qtype: dns.TypeDS, round: p.round, checking: p.checked},
				key{name: z.Name, qtype: dns.TypeDNSKEY, round: p.round, checking: p.checked})
		}
	}
	by := r.now().Add(FailureTTL)
	for _, k := range asked {
		r.messages.shorten(k, by)
	}
}

func failing(s evidence.Security) bool {
	return s == evidence.SecurityBogus || s == evidence.SecurityIndeterminate
}

// keep puts a finished lookup into the cache.
func (r *Resolver) keep(k key, f *finished) {
	now := r.now()
	if failing(f.lookup.Security) {
		f.expires = earlier(f.expires, now.Add(FailureTTL)) // may be better soon
	}
	for _, s := range f.lookup.Signatures {
		f.expires = earlier(f.expires, s.Expiration)
	}
	octets := 256 + len(k.name)
	for _, p := range f.proofs {
		octets += p.Reply.Len()
	}
	for _, list := range [][]evidence.RR{f.lookup.Aliases, f.lookup.Answer} {
		for _, rr := range list {
			octets += 32 + len(rr.Name) + len(rr.Data)
		}
	}
	r.lookups.put(k, f, octets, f.expires)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// clone gives a caller a Lookup of its own: snapshots sort what is in them.
func clone(l *evidence.Lookup) evidence.Lookup {
	c := *l
	c.EDE = slices.Clone(l.EDE)
	c.Aliases = slices.Clone(l.Aliases)
	c.Answer = slices.Clone(l.Answer)
	c.Zones = cloneZones(l.Zones)
	c.NSEC3 = slices.Clone(l.NSEC3)
	c.Signatures = slices.Clone(l.Signatures)
	if l.Failure != nil {
		f := *l.Failure
		c.Failure = &f
	}
	return c
}

// cloneZones has the keys of all zones, of which nearly all have one, in one list.
func cloneZones(zones []evidence.Zone) []evidence.Zone {
	zones = slices.Clone(zones)
	n := 0
	for i := range zones {
		n += len(zones[i].Keys)
	}
	keys := make([]evidence.Key, 0, n)
	for i := range zones {
		z := &zones[i]
		if z.Keys != nil {
			keys = append(keys, z.Keys...)
			z.Keys = keys[len(keys)-len(z.Keys) : len(keys) : len(keys)]
		}
		z.DS, z.DNSKEYs = slices.Clone(z.DS), slices.Clone(z.DNSKEYs)
		if z.Signature != nil {
			sig := *z.Signature
			z.Signature = &sig
		}
	}
	return zones
}

// rcodeName is the mnemonic of a response code, or "RCODE" and its number.
func rcodeName(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return "RCODE" + strconv.Itoa(code)
}
