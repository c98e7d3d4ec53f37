package dnscheck

import (
	"strconv"
	"strings"

	"mailvet/dnscheck/tlsrpt"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var tlsrptChecks = []*check.Check{tlsrptExists, tlsrptValid}

var (
	tlsrptPublished = newPublished("TLS reporting")

	tlsrptPresent = &check.Code{Name: "present", Outcome: check.Pass,
		Text: "{domain} asks senders for reports about TLS."}
	tlsrptNone = &check.Code{Name: "none", Outcome: check.Fail,
		Text:   "{domain} does not ask senders for reports about TLS (TLS-RPT). Whoever uses DANE or MTA-STS then does not learn that senders cannot deliver.",
		Advice: "Publish: _smtp._tls.{domain}. IN TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@{domain}\""}

	tlsrptGood = &check.Code{Name: "good", Outcome: check.Pass,
		Text: "Reports about TLS for {domain} go to {destinations}."}
	tlsrptSeveral = &check.Code{Name: "several", Outcome: check.Fail,
		Text:   "{domain} has {problem} records for TLS reporting. Senders then act as if there were none.",
		Advice: "Remove all TXT records at _smtp._tls.{domain} but one."}
	tlsrptSyntax = &check.Code{Name: "syntax", Outcome: check.Fail,
		Text:   "The record for TLS reporting of {domain} cannot be read ({problem}). Senders then act as if there were none.",
		Advice: "Publish: _smtp._tls.{domain}. IN TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@{domain}\""}
	tlsrptNoDestination = &check.Code{Name: "no-destination", Outcome: check.Fail,
		Text:   "None of the addresses to which {domain} wants reports about TLS can be used: {problem}.",
		Advice: "Name one as a mailto: or https: address: _smtp._tls.{domain}. IN TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@{domain}\""}
	tlsrptBadDestination = &check.Code{Name: "bad-destination", Outcome: check.Weak,
		Text:   "One of the addresses to which {domain} wants reports about TLS cannot be used: {problem}.",
		Advice: "Correct or remove that address in the record _smtp._tls.{domain}."}
	tlsrptNoMail = &check.Code{Name: "destination-without-mail", Outcome: check.Weak,
		Text:   "Reports about TLS for {domain} go to an address of {problem}, which receives no mail.",
		Advice: "Name an address that receives mail, or let {problem} have an MX record."}
	tlsrptUnknown = &check.Code{Name: "destination-unknown", Outcome: check.Inconclusive,
		Text: "Reports about TLS for {domain} go to {destinations}; whether {problem} receives mail could not be found out."}
)

var tlsrptExists = &check.Check{
	ID: "tls-rpt-exists", Category: check.Extra, Level: check.Optional, Scope: check.PerDomain,
	Title: "TLS reporting",
	Doc: check.Doc{
		What: "A TXT record at _smtp._tls asks senders for daily reports of how often they could deliver securely, and what stood in the way.",
		Why:  "DANE and MTA-STS keep mail away where a certificate or record is wrong. The owner of the domain learns of it by these reports, or by complaints.",
		How:  "Publish: _smtp._tls.example.test. IN TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@example.test\"",
	},
	Cites: []check.Citation{check.RFC("8460", "3")},
	Args:  []string{"domain", "name", "failed"},
	Codes: append([]*check.Code{tlsrptPresent, tlsrptNone}, tlsrptPublished.codes()...),
	Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
		texts, f := tlsrptPublished.texts(s, tlsrpt.RecordName(s.Domain))
		if f.Code == nil {
			if f.Code = tlsrptNone; len(versioned(texts, "v=TLSRPTv1")) > 0 {
				f.Code = tlsrptPresent
			}
		}
		return f
	},
}

var tlsrptValid = &check.Check{
	ID: "tls-rpt-valid", Category: check.Extra, Level: check.Recommended, Scope: check.PerDomain,
	Title: "Record for TLS reporting",
	Doc: check.Doc{
		What: "There must be one record that can be read, with addresses that senders can use: mailto: to a domain that receives mail, or https:.",
		Why:  "A sender that cannot use the record sends no reports, and says so to nobody.",
		How:  "Publish: _smtp._tls.example.test. IN TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@example.test\"",
	},
	Cites:    []check.Citation{check.RFC("8460", "3")},
	Requires: []*check.Check{tlsrptExists},
	Args:     []string{"domain", "problem", "destinations"},
	Codes:    []*check.Code{tlsrptGood, tlsrptSeveral, tlsrptSyntax, tlsrptNoDestination, tlsrptBadDestination, tlsrptNoMail, tlsrptUnknown},
	Evaluate: func(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
		record, code, problem := tlsrptRecord(s)
		var words []string
		if code == nil {
			code = tlsrptGood
			for _, uri := range record.RUA {
				if _, why := tlsrpt.DestinationOf(uri); why != "" {
					words = append(words, uri+" ("+why+")")
				}
			}
			switch domain, known := withoutMail(s, record); {
			case len(words) == len(record.RUA):
				code, problem = tlsrptNoDestination, enumerate(words)
			case len(words) > 0:
				code, problem = tlsrptBadDestination, enumerate(words)
			case !known:
				code, problem = tlsrptUnknown, domain
			case domain != "":
				code, problem = tlsrptNoMail, domain
			}
		}
		return check.Finding{Code: code, Args: map[string]string{"domain": s.Domain, "problem": shown(problem), "destinations": shown(enumerate(record.RUA))},
			Evidence: pointers(s, s.Lookup(tlsrpt.RecordName(s.Domain), "TXT"), s.Lookup(mailDestination(record), "MX"))}
	},
}

// tlsrptRecord reads the record; the code says what keeps senders from it.
func tlsrptRecord(s *evidence.Snapshot) (r tlsrpt.Record, code *check.Code, problem string) {
	texts, f := tlsrptPublished.texts(s, tlsrpt.RecordName(s.Domain))
	if f.Code != nil {
		return r, f.Code, ""
	}
	list := tlsrpt.Select(texts)
	meant := versioned(texts, "v=TLSRPTv1")
	switch {
	case len(list) > 1:
		return r, tlsrptSeveral, strconv.Itoa(len(list))
	case len(meant) == 0:
		return r, tlsrptNone, ""
	case len(list) == 0:
		return r, tlsrptSyntax, "it does not begin with v=TLSRPTv1;"
	}
	r, err := tlsrpt.ParseRecord(list[0])
	if err != nil {
		return r, tlsrptSyntax, strings.TrimPrefix(err.Error(), "tlsrpt: record: ")
	}
	return r, nil, ""
}

// mailDestination is the domain of the first mail address; "" if there is none.
func mailDestination(r tlsrpt.Record) string {
	for _, uri := range r.RUA {
		if d, why := tlsrpt.DestinationOf(uri); why == "" && d.Scheme == "mailto" {
			return d.Domain
		}
	}
	return ""
}

// withoutMail is that domain if it receives no mail: it does not exist, or says
// so with a null MX (RFC 7505). Where that is not known it is named, too.
func withoutMail(s *evidence.Snapshot, r tlsrpt.Record) (domain string, known bool) {
	domain = mailDestination(r)
	if domain == "" {
		return "", true
	}
	l := s.Lookup(domain, "MX")
	switch {
	case l == nil || !l.Outcome.Known():
		return domain, false
	case l.Outcome == evidence.OutcomeNXDomain:
		return domain, true
	case l.Exists() && len(l.Answer) == 1:
		if x, err := l.Answer[0].MX(); err == nil && x.Host == "." {
			return domain, true
		}
	}
	return "", true
}

// tlsrptWants is the record, and the MX of the first mail address in it.
func tlsrptWants(s *evidence.Snapshot) []evidence.Question {
	if s.Mail().Status != evidence.MailHas || awaitsProof(s) {
		return nil
	}
	list := []evidence.Question{{Name: tlsrpt.RecordName(s.Domain), Type: "TXT"}}
	if r, code, _ := tlsrptRecord(s); code == nil {
		if d := mailDestination(r); d != "" {
			list = append(list, evidence.Question{Name: d, Type: "MX"})
		}
	}
	return list
}
