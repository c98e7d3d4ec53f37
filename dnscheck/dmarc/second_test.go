package dmarc_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	msgauth "github.com/emersion/go-msgauth/dmarc"

	"mailvet/dnscheck/dmarc"
)

// TestSecondOpinion compares our reading with go-msgauth's, which is that of
// RFC 7489: whatever it accepts, we read the same policies and addresses from.
//
// It looks for "v" anywhere and takes the last of repeated tags; so the records
// made here begin with the version and have each tag at most once.
func TestSecondOpinion(t *testing.T) {
	r := rand.New(rand.NewPCG(9989, 7489))
	accepted := 0
	for range 20_000 {
		text := randomRecord(r)
		theirs, err := msgauth.Parse(text)
		if err != nil {
			continue
		}
		accepted++
		ours, err := dmarc.Parse(text)
		if err != nil {
			t.Errorf("%q: go-msgauth accepts it, we say %v", text, err)
			continue
		}
		if got, want := ours.Policy("p").String(), string(theirs.Policy); got != want {
			t.Errorf("%q: p is %q, go-msgauth says %q", text, got, want)
		}
		if got, want := ours.Policy("sp").String(), string(theirs.SubdomainPolicy); got != want {
			t.Errorf("%q: sp is %q, go-msgauth says %q", text, got, want)
		}
		var addresses []string
		for _, uri := range theirs.ReportURIAggregate {
			address, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(uri), "mailto:"), "!")
			addresses = append(addresses, address)
		}
		if got, want := strings.Join(ours.Addresses("rua"), " "), strings.Join(addresses, " "); got != want {
			t.Errorf("%q: rua is %q, go-msgauth says %q", text, got, want)
		}
	}
	if accepted < 2000 {
		t.Errorf("go-msgauth accepts only %d of the records: they are too wild to compare", accepted)
	}
}

func randomRecord(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	tags := []string{
		"p=" + pick("none", "quarantine", "reject"),
		"sp=" + pick("none", "quarantine", "reject", "bogus"),
		"rua=mailto:" + pick("a@b.example", "a@b.example!10m", "a@b.example,mailto:c@d.example"),
		"ruf=mailto:f@b.example", "pct=" + pick("0", "50", "100"), "adkim=" + pick("r", "s"), "aspf=" + pick("r", "s"),
		"fo=" + pick("0", "1", "d", "s"), "rf=afrf", "ri=86400", "t=y", "np=reject", "psd=n", "x-unknown=1",
	}
	r.Shuffle(len(tags), func(i, j int) { tags[i], tags[j] = tags[j], tags[i] })
	tags = tags[:1+r.IntN(len(tags))]
	return "v=DMARC1" + pick(";", "; ", " ; ") + strings.Join(tags, pick(";", "; ", " ; ")) + pick("", ";", " ;")
}

// TestSecondOpinionOnVectors: of the vectors of others and our own lists,
// whatever go-msgauth accepts has the same policies to us, but where it takes
// what RFC 9989 refuses.
func TestSecondOpinionOnVectors(t *testing.T) {
	// RFC 6376, Section 3.2: a repeated tag makes the list invalid. It takes the
	// last one.
	departing := []string{"v=DMARC1; p=none; p=none", "v=DMARC1; p=none; sp=none; sp=none", "v=DMARC1; p=none; p=reject"}
	records := append(slices.Clone(compatAccepted), compatRefused...)
	vectors(t, "dmarc-record.jsonl", func(line []byte) {
		var v struct{ Record string }
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		records = append(records, v.Record)
	})
	agreed := 0
	for _, text := range records {
		theirs, err := msgauth.Parse(text)
		if err != nil {
			continue
		}
		ours, err := dmarc.Parse(text)
		agree := err == nil && ours.Policy("p").String() == string(theirs.Policy) && ours.Policy("sp").String() == string(theirs.SubdomainPolicy)
		if agree == slices.Contains(departing, text) {
			t.Errorf("%q: go-msgauth says %v %v, we say %v, %v", text, theirs.Policy, theirs.SubdomainPolicy, ours, err)
		} else if agree {
			agreed++
		}
	}
	if agreed < 40 {
		t.Errorf("only %d records are compared", agreed)
	}
}
