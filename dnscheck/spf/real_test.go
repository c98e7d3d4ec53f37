package spf_test

import (
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"

	"mailvet/dnscheck/spf"
)

// mailSPF reads records, a hexadecimal line each, with Mail::SPF's parser, and
// prints the terms of each that it accepts; else "refused".
const mailSPF = `
use Mail::SPF; use Mail::SPF::v1::Record;
while (<STDIN>) {
	chomp;
	my $text = pack "H*", $_;
	my $r = eval { Mail::SPF::v1::Record->new_from_string($text) };
	if ($@ || !$r) { print "refused\n"; next }
	print join(" ", map { $_->stringify } $r->terms), "\n";
}`

// realDepartures are the records that Mail::SPF judges otherwise, with the
// reason.
var realDepartures = map[string]string{
	"v=spf1 include:example.com. -all":     "it prints the name without its final dot",
	"v=spf1 ip6:::ffff:192.0.2.1/128 -all": "it prints the address in hexadecimal",
	"v=spf1 mx:/24 -all":                   "RFC 7208, Section 5.4: a colon must be followed by a domain-spec",
	"v=spf1 include:foo.%{x} -all":         "RFC 7208, Section 7.2: no such macro letter; it finds that out on evaluation",
	"v=spf1 exists:%{d0}.com -all":         "RFC 7208, Section 7.3: the number of labels must not be zero; it finds that out on evaluation",
	"v=spf1 exists:%{c}.com -all":          "RFC 7208, Section 7.2: the letter c is for explanations only; it finds that out on evaluation",
	"v=spf1 foo=%{x} -all":                 "RFC 7208, Section 12: the value of an unknown modifier is a macro-string; it does not look",
}

// TestMailSPF compares our parser with that of Mail::SPF, the reference
// implementation of RFC 4408, which RFC 7208 clarified.
func TestMailSPF(t *testing.T) {
	perl, err := exec.LookPath("perl")
	if err == nil {
		err = exec.Command(perl, "-MMail::SPF", "-e", "1").Run()
	}
	if err != nil {
		if os.Getenv("MAILVET_REAL") == "1" {
			t.Fatal("perl with Mail::SPF is not here, and MAILVET_REAL wants it")
		}
		t.Skip("needs perl with Mail::SPF (libmail-spf-perl)")
	}
	records := []string{"v=spf1", "V=SPF1  ", "v=spf1 -all a redirect=example.com", "v=spf1 all all", "v=spf10", "v=spf1-all", " v=spf1",
		"v=spf1 redirect=a.example REDIRECT=b.example", "v=spf1 exp=a.example exp=a.example", "v=spf1 mx ip4:192.0.2.0/24 include:a.example.com ~all"}
	for _, term := range append(rfcAccepted, rfcRefused...) {
		records = append(records, "v=spf1 "+term+" -all")
	}
	var in strings.Builder
	for _, r := range records {
		in.WriteString(hex.EncodeToString([]byte(r)) + "\n")
	}
	cmd := exec.Command(perl, "-e", mailSPF)
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(records) || len(records) < 60 {
		t.Fatalf("%d answers to %d records", len(lines), len(records))
	}
	for i, record := range records {
		ours := "refused"
		if r, err := spf.Parse(record); err == nil {
			var terms []string
			for _, term := range r.Terms {
				// Mail::SPF keeps these two apart.
				if term.Kind != spf.Redirect && term.Kind != spf.Exp {
					terms = append(terms, term.String())
				}
			}
			ours = strings.Join(terms, " ")
		}
		agree := strings.EqualFold(ours, lines[i])
		if _, departs := realDepartures[record]; agree == departs {
			t.Errorf("%q: we say %q, Mail::SPF says %q; departing %v", record, ours, lines[i], departs)
		}
	}
}
