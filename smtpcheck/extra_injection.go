package smtpcheck

import (
	"strconv"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	injectionNoHost = &check.Code{Name: "no-starttls", Outcome: check.NotApplicable,
		Text: "There is no mail server with STARTTLS to test."}
	injectionUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "No connection to {host} came as far as STARTTLS."}
	injectionNone = &check.Code{Name: "none", Outcome: check.Pass,
		Text: "{host} sends nothing in the clear between its reply to STARTTLS and the handshake. Whether it carries commands over that a sender sent there was not asked: that breaks the rules of SMTP on purpose, and is tried with --test-injection only."}
	injectionSafe = &check.Code{Name: "discarded", Outcome: check.Pass,
		Text: "{host} sends nothing in the clear between its reply to STARTTLS and the handshake, and does not obey a command that came there ({how})."}
	injectionOpen = &check.Code{Name: "not-found-out", Outcome: check.Inconclusive,
		Text:   "Whether {host} at {addrs} obeys a command that came in the clear behind STARTTLS could not be found out ({how}).",
		Advice: "Scan again later. If the server limits how often it may be connected to, scan with a longer --host-interval."}
	injectionObeyed = &check.Code{Name: "obeys-injected-commands", Outcome: check.Fail, Cites: []check.Citation{check.RFC("3207", "4.2")},
		Text:   "{host} at {addrs} obeys commands that came in the clear behind STARTTLS as if they had come encrypted: it answered one after the handshake. Anybody on the path can put commands of their own before those of the sender, and so get hold of passwords and mail (CVE-2011-0411 and its likes).",
		Advice: "Update the mail server: this was mended in most of them in 2011. If it is up to date, look at what stands before it (a proxy, a spam filter) and takes STARTTLS in its place."}
	injectionSeen = &check.Code{Name: "clear-text-after-starttls", Outcome: check.Fail,
		Text:   "{host} at {addrs} sent text in the clear after its reply to STARTTLS and before the handshake: \"{text}\". A sender that takes it for part of the encrypted dialogue can be deceived by anybody on the path, and something on the path may be what sent it.",
		Advice: "Find out whether the server itself sends it, by a connection from its own network: openssl s_client -starttls smtp -connect {host}:25. Update the mail server; if it is not the server, look for a middlebox on the path."}
)

var startTLSInjection = &check.Check{
	ID: "starttls-injection", Category: check.Extra, Level: check.Required, Scope: check.PerHost,
	Title: "Clear text around STARTTLS",
	Doc: check.Doc{
		What: "Nothing may come in the clear between the reply to STARTTLS and the handshake. With --test-injection a harmless command (NOOP) is sent there too, on a connection of its own: the server must not obey it after the handshake.",
		Why:  "What is inserted there by an attacker is read by careless software as if it had come encrypted (the class of CVE-2011-0411 and of the NO STARTTLS study of 2021).",
		How:  "Use a mail server that throws away what it holds when TLS begins: all that are maintained do.",
	},
	Cites:    []check.Citation{check.RFC("3207", "4.2"), check.RFC("3207", "6")},
	Args:     []string{"host", "addrs", "text", "how"},
	Codes:    []*check.Code{injectionSafe, injectionNone, injectionObeyed, injectionSeen, injectionNoHost, injectionOpen, injectionUnknown},
	Evaluate: evaluateInjection,
}

// evaluateInjection answers by the worst of the host's addresses.
func evaluateInjection(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	f := check.Finding{Code: injectionNoHost, Args: map[string]string{"host": subject.Host}}
	worse := []*check.Code{injectionNoHost, injectionUnknown, injectionSafe, injectionNone, injectionOpen, injectionObeyed, injectionSeen}
	rank := func(code *check.Code) int {
		for i, c := range worse {
			if c == code {
				return i
			}
		}
		panic("smtpcheck: no rank for " + code.Name)
	}
	var addrs []string
	for _, x := range s.SessionsOf(subject.Host) {
		code := injectionCode(x)
		if rank(code) > rank(f.Code) {
			f.Code, f.Evidence, addrs = code, nil, nil
			f.Args["text"], f.Args["how"] = bound(evidence.EscapeText(string(x.Injected))), trialWords(x.Injection)
		}
		if code == f.Code {
			addrs = append(addrs, x.Addr)
			if code.Outcome == check.Fail || x.Injection != nil {
				f.Evidence = append(f.Evidence, pointers(s, x)...)
			}
		}
	}
	f.Args["addrs"] = join(addrs)
	return f
}

func injectionCode(x *evidence.Session) *check.Code {
	switch {
	case len(x.Injected) > 0:
		return injectionSeen
	case x.StartTLS == evidence.StartTLSUnknown:
		return injectionUnknown
	case x.StartTLS != evidence.StartTLSStarted:
		return injectionNoHost
	case x.Injection == nil:
		return injectionNone
	}
	switch x.Injection.Answer {
	case evidence.Accepted:
		return injectionObeyed
	case evidence.Refused:
		return injectionSafe
	}
	return injectionOpen
}

// trialWords say how a trial ended.
func trialWords(x *evidence.Injection) string {
	switch {
	case x == nil:
		return "not tried"
	case x.Failure != nil && x.Failure.Class == evidence.ClassPermanent && x.StartReply != nil:
		return bound("it refused STARTTLS then: " + strconv.Itoa(x.StartReply.Code) + " " + firstLine(x.StartReply))
	case x.Failure != nil:
		short := *x.Failure
		short.Text = bound(short.Text)
		return short.Words()
	case x.Answer == evidence.Refused:
		return "it threw the command away"
	}
	return "its replies do not tell"
}

func firstLine(r *evidence.Reply) string {
	if len(r.Lines) == 0 {
		return ""
	}
	return r.Lines[0]
}
