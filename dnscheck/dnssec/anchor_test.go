package dnssec_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
)

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestRootAnchors(t *testing.T) {
	// As published at https://data.iana.org/root-anchors/root-anchors.xml.
	want := []string{
		"20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
		"38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
	}
	got := dnssec.RootAnchors()
	if len(got) != len(want) {
		t.Fatalf("%d anchors, want %d", len(got), len(want))
	}
	for i, rr := range got {
		if data := strings.TrimPrefix(rr.String(), rr.Header().String()); rr.Header().Name != "." || data != want[i] {
			t.Errorf("%q, want %q", data, want[i])
		}
	}
	// The key of 2017 itself, whose digest that is.
	key := &dns.DNSKEY{
		Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET}, Flags: 257, Protocol: 3, Algorithm: 8,
		PublicKey: "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=",
	}
	if ds := key.ToDS(dns.SHA256); !strings.EqualFold(ds.Digest, got[0].(*dns.DS).Digest) || ds.KeyTag != got[0].(*dns.DS).KeyTag {
		t.Errorf("the key of 2017 has the DS %s", ds)
	}
}

func TestParseAnchors(t *testing.T) {
	for _, c := range []struct{ what, text, err string }{
		{"DS", ". DS 20326 8 2 " + zeros, ""},
		{"with TTL and class, upper case", "Example.TEST. 3600 IN DS 1 8 2 " + zeros, ""},
		{"relative names are absolute", "example.test DS 1 8 2 " + zeros, ""},
		{"key", "example.test. IN DNSKEY 257 3 15 " + strings.Repeat("A", 43) + "=", ""},
		{"unknown digest type", "example.test. DS 1 8 99 00", ""},
		{"comment behind", ". DS 20326 8 2 " + zeros + " ; the root", ""},
		{"Windows line ends", "; x\r\n. DS 20326 8 2 " + zeros + "\r\n", ""},
		{"empty", "", "no DS or DNSKEY record"},
		{"only comments", "; nothing\n\n", "no DS or DNSKEY record"},
		{"another type", "\n\n. NS a.test.", "line 3: a record of type NS"},
		{"no record", ". DS 20326 8 2 " + zeros + "\nhello world\n", "line 2"},
		{"digest too short", ". DS 20326 8 2 00", "line 1: the digest of the DS record has 2 hexadecimal digits; type 2 has 64"},
		{"digest not hexadecimal", ". DS 20326 8 99 0x", "line 1: the digest of the DS record is not hexadecimal"},
		{"key not base64", "example.test. DNSKEY 257 3 15 ????", "line 1: the DNSKEY record: the key cannot be read"},
		{"class", "example.test. CH DS 1 8 2 " + zeros, "line 1: class CH"},
		{"no zone key", "example.test. DNSKEY 1 3 15 AAAA", "line 1: the DNSKEY record has flags 1"},
		{"revoked", "example.test. DNSKEY 385 3 15 AAAA", "revoked"},
		{"protocol", "example.test. DNSKEY 257 2 15 AAAA", "protocol 2"},
		{"directive", "$INCLUDE /etc/passwd\n", "line 1: directives"},
		{"parenthesis", "\n. DS 1 8 2 (\n00\n", "line 2: a parenthesis is not closed"},
		{"too many", strings.Repeat(". DS 1 8 2 "+zeros+"\n", 1001), "line 1001: more than 1000"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, err := dnssec.ParseAnchors(strings.NewReader(c.text))
			switch {
			case c.err == "" && (err != nil || len(got) != 1):
				t.Errorf("%v, %v", got, err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("error %v, want ..%q..", err, c.err)
			}
		})
	}
}

func FuzzParseAnchors(f *testing.F) {
	f.Add(". DS 20326 8 2 " + zeros)
	f.Add("example.test. IN DNSKEY 257 3 15 (\n AAAA ) ; x")
	f.Add("0 DS 0 0 2 " + zeros[:47] + "\xba" + zeros[:16])
	f.Add("$ORIGIN test.\n@ DS 1 2 3 00")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := dnssec.ParseAnchors(strings.NewReader(text))
		if err != nil {
			return
		}
		var b strings.Builder
		for _, rr := range list {
			b.WriteString(rr.String() + "\n")
		}
		again, err := dnssec.ParseAnchors(strings.NewReader(b.String()))
		if err != nil || len(again) != len(list) {
			t.Fatalf("%q was read as %q, and that as %v, %v", text, b.String(), again, err)
		}
	})
}
