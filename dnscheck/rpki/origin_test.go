package rpki_test

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"mailvet/dnscheck/rpki"
)

func TestOriginName(t *testing.T) {
	own := rpki.Zones{IPv4: "Origin4.example.", IPv6: ".origin6.example", Names: "as.example"}
	tests := []struct {
		zones      rpki.Zones
		addr, want string
	}{
		{rpki.Zones{}, "192.0.2.31", "31.2.0.192.origin.asn.cymru.com"},
		{rpki.Zones{}, "::ffff:192.0.2.31", "31.2.0.192.origin.asn.cymru.com"},
		{rpki.Zones{}, "2001:db8::25", "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.cymru.com"},
		{rpki.Zones{}, "2001:db8::25%eth0", "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.cymru.com"},
		{own, "192.0.2.31", "31.2.0.192.origin4.example"},
		{own, "2001:db8::25", "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.origin6.example"},
	}
	for _, tt := range tests {
		if got := tt.zones.OriginName(netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.addr, got, tt.want)
		}
	}
	if got := own.OriginName(netip.Addr{}); got != "" {
		t.Errorf("the zero address: %s", got)
	}
	if got := own.SystemName(64496); got != "as64496.as.example" {
		t.Error(got)
	}
	if got := (rpki.Zones{}).SystemName(64496); got != "as64496.asn.cymru.com" {
		t.Error(got)
	}
}

func TestParseAnnouncement(t *testing.T) {
	p := netip.MustParsePrefix("192.0.2.0/24")
	whole := rpki.Announcement{Origins: []rpki.ASN{64496}, Prefix: p, Country: "NL", Registry: "ripencc", Allocated: "2001-02-03"}
	tests := []struct {
		name, text string
		want       rpki.Announcement
	}{
		{"whole", "64496 | 192.0.2.0/24 | NL | ripencc | 2001-02-03", whole},
		{"no spaces", "64496|192.0.2.0/24|NL|ripencc|2001-02-03", whole},
		{"many spaces", "  64496\t|  192.0.2.0/24  |NL |ripencc  | 2001-02-03  ", whole},
		{"several origins", "64498 64496 64497 64496 | 192.0.2.0/24 | NL | ripencc | 2001-02-03", rpki.Announcement{Origins: []rpki.ASN{64496, 64497, 64498}, Prefix: p, Country: "NL", Registry: "ripencc", Allocated: "2001-02-03"}},
		{"no date", "64496 | 192.0.2.0/24 | NL | ripencc |", rpki.Announcement{Origins: []rpki.ASN{64496}, Prefix: p, Country: "NL", Registry: "ripencc"}},
		{"only what counts", "64496 | 192.0.2.0/24", rpki.Announcement{Origins: []rpki.ASN{64496}, Prefix: p}},
		{"nobody", "NA | 192.0.2.0/24 | NL | ripencc | 2001-02-03", rpki.Announcement{Prefix: p, Country: "NL", Registry: "ripencc", Allocated: "2001-02-03"}},
		{"odd in what only informs", "64496 | 192.0.2.0/24 | Netherlands\x1b[31m | <b>RIPE</b> | 2001-2-3 | more", rpki.Announcement{Origins: []rpki.ASN{64496}, Prefix: p}},
	}
	for _, tt := range tests {
		if got, err := rpki.ParseAnnouncement(tt.text); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	many := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, text := range map[string]string{
		"nothing": "", "no bar": "64496 192.0.2.0/24", "no prefix": "64496 |", "an address": "64496 | 192.0.2.0", "bits behind": "64496 | 192.0.2.1/24",
		"a name": "example | 192.0.2.0/24", "an IPv4-mapped prefix": "1 | ::ffff:192.0.2.0/120", "a long record": "1 | 192.0.2.0/24 | " + strings.Repeat("x", 2000),
		"too many origins": strings.Join(many, " ") + " | 192.0.2.0/24",
	} {
		if got, err := rpki.ParseAnnouncement(text); err == nil || !reflect.DeepEqual(got, rpki.Announcement{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestParseSystem(t *testing.T) {
	tests := []struct {
		text string
		want rpki.System
	}{
		{"64496 | NL | ripencc | 2001-02-03 | EXAMPLE Example B.V., NL", rpki.System{64496, "NL", "ripencc", "2001-02-03", "EXAMPLE Example B.V., NL"}},
		{"AS64496 | NL | ripencc | | A | B", rpki.System{64496, "NL", "ripencc", "", "A | B"}},
		{"64496 | nl", rpki.System{ASN: 64496}},
		{"64496 | NL | ripencc | 2001-02-03 | \x1b[31mred\u202e\xff é", rpki.System{64496, "NL", "ripencc", "2001-02-03", "?[31mred?? é"}},
		{"64496 | | | | " + strings.Repeat("é", 300), rpki.System{ASN: 64496, Name: strings.Repeat("é", 128)}},
	}
	for _, tt := range tests {
		if got, err := rpki.ParseSystem(tt.text); err != nil || got != tt.want {
			t.Errorf("%q: %+v, %v", tt.text, got, err)
		}
	}
	for _, text := range []string{"", "64496", "x | NL", "64496 64497 | NL"} {
		if got, err := rpki.ParseSystem(text); err == nil || got != (rpki.System{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestParseAnnouncements(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.25")
	list, err := rpki.ParseAnnouncements(addr, []string{"64500 | 192.0.0.0/16 | NL | ripencc | 2001-02-03", "64496 64497 | 192.0.2.0/24 | NL | ripencc | 2001-02-03", "64496 | 192.0.2.0/24"})
	if err != nil || len(list) != 3 {
		t.Fatalf("%v, %v", list, err)
	}
	if got := fmt.Sprint(rpki.RoutesOf(list)); got != "[192.0.2.0/24 AS64497 192.0.2.0/24 AS64496 192.0.0.0/16 AS64500]" {
		t.Errorf("routes %s", got)
	}
	list, err = rpki.ParseAnnouncements(addr, []string{"64496 | 198.51.100.0/24", "nonsense", "64496 | 192.0.2.0/24"})
	if err == nil || len(list) != 1 || !strings.Contains(err.Error(), "198.51.100.0/24 in answer") || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v, %v", list, err)
	}
	list, err = rpki.ParseAnnouncements(addr, slicesOf("64496 | 192.0.2.0/24", 100))
	if len(list) != 64 || !errors.Is(err, rpki.ErrTooLarge) || len(rpki.RoutesOf(list)) != 1 {
		t.Errorf("%d of 100, %v", len(list), err)
	}
	if list, err := rpki.ParseAnnouncements(netip.MustParseAddr("::ffff:192.0.2.25"), []string{"64496 | 192.0.2.0/24"}); err != nil || len(list) != 1 {
		t.Errorf("an IPv4-mapped address: %v, %v", list, err)
	}
	if list, err := rpki.ParseAnnouncements(addr, nil); err != nil || list != nil || rpki.RoutesOf(list) != nil {
		t.Errorf("no record: %v, %v", list, err)
	}
}

func slicesOf(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}
