package dnstest

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"sync"

	"github.com/miekg/dns"
)

// Transports of Exchange.
const (
	UDP = "udp"
	TCP = "tcp"
	TLS = "tls"
)

// maxUDP is the largest reply that is sent over UDP, however much the client
// offers to take: what passes most networks without fragments.
const maxUDP = 1232

// Question identifies what was asked.
type Question struct {
	Name string // lower case, with the final dot
	Type uint16
}

func (q Question) String() string {
	return q.Name + " " + dns.Type(q.Type).String()
}

// Server answers DNS queries. [World.Resolver] and [World.Authoritative] make
// servers; all methods are safe for concurrent use.
type Server struct {
	// TLS, when set before Listen, adds a listener for DNS over TLS.
	TLS *tls.Config

	// Remember is how many replies are kept ready over each transport; 0
	// means 4096. It is not changed once the server is in use.
	Remember int

	world     *World
	recursive bool
	respond   func(question) *response

	mu     sync.Mutex
	counts map[Question]int
	total  int
	ready  map[readyKey]map[string]ready
	faults []*attached
}

// readyKey and ready remember finished replies: a world does not change, so
// the same query octets (but for the id) have the same reply.
type readyKey bool // whether the reply has to fit into UDP

type ready struct {
	question Question
	reply    []byte
}

// maxReady bounds the remembered replies of a server that does not say.
const maxReady = 4096

// Exchange answers one query, given and returned as message octets without
// the length that TCP puts in front. A nil reply without error means silence;
// so are octets answered that are no query at all. Errors are only those of
// the context and of an unknown transport.
func (s *Server) Exchange(ctx context.Context, transport string, query []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch transport {
	case UDP, TCP, TLS:
	default:
		return nil, fmt.Errorf("dnstest: unknown transport %q", transport)
	}
	if reply := s.recall(transport, query); reply != nil {
		return reply, nil
	}
	m := new(dns.Msg)
	if err := m.Unpack(query); err != nil {
		return malformed(query), nil
	}
	if m.Response {
		return nil, nil
	}
	if len(m.Question) != 1 {
		return pack(failing(m, dns.RcodeFormatError), dns.MaxMsgSize), nil
	}
	q := Question{canonical(m.Question[0].Name), m.Question[0].Qtype}
	s.count(q)
	x := &exchange{server: s, transport: transport, question: q, query: m}
	faults := s.match(q, transport, m.CheckingDisabled)
	reply, err := x.reply(ctx, faults)
	if err == nil && len(faults) == 0 {
		s.remember(transport, query, q, reply)
	}
	return reply, err
}

// recall finds the remembered reply to a query, unless some fault concerns it.
func (s *Server) recall(transport string, query []byte) []byte {
	if len(query) < 12 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.ready[readyKey(transport == UDP)][string(query[2:])]
	if !ok || !s.flawless(r.question, transport, query[3]&0x10 != 0) {
		return nil
	}
	s.counts[r.question]++
	s.total++
	reply := make([]byte, len(r.reply))
	copy(reply, r.reply)
	copy(reply, query[:2])
	return reply
}

func (s *Server) remember(transport string, query []byte, q Question, reply []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready == nil {
		s.ready = map[readyKey]map[string]ready{false: {}, true: {}}
	}
	if m := s.ready[readyKey(transport == UDP)]; len(m) < cmp.Or(s.Remember, maxReady) {
		m[string(query[2:])] = ready{q, append([]byte(nil), reply...)}
	}
}

func (s *Server) count(q Question) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = make(map[Question]int)
	}
	s.counts[q]++
	s.total++
}

// Count gives a copy of how often each question was asked, over all transports.
func (s *Server) Count() map[Question]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Total says how many questions were asked.
func (s *Server) Total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// ResetCount forgets the counts.
func (s *Server) ResetCount() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counts)
	s.total = 0
}
