package dnstest_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnstest"
)

// The key that this name leads to first has the tag 0, with which miekg/dns
// does not sign: one name in 65,536 is like that.
func TestKeyTag(t *testing.T) {
	w, err := dnstest.NewWorld(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		dnstest.MustParseZone("test", "@ 300 NS ns\nns 300 A 192.0.2.1", dnstest.Options{Signed: true}),
		dnstest.MustParseZone("c012266.test", "@ 300 NS ns\nns 300 A 192.0.2.1\n@ 300 MX 10 mx", dnstest.Options{Signed: true}))
	if err != nil {
		t.Fatal(err)
	}
	q := new(dns.Msg).SetQuestion("c012266.test.", dns.TypeMX)
	q.SetEdns0(4096, true)
	b, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if b, err = w.Resolver().Exchange(t.Context(), dnstest.TCP, b); err != nil {
		t.Fatal(err)
	}
	var m dns.Msg
	if err := m.Unpack(b); err != nil || len(m.Answer) != 2 || m.Answer[1].(*dns.RRSIG).KeyTag == 0 {
		t.Errorf("%v, %v", &m, err)
	}
}
