package dnssec_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
)

// TestDenyJudged: what is judged at once of a reply made out of denials is what
// the validation of it finds.
func TestDenyJudged(t *testing.T) {
	l := internet(t)
	for _, zone := range []string{"nsec.test.", "nsec3.test.", "optout.test.", "cap.test.", "many.test.", "unsigned.test.", "alg8.test.", "alg7.test."} {
		v := l.validator()
		v.Keep = true
		judged, made := 0, 0
		for _, host := range []string{"", "no.", "mx.", "www.", "a.b.ent.", "b.ent.", "x.wild.", "no.mx.", "host.new.", "secret.", "below.secret.", "_dmarc.", "zz."} {
			for _, typ := range []uint16{dns.TypeA, dns.TypeTXT, dns.TypeMX, dns.TypeTLSA, dns.TypeDS} {
				d, ok := v.Deny(host+zone, typ)
				if !ok {
					l.ask(t, v, host+zone, typ)
					continue
				}
				made++
				if !d.Judged {
					continue
				}
				judged++
				if !d.Until.After(now) {
					t.Errorf("%s%s: until %v", host, zone, d.Until)
				}
				if want := v.Validate(t.Context(), l, host+zone, typ, d.Reply); !reflect.DeepEqual(d.Result, want) {
					t.Errorf("%s%s %s:\n%+v, validated\n%+v", host, zone, dns.Type(typ), d.Result, want)
				}
			}
		}
		if none := zone == "unsigned.test." || zone == "many.test."; judged != made || (made == 0) != none {
			t.Errorf("%s: %d replies made, %d judged", zone, made, judged)
		}
	}
}

// TestDenyNewKeys: records that were checked with the keys that a zone had are
// checked again once it was entered anew, whatever it has then; and nothing is
// judged at once outside of the time of a signature.
func TestDenyNewKeys(t *testing.T) {
	l := newLab(t, zone("test", "", options{Signed: true}), zone("other.test", "", options{Signed: true}), zone("nsec.test", "@ MX 10 mx\nmx A 192.0.2.1\n", options{Signed: true, Inception: now.Add(-time.Minute), Expiration: now.Add(24 * time.Hour)}))
	at := now
	v := &dnssec.Validator{Anchors: l.world.Anchors(), Now: func() time.Time { return at }, MaxZones: 1}
	const absent = "no.nsec.test."
	l.ask(t, v, absent, dns.TypeTXT)
	if d, ok := v.Deny(absent, dns.TypeMX); !ok || !d.Judged {
		t.Fatalf("%t, %+v", ok, d)
	}
	at = now.Add(-2 * time.Minute) // the clock jumps back
	if d, ok := v.Deny(absent, dns.TypeMX); ok && d.Judged {
		t.Error("judged before the signature's time")
	}
	at = now
	l.ask(t, v, "other.test.", dns.TypeSOA) // there is no room for its keys beside
	if _, ok := v.Deny(absent, dns.TypeMX); ok {
		t.Error("made although the zone's keys are not known any more")
	}
	l.ask(t, v, "mx.nsec.test.", dns.TypeA) // enters the zone anew
	d, ok := v.Deny(absent, dns.TypeMX)
	if !ok || d.Judged {
		t.Fatalf("%t, %+v: want it to be validated", ok, d)
	}
	if got := v.Validate(t.Context(), l, absent, dns.TypeMX, d.Reply); got.Security != secure {
		t.Errorf("%s %s", got.Security, got.Reason)
	}
	if d, ok := v.Deny(absent, dns.TypeMX); !ok || !d.Judged {
		t.Errorf("%t, %+v: was validated with the new keys", ok, d)
	}
}

// TestDenyAge: a reply that was kept denies nothing for longer than it is good,
// however late it is judged once more.
func TestDenyAge(t *testing.T) {
	text := "$TTL 300\n"
	for i := range 12 {
		text += fmt.Sprintf("h%02d A 192.0.2.1\n", i)
	}
	l := newLab(t, zone("test", "", options{Signed: true}), zone("nsec.test", text, options{Signed: true, Inception: now.Add(-time.Hour), Expiration: now.Add(24 * time.Hour)}))
	at := now
	v := &dnssec.Validator{Anchors: l.world.Anchors(), Now: func() time.Time { return at }}
	const absent = "h00x.nsec.test."
	msg, err := l.Fetch(t.Context(), absent, dns.TypeTXT)
	if err != nil {
		t.Fatal(err)
	}
	end := now.Add(5 * time.Minute)
	v.ValidateKept(t.Context(), l, absent, dns.TypeTXT, msg, end)
	if d, ok := v.Deny(absent, dns.TypeTXT); !ok || d.Until.After(end) {
		t.Fatalf("%v, until %v", ok, d.Until)
	}
	for i := 1; i < 12; i++ { // more than are remembered of one zone
		l.ask(t, v, fmt.Sprintf("h%02dx.nsec.test.", i), dns.TypeTXT)
	}
	if _, ok := v.Deny(absent, dns.TypeTXT); ok {
		t.Fatal("it is still remembered")
	}
	at = end.Add(-time.Second)
	v.ValidateKept(t.Context(), l, absent, dns.TypeTXT, msg, end)
	if d, ok := v.Deny(absent, dns.TypeTXT); !ok || !d.Until.Equal(end) {
		t.Errorf("%v, until %v, the reply is good until %v", ok, d.Until, end)
	}
	at = end.Add(time.Second)
	if d, ok := v.Deny(absent, dns.TypeTXT); ok {
		t.Errorf("it denies until %v", d.Until)
	}
}
