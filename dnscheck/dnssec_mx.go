package dnscheck

import (
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	dnssecMXNoMail     = newNoMail("no-mailservers")
	dnssecMXExistCodes = existCodes()
	dnssecMXValidCodes = validCodes("not-tested/none")

	dnssecMXExists = &check.Check{
		ID: "dnssec-mx-exists", API: "mail_dnssec_mx_exist",
		Category: check.DNSSEC, Level: check.Required, Scope: check.PerHost,
		Title: "DNSSEC for the mail servers",
		Doc: check.Doc{
			What: "Whether the name of each mail server is signed with DNSSEC, by the answer for its SOA record.",
			Why:  "The mail server's name often lies in another domain than the mail address, that of a mail provider. If that one is not signed, its addresses can be forged and DANE cannot work, however well the domain itself is signed.",
			How:  "Ask the mail provider to sign the domain in which its mail servers are named, or to give you server names in a signed one. " + adviceSign,
		},
		Cites:    []check.Citation{check.RFC("7672", "2.2.1"), check.RFC("9364", "1.2"), check.InternetNL("mail_dnssec_mx_exist")},
		Args:     dnssecArgs,
		Codes:    slices.Concat(dnssecMXExistCodes.codes(), dnssecMXNoMail.codes()),
		Evaluate: evaluateDNSSECMXExists,
	}

	mxValidNoMail = &check.Code{Name: "no-mail-servers", Outcome: check.NotApplicable, Verdict: "not-tested/none",
		Text: "{domain} has no mail servers that could be tested, so there are no signatures of theirs to validate."}
	mxValidUnknown = &check.Code{Name: "mx-unknown", Outcome: check.Inconclusive, Verdict: "not-tested/none",
		Text: "Which mail servers {domain} has could not be found out ({failed}). Internet.nl counts a failed MX lookup as having no mail servers."}
	mxValidNotAsked = &check.Code{Name: "mx-not-looked-up", Outcome: check.Inconclusive,
		Text: "The MX records of {domain} were not looked up: no resolver could be reached, or the scan ended before."}

	dnssecMXValid = &check.Check{
		ID: "dnssec-mx-valid", API: "mail_dnssec_mx_valid",
		Category: check.DNSSEC, Level: check.Required, Scope: check.PerHost,
		Title: "DNSSEC validity for the mail servers",
		Doc: check.Doc{
			What: "Whether the signatures that lead from the root to the answer for each mail server's name are valid now. The category's points are the lowest among the domain and its mail servers.",
			Why:  "Validating senders do not find a mail server whose signatures are broken; mail waits in their queues and is returned at last.",
			How:  "Let the DNS software renew signatures by itself, and watch the domain of the mail servers as you watch your own. If it is a provider's, tell them.",
		},
		Cites:    []check.Citation{check.RFC("4035", "5"), check.RFC("7672", "2.2.1"), check.InternetNL("mail_dnssec_mx_valid")},
		Args:     dnssecArgs,
		Codes:    append(dnssecMXValidCodes.codes(), mxValidNoMail, mxValidUnknown, mxValidNotAsked),
		Evaluate: evaluateDNSSECMXValid,
	}
)

func evaluateDNSSECMXExists(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	if subject.Host == "" {
		return dnssecMXNoMail.finding(s, s.Mail())
	}
	return dnssecMXExistCodes.finding(s, subject.Host)
}

func evaluateDNSSECMXValid(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	if subject.Host != "" {
		return dnssecMXValidCodes.finding(s, subject.Host)
	}
	mx := s.Lookup(s.Domain, "MX")
	f := check.Finding{Code: mxValidNoMail, Args: map[string]string{"domain": s.Domain, "failed": whatFailed(mx)}, Evidence: pointers(s, mx)}
	if s.Mail().Status == evidence.MailUnknown {
		f.Code = mxValidUnknown
		if ownFault(mx) {
			f.Code = mxValidNotAsked
		}
	}
	return f
}
