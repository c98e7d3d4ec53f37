package resolver

import (
	"slices"
	"strconv"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// blame is whose doing a failure is, as an extended error tells it. It never
// makes a verdict by itself where we validate: it is a resolver's opinion, and
// says where to look.
type blame uint8

const (
	blameNobody   blame = iota // the code tells nothing about that, or is not known
	blameData                  // a validator found the data bogus: with TrustAD that is the verdict
	blamePolicy                // the resolver filters: what it answers is not what the name has
	blameResolver              // the resolver's own state or settings
	blameServers               // the zone's name servers, or the way to them
	blameLimits                // signed in a way that the resolver does not support
	blameAge                   // the answer is an old one; its signatures show whether it still holds
)

// extendedErrors are the codes that IANA has registered (RFC 8914, Section 5.2
// and later), by number.
var extendedErrors = []struct {
	name  string
	blame blame
}{
	0:  {"Other Error", blameNobody},
	1:  {"Unsupported DNSKEY Algorithm", blameLimits},
	2:  {"Unsupported DS Digest Type", blameLimits},
	3:  {"Stale Answer", blameAge},
	4:  {"Forged Answer", blamePolicy},
	5:  {"DNSSEC Indeterminate", blameNobody},
	6:  {"DNSSEC Bogus", blameData},
	7:  {"Signature Expired", blameData},
	8:  {"Signature Not Yet Valid", blameData},
	9:  {"DNSKEY Missing", blameData},
	10: {"RRSIGs Missing", blameData},
	11: {"No Zone Key Bit Set", blameData},
	12: {"NSEC Missing", blameData},
	13: {"Cached Error", blameNobody}, // of whatever cause
	14: {"Not Ready", blameResolver},
	15: {"Blocked", blamePolicy},
	16: {"Censored", blamePolicy},
	17: {"Filtered", blamePolicy},
	18: {"Prohibited", blameResolver}, // this client may not ask
	19: {"Stale NXDOMAIN Answer", blameAge},
	20: {"Not Authoritative", blameResolver},
	21: {"Not Supported", blameResolver},
	22: {"No Reachable Authority", blameServers},
	23: {"Network Error", blameServers},
	24: {"Invalid Data", blameServers},
	25: {"Signature Expired before Valid", blameData},
	26: {"Too Early", blameResolver},
	27: {"Unsupported NSEC3 Iterations Value", blameLimits},
	28: {"Unable to conform to policy", blameResolver},
	29: {"Synthesized", blameNobody},
	30: {"Invalid Query Type", blameNobody},
}

// says words the blame, between "the resolver" and the code's name.
var says = [...]string{
	blameNobody:   "says",
	blameData:     "found",
	blamePolicy:   "filters this name",
	blameResolver: "cannot answer now, or not to us",
	blameServers:  "gets no good answer from the zone's name servers",
	blameLimits:   "cannot validate the zone",
	blameAge:      "has an old answer only",
}

// edeName is the registered name of a code.
func edeName(code uint16) string {
	if int(code) < len(extendedErrors) {
		return extendedErrors[code].name
	}
	return "extended error " + strconv.Itoa(int(code))
}

func edeBlame(code uint16) blame {
	if int(code) < len(extendedErrors) {
		return extendedErrors[code].blame
	}
	return blameNobody
}

// blamed finds the first extended error with the blame.
func blamed(list []evidence.EDE, b blame) (name string, ok bool) {
	i := slices.IndexFunc(list, func(e evidence.EDE) bool { return edeBlame(e.Code) == b })
	if i < 0 {
		return "", false
	}
	return edeName(list[i].Code), true
}

// told words the first extended error, empty if there is none.
func told(list []evidence.EDE) string {
	if len(list) == 0 {
		return ""
	}
	return "the resolver " + says[edeBlame(list[0].Code)] + ": " + edeName(list[0].Code)
}

// filtered reports whether the resolver says that the answer is its own
// invention: its NXDOMAIN or address says nothing about the name (RFC 8914,
// Sections 4.5 and 4.16 to 4.18).
func filtered(m *dns.Msg) bool {
	if m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		return false
	}
	opt := m.IsEdns0()
	return opt != nil && slices.ContainsFunc(opt.Option, func(o dns.EDNS0) bool {
		e, ok := o.(*dns.EDNS0_EDE)
		return ok && edeBlame(e.InfoCode) == blamePolicy
	})
}

// appendEDE adds the message's extended errors, each once.
func appendEDE(list []evidence.EDE, m *dns.Msg) []evidence.EDE {
	opt := m.IsEdns0()
	if opt == nil {
		return list
	}
	for _, o := range opt.Option {
		e, ok := o.(*dns.EDNS0_EDE)
		if !ok {
			continue
		}
		ede := evidence.EDE{Code: e.InfoCode, Text: text(e.ExtraText, maxEDEText)}
		if len(list) < maxEDE && !slices.Contains(list, ede) {
			list = append(list, ede)
		}
	}
	return list
}
