package evidence

import "strconv"

// What follows says for people what the enumerations say for programs. Nothing
// may be parsed out of it.

// errorNames are the purposes in IANA's registry of extended DNS error codes,
// which RFC 8914, Section 5.2, set up: the index is the code.
var errorNames = [...]string{
	"Other Error", "Unsupported DNSKEY Algorithm", "Unsupported DS Digest Type", "Stale Answer", "Forged Answer",
	"DNSSEC Indeterminate", "DNSSEC Bogus", "Signature Expired", "Signature Not Yet Valid", "DNSKEY Missing",
	"RRSIGs Missing", "No Zone Key Bit Set", "NSEC Missing", "Cached Error", "Not Ready",
	"Blocked", "Censored", "Filtered", "Prohibited", "Stale NXDOMAIN Answer",
	"Not Authoritative", "Not Supported", "No Reachable Authority", "Network Error", "Invalid Data",
	"Signature Expired before Valid", "Too Early", "Unsupported NSEC3 Iterations Value", "Unable to conform to policy", "Synthesized",
	"Invalid Query Type",
}

// Name is IANA's name for the code, "No Reachable Authority" for 22; empty for
// a code that had none when this was written.
func (e EDE) Name() string {
	if int(e.Code) >= len(errorNames) {
		return ""
	}
	return errorNames[e.Code]
}

// Words says what became of the question, without its name and type: "SERVFAIL,
// extended error 22 (No Reachable Authority)".
func (l *Lookup) Words() string {
	if l == nil {
		return "not asked"
	}
	s := outcomeWords.text(uint8(l.Outcome))
	if l.Outcome == OutcomeRCode && l.RCode != "" {
		s = "the answer was " + l.RCode
	}
	if len(l.EDE) > 0 {
		s += ", extended error " + strconv.Itoa(int(l.EDE[0].Code))
		if name := l.EDE[0].Name(); name != "" {
			s += " (" + name + ")"
		}
	}
	return s
}

// Words says what went wrong: "greeting: no answer in time (...)". The detail
// in the brackets is [Failure.Text], and may hold hostile octets.
func (f *Failure) Words() string {
	if f == nil {
		return "no failure"
	}
	s := f.Op.Lead() + f.Class.Words()
	if f.Text != "" {
		s += " (" + f.Text + ")"
	}
	return s
}

// Lead names the step for the words that follow, "greeting: "; empty where
// there was none.
func (o Op) Lead() string {
	if s := opWords.text(uint8(o)); s != "" {
		return s + ": "
	}
	return ""
}

// Words says what kind of failure it was.
func (c Class) Words() string { return classWords.text(uint8(c)) }

var (
	outcomeWords = texts{"nothing is known", "there are records", "there are no such records", "the name does not exist",
		"SERVFAIL", "REFUSED", "an answer of another code", "no answer in time", "no answer that can be read",
		"no resolver could be reached", "not a name that can be asked for", "the aliases form a loop or are too many"}
	opWords = texts{"", "", "connecting", "DNS question", "greeting", "EHLO", "STARTTLS", "TLS handshake",
		"EHLO after the handshake", "QUIT", "HTTPS request"}
	classWords = texts{"failed", "no answer in time", "refused", "the connection was reset", "the connection was closed",
		"no route there", "this machine has no such address", "not to be connected to", "put off", "refused for good",
		"not what the protocol allows", "more was sent than is read", "ended by a TLS alert", "TLS failed",
		"given up", "stopped", "cannot be scanned"}
)
