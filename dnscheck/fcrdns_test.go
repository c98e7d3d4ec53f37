package dnscheck_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/dnscheck"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

const reversible = `
example.test MX = 10 mx.example.test.
mx.example.test A = 192.0.2.1
mx.example.test AAAA nodata
`

const reverse1 = "1.2.0.192.in-addr.arpa PTR "

var reverseRows = []judged{
	{"its own name", reversible + reverse1 + "= mx.example.test.", []string{"mx-reverse@mx.example.test confirmed -"}},
	{"in upper case", reversible + reverse1 + "= MX.Example.TEST.", []string{"mx-reverse@mx.example.test confirmed -"}},
	{"another name that leads back", reversible + reverse1 + "= out.example.test.\nout.example.test A = 192.0.2.9 ; 192.0.2.1", []string{"mx-reverse@mx.example.test confirmed -"}},
	{"the second of two", reversible + reverse1 + "= a.example.test. ; mx.example.test.\na.example.test A = 192.0.2.9", []string{"mx-reverse@mx.example.test confirmed -"}},
	{"IPv6", strings.Replace(reversible, "AAAA nodata", "AAAA = 2001:db8::1", 1) + reverse1 + "= mx.example.test.\n" +
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR = mx.example.test.",
		[]string{"mx-reverse@mx.example.test confirmed -", "mx-reverse@mx.example.test confirmed -"}},
	{"no name", reversible + reverse1 + "nxdomain", []string{"mx-reverse@mx.example.test no-name -"}},
	{"no such record", reversible + reverse1 + "nodata", []string{"mx-reverse@mx.example.test no-name -"}},
	{"the root for a name", reversible + reverse1 + "= .", []string{"mx-reverse@mx.example.test no-name -"}},
	{"elsewhere", reversible + reverse1 + "= pool.example.test.\npool.example.test A = 192.0.2.9", []string{"mx-reverse@mx.example.test not-confirmed -"}},
	{"nowhere", reversible + reverse1 + "= pool.example.test.\npool.example.test A nxdomain", []string{"mx-reverse@mx.example.test not-confirmed -"}},
	{"of the other family alone", reversible + reverse1 + "= pool.example.test.\npool.example.test A nodata", []string{"mx-reverse@mx.example.test not-confirmed -"}},
	{"no answer", reversible + reverse1 + "servfail", []string{"mx-reverse@mx.example.test unknown -"}},
	{"no answer for the name", reversible + reverse1 + "= a.example.test.\na.example.test A timeout", []string{"mx-reverse@mx.example.test unknown -"}},
	{"no answer for one of two", reversible + reverse1 + "= a.example.test. ; b.example.test.\na.example.test A timeout\nb.example.test A nxdomain", []string{"mx-reverse@mx.example.test unknown -"}},
	{"no time", reversible + reverse1 + "budget", []string{"mx-reverse@mx.example.test not-looked-up -"}},
	{"no time for the name", reversible + reverse1 + "= a.example.test.", []string{"mx-reverse@mx.example.test not-looked-up -"}},
	{"not asked", reversible, []string{"mx-reverse@mx.example.test not-looked-up -"}},
	{"two of a family", strings.Replace(reversible, "192.0.2.1", "192.0.2.1 ; 192.0.2.2", 1) + reverse1 + "= mx.example.test.", []string{"mx-reverse@mx.example.test confirmed -", "mx-reverse@mx.example.test left-out -"}},
	{"no mail", "example.test MX nodata", []string{"mx-reverse no-mail-servers -"}},
	{"nobody knows", "example.test MX servfail", []string{"mx-reverse addresses-unknown -"}},
	{"no time for the mail servers", "example.test MX budget", []string{"mx-reverse addresses-not-looked-up -"}},
}

func TestReverse(t *testing.T) { runJudged(t, reverseRows, check.Extra) }

func TestEveryReverseCodeIsProduced(t *testing.T) {
	everyCode(t, "reverse", produced(reverseRows, check.Extra))
}

// Names are those of the DNS library, and few questions are wanted however many
// addresses and names there are.
func TestReverseWants(t *testing.T) {
	for _, addr := range []string{"192.0.2.1", "2001:db8::1:23f0"} {
		want, err := dns.ReverseAddr(addr)
		if err != nil {
			t.Fatal(err)
		}
		typ := "A"
		if strings.Contains(addr, ":") {
			typ = "AAAA"
		}
		s := world("example.test MX = 10 mx.example.test.\nmx.example.test " + typ + " = " + addr)
		if !slices.ContainsFunc(dnscheck.Wants(s), func(q evidence.Question) bool { return q.Name == strings.TrimSuffix(want, ".") && q.Type == "PTR" }) {
			t.Errorf("%s is not asked for", want)
		}
	}
	var addrs, names []string
	for i := range 50 {
		addrs = append(addrs, fmt.Sprintf("192.0.2.%d", i+10))
		names = append(names, fmt.Sprintf("n%d.example.test.", i))
	}
	text := "example.test MX = 10 mx.example.test.\nmx.example.test A = " + strings.Join(addrs, " ; ") + "\n"
	ptr, forward := 0, 0
	for _, q := range dnscheck.Wants(world(text + "10.2.0.192.in-addr.arpa PTR = " + strings.Join(names, " ; "))) {
		switch {
		case q.Type == "PTR":
			ptr++
		case strings.HasPrefix(q.Name, "n"):
			forward++
		}
	}
	if ptr != 0 || forward != 2 {
		t.Errorf("%d questions for names, %d for their addresses", ptr, forward)
	}
}
