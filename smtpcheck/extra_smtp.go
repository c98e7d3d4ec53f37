package smtpcheck

import (
	"slices"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// talkers are the sessions of a host in which it answered EHLO, in the order of
// its addresses, the counted one first.
func talkers(s *evidence.Snapshot, host string) []*evidence.Session {
	list, at := contacts(s, host)
	var out []*evidence.Session
	for i, c := range list {
		if c.session == nil || c.session.Hello == nil || c.session.Hello.Code != 250 {
			continue
		}
		if i == at {
			out = slices.Insert(out, 0, c.session)
		} else {
			out = append(out, c.session)
		}
	}
	return out
}

var (
	namesFine = &check.Code{Name: "fine", Outcome: check.Pass,
		Text: "{host} calls itself {name} in greeting and EHLO reply."}
	namesOther = &check.Code{Name: "other-name", Outcome: check.Pass,
		Text: "{host} calls itself {name}. That is a name too, and a server may have several."}
	namesDiffer = &check.Code{Name: "two-names", Outcome: check.Weak,
		Text:   "{host} calls itself {banner} in its greeting and {name} in its EHLO reply.",
		Advice: "Set one name. In Postfix: myhostname = {host} and smtpd_banner = $myhostname ESMTP. In Exim: primary_hostname = {host}."}
	namesNoFQDN = &check.Code{Name: "no-full-name", Outcome: check.Weak, Cites: []check.Citation{check.RFC("5321", "4.1.3")},
		Text:   "{host} calls itself \"{name}\", which is no full host name.",
		Advice: "Set the name of the mail server. In Postfix: myhostname = {host}. In Exim: primary_hostname = {host}."}
	namesUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "What {host} calls itself is not known, for it did not answer EHLO."}
)

var smtpNames = &check.Check{
	ID: "smtp-names", Category: check.Extra, Level: check.Informational, Scope: check.PerHost,
	Title: "Names in greeting and EHLO",
	Doc: check.Doc{
		What: "The name in the greeting of the mail server and in its reply to EHLO should be a full host name, the same in both, best that of the MX record.",
		Why:  "The standard demands it, and a wrong name often betrays that the server was set up in haste, or that something else answers in its place.",
		How:  "Set the server's name. In Postfix: myhostname. In Exim: primary_hostname.",
	},
	Cites:    []check.Citation{check.RFC("5321", "4.1.1.1"), check.RFC("5321", "4.2")},
	Requires: requiresTLS,
	Args:     []string{"host", "name", "banner"},
	Codes:    []*check.Code{namesFine, namesOther, namesDiffer, namesNoFQDN, namesUnknown},
	Evaluate: evaluateNames,
}

func evaluateNames(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	f := check.Finding{Code: namesUnknown, Args: map[string]string{"host": subject.Host}}
	list := talkers(s, subject.Host)
	if len(list) == 0 {
		return f
	}
	x := list[0]
	f.Evidence = pointers(s, x)
	name, banner := firstWord(x.Hello), firstWord(x.Greeting)
	f.Args["name"], f.Args["banner"] = bound(name), bound(banner)
	switch {
	case !fullName(name):
		f.Code = namesNoFQDN
	case fullName(banner) && !strings.EqualFold(name, banner):
		f.Code = namesDiffer
	case strings.EqualFold(name, subject.Host):
		f.Code = namesFine
	default:
		f.Code = namesOther
	}
	return f
}

func firstWord(r *evidence.Reply) string {
	if r == nil || len(r.Lines) == 0 {
		return ""
	}
	word, _, _ := strings.Cut(r.Lines[0], " ")
	return strings.TrimSuffix(word, ".")
}

// fullName reports whether a name is a host name of two labels or more (RFC
// 5321, Section 4.1.2: letters, digits and hyphens), or an address literal.
func fullName(name string) bool {
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		return true
	}
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > 253 {
		return false
	}
	for _, l := range labels {
		good := len(l) > 0 && len(l) <= 63 && l[0] != '-' && l[len(l)-1] != '-'
		for _, c := range strings.ToLower(l) {
			good = good && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
		}
		if !good {
			return false
		}
	}
	return true
}

var (
	extensionsListed = &check.Code{Name: "announced", Outcome: check.Pass,
		Text: "{host} announces {announced}; of REQUIRETLS, SMTPUTF8, PIPELINING and SIZE it lacks {lacking}."}
	extensionsUnknown = &check.Code{Name: "unknown", Outcome: check.Inconclusive,
		Text: "What {host} announces is not known, for it did not answer EHLO."}
	extensionsRequireTLS = &check.Code{Name: "requiretls-in-clear", Outcome: check.Weak, Cites: []check.Citation{check.RFC("8689", "4.2.1")},
		Text:   "{host} announces REQUIRETLS before STARTTLS. It must do so after the handshake only.",
		Advice: "Announce REQUIRETLS in the EHLO reply after STARTTLS alone."}
)

var smtpExtensions = &check.Check{
	ID: "smtp-extensions", Category: check.Extra, Level: check.Informational, Scope: check.PerHost,
	Title: "SMTP extensions",
	Doc: check.Doc{
		What: "Which extensions of SMTP the server announces after the handshake, in particular REQUIRETLS (refuse to pass mail on without TLS), SMTPUTF8 (addresses in all scripts), PIPELINING and SIZE.",
		Why:  "None is needed, but senders can only use what is announced.",
		How:  "Modern servers announce PIPELINING, SIZE and SMTPUTF8 by themselves. In Postfix: smtputf8_enable = yes.",
	},
	Cites:    []check.Citation{check.RFC("8689", ""), check.RFC("6531", ""), check.RFC("2920", ""), check.RFC("1870", "")},
	Requires: requiresTLS,
	Args:     []string{"host", "announced", "lacking"},
	Codes:    []*check.Code{extensionsListed, extensionsRequireTLS, extensionsUnknown},
	Evaluate: evaluateExtensions,
}

func evaluateExtensions(s *evidence.Snapshot, subject evidence.Subject) check.Finding {
	f := check.Finding{Code: extensionsUnknown, Args: map[string]string{"host": subject.Host}}
	for _, x := range talkers(s, subject.Host) {
		lines := x.ExtensionsTLS
		if x.HelloTLS == nil {
			lines = x.Extensions
		}
		var announced, lacking []string
		for _, line := range lines {
			announced = append(announced, bound(line))
		}
		for _, want := range []string{"REQUIRETLS", "SMTPUTF8", "PIPELINING", "SIZE"} {
			if !announces(lines, want) {
				lacking = append(lacking, want)
			}
		}
		if announced == nil {
			announced = []string{"nothing"}
		}
		if lacking == nil {
			lacking = []string{"none"}
		}
		f.Code, f.Args["announced"], f.Args["lacking"] = extensionsListed, join(announced), join(lacking)
		f.Evidence = pointers(s, x)
		if announces(x.Extensions, "REQUIRETLS") {
			f.Code = extensionsRequireTLS
			return f
		}
	}
	return f
}

func announces(lines []string, keyword string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		word, _, _ := strings.Cut(line, " ")
		return strings.EqualFold(word, keyword)
	})
}
