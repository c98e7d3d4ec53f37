package smtpcheck

import (
	"bytes"
	"fmt"
	"time"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/certificate"
)

var (
	expiryFine = &check.Code{Name: "fine", Outcome: check.Pass,
		Text: "The certificate of {host} is valid until {date}, for another {left}."}
	expirySoon = &check.Code{Name: "soon", Outcome: check.Weak,
		Text:   "The certificate of {host} at {addrs} expires on {date}, in {left}. Of its {whole} that is less than should be left.",
		Advice: "See whether automatic renewal works, and whether the mail server loads the new certificate. With certbot: certbot renew --dry-run, and --deploy-hook \"systemctl reload postfix\"."}
	expiryOver = &check.Code{Name: "over", Outcome: check.Fail,
		Text:   "The certificate of {host} at {addrs} expired on {date}.",
		Advice: "Renew the certificate now, and see to it that renewal happens by itself."}
	expiryLong = &check.Code{Name: "long-lived", Outcome: check.Pass,
		Text: "The certificate of {host} is valid until {date}, for {whole} in all: longer than public authorities issue any."}
	expiryUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "Until when the certificate of {host} at {addrs} is valid could not be read."}
)

// certExpiry: a certificate is renewed in good time when a third of its life is
// left (the usual advice of ACME authorities), and those of a year or two some
// weeks before; 14 days is where this becomes late. Where a third of the life is
// shorter than that, it is the limit.
var certExpiry = &check.Check{
	ID: "cert-expiry", Category: check.Extra, Level: check.Recommended, Scope: check.PerHost,
	Title: "Expiry of the certificate",
	Doc: check.Doc{
		What: "The certificate of the mail server must not be about to expire: 14 days must be left, or a third of its life where that is shorter.",
		Why:  "Renewal that has not happened by then has usually failed, and after the expiry senders that check certificates hold their mail back.",
		How:  "Renew automatically when a third of the certificate's life is left, and make the mail server load the new one.",
	},
	Cites:    []check.Citation{check.RFC("5280", "4.1.2.5"), check.RFC("8555", "7.4")},
	Requires: requiresTLS,
	Args:     append([]string{"date", "left", "whole"}, certArgs...),
	Codes:    []*check.Code{expiryFine, expirySoon, expiryOver, expiryLong, expiryUnknown},
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		return judgeWorst(s, subject.Host, func(x *served) answer { return judgeExpiry(s, x) })
	},
}

const lateRenewal = 14 * 24 * time.Hour

func judgeExpiry(s *evidence.Snapshot, x *served) answer {
	leaf := x.leaf()
	if leaf == nil || leaf.NotAfter.IsZero() || leaf.NotBefore.IsZero() {
		return answer{code: expiryUnknown}
	}
	whole, left := leaf.NotAfter.Sub(leaf.NotBefore), leaf.NotAfter.Sub(s.Time)
	a := answer{code: expiryFine, args: map[string]string{
		"date": leaf.NotAfter.UTC().Format(time.DateOnly), "left": days(left), "whole": days(whole)}}
	switch {
	case left < 0:
		a.code = expiryOver
	case left < min(lateRenewal, whole/3):
		a.code = expirySoon
	case whole > 400*24*time.Hour:
		a.code = expiryLong
	}
	return a
}

// days writes a time in days.
func days(d time.Duration) string {
	switch n := int(d / (24 * time.Hour)); {
	case n == 1:
		return "one day"
	case n > 0:
		return fmt.Sprintf("%d days", n)
	}
	return "less than a day"
}

// judgeWorst judges every chain of a host and answers by the worst.
func judgeWorst(s *evidence.Snapshot, host string, judge func(*served) answer) check.Finding {
	chains := servedBy(s, host)
	if len(chains) == 0 { // not after starttls-exists has passed
		chains = []*served{{host: host, addrs: []string{"no address"}}}
	}
	worst, where := judge(chains[0]), chains[0]
	for _, x := range chains[1:] {
		if a := judge(x); severity(a.code) > severity(worst.code) {
			worst, where = a, x
		}
	}
	f := check.Finding{Code: worst.code, Args: map[string]string{"host": host, "addrs": join(where.addrs)}, Evidence: pointers(s, where.at...)}
	for k, v := range worst.args {
		f.Args[k] = v
	}
	return f
}

var (
	chainWhole = &check.Code{Name: "whole", Outcome: check.Pass,
		Text: "{host} sends its certificates whole and in order: {count}."}
	chainSelf = &check.Code{Name: "self-signed", Outcome: check.NotApplicable,
		Text: "{host} sends one certificate that is signed by itself, so that there is no chain."}
	chainRoot = &check.Code{Name: "root-sent", Outcome: check.Pass,
		Text: "{host} sends the root certificate at {addrs}, too. That does no harm, and is needed for a TLSA record of usage 2 about the root; otherwise it can be left out."}
	chainMissing = &check.Code{Name: "intermediate-missing", Outcome: check.Weak,
		Text:   "{host} at {addrs} does not send the certificate of {issuer}, which issued the one sent last. Senders that do not know it cannot verify the chain.",
		Advice: "Append the authority's intermediate certificates to the file of your own: with Let's Encrypt use fullchain.pem. In Postfix: smtpd_tls_chain_files = /etc/ssl/private/key.pem, /etc/ssl/fullchain.pem."}
	chainOrder = &check.Code{Name: "wrong-order", Outcome: check.Weak,
		Text:   "{host} at {addrs} sends its certificates in the wrong order: each must be followed by that of its issuer.",
		Advice: "Put your own certificate first, then that of its issuer, and so on up to, but without, the root."}
	chainExtra = &check.Code{Name: "extra", Outcome: check.Weak,
		Text:   "{host} at {addrs} sends certificates that do not belong to the chain: {extra}.",
		Advice: "Take these certificates out of the file of smtpd_tls_chain_files (Postfix) or tls_certificate (Exim)."}
	chainUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "The certificates that {host} sends at {addrs} could not be read."}
)

var certChain = &check.Check{
	ID: "cert-chain", Category: check.Extra, Level: check.Recommended, Scope: check.PerHost,
	Title: "Order and completeness of the chain",
	Doc: check.Doc{
		What: "The server should send its own certificate and after it, in order, those of the intermediate authorities, without gaps and without others.",
		Why:  "TLS 1.2 demands the order, and a gap can only be filled by senders that happen to know the missing certificate. With a TLSA record of usage 2 a gap breaks delivery.",
		How:  "Install the whole chain that the authority gives, for instance fullchain.pem.",
	},
	Cites:    []check.Citation{check.RFC("5246", "7.4.2"), check.RFC("8446", "4.4.2"), check.RFC("7671", "5.2")},
	Requires: requiresTLS,
	Args:     append([]string{"count", "issuer", "extra"}, certArgs...),
	Codes:    []*check.Code{chainWhole, chainSelf, chainRoot, chainMissing, chainOrder, chainExtra, chainUnknown},
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		return judgeWorst(s, subject.Host, judgeChain)
	},
}

// judgeChain follows the issuers by name.
func judgeChain(x *served) answer {
	if x.chain == nil || !x.readable() || len(x.ders) == 0 {
		return answer{code: chainUnknown}
	}
	certs := make([]*certificate.Certificate, len(x.ders))
	for i := range certs {
		certs[i] = x.cert(i)
	}
	used := make([]bool, len(certs))
	used[0] = true
	last, inOrder := 0, true
	for steps := 0; steps < len(certs) && !certs[last].SelfIssued(); steps++ {
		next := -1
		for j := range certs {
			if !used[j] && bytes.Equal(certs[last].Issuer, certs[j].Subject) {
				next = j
				break
			}
		}
		if next < 0 {
			break
		}
		inOrder = inOrder && next == last+1
		used[next], last = true, next
	}
	var extra []string
	for i, c := range certs {
		if !used[i] {
			extra = append(extra, nameOf(c))
		}
	}
	end := certs[last]
	a := answer{code: chainWhole, args: map[string]string{"count": fmt.Sprint(len(certs)), "issuer": end.IssuerName, "extra": join(extra)}}
	switch {
	case len(certs) == 1 && end.SelfIssued():
		a.code = chainSelf
	case !end.SelfIssued() && last == 0 && x.chain.Trust != evidence.Trusted:
		a.code = chainMissing
	case !inOrder:
		a.code = chainOrder
	case len(extra) > 0:
		a.code = chainExtra
	case end.SelfIssued():
		a.code = chainRoot
	}
	return a
}

func nameOf(c *certificate.Certificate) string {
	if c.CommonName == "" {
		return "one without a common name"
	}
	return c.CommonName
}

var (
	sctFound = &check.Code{Name: "found", Outcome: check.Pass,
		Text: "The certificate of {host} holds {count} timestamps of Certificate Transparency logs."}
	sctNone = &check.Code{Name: "none", Outcome: check.Pass,
		Text:   "The certificate of {host} at {addrs} holds no timestamps of Certificate Transparency logs. Mail servers do not ask for them, but public authorities put them into all certificates: this one comes from another kind of authority.",
		Advice: "For mail nothing needs to be done. A certificate of a public authority, such as Let's Encrypt, holds them."}
	sctPrivate = &check.Code{Name: "not-public", Outcome: check.NotApplicable,
		Text: "The certificate of {host} comes from no public authority, so that it stands in no log."}
	sctUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "The certificate of {host} at {addrs} could not be read."}
)

var certTransparency = &check.Check{
	ID: "cert-transparency", Category: check.Extra, Level: check.Informational, Scope: check.PerHost,
	Title: "Certificate Transparency",
	Doc: check.Doc{
		What: "Public authorities enter certificates in open logs, and put the logs' signed timestamps into them. Their presence is reported; their signatures are not verified.",
		Why:  "In the logs the owner of a name can see which certificates were issued for it.",
		How:  "Nothing needs to be done: the authority sees to it. Watch the logs for your names.",
	},
	Cites:    []check.Citation{check.RFC("6962", "3.3")},
	Requires: requiresTLS,
	Args:     append([]string{"count"}, certArgs...),
	Codes:    []*check.Code{sctFound, sctNone, sctPrivate, sctUnknown},
	Evaluate: func(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
		return judgeWorst(s, subject.Host, func(x *served) answer {
			switch leaf := x.leaf(); {
			case leaf == nil:
				return answer{code: sctUnknown}
			case leaf.SCTs > 0:
				return answer{code: sctFound, args: map[string]string{"count": fmt.Sprint(leaf.SCTs)}}
			case x.chain.Trust != evidence.Trusted:
				return answer{code: sctPrivate}
			}
			return answer{code: sctNone}
		})
	},
}
