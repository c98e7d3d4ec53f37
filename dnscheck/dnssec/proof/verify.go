package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/report/evidence"
)

// Verdict is what became of one answer.
type Verdict struct {
	Name, Type string
	Recorded   evidence.Security // what the proof says
	Found      evidence.Security // what its records say
	// Problem says why the answer does not hold; empty if it does.
	Problem string
	// Reason says why it is not secure, if it holds and is not.
	Reason string
	Zones  []evidence.Zone // the chain of trust as found
}

// Verify judges each answer again by the records of the proof alone, with
// these trust anchors, at the times that the proof says. The error is for a
// proof that cannot be read, or the context's.
func (p *Proof) Verify(ctx context.Context, anchors []dns.RR) ([]Verdict, error) {
	if len(p.Answers) > maxAnswers || len(p.Messages) > 2*maxMessages {
		return nil, fmt.Errorf("proof of %s: %d answers and %d messages are more than a proof has", p.Domain, len(p.Answers), len(p.Messages))
	}
	msgs := make([]*dns.Msg, len(p.Messages))
	for i := range p.Messages {
		var err error
		if msgs[i], err = p.Messages[i].parse(); err != nil {
			return nil, fmt.Errorf("proof of %s: message %d: %w", p.Domain, i, err)
		}
	}
	var list []Verdict
	for i := range p.Answers {
		if err := ctx.Err(); err != nil {
			return list, fmt.Errorf("proof of %s: %w", p.Domain, err)
		}
		list = append(list, p.verify(ctx, &p.Answers[i], msgs, anchors))
	}
	return list, nil
}

func (m *Message) parse() (*dns.Msg, error) {
	code, ok := dns.StringToRcode[m.RCode]
	if !ok {
		return nil, fmt.Errorf("response code %q", m.RCode)
	}
	msg := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Rcode: code}}
	for section, lines := range map[*[]dns.RR][]string{&msg.Answer: m.Answer, &msg.Ns: m.Authority} {
		for _, line := range lines {
			rr, err := dns.NewRR(line)
			if err != nil || rr == nil {
				return nil, fmt.Errorf("record %.80q cannot be read", line)
			}
			*section = append(*section, known(rr))
		}
	}
	return msg, nil
}

// known gives a record in the form for unknown types the form of its own.
func known(rr dns.RR) dns.RR {
	u, ok := rr.(*dns.RFC3597)
	if !ok {
		return rr
	}
	if wire := pack(u); wire != nil {
		if back, _, err := dns.UnpackRR(wire, 0); err == nil {
			return back
		}
	}
	return rr
}

// verify judges one answer: each step again, and what its replies say against
// what is recorded.
func (p *Proof) verify(ctx context.Context, a *Answer, msgs []*dns.Msg, anchors []dns.RR) Verdict {
	v := Verdict{Name: a.Name, Type: a.Type, Recorded: a.Security, Found: evidence.SecurityIndeterminate}
	if len(a.Steps) == 0 {
		v.Problem = "there is nothing in the proof to judge it by"
		return v
	}
	for i := range a.Steps {
		res, err := judge(ctx, &a.Steps[i], p.Messages, msgs, anchors)
		if err != nil {
			v.Problem = err.Error()
			return v
		}
		if i == 0 || weakness(res.Security) > weakness(v.Found) {
			v.Found, v.Reason, v.Zones = res.Security, res.Reason, res.Zones
		}
	}
	switch problem := a.unlike(msgs); {
	case v.Found != a.Security:
		v.Problem = fmt.Sprintf("it is %s, and not %s as recorded", v.Found, a.Security)
		if v.Reason != "" {
			v.Problem += ": " + v.Reason
		}
	case v.Found != evidence.SecuritySecure && len(v.Zones) == 1 && v.Zones[0].Security == evidence.SecurityBogus:
		v.Problem = "the trust anchor does not fit: " + v.Reason
	case problem != "":
		v.Problem = problem
	}
	return v
}

// weakness orders securities: the weakest part of an answer decides.
func weakness(s evidence.Security) int {
	return slices.Index([]evidence.Security{evidence.SecuritySecure, evidence.SecurityInsecure, evidence.SecurityIndeterminate, evidence.SecurityUnknown, evidence.SecurityBogus}, s)
}

// judge validates one reply with nothing known but the chain of the step.
func judge(ctx context.Context, st *Step, stored []Message, msgs []*dns.Msg, anchors []dns.RR) (dnssec.Result, error) {
	typ, ok := typeOf(st.Type)
	if !ok {
		return dnssec.Result{}, fmt.Errorf("the step %.80q has no known type", st.Name)
	}
	src := source{}
	for _, i := range st.Chain {
		if i < 0 || i >= len(msgs) {
			return dnssec.Result{}, errors.New("a message of the chain is not in the proof")
		}
		src[key(stored[i].Name, stored[i].Type)] = msgs[i]
	}
	if st.Reply < 0 || st.Reply >= len(msgs) || key(stored[st.Reply].Name, stored[st.Reply].Type) != key(st.Name, st.Type) {
		return dnssec.Result{}, errors.New("the reply is not in the proof")
	}
	at := st.Time
	validator := &dnssec.Validator{Anchors: anchors, Now: func() time.Time { return at }}
	return validator.Validate(ctx, src, st.Name, typ, msgs[st.Reply]), nil
}

func key(name, typ string) string { return strings.ToLower(name) + " " + typ }

func typeOf(s string) (uint16, bool) {
	if t, ok := dns.StringToType[s]; ok {
		return t, true
	}
	var n uint16
	_, err := fmt.Sscanf(s, "TYPE%d", &n)
	return n, err == nil && s == fmt.Sprintf("TYPE%d", n)
}

// source answers with what a step's chain holds.
type source map[string]*dns.Msg

var errMissing = errors.New("the proof does not hold it")

// Fetch implements [dnssec.Source].
func (s source) Fetch(_ context.Context, name string, qtype uint16) (*dns.Msg, error) {
	if m := s[key(name, dns.Type(qtype).String())]; m != nil {
		return m, nil
	}
	return nil, errMissing
}

// unlike compares what is recorded of an answer with its replies: the way leads
// from the name through the steps to the records, or to where there are none.
func (a *Answer) unlike(msgs []*dns.Msg) string {
	name, typ, last := dns.CanonicalName(a.Name), a.Type, msgs[a.Steps[len(a.Steps)-1].Reply]
	seen := map[string]bool{}
	for _, st := range a.Steps {
		for !seen[name] {
			seen[name] = true
			target := alias(msgs[st.Reply], name, typ)
			if target == "" {
				delete(seen, name) // a later reply may know more
				break
			}
			name = target
		}
	}
	var got []string
	for _, rr := range last.Answer {
		if dns.CanonicalName(rr.Header().Name) == name && dns.Type(rr.Header().Rrtype).String() == typ {
			got = append(got, strings.ToLower(data(rr)))
		}
	}
	var want []string
	for _, r := range a.Records {
		rr, err := dns.NewRR(dns.Fqdn(r.Name) + " 0 IN " + r.Type + " " + r.Data)
		if err != nil || rr == nil || dns.CanonicalName(rr.Header().Name) != name {
			return fmt.Sprintf("the recorded %s record %.80q is not one of %s", a.Type, r.Data, name)
		}
		want = append(want, strings.ToLower(data(known(rr))))
	}
	slices.Sort(got)
	slices.Sort(want)
	got, want = slices.Compact(got), slices.Compact(want)
	switch {
	case a.Outcome == evidence.OutcomeAnswer && len(want) == 0, a.Outcome != evidence.OutcomeAnswer && len(got) > 0:
		return fmt.Sprintf("it is recorded as %s, but the reply has %d records", a.Outcome, len(got))
	case !slices.Equal(got, want) && (len(want) < maxKept || !contains(got, want)):
		return "the recorded data are not those of the reply"
	}
	return ""
}

// maxKept is how many records of an answer a snapshot holds at most.
const maxKept = 512

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// alias is where the reply's CNAME at a name leads; empty if there is none, or
// the records asked for are there.
func alias(m *dns.Msg, name, typ string) string {
	target := ""
	for _, rr := range m.Answer {
		h := rr.Header()
		if dns.CanonicalName(h.Name) != name {
			continue
		}
		if dns.Type(h.Rrtype).String() == typ {
			return ""
		}
		if c, ok := rr.(*dns.CNAME); ok && (target == "" || dns.CanonicalName(c.Target) < target) {
			target = dns.CanonicalName(c.Target)
		}
	}
	return target
}

func data(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }
