package rtr_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/dnscheck/rpki"
	"mailvet/dnscheck/rpki/rtr"
)

// PDUs as a cache sends them (RFC 8210, Section 5).

func pdu(version, typ byte, field uint16, body ...byte) []byte {
	b := []byte{version, typ, byte(field >> 8), byte(field)}
	b = binary.BigEndian.AppendUint32(b, uint32(8+len(body)))
	return append(b, body...)
}

func u32(values ...uint32) (b []byte) {
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func response(version byte) []byte { return pdu(version, 3, 77) }

func ipv4(version, flags byte) []byte {
	return pdu(version, 4, 0, append([]byte{flags, 24, 25, 0, 192, 0, 2, 0}, u32(64496)...)...)
}

func ipv6(version byte) []byte {
	body := append([]byte{1, 32, 48, 0}, u32(0x20010db8, 0, 0, 0, 64497)...)
	return pdu(version, 6, 0, body...)
}

func end(version byte) []byte {
	if version == 0 {
		return pdu(0, 7, 77, u32(1)...)
	}
	return pdu(version, 7, 77, u32(1, 3600, 600, 7200)...)
}

func report(version byte, code uint16, text string) []byte {
	wrong := []byte{1, 2, 0, 0, 0, 0, 0, 8}
	body := append(u32(uint32(len(wrong))), wrong...)
	body = append(body, u32(uint32(len(text)))...)
	return pdu(version, 10, code, append(body, text...)...)
}

func routerKey() []byte {
	return pdu(1, 9, 1<<8, append(make([]byte, 24), "key"...)...)
}

// cache answers one connection after the other, each by its script: the octets
// to send once the query came. A nil script never answers; a script that ends
// is followed by hanging up.
type cache struct {
	scripts [][]byte
	queries [][]byte
	addrs   []string
	stay    bool // do not hang up
}

func (c *cache) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n := len(c.addrs)
	c.addrs = append(c.addrs, network+" "+address)
	if n >= len(c.scripts) {
		return nil, errors.New("one connection too many")
	}
	client, server := net.Pipe()
	c.queries = append(c.queries, make([]byte, 8))
	query := c.queries[n]
	go func() {
		defer server.Close()
		io.ReadFull(server, query)
		if c.scripts[n] == nil || c.stay {
			server.Write(c.scripts[n])
			io.Copy(io.Discard, server) // until the client leaves
			return
		}
		server.Write(c.scripts[n])
	}()
	return client, nil
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

var two = []string{"192.0.2.0/24-25 AS64496", "2001:db8::/32-48 AS64497"}

func TestFetch(t *testing.T) {
	script := func(s ...[]byte) [][]byte { return s }
	unsupported := report(0, rtr.UnsupportedVersion, "what?")
	tests := []struct {
		name     string
		scripts  [][]byte
		versions []byte // of the queries
		want     []string
		expire   time.Duration
	}{
		{"version 1", script(join(response(1), ipv4(1, 1), ipv6(1), end(1))), []byte{1}, two, 2 * time.Hour},
		{"nothing at all", script(join(response(1), end(1))), []byte{1}, nil, 2 * time.Hour},
		{"router keys and notifies are passed over", script(join(pdu(1, 0, 77, u32(1)...), response(1), ipv4(1, 1), routerKey(), pdu(1, 0, 77, u32(2)...), ipv6(1), end(1))), []byte{1}, two, 2 * time.Hour},
		{"a notify of version 0 first", script(join(pdu(0, 0, 77, u32(1)...), response(1), ipv4(1, 1), ipv6(1), end(1))), []byte{1}, two, 2 * time.Hour},
		{"repeated VRPs are one", script(join(response(1), ipv4(1, 1), ipv4(1, 1), ipv6(1), end(1))), []byte{1}, two, 2 * time.Hour},
		{"an expire interval too long is cut", script(join(response(1), pdu(1, 7, 77, u32(1, 1, 1, 1<<31)...))), []byte{1}, nil, 48 * time.Hour},
		{"no expire interval", script(join(response(1), pdu(1, 7, 77, u32(1, 1, 1, 0)...))), []byte{1}, nil, 0},
		{"version 0 outright", script(join(response(0), ipv4(0, 1), ipv6(0), end(0))), []byte{1}, two, 0},
		{"version 0 after an error", script(unsupported, join(response(0), ipv4(0, 1), ipv6(0), end(0))), []byte{1, 0}, two, 0},
		{"version 0 after an error in version 1", script(report(1, rtr.UnsupportedVersion, ""), join(response(0), ipv4(0, 1), ipv6(0), end(0))), []byte{1, 0}, two, 0},
		{"version 0 after silence", script([]byte{}, join(response(0), ipv4(0, 1), ipv6(0), end(0))), []byte{1, 0}, two, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cache{scripts: tt.scripts}
				var b rpki.VRPBuilder
				src, err := (&rtr.Client{Dial: c.dial}).Fetch(t.Context(), "cache.example:8282", &b)
				if err != nil {
					t.Fatal(err)
				}
				now := time.Now().UTC()
				want := rpki.Source{Format: rpki.FormatRTR, Generated: now, Kept: b.Len()}
				if tt.expire > 0 {
					want.ValidUntil = now.Add(tt.expire)
				}
				if src != want {
					t.Errorf("%+v, want %+v", src, want)
				}
				if got := list(t, &b); !slices.Equal(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
				var versions []byte
				for _, q := range c.queries {
					versions = append(versions, q[0])
					if !bytes.Equal(q[1:], []byte{2, 0, 0, 0, 0, 0, 8}) {
						t.Errorf("query % x", q)
					}
				}
				if !bytes.Equal(versions, tt.versions) || c.addrs[0] != "tcp cache.example:8282" {
					t.Errorf("queries of version %v to %s, want %v", versions, c.addrs, tt.versions)
				}
			})
		})
	}
}

func list(t testing.TB, b *rpki.VRPBuilder) []string {
	t.Helper()
	set, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for v := range set.All() {
		got = append(got, v.String())
	}
	return got
}

func TestFetchFails(t *testing.T) {
	all := join(response(1), ipv4(1, 1), ipv6(1), end(1))
	length := func(p []byte, n uint32) []byte {
		p = bytes.Clone(p)
		binary.BigEndian.PutUint32(p[4:], n)
		return p
	}
	body := func(p []byte, at int, v byte) []byte {
		p = bytes.Clone(p)
		p[8+at] = v
		return p
	}
	tests := []struct {
		name    string
		scripts [][]byte
		want    string
	}{
		{"no data yet", [][]byte{report(1, rtr.NoData, "")}, "no data available"},
		{"an error with a text", [][]byte{report(1, 1, "out of\x1b[31m coffee\xff")}, `internal error: "out of\x1b[31m coffee\xff"`},
		{"an error of an unknown code", [][]byte{report(1, 99, "")}, "code 99"},
		{"an error in the middle", [][]byte{join(all[:8+20], report(1, 1, ""))}, "internal error"},
		{"neither version", [][]byte{report(2, rtr.UnsupportedVersion, ""), report(2, rtr.UnsupportedVersion, "")}, "unsupported protocol version"},
		{"silence twice", [][]byte{{}, {}}, "EOF"},
		{"cut short behind the response", [][]byte{all[:8]}, "EOF"},
		{"cut short in a header", [][]byte{all[:8+3]}, "unexpected EOF"},
		{"cut short in a body", [][]byte{all[:8+20+10]}, "unexpected EOF"},
		{"cut short before the end", [][]byte{all[:8+20+32]}, "EOF"},
		{"no response first", [][]byte{ipv4(1, 1)}, "IPv4 Prefix in place of a Cache Response"},
		{"end without response", [][]byte{end(1)}, "End of Data in place"},
		{"reset in answer to a reset", [][]byte{pdu(1, 8, 0)}, "Cache Reset in place"},
		{"two responses", [][]byte{join(response(1), response(1))}, "Cache Response in the middle"},
		{"another session at the end", [][]byte{join(response(1), pdu(1, 7, 78, u32(1, 1, 1, 1)...))}, "session 78 in session 77"},
		{"a withdrawal", [][]byte{join(response(1), ipv4(1, 0))}, "withdrawal of 192.0.2.0/24-25 AS64496"},
		{"a change of version", [][]byte{join(response(1), ipv4(0, 1))}, "version 0 in an answer of version 1"},
		{"a newer version", [][]byte{response(2)}, "version 2"},
		{"another protocol", [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")}, "version 72"},
		{"a banner of SSH", [][]byte{[]byte("SSH-2.0-OpenSSH_9.9\r\n")}, "version 83"},
		{"a query from the cache", [][]byte{pdu(1, 2, 0)}, "Reset Query, which a cache does not send"},
		{"an unknown type", [][]byte{join(response(1), pdu(1, 11, 0))}, "type 11"},
		{"the type that is not there", [][]byte{join(response(1), pdu(1, 5, 0))}, "type 5"},
		{"a router key in version 0", [][]byte{join(response(0), length(pdu(0, 9, 0, make([]byte, 24)...), 32))}, "version 0"},
		{"a short length", [][]byte{join(response(1), length(ipv4(1, 1), 19))}, "of 19 octets"},
		{"a long length", [][]byte{join(response(1), length(ipv4(1, 1), 21))}, "of 21 octets"},
		{"no length", [][]byte{length(response(1), 0)}, "of 0 octets"},
		{"an endless router key", [][]byte{join(response(1), length(routerKey(), 1<<31))}, "Router Key of 2147483648 octets"},
		{"an endless report", [][]byte{length(report(1, 1, ""), 1<<32-1)}, "Error Report of 4294967295 octets"},
		{"a report about more than there is", [][]byte{pdu(1, 10, 1, u32(1<<32-1, 0)...)}, "shorter than the PDU"},
		{"a report with more text than there is", [][]byte{pdu(1, 10, 1, u32(0, 1<<32-1)...)}, "shorter than its text"},
		{"an end of version 0 in version 1", [][]byte{join(response(1), pdu(1, 7, 77, u32(1)...))}, "End of Data of 12 octets"},
		{"a prefix length of 33", [][]byte{join(response(1), body(ipv4(1, 1), 1, 33))}, "prefix length of 33"},
		{"a prefix length of 129", [][]byte{join(response(1), body(ipv6(1), 1, 129))}, "prefix length of 129"},
		{"a maximum length of 33", [][]byte{join(response(1), body(ipv4(1, 1), 2, 33))}, "maximum length 33"},
		{"bits behind the prefix", [][]byte{join(response(1), body(ipv4(1, 1), 7, 1))}, "behind its length"},
		{"too many PDUs", [][]byte{join(response(1), bytes.Repeat(ipv4(1, 1), 100), end(1))}, "too large"},
		{"too many notifies", [][]byte{bytes.Repeat(pdu(1, 0, 0, 0, 0, 0, 0), 100)}, "too large"},
		{"nobody there", nil, "one connection too many"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cache{scripts: tt.scripts}
				var b rpki.VRPBuilder
				src, err := (&rtr.Client{Dial: c.dial, MaxPDUs: 50}).Fetch(t.Context(), "cache.example", &b)
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "rtr: fetch from cache.example:323: ") {
					t.Errorf("error %v, want one with %q", err, tt.want)
				}
				if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' }) || len(err.Error()) > 700 {
					t.Errorf("the error is not fit to print: %q", err)
				}
				if src != (rpki.Source{}) || b.Len() != 0 {
					t.Errorf("half an answer is left: %+v, %d", src, b.Len())
				}
				if len(c.addrs) != max(len(tt.scripts), 1) {
					t.Errorf("%d connections, want %d", len(c.addrs), len(tt.scripts))
				}
			})
		})
	}
}

func TestAddress(t *testing.T) {
	for address, want := range map[string]string{
		"cache.example": "cache.example:323", "cache.example:8282": "cache.example:8282", "192.0.2.1": "192.0.2.1:323",
		"2001:db8::1": "[2001:db8::1]:323", "[2001:db8::1]": "[2001:db8::1]:323", "[2001:db8::1]:8282": "[2001:db8::1]:8282",
	} {
		var c cache
		var b rpki.VRPBuilder
		if _, err := (&rtr.Client{Dial: c.dial}).Fetch(t.Context(), address, &b); err == nil || !slices.Equal(c.addrs, []string{"tcp " + want}) {
			t.Errorf("%s: %v (%v), want %s", address, c.addrs, err, want)
		}
	}
}

func TestReportError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cache{scripts: [][]byte{report(1, rtr.NoData, "later")}}
		var b rpki.VRPBuilder
		_, err := (&rtr.Client{Dial: c.dial}).Fetch(t.Context(), "cache.example:1", &b)
		var e *rtr.ReportError
		if !errors.As(err, &e) || e.Code != rtr.NoData || e.Version != 1 || e.Text != `"later"` {
			t.Errorf("%v", err)
		}
	})
}

func TestTime(t *testing.T) {
	begun := join(response(1), ipv4(1, 1))
	tests := []struct {
		name    string
		client  rtr.Client
		script  []byte
		cancel  time.Duration // 0: never
		want    error
		elapsed time.Duration
	}{
		{"no answer", rtr.Client{}, nil, 0, nil, 30 * time.Second},
		{"silent in the middle", rtr.Client{}, begun, 0, nil, 30 * time.Second},
		{"its own patience", rtr.Client{Idle: 5 * time.Second}, begun, 0, nil, 5 * time.Second},
		{"all of it", rtr.Client{Timeout: 7 * time.Second}, begun, 0, context.DeadlineExceeded, 7 * time.Second},
		{"cancelled", rtr.Client{}, begun, 3 * time.Second, context.Canceled, 3 * time.Second},
		{"cancelled before an answer", rtr.Client{}, nil, 3 * time.Second, context.Canceled, 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel > 0 {
					defer time.AfterFunc(tt.cancel, cancel).Stop()
				}
				c := &cache{scripts: [][]byte{tt.script}, stay: true}
				tt.client.Dial = c.dial
				start := time.Now()
				var b rpki.VRPBuilder
				_, err := tt.client.Fetch(ctx, "cache.example:323", &b)
				if err == nil || tt.want != nil && !errors.Is(err, tt.want) || b.Len() != 0 {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				if got := time.Since(start); got != tt.elapsed {
					t.Errorf("it took %s, want %s", got, tt.elapsed)
				}
				if len(c.addrs) != 1 {
					t.Errorf("%d connections", len(c.addrs))
				}
			})
		})
	}
}

// TestSlowButSteady: a cache may take long, as long as it goes on.
func TestSlowButSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				io.ReadFull(server, make([]byte, 8))
				for _, b := range join(response(1), ipv4(1, 1), end(1)) {
					time.Sleep(2 * time.Second) // the bubble's time
					server.Write([]byte{b})
				}
			}()
			return client, nil
		}
		var b rpki.VRPBuilder
		src, err := (&rtr.Client{Dial: dial, Idle: 3 * time.Second}).Fetch(t.Context(), "cache.example:323", &b)
		if err != nil || src.Kept != 1 {
			t.Errorf("%+v, %v", src, err)
		}
	})
}

// FuzzFetch: whatever a cache sends, the client ends, and leaves nothing behind
// when it fails.
func FuzzFetch(f *testing.F) {
	f.Add(join(response(1), ipv4(1, 1), ipv6(1), routerKey(), end(1)))
	f.Add(join(response(0), ipv4(0, 1), ipv6(0), end(0)))
	f.Add(report(1, rtr.NoData, "x"))
	f.Add(join(pdu(1, 0, 0, 0, 0, 0, 0), pdu(1, 8, 0)))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &cache{scripts: [][]byte{data, data}}
		var b rpki.VRPBuilder
		src, err := (&rtr.Client{Dial: c.dial, MaxPDUs: 1000}).Fetch(t.Context(), "cache.example:323", &b)
		if b.Len() != src.Kept {
			t.Fatalf("%d VRPs, %d kept", b.Len(), src.Kept)
		}
		if err != nil && (b.Len() != 0 || src != (rpki.Source{})) {
			t.Fatalf("%v, but %d VRPs are left", err, b.Len())
		}
		for _, s := range list(t, &b) {
			if !strings.Contains(s, " AS") {
				t.Fatal(s)
			}
		}
	})
}

func ExampleClient_Fetch() {
	// A cache of one VRP, at the other end of a pipe.
	cache := &cache{scripts: [][]byte{join(response(1), ipv4(1, 1), end(1))}}
	client := &rtr.Client{Dial: cache.dial}

	var b rpki.VRPBuilder
	src, err := client.Fetch(context.Background(), "cache.example:323", &b)
	if err != nil {
		fmt.Println(err)
		return
	}
	vrps, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(src.Format, src.Kept, src.ValidUntil.Sub(src.Generated))
	for v := range vrps.All() {
		fmt.Println(v)
	}
	// Output:
	// rtr 1 2h0m0s
	// 192.0.2.0/24-25 AS64496
}
