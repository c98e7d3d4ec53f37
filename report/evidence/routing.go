package evidence

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Routing is what is known of the routes to one address and of who may
// announce them. VRPs are validated ROA payloads (RFC 6811, Section 2).
type Routing struct {
	Addr string `json:"addr"`
	// Network is the /24, of IPv6 the /48, around Addr. Internet.nl looks at
	// routes to all of it; what is more specific it does not see.
	Network     string `json:"network"`
	RouteSource Source `json:"route_source"`
	VRPSource   Source `json:"vrp_source"` // for the family of Addr
	// RouteTime and VRPTime are when the oldest of the sources was made; zero
	// where none tells, as the DNS does not.
	RouteTime time.Time `json:"route_time,omitzero"`
	VRPTime   time.Time `json:"vrp_time,omitzero"`
	// Routes are those to Addr, the most specific first. Where RouteSource is
	// usable, none means that the address is not routed.
	Routes []Route `json:"routes,omitempty"`
	// VRPs are those whose prefix holds Addr, whatever is announced.
	VRPs    []VRP    `json:"vrps,omitempty"`
	Failure *Failure `json:"failure,omitempty"` // of the question for routes
}

// Route is a prefix as announced, with what the VRPs say of its origin.
type Route struct {
	Prefix string      `json:"prefix"`
	Origin uint32      `json:"origin"` // the AS number; 0 where the path ends in an AS_SET
	State  RouteState  `json:"state"`
	Reason RouteReason `json:"reason,omitempty"`
	VRPs   []VRP       `json:"vrps,omitempty"` // those that decided; none where not found
	// How the prefix is registered, where the source tells: the country as two
	// capital letters, and the registry ("ripencc"). Neither says where a
	// machine stands.
	Country  string `json:"country,omitempty"`
	Registry string `json:"registry,omitempty"`
}

// System is an autonomous system, as a registry tells of it. Name, Country and
// Registry are empty where that is not known; Failure then says why. Name is
// printable and bounded, but written by strangers.
type System struct {
	ASN      uint32   `json:"asn"`
	Name     string   `json:"name,omitempty"`
	Country  string   `json:"country,omitempty"`
	Registry string   `json:"registry,omitempty"`
	Failure  *Failure `json:"failure,omitempty"`
}

// VRP says that the AS may announce the prefix, and what is in it up to the length.
type VRP struct {
	Prefix    string `json:"prefix"`
	MaxLength int    `json:"max_length"`
	ASN       uint32 `json:"asn"`
}

// Source says whether what a source tells can be relied on, and if not, why.
type Source uint8

const (
	SourceUnknown     Source = iota // none was given, or it was not asked
	SourceUsable                    // the only one to judge by
	SourceUnavailable               // it could not be had or read
	SourceStale                     // it is too old
	SourceAhead                     // it is dated in the future
	SourceEmpty                     // it holds nothing, at least not of the address family
)

var sources = texts{"unknown", "usable", "unavailable", "stale", "ahead", "empty"}

func (s Source) String() string               { return sources.text(uint8(s)) }
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (s *Source) UnmarshalText(b []byte) error {
	v, err := sources.parse("source condition", b)
	*s = Source(v)
	return err
}

// RouteState is the validation state of a route (RFC 6811, Section 2).
type RouteState uint8

const (
	RouteUnknown  RouteState = iota // not judged, for want of VRPs
	RouteNotFound                   // no VRP covers it
	RouteInvalid                    // VRPs cover it, none matches
	RouteValid                      // a VRP matches
)

var routeStates = texts{"unknown", "not-found", "invalid", "valid"}

func (r RouteState) String() string               { return routeStates.text(uint8(r)) }
func (r RouteState) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (r *RouteState) UnmarshalText(b []byte) error {
	v, err := routeStates.parse("route state", b)
	*r = RouteState(v)
	return err
}

// RouteReason says why a route is invalid.
type RouteReason uint8

const (
	ReasonUnknown RouteReason = iota // not told, or it is not invalid
	ReasonAS                         // its length is allowed, for another AS
	ReasonLength                     // it is longer than allowed
)

var routeReasons = texts{"unknown", "as", "length"}

func (r RouteReason) String() string               { return routeReasons.text(uint8(r)) }
func (r RouteReason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (r *RouteReason) UnmarshalText(b []byte) error {
	v, err := routeReasons.parse("reason", b)
	*r = RouteReason(v)
	return err
}

// Covers reports whether the route leads to a whole network, given as text.
func (r Route) Covers(network string) bool {
	p, err := netip.ParsePrefix(r.Prefix)
	if err != nil {
		return false
	}
	n, err := netip.ParsePrefix(network)
	return err == nil && p.Bits() <= n.Bits() && p.Contains(n.Addr())
}

// Routing returns what is known of the routes to an address, or nil if nobody looked.
func (s *Snapshot) Routing(addr netip.Addr) *Routing {
	text := addr.AppendTo(make([]byte, 0, 64)) // on the stack
	for i := range s.Routings {
		if s.Routings[i].Addr == string(text) {
			return &s.Routings[i]
		}
	}
	return nil
}

// System returns what is known of an autonomous system, or nil if nobody asked.
func (s *Snapshot) System(asn uint32) *System {
	for i := range s.Systems {
		if s.Systems[i].ASN == asn {
			return &s.Systems[i]
		}
	}
	return nil
}

func (r *Routing) canonical() {
	r.RouteTime, r.VRPTime = canonicalTime(r.RouteTime), canonicalTime(r.VRPTime)
	slices.SortFunc(r.Routes, func(a, b Route) int {
		return cmp.Or(comparePrefix(a.Prefix, b.Prefix), cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason))
	})
	sortVRPs(r.VRPs)
	for i := range r.Routes {
		sortVRPs(r.Routes[i].VRPs)
	}
}

func sortVRPs(list []VRP) {
	slices.SortFunc(list, func(a, b VRP) int {
		return cmp.Or(comparePrefix(a.Prefix, b.Prefix), cmp.Compare(a.MaxLength, b.MaxLength), cmp.Compare(a.ASN, b.ASN))
	})
}

// comparePrefix puts the most specific first, and what is no prefix last.
func comparePrefix(a, b string) int {
	bits := func(s string) int {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return -1
		}
		return p.Bits()
	}
	return cmp.Or(cmp.Compare(bits(b), bits(a)), cmp.Compare(a, b))
}
