package smtpcheck

import (
	"strings"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/dane"
)

// words is what became of a contact, for the texts.
func (c contact) words() string {
	x := c.session
	switch {
	case x == nil:
		return "no connection was made"
	case c.code == starttlsGood:
		return "STARTTLS"
	case x.StartTLS == evidence.StartTLSNotOffered:
		return "no STARTTLS in the reply to " + strings.TrimSpace(x.Verb+" ")
	}
	f := x.Failure
	if x.Handshake != nil && x.Handshake.Failure != nil {
		f = x.Handshake.Failure
	}
	if f == nil {
		return "it ended early, and no reason is recorded"
	}
	if r := lastReply(x); r != "" && (f.Class == evidence.ClassTemporary || f.Class == evidence.ClassPermanent) {
		return f.Op.Lead() + r
	}
	short := *f
	short.Text = bound(f.Text)
	return short.Words()
}

// statusWords says of a TLSA record what its status means.
var statusWords = map[dane.Status]string{
	dane.NotTried:        "there is no certificate to compare it with",
	dane.UsagePKIX:       "a usage that mail does not use",
	dane.UnknownUsage:    "an unknown usage",
	dane.UnknownSelector: "an unknown selector",
	dane.UnknownMatching: "an unknown matching type",
	dane.BadData:         "data that cannot be right",
	dane.Superseded:      "left out for one with a stronger hash beside it",
	dane.NoMatch:         "matches nothing that is served",
	dane.Unreadable:      "the server's certificate cannot be verified",
	dane.NoPath:          "the signatures do not lead to it",
	dane.OutsideValidity: "a certificate is expired or not yet valid",
	dane.WrongName:       "the certificate is for other names",
	dane.Matched:         "matches",
}

// recordWords is a TLSA record with what it says of a chain.
func recordWords(r dane.Record) string {
	return r.TLSA.String() + ": " + statusWords[r.Status]
}
