package keys_test

import (
	"fmt"
	"reflect"
	"testing"

	"mailvet/report"
	"mailvet/report/keys"
)

func with(domain, fingerprints string) *report.Report {
	return &report.Report{Domain: domain, Categories: []report.Category{{ID: "extra", Checks: []report.Check{
		{ID: "dkim-selectors", Findings: []report.Finding{{Args: map[string]string{"fingerprints": "x sha256:no"}}}},
		{ID: "dkim-keys", Findings: []report.Finding{{Args: map[string]string{"fingerprints": fingerprints}}}},
	}}}}
}

func Example() {
	var n keys.Notes
	n.Note(with("a.example", "s1 sha256:11; s2 sha256:22"))
	n.Note(with("b.example", "default sha256:22"))
	list, _ := n.Shared(10)
	fmt.Println(list[0].Fingerprint, list[0].Domains, list[0].Names)
	// Output: sha256:22 2 [a.example b.example]
}

func TestShared(t *testing.T) {
	var n keys.Notes
	if list, all := n.Shared(5); all != 0 || list == nil || len(list) != 0 {
		t.Errorf("nothing: %v, %d", list, all)
	}
	n.Note(with("a.example", "s1 sha256:11; s2 sha256:11; s3 sha256:33")) // twice in one domain is no sharing
	n.Note(with("a.example", "s1 sha256:11"))
	n.Note(with("none.example", ""))
	if _, all := n.Shared(5); all != 0 {
		t.Errorf("%d shared by one domain", all)
	}
	for _, domain := range []string{"b.example", "b.example", "c.example", "d.example", "e.example", "e.example", "f.example", "b.example"} {
		n.Note(with(domain, "s1 sha256:11; s2 sha256:11"))
	}
	n.Note(with("z.example", "s sha256:33"))
	list, all := n.Shared(1)
	want := []keys.Shared{{Fingerprint: "sha256:11", Domains: 6, Names: []string{"a.example", "b.example", "c.example", "d.example"}}}
	if all != 2 || !reflect.DeepEqual(list, want) {
		t.Errorf("%v, %d in all; want %v, 2", list, all, want)
	}
}

// However many keys there are, what is held is bounded.
func TestBound(t *testing.T) {
	var n keys.Notes
	for _, domain := range []string{"a.example", "b.example"} {
		for i := range 210_000 {
			n.Note(with(domain, fmt.Sprintf("s sha256:%d", i)))
		}
	}
	if _, all := n.Shared(1); all != 200_000 {
		t.Errorf("%d keys are noted", all)
	}
}
