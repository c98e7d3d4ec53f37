package proof

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/report/evidence"
)

// relevant are the types whose security verdicts rest on, the first ones most:
// what does not fit is left out from the end.
var relevant = []string{"SOA", "MX", "TLSA", "A", "AAAA", "NSEC3PARAM"}

// New makes the proof of a snapshot, which must be canonical, of the lookups
// that DNSSEC and DANE verdicts rest on: SOA, MX and TLSA records and the
// addresses of mail servers. Lookups that nobody validated are not in it.
func New(s *evidence.Snapshot, anchors []dns.RR, judged []dnssec.Judged) (*Proof, error) {
	digest, err := evidence.Digest(s)
	if err != nil {
		return nil, fmt.Errorf("proof: %s: %w", s.Domain, err)
	}
	b := builder{
		proof: &Proof{Schema: Schema, Tool: s.Tool, Domain: s.Domain, Time: s.Time, Digests: digest, Anchors: []string{}, Answers: []Answer{}, Messages: []Message{}},
		index: map[*dns.Msg]int{},
	}
	for _, rr := range anchors {
		b.proof.Anchors = append(b.proof.Anchors, text(rr))
	}
	hosts := s.Mail().Hosts
	done := map[string]bool{}
	for _, typ := range relevant {
		for _, j := range judged {
			l := s.Lookup(j.Lookup.Name, j.Lookup.Type)
			if j.Lookup.Type != typ || l == nil || done[l.Name+" "+typ] {
				continue
			}
			if (typ == "A" || typ == "AAAA") && !slices.Contains(hosts, l.Name) {
				continue
			}
			done[l.Name+" "+typ] = true
			b.add(l, j.Proofs)
		}
	}
	return b.proof, nil
}

type builder struct {
	proof   *Proof
	index   map[*dns.Msg]int // by the shared message: each is stored once
	records int
	octets  int
}

func (b *builder) add(l *evidence.Lookup, proofs []*dnssec.Proof) {
	a := Answer{Name: l.Name, Type: l.Type, Outcome: l.Outcome, Security: l.Security, Records: l.Answer}
	if len(b.proof.Answers) >= maxAnswers {
		b.proof.LeftOut++
		return
	}
	for _, p := range proofs {
		st := Step{Name: p.Name, Type: dns.Type(p.Type).String(), Time: p.Time.UTC().Truncate(1e9), Security: p.Security, Chain: []int{}}
		for _, m := range p.Chain {
			st.Chain = append(st.Chain, b.message(m.Name, m.Type, m.Msg))
		}
		st.Reply = b.message(p.Name, p.Type, p.Reply)
		a.Steps = append(a.Steps, st)
	}
	if len(b.proof.Messages) > maxMessages || b.records > maxRecords || b.octets > maxText {
		b.undo(a.Steps)
		b.proof.LeftOut++
		return
	}
	b.proof.Answers = append(b.proof.Answers, a)
}

// undo takes out the messages that only the answer left out has.
func (b *builder) undo(steps []Step) {
	keep := 0
	for _, a := range b.proof.Answers {
		for _, st := range a.Steps {
			keep = max(keep, st.Reply+1)
			for _, i := range st.Chain {
				keep = max(keep, i+1)
			}
		}
	}
	for msg, i := range b.index {
		if i >= keep {
			delete(b.index, msg)
		}
	}
	b.proof.Messages = b.proof.Messages[:keep]
	b.records, b.octets = 0, 0
	for _, m := range b.proof.Messages {
		b.count(m)
	}
}

func (b *builder) count(m Message) {
	for _, list := range [][]string{m.Answer, m.Authority} {
		b.records += len(list)
		for _, r := range list {
			b.octets += len(r)
		}
	}
}

func (b *builder) message(name string, typ uint16, msg *dns.Msg) int {
	if i, ok := b.index[msg]; ok && b.proof.Messages[i].Name == name && b.proof.Messages[i].Type == dns.Type(typ).String() {
		return i
	}
	m := Message{Name: name, Type: dns.Type(typ).String(), RCode: rcode(msg.Rcode), Answer: texts(msg.Answer), Authority: texts(msg.Ns)}
	b.proof.Messages = append(b.proof.Messages, m)
	b.count(m)
	b.index[msg] = len(b.proof.Messages) - 1
	return len(b.proof.Messages) - 1
}

func texts(rrs []dns.RR) []string {
	var list []string
	for _, rr := range rrs {
		if rr != nil && rr.Header().Class == dns.ClassINET {
			list = append(list, text(rr))
		}
	}
	return list
}

// text is a record in zone-file format, on one line. Where that form does not
// lead back to the same octets, it is the one for unknown types (RFC 3597).
func text(rr dns.RR) string {
	s := strings.ReplaceAll(rr.String(), "\t", " ")
	back, err := dns.NewRR(s)
	if err == nil && back != nil && same(rr, back) {
		return s
	}
	var u dns.RFC3597
	if err := u.ToRFC3597(rr); err != nil {
		return s // it cannot be packed, so no signature covers it
	}
	u.Hdr = *rr.Header()
	return strings.ReplaceAll(u.String(), "\t", " ")
}

func same(a, b dns.RR) bool {
	x, y := pack(a), pack(b)
	return x != nil && string(x) == string(y)
}

func pack(rr dns.RR) []byte {
	rr = dns.Copy(rr) // packing writes into the header, and messages are shared
	buf := make([]byte, dns.Len(rr)+16)
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return nil
	}
	return buf[:n]
}

func rcode(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return "RCODE"
}
