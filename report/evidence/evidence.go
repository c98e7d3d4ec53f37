// Package evidence is what a scan saw: the questions it asked, the answers it
// got, when, and from where. It holds no judgement. Observers (the resolver,
// the SMTP prober) write it, checks read it, and because it is stored whole it
// can be judged again later, offline, under other rules.
//
// Conventions that hold everywhere in the package:
//
//   - Names are lower-case A-labels without the final dot; the root is ".".
//     Only [RR.Data], which is DNS presentation format (RFC 1035, Section 5),
//     keeps absolute names with their dot.
//   - Absent, unknown and not asked are three things. A nil *[Lookup] was not
//     asked, one whose outcome is NODATA or NXDOMAIN shows absence, anything
//     else that is not an answer is unknown.
//   - The zero value of every enumeration is "unknown".
//   - Whatever the network did wrong is data: a [Failure] with the operation
//     and the class kept apart.
//   - Everything is bounded by the observer that wrote it; readers need not
//     trust it all the same, for it may come from a file.
//
// A Snapshot is not safe for concurrent change; once canonical it is only read.
package evidence

import "time"

// Schema names the version of the stored form. Within a version fields are
// only added, never changed.
const Schema = "mailvet.evidence/v1"

// Snapshot is everything one scan of one domain saw.
type Snapshot struct {
	Schema       string        `json:"schema"`
	Tool         Tool          `json:"tool"`
	Domain       string        `json:"domain"`            // as scanned: lower-case A-labels
	Address      string        `json:"address,omitempty"` // the mail address that was given in its place: its local part as written
	Time         time.Time     `json:"time"`              // when the scan began; the clock of every check
	Vantage      Vantage       `json:"vantage"`
	Lookups      []Lookup      `json:"lookups"`
	Reaches      []Reach       `json:"reaches,omitempty"`
	Sessions     []Session     `json:"sessions,omitempty"`
	Chains       []Chain       `json:"chains,omitempty"`
	Certificates []Certificate `json:"certificates,omitempty"`
	Fetches      []Fetch       `json:"fetches,omitempty"`
	Routings     []Routing     `json:"routings,omitempty"`
	Systems      []System      `json:"systems,omitempty"`
	Cost         Cost          `json:"cost"`
	// Error is set when the domain could not be scanned at all; everything
	// above but Domain, Time and Vantage may then be empty.
	Error *Failure `json:"error,omitempty"`

	missed *[]Question // see Watched
	once   map[any]any // see Frozen
	memo   *Memo       // see Share
}

// Tool says which program wrote the evidence.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Cost counts what the scan asked of others.
type Cost struct {
	DNSQueries      int `json:"dns_queries"`      // questions sent to resolvers and name servers, retries included
	SMTPConnections int `json:"smtp_connections"` // connections opened to MX addresses for this domain
	// HTTPSConnections counts those to web servers.
	HTTPSConnections int   `json:"https_connections,omitempty"`
	Milliseconds     int64 `json:"milliseconds"`
}

// Vantage says what the scanner itself had and was told, because else its own
// faults look like the domain's.
type Vantage struct {
	IPv4         Availability `json:"ipv4"`
	IPv6         Availability `json:"ipv6"`
	Resolvers    []string     `json:"resolvers,omitempty"`
	DNSSEC       Validation   `json:"dnssec"` // who validates
	Anchors      []string     `json:"anchors,omitempty"`
	OwnAnchors   bool         `json:"own_anchors,omitempty"`   // which the user named
	StripsDNSSEC bool         `json:"strips_dnssec,omitempty"` // the resolver was seen to strip DNSSEC records
	Helo         string       `json:"helo,omitempty"`
	Roots        string       `json:"roots,omitempty"` // where the trusted roots came from
	SMTPPort     int          `json:"smtp_port,omitempty"`
	NoSMTP       bool         `json:"no_smtp,omitempty"`
	NoHTTP       bool         `json:"no_http,omitempty"`  // nothing was fetched by HTTPS
	NoExtra      bool         `json:"no_extra,omitempty"` // nothing was asked beyond what Internet.nl's test needs
	NoIPv6       bool         `json:"no_ipv6,omitempty"`
	AllowPrivate bool         `json:"allow_private,omitempty"`
	// TestInjection: the trial of [Injection] was to be made.
	TestInjection bool `json:"test_injection,omitempty"`
	// RPKI is Available where a source of VRPs was given, whatever became of
	// it. Else nothing was asked for RPKI.
	RPKI   Availability `json:"rpki,omitempty"`
	VRPs   []string     `json:"vrps,omitempty"`   // where they came from
	Routes []string     `json:"routes,omitempty"` // where the routes came from
	// Origins says that routes, and who announces them, were to be looked up
	// even without VRPs by which they could be judged.
	Origins bool `json:"origins,omitempty"`
	// Selectors are the DKIM selectors that the user asked for besides the
	// usual ones: selectors, whole names of keys, or "all" for every one known.
	Selectors []string `json:"selectors,omitempty"`
}

// Reach is one attempt, retries included, to get any answer from a name
// server's address (UDP, TCP where truncated). For MX addresses the
// [Session] says the same.
type Reach struct {
	Host    string    `json:"host"` // the name server's name
	Addr    string    `json:"addr"`
	Outcome Reachable `json:"outcome"`
	Tries   int       `json:"tries"`
	Failure *Failure  `json:"failure,omitempty"`
	// RCode is the response code of the answer ("NOERROR", "REFUSED"); empty
	// where there was none, or none that could be read. Authoritative is its AA
	// bit (RFC 1035, Section 4.1.1).
	RCode         string `json:"rcode,omitempty"`
	Authoritative bool   `json:"authoritative,omitempty"`
}

// Question is a DNS question that a family of checks wants asked.
type Question struct {
	Name string // see the package's conventions
	Type string // mnemonic, upper case
}

// Subject is what a finding is about: the domain (both empty), a host, or one
// address of a host.
type Subject struct {
	Host string `json:"host"`
	Addr string `json:"addr"`
}

// Failure says what the network, or the other side, did wrong. Op and Class
// are kept apart, so that a refused connection is never a time-out.
type Failure struct {
	Op    Op     `json:"op"`
	Class Class  `json:"class"`
	Text  string `json:"text,omitempty"` // detail for people; never parsed, may hold hostile octets
}

func (f *Failure) Error() string {
	if f == nil {
		return "no failure"
	}
	s := f.Op.String() + ": " + f.Class.String()
	if f.Text != "" {
		s += " (" + f.Text + ")"
	}
	return s
}

// Temporary reports whether trying again later may well give another result.
func (f *Failure) Temporary() bool {
	if f == nil {
		return false
	}
	switch f.Class {
	case ClassTimeout, ClassReset, ClassClosed, ClassTemporary, ClassBudget, ClassCancelled, ClassUnknown:
		return true
	}
	return false
}
