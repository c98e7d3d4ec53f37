package tlshello_test

import (
	"bytes"
	"reflect"
	"testing"
	"unicode/utf8"

	"mailvet/smtpcheck/tlshello"
)

// FuzzReader feeds any octets, cut in any way: the answer is the same, it is
// within the limits, and its text is text.
func FuzzReader(f *testing.F) {
	for _, c := range outcomes() {
		if len(c.octets) < 1<<12 {
			f.Add(c.octets, uint8(7), c.closed)
		}
	}
	for _, name := range []string{"ssl30-rsa-export", "ssl30-dhe-export", "tls10-rsa-export"} {
		f.Add(recorded(f, name), uint8(100), true)
	}
	o := tlshello.AskGroups(tlshello.TLS12, tlshello.X25519, tlshello.FFDHE2048)
	hello, err := o.Hello(chance())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, octets []byte, step uint8, closed bool) {
		a := tlshello.ReadFlight(octets, closed)
		var r tlshello.Reader
		last := tlshello.Incomplete
		for rest := octets; len(rest) > 0; {
			n := min(len(rest), int(step)%64+1)
			got := r.Feed(bytes.Clone(rest[:n]))
			if last != tlshello.Incomplete && got != last {
				t.Fatalf("%s turned into %s", last, got)
			}
			last, rest = got, rest[n:]
		}
		if closed {
			r.Close()
		}
		if !reflect.DeepEqual(r.Answer(), a) {
			t.Fatalf("in pieces of %d:\n%s\nat once:\n%s", int(step)%64+1, dump(r.Answer()), dump(a))
		}
		check(t, a, octets, closed)
		hello.Violations(a)
	})
}

func check(t *testing.T, a *tlshello.Answer, octets []byte, closed bool) {
	t.Helper()
	if !utf8.ValidString(a.String()) || a.String() == "" {
		t.Errorf("text %q", a.String())
	}
	if a.Octets > len(octets) || a.Octets > tlshello.MaxFlight || !bytes.HasPrefix(octets, a.Beginning) {
		t.Errorf("%d octets of %d", a.Octets, len(octets))
	}
	if len(a.Certificates) > tlshello.MaxCertificates || len(a.Alerts) > tlshello.MaxAlerts {
		t.Errorf("%d certificates, %d alerts", len(a.Certificates), len(a.Alerts))
	}
	if closed && a.Outcome == tlshello.Incomplete {
		t.Error("incomplete though closed")
	}
	if (a.Outcome == tlshello.Malformed) != (a.Problem != tlshello.NoProblem) {
		t.Errorf("%s with the problem %s", a.Outcome, a.Problem)
	}
	if a.Outcome == tlshello.Accepted && a.Hello == nil && a.V2 == nil {
		t.Error("accepted nothing")
	}
	a.Group()
	if k := a.KeyExchange; k != nil {
		if k.DH != nil {
			k.DH.Name()
			k.DH.Bits()
		}
		if k.Curve != nil {
			k.Curve.Bits()
		}
	}
}

// FuzzClientHello: what is read as a hello is written with the same meaning.
func FuzzClientHello(f *testing.F) {
	for _, o := range offers() {
		octets, err := o.Marshal(chance())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(octets)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		h, err := tlshello.ParseClientHello(octets)
		if err != nil {
			return
		}
		h.ServerName()
		h.KeyShares()
		h.ALPN()
		for _, v := range tlshello.Versions() {
			h.Offers(v)
		}
		written, err := h.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := tlshello.ParseClientHello(written)
		if err != nil {
			t.Fatal(err)
		}
		// A record version of zero, which only nonsense has, is not written.
		if h.RecordVersion == 0 {
			again.RecordVersion = 0
		}
		if !reflect.DeepEqual(normal(*again), normal(*h)) {
			t.Errorf("%+v\nwritten and read again\n%+v", h, again)
		}
	})
}

// FuzzV2ClientHello: the same for SSL 2.0, to the octet.
func FuzzV2ClientHello(f *testing.F) {
	octets, err := tlshello.AskV2([16]byte{}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(octets)
	f.Fuzz(func(t *testing.T, octets []byte) {
		h, err := tlshello.ParseV2ClientHello(octets)
		if err != nil {
			return
		}
		again, err := h.Marshal()
		if err != nil || !bytes.Equal(again, octets) {
			t.Errorf("%v: %x, written as %x", err, octets, again)
		}
	})
}
