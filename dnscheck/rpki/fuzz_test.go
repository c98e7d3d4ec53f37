package rpki_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mailvet/dnscheck/rpki"
)

// FuzzReadVRPs: whatever is read can be written as CSV and as JSON, and reads
// back as the same; what cannot be read leaves nothing.
func FuzzReadVRPs(f *testing.F) {
	for _, s := range []string{
		`{"metadata":{"generated":1,"valid":2},"roas":[{"asn":"AS64496","prefix":"192.0.2.0/24","maxLength":25,"ta":"ripe","expires":3}],"x":[{"y":null}]}`,
		`{"roas":[{"asn":0,"prefix":"2001:db8::/32","source":[{"tal":"ripe"}]},{"asn":0,"prefix":"2001:DB8::/32"}]}`,
		"ASN,IP Prefix,Max Length,Trust Anchor\nAS64496,192.0.2.0/24,25,ripe\n", "\"1\",\"::/0\",\"128\"\n", "# x\n1,0.0.0.0/0,,a,b\n", `{"slurmVersion":1}`,
	} {
		f.Add([]byte(s))
		f.Add([]byte(zip(f, s)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b rpki.VRPBuilder
		src, err := rpki.VRPReader{MaxBytes: 1 << 20, MaxVRPs: 3000}.Read(strings.NewReader(string(data)), &b)
		if err != nil {
			if b.Len() != 0 || src != (rpki.Source{}) {
				t.Fatalf("%v, but %d VRPs are left", err, b.Len())
			}
			if !utf8.ValidString(err.Error()) || len(err.Error()) > 1000 {
				t.Fatalf("an error not fit to print: %q", err)
			}
			return
		}
		if b.Len() != src.Kept {
			t.Fatalf("%d VRPs, %d kept", b.Len(), src.Kept)
		}
		set, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		var list []rpki.VRP
		csv := "ASN,IP Prefix,Max Length,Trust Anchor\n"
		type roa struct {
			ASN       string       `json:"asn"`
			Prefix    netip.Prefix `json:"prefix"`
			MaxLength int          `json:"maxLength"`
			TA        string       `json:"ta"`
		}
		doc := struct {
			ROAs []roa `json:"roas"`
		}{[]roa{}}
		for v := range set.All() {
			list = append(list, v)
			doc.ROAs = append(doc.ROAs, roa{v.ASN.String(), v.Prefix, v.MaxLength, v.TrustAnchor})
			csv += fmt.Sprintf("%s,%s,%d,\"%s\"\n", v.ASN, v.Prefix, v.MaxLength, strings.ReplaceAll(v.TrustAnchor, `"`, ""))
			if v.ASN != 0 && set.Validate(rpki.Route{Prefix: v.Prefix, Origin: v.ASN}).State != rpki.StateValid {
				t.Fatalf("%s does not match itself", v)
			}
			if v.Prefix.Bits() > 0 && v.MaxLength < v.Prefix.Addr().BitLen() {
				longest, _ := v.Prefix.Addr().Prefix(v.MaxLength + 1)
				if x := set.Validate(rpki.Route{Prefix: longest, Origin: v.ASN}); !slices.Contains(x.UnmatchedLength, v) {
					t.Fatalf("%s does not refuse %s", v, longest)
				}
			}
		}
		asJSON, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{csv, string(asJSON)} {
			var again rpki.VRPBuilder
			if _, err := (rpki.VRPReader{}).Read(strings.NewReader(text), &again); err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			back, err := again.Build()
			if err != nil {
				t.Fatal(err)
			}
			same := func(a, b rpki.VRP) bool {
				return a.Prefix == b.Prefix && a.MaxLength == b.MaxLength && a.ASN == b.ASN
			}
			if got := slices.Collect(back.All()); !slices.EqualFunc(got, list, same) {
				t.Fatalf("%v reads back as %v", list, got)
			}
		}
	})
}

// FuzzReadRoutes: whatever is read can be written in the RIS form and reads
// back as the same.
func FuzzReadRoutes(f *testing.F) {
	for _, s := range []string{"% x\n64496\t192.0.2.0/24\t350\n{1,2}\t::/0\t10\n", "192.0.2.0\t24\t1_2,3\n2001:db8::\t32\t4\n", "1 10.0.0.1/8 11"} {
		f.Add([]byte(s))
		f.Add([]byte(zip(f, s)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b rpki.RouteBuilder
		src, err := rpki.RouteReader{MaxBytes: 1 << 20, MaxRoutes: 3000, MinPeers: 1}.Read(strings.NewReader(string(data)), &b)
		if err != nil {
			if b.Len() != 0 {
				t.Fatalf("%v, but %d routes are left", err, b.Len())
			}
			return
		}
		if b.Len() != src.Kept {
			t.Fatalf("%d routes, %d kept", b.Len(), src.Kept)
		}
		table, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		text := "% routes\n"
		var list []rpki.Route
		for r := range table.All() {
			if found, _ := table.To(r.Prefix.Addr()); !slices.Contains(found, r) {
				t.Fatalf("%s is not found", r)
			}
			if r.Peers == 0 {
				r.Peers = 7 // pfx2as tells none
			}
			list = append(list, r)
			origin := r.Origin.String()
			if r.Origin == 0 {
				origin = "{1,2}"
			}
			text += fmt.Sprintf("%s\t%s\t%d\n", origin, r.Prefix, r.Peers)
		}
		var again rpki.RouteBuilder
		if _, err := (rpki.RouteReader{MinPeers: 1}).Read(strings.NewReader(text), &again); err != nil && len(list) > 0 {
			t.Fatalf("%v in\n%s", err, text)
		}
		back, err := again.Build()
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(back.All()); !slices.Equal(got, list) {
			t.Fatalf("%v reads back as %v", list, got)
		}
	})
}

// FuzzParseAnnouncement: what is read is bounded, printable, and reads back.
func FuzzParseAnnouncement(f *testing.F) {
	for _, s := range []string{"64496 | 192.0.2.0/24 | NL | ripencc | 2001-02-03", "1 2 | 2001:db8::/32", "NA | ::/0 | | |", "64496 | NL | ripencc | 2001-02-03 | EXAMPLE, NL", "|", "1 | \x1b\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := rpki.ParseAnnouncement(text); err == nil {
			var origins []string
			for _, o := range a.Origins {
				origins = append(origins, o.String())
			}
			form := fmt.Sprintf("%s | %s | %s | %s | %s", strings.Join(origins, " "), a.Prefix, a.Country, a.Registry, a.Allocated)
			back, err := rpki.ParseAnnouncement(form)
			if errors.Is(err, rpki.ErrTooLarge) {
				return // "AS" before each number makes it longer
			}
			if err != nil || fmt.Sprint(back) != fmt.Sprint(a) {
				t.Fatalf("%+v reads back as %+v (%v)", a, back, err)
			}
		}
		if s, err := rpki.ParseSystem(text); err == nil {
			for _, x := range []string{s.Name, s.Country, s.Registry, s.Allocated} {
				if !utf8.ValidString(x) || utf8.RuneCountInString(x) > 128 || strings.ContainsFunc(x, func(r rune) bool { return r < ' ' }) {
					t.Fatalf("%q is not fit to print", x)
				}
			}
		}
	})
}
