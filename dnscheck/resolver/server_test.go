package resolver_test

import (
	"strings"
	"testing"

	"mailvet/dnscheck/resolver"
)

func TestParseServer(t *testing.T) {
	tests := []struct{ in, want, wrong string }{
		{"192.0.2.1", "192.0.2.1:53", ""},
		{"192.0.2.1:5353", "192.0.2.1:5353", ""},
		{"2001:db8::1", "[2001:db8::1]:53", ""},
		{"[2001:db8::1]", "[2001:db8::1]:53", ""},
		{"[2001:DB8::1]:5353", "[2001:DB8::1]:5353", ""},
		{"fe80::1%eth0", "[fe80::1%eth0]:53", ""},
		{"dns.example", "dns.example:53", ""},
		{"dns.example:54", "dns.example:54", ""},
		{"localhost:54", "localhost:54", ""},
		{"tls://dns.example", "tls://dns.example:853", ""},
		{"tls://dns.example:443", "tls://dns.example:443", ""},
		{"tls://192.0.2.1", "tls://192.0.2.1:853", ""},
		{"tls://2001:db8::1", "tls://[2001:db8::1]:853", ""},
		{"tls://fe80::1%eth0", "tls://[fe80::1%eth0]:853", ""},
		{"tls://[2001:db8::1]:853#dns.example", "tls://[2001:db8::1]:853#dns.example", ""},
		{"", "", "empty"},
		{" ", "", "empty"},
		{"tcp://192.0.2.1", "tcp://192.0.2.1:53", ""},
		{"tcp://fe80::1%eth0", "tcp://[fe80::1%eth0]:53", ""},
		{"https://dns.example", "https://dns.example:443/dns-query", ""},
		{"https://dns.example/", "https://dns.example:443/", ""},
		{"https://dns.example/dns-query", "https://dns.example:443/dns-query", ""},
		{"https://dns.example/dns-query{?dns}", "https://dns.example:443/dns-query", ""},
		{"https://dns.example:8443/a/b%2Fc", "https://dns.example:8443/a/b%2Fc", ""},
		{"https://192.0.2.1/dns-query", "https://192.0.2.1:443/dns-query", ""},
		{"https://[2001:db8::1]:8443/q", "https://[2001:db8::1]:8443/q", ""},
		{"https://2001:db8::1/q", "https://[2001:db8::1]:443/q", ""},
		{"https://192.0.2.1/dns-query#dns.example", "https://192.0.2.1:443/dns-query#dns.example", ""},
		{"https://dns.example/dns-query?dns=AAAA", "", "path"},
		{"https://dns.example/dns-query?", "", "path"},
		{"https://dns.example/a b", "", "path"},
		{"https://dns.example/%zz", "", "path"},
		{"https://user@dns.example/", "", "neither"},
		{"https://", "", "neither"},
		{"https:///dns-query", "", "neither"},
		{"HTTPS://dns.example/", "", "only tcp://"},
		{"http://dns.example/dns-query", "", "only tcp://"},
		{"udp://192.0.2.1", "", "only tcp://"},
		{"://192.0.2.1", "", "only tcp://"},
		{"tls://", "", "neither"},
		{"192.0.2.1:", "", "port"},
		{"192.0.2.1:0", "", "port"},
		{"192.0.2.1:65536", "", "port"},
		{"192.0.2.1:dns", "", "port"},
		{"192.0.2.300", "", "neither"},
		{"192.0.2", "", "neither"},
		{"2001:db8::1:53:53:53:53:53:53", "", "brackets"},
		{"[2001:db8::1", "", "brackets"},
		{"dns example", "", "neither"},
		{"dns..example", "", "neither"},
		{"-dns.example", "", "neither"},
		{"bücher.example", "", "neither"},
		{"192.0.2.1#dns.example", "", "only"},
		{"tcp://192.0.2.1#dns.example", "", "only"},
		{"tls://192.0.2.1#", "", "certificate"},
	}
	for _, tt := range tests {
		s, err := resolver.ParseServer(tt.in)
		switch {
		case tt.wrong != "":
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%q: %v, %v; want an error about %q", tt.in, s, err, tt.wrong)
			}
		case err != nil || s.String() != tt.want:
			t.Errorf("%q: %v, %v; want %s", tt.in, s, err, tt.want)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "[2001:db8::1]:53", "tls://dns.example#a.b", "tls://[::]:1#x", "fe80::1%eth0", "https://dns.example/a%20b#c.d", "https://[::1]:1/", "tcp://a:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := resolver.ParseServer(in)
		if err != nil {
			return
		}
		again, err := resolver.ParseServer(s.String())
		if err != nil || again != s {
			t.Errorf("%q: %+v is written %q, which is read as %+v, %v", in, s, s, again, err)
		}
	})
}

func TestWrongConfiguration(t *testing.T) {
	n, _ := behave("answer")
	for _, tt := range []struct {
		name, qtype string
		r           *resolver.Resolver
	}{
		{"no servers", "A", &resolver.Resolver{Servers: []string{}}},
		{"bad server", "A", &resolver.Resolver{Servers: []string{"192.0.2.1", "192.0.2.1:x"}}},
		{"two that validate", "A", &resolver.Resolver{Servers: []string{"192.0.2.1"}, TrustAD: true, Validator: validator()}},
		{"no such type", "BOGUS", over(t, &n.fakeNet)},
		{"no RRset", "ANY", over(t, &n.fakeNet)},
		{"type 0", "TYPE0", over(t, &n.fakeNet)},
		{"type too large", "TYPE65536", over(t, &n.fakeNet)},
		{"lower case", "mx", over(t, &n.fakeNet)},
	} {
		if _, err := tt.r.Lookup(t.Context(), "example.test", tt.qtype); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}
