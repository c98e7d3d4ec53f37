package dmarc_test

import (
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"

	"mailvet/dnscheck/dmarc"
)

// mailDMARC reads records, a hexadecimal line each, with Mail::DMARC's parser,
// and prints the policies of each that it accepts; else "refused".
const mailDMARC = `
use Mail::DMARC::Policy;
local $SIG{__WARN__} = sub {};
while (<STDIN>) {
	chomp;
	my $text = pack "H*", $_;
	my $r = eval { Mail::DMARC::Policy->new($text) };
	if ($@ || !$r) { print "refused\n"; next }
	print join(" ", map { $_ . "=" . lc($r->{$_}) } grep { defined $r->{$_} } qw(p sp adkim aspf pct)), "\n";
}`

// realDepartures are the records that Mail::DMARC judges otherwise, with the
// reason.
var realDepartures = map[string]string{
	"v=dmarc1; p=none":                    "RFC 9989, Section 4.7: the value of v is to be compared with regard to case",
	"v=DMARC1; p=none; p=none":            "RFC 6376, Section 3.2: a repeated tag makes the list invalid; it takes the last one",
	"v=DMARC1; p=none; sp=none; sp=none":  "the same",
	`v=DMARC1; p=none\; rua=mailto:a@b.c`: "it takes a backslash before a semicolon away; to us it is part of the policy, which then is none",
}

// TestMailDMARC compares our parser with that of Mail::DMARC: which records
// have a policy, and which one.
func TestMailDMARC(t *testing.T) {
	perl, err := exec.LookPath("perl")
	if err == nil {
		err = exec.Command(perl, "-MMail::DMARC::Policy", "-e", "1").Run()
	}
	if err != nil {
		if os.Getenv("MAILVET_REAL") == "1" {
			t.Fatal("perl with Mail::DMARC is not here, and MAILVET_REAL wants it")
		}
		t.Skip("needs perl with Mail::DMARC (libmail-dmarc-perl)")
	}
	records := append(append([]string{}, compatAccepted...), compatRefused...)
	var in strings.Builder
	for _, r := range records {
		in.WriteString(hex.EncodeToString([]byte(r)) + "\n")
	}
	cmd := exec.Command(perl, "-e", mailDMARC)
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
		ours := readAsMailDMARC(record)
		if _, departs := realDepartures[record]; (ours == lines[i]) == departs {
			t.Errorf("%q: we say %q, Mail::DMARC says %q; departing %v", record, ours, lines[i], departs)
		}
	}
}

// readAsMailDMARC says what we read in the words of the other one.
func readAsMailDMARC(record string) string {
	r, err := dmarc.Parse(record)
	if err != nil {
		return "refused"
	}
	p := r.Policy("p")
	if p == dmarc.PolicyAbsent && len(r.Addresses("rua")) > 0 {
		p = dmarc.PolicyNone
	}
	if p < dmarc.PolicyNone {
		return "refused"
	}
	words := []string{"p=" + p.String()}
	for _, tag := range []string{"sp", "adkim", "aspf", "pct"} {
		if v, ok := r.Get(tag); ok && v != "" {
			words = append(words, tag+"="+strings.ToLower(v))
		}
	}
	return strings.Join(words, " ")
}
