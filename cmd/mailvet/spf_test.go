package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unicode"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// zone answers with the lines "type data" of a name; what it does not have
// does not exist.
type zone map[string][]string

func (z zone) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	l := evidence.Lookup{Name: name, Type: qtype, Outcome: evidence.OutcomeNXDomain}
	if err := ctx.Err(); err != nil {
		return l, err
	}
	for _, line := range z[evidence.Name(name)] {
		typ, data, ok := strings.Cut(line, " ")
		switch {
		case !ok:
			return l, l.Outcome.UnmarshalText([]byte(typ))
		case typ == qtype:
			l.Outcome = evidence.OutcomeAnswer
			if typ == "TXT" {
				data = `"` + evidence.EscapeText(data) + `"`
			}
			l.Answer = append(l.Answer, evidence.RR{Name: name, Type: typ, Data: data})
		}
	}
	return l, nil
}

func times(n int, line string) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(line, i))
	}
	return list
}

func TestSurveyText(t *testing.T) {
	tests := []struct {
		name string
		zone zone
		want []string
	}{
		{"no record", zone{"d.test": {"TXT v=spf10"}}, []string{"d.test: no SPF record"}},
		{"several", zone{"d.test": {"TXT v=spf1 -all", "TXT v=spf1 \x1b[2J"}}, []string{"2 SPF records", "permerror", `"v=spf1 \027[2J"`}},
		{"unknown", zone{"d.test": {"servfail"}}, []string{"not known", "(SERVFAIL)"}},
		{"+all", zone{"d.test": {"TXT v=spf1 +all"}}, []string{"lets anybody send", "Anybody else    pass (all)", "4,294,967,296 IPv4", "(100 % of all IPv4)", "0.0.0.0/0", "::/0"}},
		{"no all", zone{"d.test": {"TXT v=spf1"}}, []string{"neutral (there is no all)"}},
		{"a loop", zone{"d.test": {"TXT v=spf1 include:d.test -all"}}, []string{"lead back to themselves", "a loop: permerror"}},
		{"broken includes", zone{"d.test": {"TXT v=spf1 include:a.test include:b.test include:c.test include:e.test include:%{i}.test -all mx redirect=x.test y=z exp=e.test"},
			"a.test": {"TXT v=spf1", "TXT v=spf1"}, "b.test": {"TXT v=spf1 foo:\u00e9"}, "c.test": {"timeout"}},
			[]string{"include:a.test leads to a broken", "2 SPF records: permerror", `permerror: "foo:\195\169" at octet 7`, "no answer (no answer in time): temperror", "no SPF record: permerror",
				"depends on the message", "By the message  include:%{i}.test of d.test", "mx                 never reached, because of -all", "an unknown modifier, ignored", "the explanation"}},
		{"redirects", zone{"d.test": {"TXT v=spf1 redirect=r.example"}, "r.example": {"TXT v=spf1 ~all"}}, []string{"of r.example", "softfail (~all)", "Trusts          r.example"}},
		{"a redirect to nothing", zone{"d.test": {"TXT v=spf1 redirect=r.test"}}, []string{"Anybody else    not known"}},
		{"void", zone{"d.test": {"TXT v=spf1 a mx exists:e.test -all"}}, []string{"3 find nothing for senders with IPv4", "void lookup: MX of d.test", "void for IPv4 senders: A of d.test", "void for IPv6 senders: AAAA of d.test"}},
		{"void for IPv6", zone{"d.test": {"TXT v=spf1 a a a -all", "A 192.0.2.1"}}, []string{"3 find nothing for senders with IPv6"}},
		{"many MX hosts", zone{"d.test": append(times(11, "MX %d mx%[1]d.test."), "TXT v=spf1 mx -all")}, []string{"11 MX hosts, more than 10: permerror", "mx3.test and 7 more"}},
		{"ptr and exists", zone{"d.test": {"TXT v=spf1 ptr exists:d.test -all", "A 192.0.2.1"}}, []string{"should not be used", "everybody matches"}},
		{"a long list", zone{"d.test": {"TXT v=spf1 " + strings.Join(times(60, "ip4:192.0.%d.1"), " ") + " -all"}}, []string{"and 20 networks more"}},
		{"many addresses", zone{"d.test": append(times(6, "A 192.0.2.%d"), "TXT v=spf1 a/31 -all"), "x": nil}, []string{"192.0.2.0/31, 192.0.2.2/31, 192.0.2.4/31"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := spf.Look(t.Context(), tt.zone, "d.test")
			if err != nil {
				t.Fatal(err)
			}
			got := surveyText(s)
			flat := strings.Join(strings.Fields(got), " ")
			for _, w := range tt.want {
				if !strings.Contains(got, w) && !strings.Contains(flat, w) {
					t.Errorf("%q is not in\n%s", w, got)
				}
			}
			clean(t, got)
			if b, err := json.Marshal(surveyJSON(s)); err != nil || !json.Valid(b) {
				t.Error(err)
			}
		})
	}
}

func TestSurveyTextOutOfTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	s, err := spf.Look(ctx, zone{}, "d.test")
	if err != nil || !strings.Contains(surveyText(s), "the time ran out") || lookedUp(s) {
		t.Errorf("%v\n%s", err, surveyText(s))
	}
}

// Every reason has a text, and none lets through what the domain or the sender
// has put into it.
func TestCheckText(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	tests := []struct {
		reason spf.Reason
		ctx    context.Context
		record []string
		domain string
		want   string
	}{
		{spf.ReasonMatched, nil, []string{"TXT v=spf1 exp=x.test -all"}, "", "d.test explains: <\\x1b[2J>"},
		{spf.ReasonNothing, nil, []string{"TXT v=spf1"}, "", "No term of the record of d.test matches"},
		{spf.ReasonBadName, nil, nil, "d", "no name that can have a policy"},
		{spf.ReasonNoRecord, nil, nil, "", "d.test has no SPF record"},
		{spf.ReasonSeveral, nil, []string{"TXT v=spf1", "TXT v=spf1"}, "", "several SPF records"},
		{spf.ReasonSyntax, nil, []string{"TXT v=spf1 \x1b"}, "", `"\027" at octet 7`},
		{spf.ReasonLookups, nil, []string{"TXT v=spf1 include:d.test"}, "", "would be lookup 11"},
		{spf.ReasonVoid, nil, []string{"TXT v=spf1 a a a"}, "", "3 lookups found nothing"},
		{spf.ReasonMXHosts, nil, append(times(11, "MX %d mx%[1]d.test."), "TXT v=spf1 mx"), "", "more than ten MX hosts"},
		{spf.ReasonDNS, nil, []string{"servfail"}, "", "TXT of d.test failed (SERVFAIL)"},
		{spf.ReasonTime, ctx, nil, "", "time ran out at d.test"},
		{spf.ReasonLocalPart, nil, []string{"TXT v=spf1 redirect=%{l}.test"}, "", "beyond ASCII"},
	}
	seen := map[spf.Reason]bool{spf.ReasonUnknown: true}
	for _, tt := range tests {
		seen[tt.reason] = true
		z := zone{"d.test": tt.record, "x.test": {"TXT <%{l}>"}}
		if tt.domain == "" {
			tt.domain = "d.test"
		}
		if tt.ctx == nil {
			tt.ctx = t.Context()
		}
		s := spf.Sender{IP: netip.MustParseAddr("192.0.2.1"), From: "\x1b[2J@d.test", Helo: "d.test"}
		if tt.reason == spf.ReasonLocalPart {
			s.From = "\u00fc@d.test"
		}
		c := spf.Checker{Resolver: z}
		v, err := c.Check(tt.ctx, tt.domain, s)
		if err != nil || v.Reason != tt.reason {
			t.Errorf("%v: %s, want %s", err, v.Reason, tt.reason)
			continue
		}
		got := checkText(tt.domain, s, v)
		if !strings.Contains(strings.Join(strings.Fields(got), " "), tt.want) {
			t.Errorf("%q is not in\n%s", tt.want, got)
		}
		clean(t, got)
		if b, err := json.Marshal(checkJSON(tt.domain, s, v)); err != nil || !json.Valid(b) {
			t.Error(err)
		}
	}
	for r := range spf.ReasonLocalPart + 1 {
		if !seen[r] {
			t.Errorf("no test ends with %s", r)
		}
	}
}

// clean fails where a terminal would be told to do something.
func clean(t *testing.T, s string) {
	t.Helper()
	if strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
		t.Errorf("control characters in %q", s)
	}
}
