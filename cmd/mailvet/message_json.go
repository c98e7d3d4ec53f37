package main

import (
	"net/netip"
	"time"

	"mailvet/dnscheck/message"
	"mailvet/dnscheck/spf"
)

// messageDocument is the JSON form of a message's result.
type messageDocument struct {
	Schema     string          `json:"schema"`
	Authserv   string          `json:"authserv_id"`
	Results    []string        `json:"authentication_results"` // the field's value, a result a line
	Size       int64           `json:"size"`
	From       []authorJSON    `json:"from"`
	FromError  string          `json:"from_error,omitempty"`
	Sender     senderJSON      `json:"sender"`
	SPF        []messageSPF    `json:"spf"`
	DKIM       []signatureJSON `json:"dkim"`
	Unverified int             `json:"dkim_not_verified"`
	DMARC      []dmarcJSON     `json:"dmarc"`
	ARC        []int           `json:"arc_instances"`
	Notes      []string        `json:"notes"`
	Failed     []failedJSON    `json:"failed"`
}

type authorJSON struct {
	Address string `json:"address"`
	Domain  string `json:"domain"`
}

type senderJSON struct {
	IP       string `json:"ip"`        // empty where it is not known
	MailFrom string `json:"mail_from"` // empty where it is not known, <> for the null sender
	Helo     string `json:"helo"`
	Received int    `json:"received"` // the Received field that it is from, 1 for the topmost; 0 for none
}

type messageSPF struct {
	Identity string     `json:"identity"` // mailfrom or helo
	Domain   string     `json:"domain"`
	Result   spf.Result `json:"result"`
	Reason   spf.Reason `json:"reason"`
	Text     string     `json:"text"`
	Path     []stepJSON `json:"path"`
}

type signatureJSON struct {
	Domain     string             `json:"domain"`
	Selector   string             `json:"selector"`
	Identifier string             `json:"identifier,omitempty"`
	Result     message.Result8601 `json:"result"`
	Reason     message.Reason     `json:"reason"`
	Text       string             `json:"text"`
	Algorithm  string             `json:"algorithm"`
	KeyType    string             `json:"key_type,omitempty"`
	KeyBits    int                `json:"key_bits,omitempty"`
	Header     string             `json:"header_canonicalization"`
	Body       string             `json:"body_canonicalization"`
	Length     string             `json:"body_length,omitempty"` // l
	Fields     []string           `json:"signed_fields"`
	Time       *time.Time         `json:"time,omitempty"`
	Expires    *time.Time         `json:"expires,omitempty"`
	Testing    bool               `json:"key_testing,omitempty"`
}

type dmarcJSON struct {
	Standard    message.Standard    `json:"standard"`
	Domain      string              `json:"domain"` // of the author
	Result      message.Result8601  `json:"result"`
	Reason      message.DMARCReason `json:"reason"`
	RecordAt    string              `json:"record_domain,omitempty"`
	Record      string              `json:"record,omitempty"`
	Tag         string              `json:"tag,omitempty"` // p, sp or np
	Policy      string              `json:"policy,omitempty"`
	Disposition string              `json:"disposition,omitempty"`
	Testing     bool                `json:"testing,omitempty"`
	Percent     int                 `json:"percent,omitempty"`
	Identifiers []identifierJSON    `json:"identifiers"`
	Text        []string            `json:"text"`
}

type identifierJSON struct {
	Method  string             `json:"method"`
	Domain  string             `json:"domain"`
	Result  message.Result8601 `json:"result"`
	Aligned bool               `json:"aligned"`
	Strict  bool               `json:"strict,omitempty"`
	Org     string             `json:"organizational_domain"`
	// Signature is the place in dkim, from 0; left out for SPF.
	Signature *int `json:"signature,omitempty"`
}

func messageJSON(res *message.Result, authserv string) messageDocument {
	d := messageDocument{
		Schema: "mailvet.message/v1", Authserv: authserv, Results: res.AuthenticationResults(authserv), Size: res.Size,
		From: []authorJSON{}, Sender: senderDocument(res.Sender), SPF: []messageSPF{}, DKIM: []signatureJSON{}, Unverified: res.Untried,
		DMARC: []dmarcJSON{}, ARC: append([]int{}, res.ARC...), Notes: append([]string{}, res.Notes...),
		Failed: append([]failedJSON{}, failures(res.Failed)...),
	}
	for _, a := range res.Authors {
		d.From = append(d.From, authorJSON(a))
	}
	if res.AuthorErr != nil {
		d.FromError = res.AuthorErr.Error()
	}
	for _, s := range res.SPF {
		one := messageSPF{"mailfrom", s.Domain, s.Verdict.Result, s.Verdict.Reason, because(s.Verdict), []stepJSON{}}
		if s.Helo {
			one.Identity = "helo"
		}
		for _, step := range s.Verdict.Path {
			one.Path = append(one.Path, stepJSON{step.Name, step.Record.String(), step.Term.String()})
		}
		d.SPF = append(d.SPF, one)
	}
	for _, s := range res.Signatures {
		d.DKIM = append(d.DKIM, signatureDocument(s))
	}
	for _, m := range res.DMARC {
		d.DMARC = append(d.DMARC, dmarcDocument(m, res))
	}
	return d
}

func senderDocument(s message.Sender) senderJSON {
	d := senderJSON{MailFrom: s.From, Helo: s.Helo}
	if s.IP != (netip.Addr{}) {
		d.IP = s.IP.String()
	}
	if s.Hop != nil && !s.GivenIP && s.IP.IsValid() {
		d.Received = s.Hop.Nth + 1
	}
	return d
}

func signatureDocument(s message.Signature) signatureJSON {
	known := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return signatureJSON{
		s.Domain, s.Selector, s.Identifier, s.Result, s.Reason, signatureText(s), s.Algorithm, s.Key.Type, s.Key.Bits,
		s.Header, s.Body, s.Length, append([]string{}, s.Fields...), known(s.Time), known(s.Expires), s.Key.Testing,
	}
}

func dmarcDocument(m message.DMARC, res *message.Result) dmarcJSON {
	d := dmarcJSON{
		Standard: m.Standard, Domain: m.Author, Result: m.Result, Reason: m.Reason, RecordAt: m.Domain, Record: m.Record,
		Tag: m.Tag, Policy: m.Policy.String(), Disposition: m.Disposition.String(), Testing: m.Testing, Percent: m.Percent,
		Identifiers: []identifierJSON{}, Text: append([]string{}, dmarcText(m, res)...),
	}
	for _, id := range m.Identifiers {
		one := identifierJSON{id.Method, id.Domain, id.Result, id.Aligned, id.Strict, id.Org, nil}
		if id.Method == "dkim" {
			one.Signature = &id.Nth
		}
		d.Identifiers = append(d.Identifiers, one)
	}
	return d
}
