package resolver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
)

func TestSystemFrom(t *testing.T) {
	type settings = resolver.Settings
	tests := []struct {
		name, file string
		want       settings
	}{
		{"usual", "# comment\nsearch example.test\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 \noptions edns0 trust-ad ndots:2\n",
			settings{Servers: []string{"192.0.2.1", "2001:db8::1"}, TrustAD: true}},
		{"zone", "nameserver fe80::1%eth0\n", settings{Servers: []string{"fe80::1%eth0"}}},
		{"CRLF and no last line end", "nameserver 192.0.2.1\r\nnameserver 192.0.2.2", settings{Servers: []string{"192.0.2.1", "192.0.2.2"}}},
		{"broken lines", "nameserver\nnameserver x y\n;nameserver 192.0.2.9\nNAMESERVER 192.0.2.8\nnameserver 192.0.2.1:53\nnameserver 192.0.2.1 # x\n",
			settings{Servers: []string{"192.0.2.1"}}},
		{"three at most, broken ones not counted", "nameserver a\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
			settings{Servers: []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}}},
		{"time and rounds", "nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions timeout:1 attempts:4\n",
			settings{Servers: []string{"192.0.2.1", "192.0.2.2"}, Timeout: time.Second, Tries: 8}},
		{"beyond the bounds", "nameserver 192.0.2.1\noptions timeout:99 attempts:99999999999999999999\n",
			settings{Servers: []string{"192.0.2.1"}, Timeout: 30 * time.Second, Tries: 5}},
		{"zero is one", "nameserver 192.0.2.1\noptions timeout:0 attempts:0\n", settings{Servers: []string{"192.0.2.1"}, Timeout: time.Second, Tries: 1}},
		{"no numbers", "nameserver 192.0.2.1\noptions timeout: attempts:x timeout:-1 rotate:\n", settings{Servers: []string{"192.0.2.1"}, Rotate: true}},
		{"several lines of options, the last counts", "options rotate timeout:2\nnameserver 192.0.2.1\noptions timeout:4\n",
			settings{Servers: []string{"192.0.2.1"}, Timeout: 4 * time.Second, Rotate: true}},
		{"TCP only", "nameserver 192.0.2.1\nnameserver 2001:db8::1\noptions use-vc\n", settings{Servers: []string{"tcp://192.0.2.1", "tcp://2001:db8::1"}}},
		{"none", "search example.test\noptions attempts:3\n", settings{Servers: []string{"127.0.0.1"}, Tries: 3}},
		{"empty", "", settings{Servers: []string{"127.0.0.1"}}},
		{"octets", "\x00\xff\nnameserver \xff\nnameserver 192.0.2.1\n", settings{Servers: []string{"192.0.2.1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := resolver.SystemFrom(path)
			if err != nil || !equal(got, tt.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
			for _, s := range got.Servers {
				if _, err := resolver.ParseServer(s); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Without a file there is a server on this machine, as for the C library; a
// file that cannot be read is a fault of the system, and said.
func TestSystemWithoutFile(t *testing.T) {
	got, err := resolver.SystemFrom(filepath.Join(t.TempDir(), "none"))
	if err != nil || !equal(got, resolver.Settings{Servers: []string{"127.0.0.1"}}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := resolver.SystemFrom(t.TempDir()); err == nil {
		t.Error("a directory is no error")
	}
	long := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(long, []byte("nameserver 192.0.2.1\n#"+strings.Repeat("x", 2<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := resolver.SystemFrom(long); err == nil && len(got.Servers) != 1 {
		t.Errorf("a line of two megabytes: %+v", got)
	}
}

func FuzzSystemFrom(f *testing.F) {
	f.Add("nameserver 192.0.2.1\noptions timeout:1 rotate attempts:2 use-vc\n")
	f.Add("nameserver fe80::1%eth0\noptions timeout:-1")
	f.Add("options\nnameserver\n;\n#")
	path := filepath.Join(f.TempDir(), "resolv.conf")
	f.Fuzz(func(t *testing.T, file string) {
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := resolver.SystemFrom(path)
		if err != nil {
			return
		}
		if n := len(s.Servers); n < 1 || n > resolver.MaxSystemServers || s.Timeout < 0 || s.Timeout > 30*time.Second || s.Tries < 0 || s.Tries > 5*n {
			t.Errorf("%q: %+v", file, s)
		}
		for _, server := range s.Servers {
			if _, err := resolver.ParseServer(server); err != nil {
				t.Errorf("%q: %v", file, err)
			}
		}
	})
}

// With Rotate each server gets its share, and all are tried where one fails.
func TestRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, addrs := behave("answer", "answer", "servfail")
		r := over(t, &n.fakeNet, addrs...)
		r.Rotate = true
		for i := range 30 {
			if l := lookup(t, r, "n"+string(rune('a'+i))+".test", "A"); l.Outcome != evidence.OutcomeAnswer {
				t.Errorf("%d: %v", i, l.Outcome)
			}
		}
		if want := map[string]int{"192.0.2.1:53": 20, "192.0.2.2:53": 10, "192.0.2.3:53": 10}; !equal(n.asked, want) {
			t.Errorf("asked %v, want %v", n.asked, want)
		}
	})
}

// TCP only means no packet over UDP.
func TestTCPOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := behave("answer")
		r := over(t, &n.fakeNet, "tcp://192.0.2.1")
		for _, name := range []string{"a.test", "b.test"} {
			if l := lookup(t, r, name, "A"); l.Outcome != evidence.OutcomeAnswer {
				t.Errorf("%+v", l)
			}
		}
		if want := map[string]int{"tcp 192.0.2.1:53": 1}; !equal(n.dials, want) {
			t.Errorf("dialled %v", n.dials)
		}
	})
}
