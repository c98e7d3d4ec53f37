package resolver_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

// good is the right reply to a query: one A record, or what f makes of it.
func good(query []byte, f func(m *dns.Msg)) []byte {
	var q dns.Msg
	if err := q.Unpack(query); err != nil {
		panic(err)
	}
	m := new(dns.Msg).SetReply(&q)
	m.RecursionAvailable = true
	m.SetEdns0(1232, true)
	m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{192, 0, 2, 7}}}
	if f != nil {
		f(m)
	}
	return pack(m)
}

func TestMessages(t *testing.T) {
	// What is sent, octet by octet, in place of or before the right answer.
	edit := func(f func(b []byte) []byte) func([]byte) []byte {
		return func(query []byte) []byte { return f(good(query, nil)) }
	}
	message := func(f func(m *dns.Msg)) func([]byte) []byte {
		return func(query []byte) []byte { return good(query, f) }
	}
	tests := []struct {
		name string
		bad  func(query []byte) []byte
		want evidence.Outcome // over UDP, if nothing else comes
	}{
		{"right", message(nil), evidence.OutcomeAnswer},
		{"wrong id", edit(func(b []byte) []byte { b[0]++; return b }), evidence.OutcomeTimeout},
		{"query bit", edit(func(b []byte) []byte { b[2] &^= 0x80; return b }), evidence.OutcomeTimeout},
		{"another opcode", edit(func(b []byte) []byte { b[2] |= 4 << 3; return b }), evidence.OutcomeTimeout},
		{"wrong name", message(func(m *dns.Msg) { m.Question[0].Name = "evil.test." }), evidence.OutcomeTimeout},
		{"wrong type", message(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeMX }), evidence.OutcomeTimeout},
		{"wrong class", message(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), evidence.OutcomeTimeout},
		{"two questions", message(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), evidence.OutcomeTimeout},
		{"other case", message(func(m *dns.Msg) { m.Question[0].Name = "EXAMPLE.Test." }), evidence.OutcomeAnswer},
		{"empty", func([]byte) []byte { return []byte{} }, evidence.OutcomeTimeout},
		{"id only", edit(func(b []byte) []byte { return b[:2] }), evidence.OutcomeTimeout},
		{"header only", edit(func(b []byte) []byte { return b[:12] }), evidence.OutcomeMalformed},
		{"cut within a record", edit(func(b []byte) []byte { return b[:len(b)-14] }), evidence.OutcomeMalformed},
		{"cut between records", edit(func(b []byte) []byte { return b[:len(b)-11] }), evidence.OutcomeMalformed},
		{"no question", message(func(m *dns.Msg) { m.Question = nil }), evidence.OutcomeMalformed},
		{"refused without question", message(func(m *dns.Msg) { m.Question, m.Answer, m.Rcode = nil, nil, dns.RcodeRefused }), evidence.OutcomeRefused},
		{"compression loop", edit(func(b []byte) []byte {
			at := 12 + 14 + 4
			return append(append(b[:at:at], 0xc0, byte(at)), b[at+2:]...)
		}), evidence.OutcomeMalformed},
		{"record without data", edit(func(b []byte) []byte {
			at := 12 + 14 + 4 + 10 // RDLENGTH
			binary.BigEndian.PutUint16(b[at:], 0)
			return append(b[:at+2:at+2], b[at+6:]...)
		}), evidence.OutcomeMalformed},
		{"a referral", message(func(m *dns.Msg) {
			m.RecursionAvailable, m.Answer, m.Ns = false, nil, rrs(". 1 IN NS a.root.test.")
		}), evidence.OutcomeMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &fakeNet{serve: func(_ context.Context, _, _ string, query []byte) [][]byte {
					return [][]byte{tt.bad(query)}
				}}
				if l := lookup(t, over(t, n), "example.test", "A"); l.Outcome != tt.want {
					t.Errorf("alone: %v, want %v", l.Outcome, tt.want)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				n := &fakeNet{serve: func(_ context.Context, _, _ string, query []byte) [][]byte {
					return [][]byte{tt.bad(query), good(query, nil)}
				}}
				want := tt.want
				if want == evidence.OutcomeTimeout || tt.name != "a referral" && want == evidence.OutcomeMalformed {
					want = evidence.OutcomeAnswer
				}
				if l := lookup(t, over(t, n), "example.test", "A"); l.Outcome != want {
					t.Errorf("before the right answer: %v, want %v", l.Outcome, want)
				}
				if d := time.Since(start); d != 0 {
					t.Errorf("took %v", d)
				}
			})
		})
	}
}

func TestUnreachable(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		class evidence.Class
	}{
		{"refused", syscall.ECONNREFUSED, evidence.ClassRefused},
		{"no route for the family", syscall.ENETUNREACH, evidence.ClassNoFamily},
		{"no such family", syscall.EAFNOSUPPORT, evidence.ClassNoFamily},
		{"no address of the family", syscall.EADDRNOTAVAIL, evidence.ClassNoFamily},
		{"host unreachable", syscall.EHOSTUNREACH, evidence.ClassUnreachable},
		{"firewall here", syscall.EPERM, evidence.ClassForbidden},
		{"something else", errors.New("x"), evidence.ClassUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &fakeNet{refuse: func(_, _ string) error { return tt.err }}
				l := lookup(t, over(t, n), "example.test", "A")
				if l.Outcome != evidence.OutcomeNetwork || l.Failure == nil || l.Failure.Op != evidence.OpDial || l.Failure.Class != tt.class || l.Failure.Text != tt.err.Error() {
					t.Errorf("got %v, %v", l.Outcome, l.Failure)
				}
			})
		})
	}
}

func TestEDNSRefused(t *testing.T) {
	for _, code := range []int{dns.RcodeFormatError, dns.RcodeNotImplemented} {
		n := &fakeNet{serve: func(_ context.Context, _, _ string, query []byte) [][]byte {
			return [][]byte{good(query, func(m *dns.Msg) {
				var q dns.Msg
				q.Unpack(query)
				m.Extra = nil
				if q.IsEdns0() != nil {
					m.Rcode, m.Answer = code, nil
				}
			})}
		}}
		r := over(t, n)
		r.Validator = validator()
		for i, name := range []string{"a.test", "b.test"} {
			l := lookup(t, r, name, "A")
			if l.Outcome != evidence.OutcomeAnswer || l.Security != evidence.SecurityIndeterminate || l.Reason == "" {
				t.Errorf("%s: %+v", name, l)
			}
			// The second time the server is known.
			if q := r.Stats().Questions; q != int64(2+i) {
				t.Errorf("%s: %d questions sent", name, q)
			}
		}
		if !r.Stripped() {
			t.Error("not reported as stripping DNSSEC")
		}
	}
}

// One question that a server calls malformed, in an answer with EDNS, does not
// take EDNS from all others.
func TestEDNSRefusedOnce(t *testing.T) {
	n := &fakeNet{serve: func(_ context.Context, _, _ string, query []byte) [][]byte {
		return [][]byte{good(query, func(m *dns.Msg) {
			var q dns.Msg
			q.Unpack(query)
			if m.Question[0].Name == "odd.test." && q.IsEdns0() != nil {
				m.Rcode, m.Answer = dns.RcodeFormatError, nil
			}
		})}
	}}
	r := over(t, n)
	r.Validator = &dnssec.Validator{Now: time.Now} // without anchors, all is insecure
	lookup(t, r, "odd.test", "A")
	if l := lookup(t, r, "even.test", "A"); l.Security != evidence.SecurityInsecure {
		t.Errorf("%v (%s)", l.Security, l.Reason)
	}
}

func TestEDNSIgnored(t *testing.T) {
	n := &fakeNet{serve: func(_ context.Context, _, _ string, query []byte) [][]byte {
		return [][]byte{good(query, func(m *dns.Msg) { m.Extra = nil })}
	}}
	r := over(t, n)
	r.Validator = validator()
	if l := lookup(t, r, "example.test", "A"); l.Security != evidence.SecurityIndeterminate || !r.Stripped() {
		t.Errorf("got %v, stripped %v", l.Security, r.Stripped())
	}
}

func TestQuestion(t *testing.T) {
	for _, trust := range []bool{false, true} {
		var seen []dns.Msg
		n := &fakeNet{serve: func(_ context.Context, _, _ string, query []byte) [][]byte {
			var q dns.Msg
			q.Unpack(query)
			seen = append(seen, q)
			return [][]byte{good(query, nil)}
		}}
		r := over(t, n)
		r.TrustAD = trust
		for range 50 {
			lookup(t, r, string(rune('a'+len(seen)%26))+"x.test", "A")
		}
		ids := map[uint16]bool{}
		for _, q := range seen {
			ids[q.Id] = true
			opt := q.IsEdns0()
			if !q.RecursionDesired || q.CheckingDisabled == trust || q.AuthenticatedData != trust || opt == nil || !opt.Do() || opt.UDPSize() != 1232 {
				t.Fatalf("trust %v: question %v", trust, q.String())
			}
		}
		if len(ids) < len(seen)-2 {
			t.Errorf("%d ids for %d questions", len(ids), len(seen))
		}
		if got := n.dialed("udp 192.0.2.1:53"); got != len(seen) {
			t.Errorf("%d sockets for %d questions", got, len(seen))
		}
	}
}

func TestTCPFaults(t *testing.T) {
	truncate := func(query []byte) [][]byte {
		return [][]byte{good(query, func(m *dns.Msg) { m.Truncated, m.Answer = true, nil })}
	}
	tests := []struct {
		name   string
		tcp    func(query []byte) [][]byte
		refuse error
		want   evidence.Outcome
		class  evidence.Class
	}{
		{"answers", func(q []byte) [][]byte { return [][]byte{good(q, nil)} }, nil, evidence.OutcomeAnswer, 0},
		{"refused", nil, syscall.ECONNREFUSED, evidence.OutcomeNetwork, evidence.ClassRefused},
		{"silent", func([]byte) [][]byte { return nil }, nil, evidence.OutcomeTimeout, evidence.ClassTimeout},
		{"closes", func([]byte) [][]byte { return [][]byte{nil} }, nil, evidence.OutcomeNetwork, evidence.ClassClosed},
		{"truncated too", truncate, nil, evidence.OutcomeMalformed, evidence.ClassProtocol},
		{"cut short", func(q []byte) [][]byte { return [][]byte{good(q, nil)[:20]} }, nil, evidence.OutcomeMalformed, evidence.ClassProtocol},
		{"tiny, then right", func(q []byte) [][]byte { return [][]byte{{}, {1}, good(q, nil)} }, nil, evidence.OutcomeAnswer, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &fakeNet{serve: func(_ context.Context, network, _ string, query []byte) [][]byte {
					if network == "udp" {
						return truncate(query)
					}
					return tt.tcp(query)
				}, refuse: func(network, _ string) error {
					if network == "tcp" {
						return tt.refuse
					}
					return nil
				}}
				l := lookup(t, over(t, n), "example.test", "A")
				class := evidence.ClassUnknown
				if l.Failure != nil {
					class = l.Failure.Class
				}
				if l.Outcome != tt.want || class != tt.class {
					t.Errorf("got %v, %v; want %v, %v", l.Outcome, l.Failure, tt.want, tt.class)
				}
			})
		})
	}
}

// A truncated answer may end anywhere.
func TestTruncatedInTheMiddle(t *testing.T) {
	n := &fakeNet{serve: func(_ context.Context, network, _ string, query []byte) [][]byte {
		b := good(query, func(m *dns.Msg) { m.Truncated = network == "udp" })
		if network == "udp" {
			b = b[:len(b)-14]
		}
		return [][]byte{b}
	}}
	if l := lookup(t, over(t, n), "example.test", "A"); l.Outcome != evidence.OutcomeAnswer {
		t.Errorf("got %+v", l)
	}
}

func TestLargeAnswer(t *testing.T) {
	n := &fakeNet{serve: func(_ context.Context, network, _ string, query []byte) [][]byte {
		return [][]byte{good(query, func(m *dns.Msg) {
			if m.Truncated = network == "udp"; m.Truncated {
				return
			}
			m.Answer = nil
			for i := range 3900 {
				m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: 1, Ttl: 60}, A: []byte{198, 51, byte(i >> 8), byte(i)}})
			}
			m.Compress = true
		})}
	}}
	l := lookup(t, over(t, n), "example.test", "A")
	if l.Outcome != evidence.OutcomeAnswer || len(l.Answer) != resolver.MaxRecords || l.Failure == nil || l.Failure.Class != evidence.ClassTooLarge {
		t.Errorf("%v with %d records, %v", l.Outcome, len(l.Answer), l.Failure)
	}
}

func TestLargeText(t *testing.T) {
	var strs []string
	for range 250 {
		strs = append(strs, string(slices.Repeat([]byte("x"), 255)))
	}
	n := &fakeNet{serve: func(_ context.Context, network, _ string, query []byte) [][]byte {
		return [][]byte{good(query, func(m *dns.Msg) {
			if m.Truncated = network == "udp"; m.Truncated {
				return
			}
			m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeTXT, Class: 1}, Txt: strs}}
		})}
	}}
	l := lookup(t, over(t, n), "example.test", "TXT")
	if len(l.Answer) != 1 || len(l.Answer[0].Text()) != 250*255 {
		t.Errorf("got %v with %d records", l.Outcome, len(l.Answer))
	}
}

// A server that sends an answer over TCP octet by octet, and never the last,
// holds a question no longer than one that is silent, and no connection.
func TestSlowTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{serve: func(_ context.Context, _, _ string, query []byte) [][]byte {
			return [][]byte{good(query, func(m *dns.Msg) { m.Truncated, m.Answer = true, nil })}
		}}
		r := over(t, n)
		var dials, open atomic.Int32
		var group sync.WaitGroup
		r.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if network == "udp" {
				return n.dial(ctx, network, address)
			}
			client, server := net.Pipe()
			dials.Add(1)
			open.Add(1)
			group.Go(func() {
				io.CopyN(io.Discard, server, 2)
				go io.Copy(io.Discard, server)
				for b := []byte{0xff, 0xff}; ; b = b[:1] {
					if _, err := server.Write(b); err != nil {
						open.Add(-1)
						return
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
			return client, nil
		}
		start := time.Now()
		l := lookup(t, r, "example.test", "A")
		if took := time.Since(start); l.Outcome != evidence.OutcomeTimeout || took != resolver.DefaultTries*resolver.DefaultTimeout || dials.Load() != resolver.DefaultTries {
			t.Errorf("%v after %v and %d connections", l.Outcome, took, dials.Load())
		}
		group.Wait()
		if open.Load() != 0 {
			t.Errorf("%d connections are open", open.Load())
		}
	})
}
