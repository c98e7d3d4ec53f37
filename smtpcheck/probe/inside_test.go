package probe

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"slices"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

// sealed makes records of a server under a secret: of each content the last octet
// is the type.
func sealed(t testing.TB, suite tlshello.Suite, contents ...[]byte) []byte {
	t.Helper()
	traffic, err := newTraffic13(suite, secretFor(suite))
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, c := range contents {
		out = append(out, traffic.seal(c[len(c)-1], c[:len(c)-1])...)
	}
	return out
}

func secretFor(suite tlshello.Suite) []byte {
	c, _ := cipher13Of(suite)
	return bytes.Repeat([]byte{7}, c.hash.Size())
}

func reading13(t testing.TB, suite tlshello.Suite, chain bool) *inside {
	t.Helper()
	traffic, err := newTraffic13(suite, secretFor(suite))
	if err != nil {
		t.Fatal(err)
	}
	return &inside{traffic: traffic, chain: chain}
}

var (
	extensionsMessage  = []byte{8, 0, 0, 10, 0, 8, 0, 10, 0, 4, 0, 2, 0, 29}
	certificateMessage = []byte{11, 0, 0, 10, 0, 0, 0, 6, 0, 0, 1, 'x', 0, 0}
)

// TestInside: messages may be cut as they like, among what means nothing.
func TestInside(t *testing.T) {
	const aes128 = tlshello.Suite(0x1301)
	handshake := func(parts ...[]byte) []byte { return append(slices.Concat(parts...), recordHandshake) }
	ccs := []byte{20, 3, 3, 0, 1, 1}
	for _, test := range []struct {
		name   string
		octets []byte
		chain  bool
		done   bool
		fails  bool
		alert  tlshello.AlertDescription
	}{
		{name: "extensions", octets: sealed(t, aes128, handshake(extensionsMessage)), done: true},
		{name: "after a change of cipher spec", octets: append(slices.Clone(ccs), sealed(t, aes128, handshake(extensionsMessage))...), done: true},
		{name: "in two records", octets: sealed(t, aes128, handshake(extensionsMessage[:5]), handshake(extensionsMessage[5:])), done: true},
		{name: "with padding", octets: sealed(t, aes128, append(handshake(extensionsMessage), 0, 0, 0)), done: true},
		{name: "and the certificate", octets: sealed(t, aes128, handshake(extensionsMessage, certificateMessage)), chain: true, done: true},
		{name: "a request between", octets: sealed(t, aes128, handshake(extensionsMessage, []byte{13, 0, 0, 0}), handshake(certificateMessage)), chain: true, done: true},
		{name: "no certificate yet", octets: sealed(t, aes128, handshake(extensionsMessage)), chain: true},
		{name: "an alert instead", octets: sealed(t, aes128, []byte{2, 40, recordAlert}), done: true, alert: tlshello.HandshakeFailure},
		{name: "an alert in the clear", octets: []byte{21, 3, 3, 0, 2, 2, 80}, done: true, alert: tlshello.InternalError},
		{name: "an alert in place of the certificate", octets: sealed(t, aes128, handshake(extensionsMessage), []byte{2, 40, recordAlert}), chain: true, done: true, alert: tlshello.HandshakeFailure},
		{name: "the certificate first", octets: sealed(t, aes128, handshake(certificateMessage)), chain: true, fails: true},
		{name: "the end of the handshake", octets: sealed(t, aes128, handshake(extensionsMessage, []byte{20, 0, 0, 0})), chain: true, fails: true},
		{name: "no certificates", octets: sealed(t, aes128, handshake(extensionsMessage, []byte{11, 0, 0, 4, 0, 0, 0, 0})), chain: true, fails: true},
		{name: "padding alone", octets: sealed(t, aes128, []byte{0}), fails: true},
		{name: "another secret", octets: sealed(t, tlshello.Suite(0x1303), handshake(extensionsMessage)), fails: true},
		{name: "a record in the clear", octets: []byte{22, 3, 3, 0, 1, 8}, fails: true},
	} {
		for _, step := range []int{1, 7, 1 << 10} {
			r := reading13(t, aes128, test.chain)
			var err error
			for rest := test.octets; len(rest) > 0 && err == nil && !r.done; {
				n := min(step, len(rest))
				err, rest = r.feed(rest[:n]), rest[n:]
			}
			var alert tlshello.AlertDescription
			if r.alert != nil {
				alert = r.alert.Description
			}
			if (err != nil) != test.fails || !test.fails && r.done != test.done || alert != test.alert || test.done && test.alert == 0 && test.chain && len(r.certificates) != 1 {
				t.Errorf("%s, by %d: %+v, %v", test.name, step, r, err)
			}
		}
	}
}

// FuzzInside feeds any octets in the clear, and any sealed as a server would: it
// ends, within bounds.
func FuzzInside(f *testing.F) {
	f.Add([]byte{20, 3, 3, 0, 1, 1}, append(slices.Clone(extensionsMessage), recordHandshake), uint8(3), true)
	f.Add([]byte{}, append(slices.Concat(extensionsMessage, certificateMessage), recordHandshake), uint8(1), true)
	f.Add([]byte{21, 3, 3, 0, 2, 2, 40}, []byte{2, 40, recordAlert}, uint8(1), false)
	f.Fuzz(func(t *testing.T, clear, content []byte, times uint8, chain bool) {
		suite := tlshello.Suite(0x1301)
		octets := slices.Clone(clear)
		if len(content) > 0 && len(content) < 1<<14 {
			octets = append(octets, sealed(t, suite, slices.Repeat([][]byte{content}, int(times))...)...)
		}
		whole, parts := reading13(t, suite, chain), reading13(t, suite, chain)
		err := whole.feed(octets)
		var failed error
		for rest := octets; len(rest) > 0 && failed == nil && !parts.done; {
			n := min(len(rest), 1+int(times))
			failed, rest = parts.feed(rest[:n]), rest[n:]
		}
		if (err == nil) != (failed == nil) && len(octets) < maxInside || whole.done != parts.done {
			t.Errorf("at once %v %v, in parts %v %v", whole.done, err, parts.done, failed)
		}
		if len(whole.certificates) > tlshello.MaxCertificates || whole.octets > maxInside+len(octets) || whole.records > maxInsideRecords+1 {
			t.Errorf("%d certificates, %d octets, %d records", len(whole.certificates), whole.octets, whole.records)
		}
	})
}

// FuzzServerHello: what is taken for the message stands in the records.
func FuzzServerHello(f *testing.F) {
	f.Add([]byte{22, 3, 3, 0, 4, 2, 0, 0, 0})
	f.Add([]byte{21, 3, 3, 0, 2, 1, 0, 22, 3, 3, 0, 2, 2, 0, 22, 3, 3, 0, 2, 0, 0})
	f.Fuzz(func(t *testing.T, records []byte) {
		if m := serverHello(records); m != nil && (len(m) < 4 || len(m) > len(records)) {
			t.Errorf("%d octets of %d", len(m), len(records))
		}
	})
}

// TestSecrets13 holds the key schedule to the trace of RFC 8448, Section 3.
func TestSecrets13(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	shared := unhex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d")
	hellos := unhex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8")
	server, client, err := secrets13(crypto.SHA256, shared, hellos)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"server's secret", server, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"},
		{"client's secret", client, "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"},
	} {
		if hex.EncodeToString(c.got) != c.want {
			t.Errorf("%s: %x, want %s", c.name, c.got, c.want)
		}
	}
	traffic, err := newTraffic13(tlshello.Suite(0x1301), server)
	if err != nil || hex.EncodeToString(traffic.iv) != "5d313eb2671276ee13000b30" {
		t.Errorf("%+v, %v", traffic, err)
	}
	if _, err := newTraffic13(tlshello.Suite(0x1304), server); err == nil {
		t.Error("CCM can be read, they say")
	}
}
