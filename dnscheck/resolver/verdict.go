package resolver

import (
	"context"
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/report/evidence"
)

// Fetch is the [dnssec.Source] of the validator: it answers one question as a
// server did, without following or validating anything, through the same
// cache. The message is shared and must only be read.
func (r *Resolver) Fetch(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	if err := r.setup(); err != nil {
		return nil, err
	}
	return source{r, pass{}}.Fetch(ctx, name, qtype)
}

// source is what the validator of a pass asks.
type source struct {
	*Resolver
	pass pass
}

// Fetch implements [dnssec.Source].
func (r source) Fetch(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	canonical, ok := canonicalName(evidence.Name(name))
	if !ok {
		return nil, fmt.Errorf("resolver: %q cannot be asked for", name)
	}
	rep, err := r.ask(ctx, key{name: canonical, qtype: qtype, round: r.pass.round, checking: r.pass.checked})
	switch {
	case err != nil:
	case rep.msg == nil:
		err = rep.failure
	case rep.plain:
		err = errPlain
	case rep.msg.Rcode == dns.RcodeSuccess && referral(rep.msg):
		err = errReferral
	case filtered(rep.msg):
		err = fmt.Errorf("%s: %w", told(appendEDE(nil, rep.msg)), errProtocol)
	default:
		return rep.msg, nil
	}
	return nil, fmt.Errorf("resolver: ask for %s %s: %w", name, typeName(qtype), err)
}

const (
	plainReason    = "the resolver does not take EDNS, without which there is no DNSSEC"
	referralReason = "the server refers to others instead of resolving"
)

var (
	errPlain    = fmt.Errorf("%s: %w", plainReason, errProtocol)
	errReferral = fmt.Errorf("%s: %w", referralReason, errProtocol)
)

// askSecured is ask, and with TrustAD asks the server to validate. bogus then
// says why the data of the reply must not be believed: the server answers
// SERVFAIL as long as it validates, and gives the data when told not to.
func (r *Resolver) askSecured(ctx context.Context, k key) (rep *reply, bogus string, err error) {
	k.checking = k.checking || r.TrustAD
	rep, err = r.ask(ctx, k)
	if err != nil || !r.TrustAD || rep.msg == nil || rep.msg.Rcode != dns.RcodeServerFailure {
		return rep, "", err
	}
	k.checking = false
	unchecked, err := r.ask(ctx, k)
	if err != nil || !usable(unchecked) {
		return rep, "", err
	}
	bogus = "the resolver answers only when told not to validate"
	if why, ok := blamed(appendEDE(nil, rep.msg), blameData); ok {
		bogus = "the resolver found: " + why
	}
	// The extended errors are the first answer's, the rest is the second's.
	both := *unchecked
	both.msg = unchecked.msg.Copy()
	both.msg.Extra = rep.msg.Extra
	both.msg.AuthenticatedData = false
	both.expires = earlier(rep.expires, unchecked.expires)
	return &both, bogus, nil
}

// verdict gathers the security of the parts of an answer.
type verdict struct {
	r          *Resolver
	pass       pass
	stripped   bool // a server leaves out DNSSEC records
	some       bool
	security   evidence.Security
	reason     string
	zones      []evidence.Zone
	signatures []evidence.Signature
	nsec3      []evidence.NSEC3
	proofs     []*dnssec.Proof
	exists     bool // NXDOMAIN was said of a name that is proven to exist
}

// weakness orders securities: the weakest part decides.
func weakness(s evidence.Security) int {
	switch s {
	case evidence.SecuritySecure:
		return 0
	case evidence.SecurityInsecure:
		return 1
	case evidence.SecurityIndeterminate:
		return 2
	case evidence.SecurityUnknown:
		return 3
	case evidence.SecurityBogus:
		return 4
	}
	panic("resolver: security " + s.String())
}

func (v *verdict) add(s evidence.Security, reason string) {
	if !v.some || weakness(s) > weakness(v.security) {
		v.some, v.security, v.reason = true, s, reason
	}
}

// answer validates a reply to a question.
func (v *verdict) answer(ctx context.Context, rep *reply, bogus, name string, qtype uint16) {
	switch {
	case bogus != "":
		v.add(evidence.SecurityBogus, bogus)
	case v.r.TrustAD && rep.msg.AuthenticatedData:
		v.add(evidence.SecuritySecure, "")
	case v.r.TrustAD:
		v.add(evidence.SecurityInsecure, "the resolver did not set the AD bit")
	case v.r.Validator == nil:
		v.add(evidence.SecurityUnknown, "")
	case rep.plain:
		v.stripped = true
		v.add(evidence.SecurityIndeterminate, plainReason)
	default:
		v.take(v.r.validator(v.pass).ValidateKept(ctx, source{v.r, v.pass}, name, qtype, rep.msg, rep.expires))
	}
}

// aliases validates the aliases of a reply whose end is asked for anew.
func (v *verdict) aliases(ctx context.Context, rep *reply, bogus string, proofs []key) {
	for _, p := range proofs {
		v.answer(ctx, rep, bogus, p.name, p.qtype)
	}
}

// unanswered is the verdict where the servers gave nothing to validate.
func (v *verdict) unanswered(l *evidence.Lookup) {
	why, bogus := blamed(l.EDE, blameData)
	switch {
	case bogus && v.r.TrustAD:
		v.add(evidence.SecurityBogus, "the resolver found: "+why)
	case bogus:
		// CD was set, so it was not asked to validate; its clock and anchors
		// are not ours.
		v.nothing("the resolver withholds the answer, because it found: " + why)
	case len(l.EDE) > 0:
		v.nothing("there is no answer to validate: " + told(l.EDE))
	default:
		v.nothing("there is no answer to validate")
	}
}

// nothing is the verdict where there is nothing to validate.
func (v *verdict) nothing(reason string) {
	if !v.r.TrustAD && v.r.Validator == nil {
		v.add(evidence.SecurityUnknown, "")
		return
	}
	v.add(evidence.SecurityIndeterminate, reason)
}

func (v *verdict) take(res dnssec.Result) {
	v.add(res.Security, res.Reason)
	v.exists = v.exists || res.Exists
	if v.zones == nil {
		v.zones = slices.Clip(res.Zones) // the chain is the validator's: write makes a copy
	}
	for i := range res.Zones {
		z := &res.Zones[i]
		if z.Security == evidence.SecuritySecure && !v.r.handsOn.Load() {
			v.r.handsOn.Store(true)
		}
		if !slices.ContainsFunc(v.zones, func(have evidence.Zone) bool { return have.Name == z.Name }) {
			v.zones = append(v.zones, *z)
		}
	}
	for _, s := range res.Signatures {
		if !slices.Contains(v.signatures, s) {
			v.signatures = append(v.signatures, s)
		}
	}
	for _, n := range res.NSEC3 {
		if len(v.nsec3) < evidence.MaxNSEC3 && !slices.Contains(v.nsec3, n) {
			v.nsec3 = append(v.nsec3, n)
		}
	}
	if res.Proof != nil {
		v.proofs = append(v.proofs, res.Proof)
	}
	v.stripped = v.stripped || res.Stripped
}

func (v *verdict) write(l *evidence.Lookup) {
	l.Security, l.Reason, l.Zones, l.Signatures, l.NSEC3 = v.security, v.reason, v.zones, v.signatures, v.nsec3
	if l.Type == "SOA" {
		return
	}
	l.Zones = slices.Clone(l.Zones)
	for i := range l.Zones {
		if z := &l.Zones[i]; z.Security == evidence.SecuritySecure {
			z.DS, z.DNSKEYs, z.Signature = nil, nil, nil // see evidence.Zone
		}
	}
}
