package main

import (
	"net/netip"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// policyDocument is the JSON form of a survey.
type policyDocument struct {
	Schema      string        `json:"schema"`
	Domain      string        `json:"domain"`
	State       string        `json:"state"`    // of the domain's own record: valid, none, several, ...
	Complete    bool          `json:"complete"` // no question was left open for want of a resolver or of time
	Lookups     int           `json:"lookups"`  // for a sender whom nothing matches
	LookupLimit int           `json:"lookup_limit"`
	Void        voidDocument  `json:"void_lookups"`
	Otherwise   string        `json:"otherwise"` // result for a sender whom nothing else matches; empty if not known
	Authorised  addressesJSON `json:"authorised"`
	Failed      []failedJSON  `json:"failed"`
	Missing     []question    `json:"missing"`
	Tree        branchJSON    `json:"tree"`
}

type voidDocument struct {
	IPv4  []question `json:"ipv4"` // for a sender with an IPv4 address
	IPv6  []question `json:"ipv6"`
	Limit int        `json:"limit"`
}

type question struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// addressesJSON counts in texts: JSON numbers do not hold 2^128.
type addressesJSON struct {
	IPv4     string         `json:"ipv4"`
	IPv6     string         `json:"ipv6"`
	Networks []netip.Prefix `json:"networks"`
}

type failedJSON struct {
	question
	Outcome evidence.Outcome `json:"outcome"`
	Text    string           `json:"text"`
}

type branchJSON struct {
	Name    string     `json:"name"`
	Owner   string     `json:"owner"`
	State   string     `json:"state"`
	Records []string   `json:"records"` // escaped as in DNS presentation format
	Error   string     `json:"error,omitempty"`
	Terms   []termJSON `json:"terms"`
}

type termJSON struct {
	Term     string         `json:"term"`
	Reached  bool           `json:"reached"`
	Lookup   int            `json:"lookup,omitempty"` // the running number
	Depends  bool           `json:"depends_on_message,omitempty"`
	Hosts    []string       `json:"mx_hosts,omitempty"`
	Networks []netip.Prefix `json:"networks,omitempty"`
	Void4    []question     `json:"void_ipv4,omitempty"`
	Void6    []question     `json:"void_ipv6,omitempty"`
	Failed   []failedJSON   `json:"failed,omitempty"`
	Missing  []question     `json:"missing,omitempty"`
	LeadsTo  *branchJSON    `json:"leads_to,omitempty"`
}

func surveyJSON(s *spf.Survey) policyDocument {
	authorised := s.Authorised()
	v4, v6 := authorised.Count()
	d := policyDocument{
		Schema: "mailvet.spf/v1", Domain: s.Root.Name, State: s.Root.State.String(), Complete: lookedUp(s),
		Lookups: s.Lookups, LookupLimit: spf.MaxLookups,
		Void:       voidDocument{questions(s.Void4), questions(s.Void6), spf.MaxVoid},
		Otherwise:  defaultResult(s.Root),
		Authorised: addressesJSON{v4.String(), v6.String(), append([]netip.Prefix{}, authorised.Networks()...)},
		Failed:     append([]failedJSON{}, failures(s.Failed)...), Missing: questions(s.Missing), Tree: branchDocument(s.Root),
	}
	return d
}

func failures(list []*evidence.Lookup) (out []failedJSON) {
	for _, l := range list {
		out = append(out, failedJSON{question{l.Name, l.Type}, l.Outcome, outcome(l)})
	}
	return out
}

func questions(list []evidence.Question) []question {
	out := []question{}
	for _, q := range list {
		out = append(out, question(q))
	}
	return out
}

func branchDocument(b *spf.Branch) branchJSON {
	d := branchJSON{Name: b.Name, Owner: b.Owner, State: b.State.String(), Records: []string{}, Terms: []termJSON{}}
	for _, t := range b.Texts {
		d.Records = append(d.Records, evidence.EscapeText(t))
	}
	if b.Err != nil {
		d.Error = syntax(b.Err)
	}
	for _, l := range b.Lines {
		t := termJSON{Term: l.Term.String(), Reached: l.Reached, Lookup: l.Nth, Depends: l.Open, Hosts: l.Hosts, Networks: l.Networks, Failed: failures(l.Failed)}
		if len(l.Void4) > 0 {
			t.Void4 = questions(l.Void4)
		}
		if len(l.Void6) > 0 {
			t.Void6 = questions(l.Void6)
		}
		if len(l.Missing) > 0 {
			t.Missing = questions(l.Missing)
		}
		if l.Below != nil {
			below := branchDocument(l.Below)
			t.LeadsTo = &below
		}
		d.Terms = append(d.Terms, t)
	}
	return d
}

// checkDocument is the JSON form of a verdict.
type checkDocument struct {
	Schema      string     `json:"schema"`
	Domain      string     `json:"domain"`
	IP          netip.Addr `json:"ip"`
	From        string     `json:"from"`
	Helo        string     `json:"helo"`
	Result      spf.Result `json:"result"`
	Reason      spf.Reason `json:"reason"`
	Name        string     `json:"name"` // whose records decided
	Text        string     `json:"text"`
	Path        []stepJSON `json:"path"` // from the domain's record to the term that decided
	Explanation string     `json:"explanation,omitempty"`
	Lookups     int        `json:"lookups"`
	Void        []question `json:"void_lookups"`
}

type stepJSON struct {
	Name   string `json:"name"`
	Record string `json:"record"`
	Term   string `json:"term"`
}

func checkJSON(domain string, s spf.Sender, v spf.Verdict) checkDocument {
	d := checkDocument{
		Schema: "mailvet.spf-check/v1", Domain: domain, IP: s.IP, From: s.From, Helo: s.Helo,
		Result: v.Result, Reason: v.Reason, Name: v.Name, Text: because(v), Path: []stepJSON{},
		Explanation: v.Explanation, Lookups: v.Lookups, Void: questions(v.Void),
	}
	for _, step := range v.Path {
		d.Path = append(d.Path, stepJSON{step.Name, step.Record.String(), step.Term.String()})
	}
	return d
}
