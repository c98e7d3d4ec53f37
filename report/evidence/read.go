package evidence

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Lookup returns the question with its answer, or nil if it was not asked.
// The snapshot must be canonical.
func (s *Snapshot) Lookup(name, typ string) *Lookup {
	name = Name(name)
	i := s.Place(name, typ)
	if i < len(s.Lookups) && s.Lookups[i].Name == name && s.Lookups[i].Type == typ {
		return &s.Lookups[i]
	}
	s.miss(name, typ)
	return nil
}

// Place is where a lookup of that name, in the form of [Name], and type stands
// in a canonical snapshot, or would have to be put in.
func (s *Snapshot) Place(name, typ string) int {
	low, high := 0, len(s.Lookups)
	for low < high {
		at := int(uint(low+high) >> 1)
		if l := &s.Lookups[at]; compareKeys(l.Name, l.Type, name, typ) < 0 {
			low = at + 1
		} else {
			high = at
		}
	}
	return low
}

// compareKeys compares name and type as they would compare with a space
// between, which is the order of a canonical snapshot.
func compareKeys(name1, typ1, name2, typ2 string) int {
	n := min(len(name1), len(name2))
	if c := strings.Compare(name1[:n], name2[:n]); c != 0 {
		return c
	}
	if len(name1) == len(name2) {
		return strings.Compare(typ1, typ2)
	}
	// One name begins with the other: its next octet stands against the space.
	if len(name1) > n {
		if name1[n] != ' ' {
			return cmp.Compare(name1[n], ' ')
		}
	} else if name2[n] != ' ' {
		return cmp.Compare(' ', name2[n])
	}
	return strings.Compare(name1[n:]+" "+typ1, name2[n:]+" "+typ2)
}

// Reach returns what is known of a name server's address, or nil.
func (s *Snapshot) Reach(host, addr string) *Reach {
	for i := range s.Reaches {
		if s.Reaches[i].Host == host && s.Reaches[i].Addr == addr {
			return &s.Reaches[i]
		}
	}
	return nil
}

// SessionsOf returns the sessions with the addresses of an MX host, by address.
func (s *Snapshot) SessionsOf(host string) []*Session {
	var list []*Session
	for i := range s.Sessions {
		if s.Sessions[i].Host == host {
			list = append(list, &s.Sessions[i])
		}
	}
	return list
}

// Chain returns the chain of that ID with its certificates' DER, leaf first;
// nil if it is not there whole.
func (s *Snapshot) Chain(id string) (*Chain, [][]byte) {
	for i := range s.Chains {
		if s.Chains[i].ID != id {
			continue
		}
		var ders [][]byte
		for _, cid := range s.Chains[i].Certificates {
			j := slices.IndexFunc(s.Certificates, func(c Certificate) bool { return c.ID == cid })
			if j < 0 {
				return nil, nil
			}
			ders = append(ders, s.Certificates[j].DER)
		}
		return &s.Chains[i], ders
	}
	return nil, nil
}

// place finds an element of a list, or one that is the same.
func place[T any](list []T, what *T, same func(*T) bool) int {
	for i := range list {
		if &list[i] == what {
			return i
		}
	}
	for i := range list {
		if same(&list[i]) {
			return i
		}
	}
	return -1
}

// Pointer is the JSON pointer (RFC 6901) of a lookup, session, reach, routing,
// system or fetch of s within its stored form; empty for anything else, nil included.
func (s *Snapshot) Pointer(what any) string {
	switch w := what.(type) {
	case *Lookup:
		if w == nil {
			return ""
		}
		return pointersTo.lookups.at(place(s.Lookups, w, func(l *Lookup) bool { return l.Name == w.Name && l.Type == w.Type }))
	case *Session:
		if w == nil {
			return ""
		}
		return pointersTo.sessions.at(place(s.Sessions, w, func(x *Session) bool { return x.Host == w.Host && x.Addr == w.Addr && x.Port == w.Port }))
	case *Reach:
		if w == nil {
			return ""
		}
		return pointersTo.reaches.at(place(s.Reaches, w, func(x *Reach) bool { return x.Host == w.Host && x.Addr == w.Addr }))
	case *Fetch:
		if w == nil {
			return ""
		}
		return pointersTo.fetches.at(place(s.Fetches, w, func(x *Fetch) bool { return x.URL == w.URL }))
	case *Routing:
		if w == nil {
			return ""
		}
		return pointersTo.routings.at(place(s.Routings, w, func(x *Routing) bool { return x.Addr == w.Addr }))
	case *System:
		if w == nil {
			return ""
		}
		return pointersTo.systems.at(place(s.Systems, w, func(x *System) bool { return x.ASN == w.ASN }))
	}
	return ""
}

// pointerList makes the pointers of a list's elements. Those of the first are
// made once for all, for each stands in the evidence of many findings.
type pointerList struct {
	path  string
	first []string
}

var pointersTo = struct{ lookups, sessions, reaches, fetches, routings, systems pointerList }{
	newPointerList("/lookups/", 100),
	newPointerList("/sessions/", 20),
	newPointerList("/reaches/", 20),
	newPointerList("/fetches/", 20),
	newPointerList("/routings/", 40),
	newPointerList("/systems/", 20),
}

func newPointerList(path string, n int) pointerList {
	p := pointerList{path: path}
	for i := range n {
		p.first = append(p.first, path+strconv.Itoa(i))
	}
	return p
}

// at is empty for an element that is not there, -1.
func (p *pointerList) at(i int) string {
	switch {
	case i < 0:
		return ""
	case i < len(p.first):
		return p.first[i]
	}
	return p.path + strconv.Itoa(i)
}

// MailStatus says how a domain receives mail. The names are Internet.nl's.
type MailStatus uint8

const (
	MailUnknown          MailStatus = iota // the MX RRset could not be found out
	MailHas                                // there are MX hosts
	MailNoMX                               // no MX, and none that counts
	MailNullMX                             // RFC 7505
	MailNullMXNoAddress                    // null MX on a name that has no address either: not needed
	MailNullMXWithOthers                   // null MX beside others: RFC 7505, Section 3 forbids it
	MailShouldHaveNullMX                   // no MX, has addresses, sends no mail: should say so with a null MX
)

var mailStatuses = texts{"unknown", "has_mx", "no_mx", "null_mx", "null_mx_without_a_aaaa", "null_mx_with_other_mx", "no_null_mx"}

func (m MailStatus) String() string { return mailStatuses.text(uint8(m)) }

// MaxMX is the number of MX records whose hosts are tested.
const MaxMX = 10

// Mail is how the domain receives mail.
type Mail struct {
	Status MailStatus
	Hosts  []string // tested: those of the first MaxMX records by name, each once; only with MailHas
	Over   []string // not tested, because there are more than MaxMX records
	// Times says how often each of Hosts stands in the RRset, where more than once.
	Times map[string]int
	// Ignored are exchanges that cannot be mail servers: "localhost".
	Ignored []string
}

// Mail reads the MX RRset as Internet.nl does, for both readings share which
// hosts are looked at: by name, at most ten, localhost left out, an MX host
// that is an alias or an address taken as it is. There is no fallback to the
// domain's own address (RFC 5321, Section 5.1): without MX a domain counts as
// one that receives no mail.
//
// It differs where an answer is missing: then the status is unknown, not "no MX".
//
// What it holds is shared by all who ask a [Snapshot.Frozen] view.
func (s *Snapshot) Mail() Mail {
	return Once(s, mailKey{}, s.mail)
}

type mailKey struct{}

func (s *Snapshot) mail() Mail {
	mx := s.Lookup(s.Domain, "MX")
	if mx == nil || mx.Unknown() {
		return Mail{}
	}
	var m Mail
	records := make([]string, 0, len(mx.Answer)) // the exchanges, with repetitions
	for _, rr := range mx.Answer {
		x, err := rr.MX()
		switch {
		case err != nil:
		case x.Preference == 0 && x.Host == ".": // RFC 7505, Section 3
			return s.nullMX(len(mx.Answer))
		case x.Host == "localhost":
			m.Ignored = append(m.Ignored, x.Host)
		default:
			records = append(records, x.Host)
		}
	}
	if len(records) == 0 {
		m.Status = MailNoMX
		if s.sendsNothing() && s.addressState(s.Domain) == Available {
			m.Status = MailShouldHaveNullMX
		}
		return m
	}
	m.Status = MailHas
	slices.SortFunc(records, compareAbsolute)
	n := min(len(records), MaxMX)
	tested, over := records[:n:n], records[n:]
	for _, h := range tested {
		if n := count(tested, h); n > 1 {
			if m.Times == nil {
				m.Times = map[string]int{}
			}
			m.Times[h] = n
		}
	}
	m.Hosts = slices.Compact(tested)
	m.Over = slices.Compact(slices.DeleteFunc(over, func(h string) bool { return slices.Contains(m.Hosts, h) }))
	return m
}

// compareAbsolute orders names as texts with their final dot, as Internet.nl
// does: "mx-2.example" stands before "mx.example". It decides which ten of many
// hosts are tested, and of which host a verdict is shown.
func compareAbsolute(a, b string) int {
	n := min(len(a), len(b))
	if c := strings.Compare(a[:n], b[:n]); c != 0 || len(a) == len(b) {
		return c
	}
	if len(a) < len(b) {
		return compareEnd(b[n])
	}
	return -compareEnd(a[n])
}

// compareEnd compares the final dot of a name with what stands there in a
// longer one, of which a dot is still followed by something.
func compareEnd(longer byte) int { return cmp.Or(cmp.Compare('.', longer), -1) }

func count(list []string, want string) int {
	n := 0
	for _, s := range list {
		if s == want {
			n++
		}
	}
	return n
}

func (s *Snapshot) nullMX(records int) Mail {
	switch {
	case records > 1:
		return Mail{Status: MailNullMXWithOthers}
	case s.addressState(s.Domain) == Missing:
		return Mail{Status: MailNullMXNoAddress}
	}
	return Mail{Status: MailNullMX}
}

// sendsNothing reports whether the one SPF record is "v=spf1 -all".
func (s *Snapshot) sendsNothing() bool {
	var spf []string
	if l := s.Lookup(s.Domain, "TXT"); l != nil {
		for _, rr := range l.Answer {
			if t := rr.Text(); strings.HasPrefix(lower(t), "v=spf1") {
				spf = append(spf, t)
			}
		}
	}
	return len(spf) == 1 && strings.Join(strings.Fields(lower(spf[0])), " ") == "v=spf1 -all"
}

// addressState says whether a name has addresses: Missing only if it is known
// that there are none.
func (s *Snapshot) addressState(name string) Availability {
	a, aaaa := s.Lookup(name, "A"), s.Lookup(name, "AAAA")
	switch {
	case a.Exists() || aaaa.Exists():
		return Available
	case a.Absent() && aaaa.Absent():
		return Missing
	}
	return AvailabilityUnknown
}

// Addresses returns the addresses of a host, IPv4 before IPv6, each in order.
// IPv4-mapped IPv6 addresses are left out (they reach nobody). The two flags
// say whether the answer for the family is known; an unasked one is not.
// The list is shared by all who ask a [Snapshot.Frozen] view.
func (s *Snapshot) Addresses(host string) (addrs []netip.Addr, known4, known6 bool) {
	if s.once == nil {
		x := s.addresses(host)
		return x.addrs, x.known4, x.known6
	}
	x := Once(s, addressesKey(host), func() addresses { return s.addresses(host) })
	return x.addrs, x.known4, x.known6
}

type (
	addressesKey string
	addresses    struct {
		addrs          []netip.Addr
		known4, known6 bool
	}
)

func (s *Snapshot) addresses(host string) addresses {
	var addrs []netip.Addr
	known := func(l *Lookup) bool { return l != nil && l.Outcome.Known() }
	a, aaaa := s.Lookup(host, "A"), s.Lookup(host, "AAAA")
	for _, l := range []*Lookup{a, aaaa} {
		if l == nil {
			continue
		}
		for _, rr := range l.Answer {
			if x, err := rr.Addr(); err == nil && !x.Is4In6() {
				addrs = append(addrs, x)
			}
		}
	}
	slices.SortStableFunc(addrs, func(x, y netip.Addr) int { return x.Compare(y) })
	return addresses{slices.Clip(slices.Compact(addrs)), known(a), known(aaaa)}
}

// Climb lists a name and the names above it, down to two labels: a top-level
// domain is not a domain's own zone. The list is empty for a single label.
func Climb(name string) []string {
	var list []string
	for name = Name(name); strings.Contains(strings.TrimSuffix(name, "."), "."); _, name, _ = strings.Cut(name, ".") {
		list = append(list, name)
	}
	return list
}
