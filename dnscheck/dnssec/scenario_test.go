package dnssec_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// vectors opens the folder of vectors made by others, next to the project.
func vectors(t testing.TB, path ...string) string {
	t.Helper()
	file := filepath.Join(append([]string{"..", "..", "..", "shared", "vectors"}, path...)...)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("needs the vectors in %s", file)
	}
	return file
}

// scenario is one of Unbound's test bed scenarios: what servers answer, what
// the resolver is asked, and what it must say.
type scenario struct {
	File    string
	Config  []string
	Anchors []string `json:"trust_anchors"`
	Date    string   `json:"override_date"`
	Ranges  []struct {
		From, To  int
		Addresses []string
		Entries   []scenarioEntry
	}
	Steps []struct {
		N     int
		Type  string
		Entry scenarioEntry
		Args  []string
	}
}

type scenarioEntry struct {
	Match, Adjust, Reply []string
	Sections             map[string][]string

	msg *dns.Msg
}

func loadScenarios(t testing.TB) []*scenario {
	t.Helper()
	b, err := os.ReadFile(vectors(t, "dnssec-scenarios.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var list []*scenario
	for line := range strings.Lines(string(b)) {
		s := new(scenario)
		if err := json.Unmarshal([]byte(line), s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// clock is the time at which the scenario plays. Where it wants dates not to be
// looked at (-1) that is when the last of its signatures was made.
func (s *scenario) clock(t testing.TB) time.Time {
	t.Helper()
	if slices.Contains(s.Config, `val-override-date: "-1"`) {
		return s.lastSigned()
	}
	if at, err := time.Parse("20060102150405", s.Date); err == nil {
		return at
	}
	n, err := strconv.ParseInt(s.Date, 10, 64)
	if err != nil {
		t.Skipf("needs a clock, but the scenario has the date %q", s.Date)
	}
	return time.Unix(n, 0)
}

func (s *scenario) lastSigned() time.Time {
	last := uint32(0)
	for _, r := range s.Ranges {
		for i := range r.Entries {
			m, _ := r.Entries[i].parse()
			for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
				if sig, ok := rr.(*dns.RRSIG); ok {
					last = max(last, sig.Inception)
				}
			}
		}
	}
	return time.Unix(int64(last), 0)
}

// parse reads the sections of an entry once.
func (e *scenarioEntry) parse() (*dns.Msg, error) {
	if e.msg != nil {
		return e.msg, nil
	}
	m := new(dns.Msg)
	for _, word := range e.Reply {
		switch word {
		case "QR":
			m.Response = true
		case "AA":
			m.Authoritative = true
		case "AD":
			m.AuthenticatedData = true
		case "CD":
			m.CheckingDisabled = true
		default:
			if code, ok := dns.StringToRcode[word]; ok {
				m.Rcode = code
			}
		}
	}
	for _, line := range e.Sections["question"] {
		f := strings.Fields(line)
		typ, ok := dns.StringToType[f[len(f)-1]]
		if n, err := strconv.Atoi(strings.TrimPrefix(f[len(f)-1], "TYPE")); !ok && err == nil {
			typ = uint16(n)
		}
		m.Question = append(m.Question, dns.Question{Name: dns.CanonicalName(f[0]), Qtype: typ, Qclass: dns.ClassINET})
	}
	var err error
	for section, dst := range map[string]*[]dns.RR{"answer": &m.Answer, "authority": &m.Ns, "additional": &m.Extra} {
		for _, line := range e.Sections[section] {
			rr, err1 := dns.NewRR(line)
			if err1 != nil {
				err = errors.Join(err, err1)
			} else if rr != nil {
				*dst = append(*dst, sorted(rr))
			}
		}
	}
	gather(m)
	e.msg = m
	return m, err
}

// gather puts each signature into the section that has its records, as
// resolvers hand them on.
func gather(m *dns.Msg) {
	sections := []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra}
	for _, from := range sections {
		for i := 0; i < len(*from); i++ {
			sig, ok := (*from)[i].(*dns.RRSIG)
			if !ok || len(covered(*from, sig)) > 0 {
				continue
			}
			for _, to := range sections {
				if len(covered(*to, sig)) > 0 {
					*from = slices.Delete(*from, i, i+1)
					*to = append(*to, sig)
					i--
					break
				}
			}
		}
	}
}

// sorted puts the types of a bitmap in the order that the wire has.
func sorted(rr dns.RR) dns.RR {
	switch x := rr.(type) {
	case *dns.NSEC:
		slices.Sort(x.TypeBitMap)
	case *dns.NSEC3:
		slices.Sort(x.TypeBitMap)
	}
	return rr
}

// fits reports whether the entry answers the question.
func (e *scenarioEntry) fits(q dns.Question) bool {
	m, _ := e.parse()
	if len(m.Question) == 0 {
		return true
	}
	own := m.Question[0]
	for _, word := range e.Match {
		switch word {
		case "qname":
			if own.Name != q.Name {
				return false
			}
		case "qtype":
			if own.Qtype != q.Qtype {
				return false
			}
		case "question":
			if own.Name != q.Name || own.Qtype != q.Qtype {
				return false
			}
		case "subdomain":
			if !dns.IsSubDomain(own.Name, q.Name) {
				return false
			}
		}
	}
	return true
}

func parseRRs(t testing.TB, lines []string) []dns.RR {
	t.Helper()
	var list []dns.RR
	for _, line := range lines {
		line, _, _ = strings.Cut(line, `"`) // and the rest of a configuration line
		rr, err := dns.NewRR(line)
		if err != nil || rr == nil {
			t.Fatalf("record %q: %v", line, err)
		}
		list = append(list, rr)
	}
	return list
}
