package tlshello_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"mailvet/smtpcheck/tlshello"
)

const (
	rsaSuite  tlshello.Suite = 0x002F // TLS_RSA_WITH_AES_128_CBC_SHA
	dheSuite  tlshello.Suite = 0x0033 // TLS_DHE_RSA_WITH_AES_128_CBC_SHA
	ecdhSuite tlshello.Suite = 0xC013 // TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
	anonSuite tlshello.Suite = 0xC018 // TLS_ECDH_anon_WITH_AES_128_CBC_SHA
)

type outcomeCase struct {
	name   string
	octets []byte
	closed bool
	want   string // as [tlshello.Answer.String]
}

func hs(messages ...[]byte) []byte { return recordOf(22, join(messages...)...) }

func outcomes() []outcomeCase {
	hello := serverHello(tlshello.TLS12, rsaSuite)
	whole := hs(hello, certificates("a"), helloDone())
	point := []byte{3, 0, 23, 1, 4} // named curve secp256r1, a point of one octet
	return []outcomeCase{
		{"nothing", nil, false, "incomplete"},
		{"nothing, then the end", nil, true, "closed"},
		{"half a record", whole[:20], false, "incomplete"},
		{"half a record, then the end", whole[:20], true, "closed"},
		{"a hello and silence", hs(hello), false, "incomplete"},
		{"a hello and the end", hs(hello), true, "closed"},
		{"whole", whole, false, "accepted TLS 1.2 TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"whole, and what comes behind it", append(slices.Clone(whole), "garbage"...), true, "accepted TLS 1.2 TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"in many records", join(hs(hello[:3]), hs(), hs(hello[3:30]), hs(hello[30:], certificates("a")[:5]), hs(certificates("a")[5:], helloDone())), false, "accepted TLS 1.2 TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"behind a HelloRequest", hs(handshakeMessage(0, func(*cryptobyte.Builder) {}), hello, certificates("a"), helloDone()), false, "accepted TLS 1.2 TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"SSL 3.0", hs(serverHello(tlshello.SSL30, rsaSuite), certificates("a"), helloDone()), false, "accepted SSL 3.0 TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"resumed", join(hs(hello), recordOf(20, 1)), false, "accepted TLS 1.2 TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"unknown suite", hs(serverHello(tlshello.TLS12, 0x1234), certificates("a"), keyExchange(1, 2, 3), helloDone()), false, "accepted TLS 1.2 0x1234"},
		{"a version that is to come", hs(serverHello(tlshello.TLS12, 0x1301, tlshello.Extension{Type: tlshello.SupportedVersionsExtension, Data: []byte{3, 5}})), false, "accepted 0x0305 TLS_AES_128_GCM_SHA256"},

		{"alert", fatal(40), false, "refused: fatal handshake_failure"},
		{"alert of an unknown number", fatal(200), false, "refused: fatal alert 200"},
		{"alert behind a hello", join(hs(hello), fatal(80)), false, "refused: fatal internal_error"},
		{"alert in two records", join(recordOf(21, 2), recordOf(21, 70)), false, "refused: fatal protocol_version"},
		{"warning, then an alert", join(warning(112), fatal(40)), false, "refused: fatal handshake_failure"},
		{"warning, then a whole flight", join(warning(112), whole), false, "accepted TLS 1.2 TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"warning, then silence", warning(40), false, "incomplete"},
		{"warning, then the end", warning(40), true, "refused: warning handshake_failure"},
		{"warning of a name, then the end", warning(112), true, "closed"},
		{"warning behind a hello, then the end", join(hs(hello), warning(40)), true, "closed"},
		{"close_notify", warning(0), false, "closed"},
		{"fatal close_notify", fatal(0), false, "closed"},
		{"warning and close_notify", join(warning(70), warning(0)), false, "refused: warning protocol_version"},
		{"alert of no level", recordOf(21, 7, 40), false, "malformed: broken alert"},
		{"empty alert", recordOf(21), false, "malformed: broken alert"},
		{"endless warnings", bytes.Repeat(warning(112), tlshello.MaxAlerts), false, "malformed: oversized flight"},

		{"SMTP", []byte("454 4.7.0 TLS not available\r\n"), false, "malformed: an SMTP reply"},
		{"SMTP of many lines", []byte("220-mx.test\r\n220 ESMTP\r\n"), false, "malformed: an SMTP reply"},
		{"HTTP", []byte("HTTP/1.1 400 Bad Request\r\n\r\n<html>"), false, "malformed: HTTP"},
		{"HTML", []byte("<HTML><body>portal"), false, "malformed: HTTP"},
		{"text", []byte("grüß Gott\r\n"), false, "malformed: text"},
		{"zeros", make([]byte, 100), false, "malformed: binary data"},
		{"SSH", []byte("SSH-2.0-OpenSSH_9.2\r\n\x00\x00"), false, "malformed: binary data"},
		{"a record of version 2", []byte{22, 2, 0, 0, 1, 2}, false, "malformed: binary data"},
		{"telnet", []byte{0xFF, 0xFB, 0x01, 0xFF}, false, "malformed: binary data"},
		{"text behind a record", join(hs(hello), []byte("421 too busy\r\n")), false, "malformed: unknown record"},

		{"a record too long", []byte{22, 3, 3, 0x40, 1}, false, "malformed: oversized record"},
		{"a message too long", hs([]byte{2, 0x04, 0, 1}), false, "malformed: oversized message ServerHello"},
		{"application data", join(hs(hello), recordOf(23, 1, 2)), false, "malformed: unexpected record"},
		{"heartbeat", recordOf(24, 1), false, "malformed: unexpected record"},
		{"ChangeCipherSpec first", recordOf(20, 1), false, "malformed: unexpected record"},
		{"ChangeCipherSpec behind certificates", join(hs(hello, certificates("a")), recordOf(20, 1)), false, "malformed: unexpected record"},
		{"no hello first", hs(certificates("a")), false, "malformed: misplaced message Certificate"},
		{"two hellos", hs(hello, hello), false, "malformed: misplaced message ServerHello"},
		{"certificates twice", hs(hello, certificates("a"), certificates("a")), false, "malformed: misplaced message Certificate"},
		{"certificates after the key exchange", hs(serverHello(tlshello.TLS12, anonSuite), keyExchange(point...), certificates("a")), false, "malformed: misplaced message Certificate"},
		{"a message that does not exist", hs(hello, handshakeMessage(99, func(*cryptobyte.Builder) {})), false, "malformed: misplaced message of an unknown type"},
		{"Finished", hs(hello, handshakeMessage(20, func(*cryptobyte.Builder) {})), false, "malformed: misplaced message of an unknown type"},
		{"no certificates", hs(hello, helloDone()), false, "malformed: missing message Certificate"},
		{"no key exchange", hs(serverHello(tlshello.TLS12, ecdhSuite), certificates("a"), helloDone()), false, "malformed: missing message ServerKeyExchange"},
		{"a hello of no length", hs(handshakeMessage(2, func(*cryptobyte.Builder) {})), false, "malformed: broken message ServerHello"},
		{"a hello of version 2", hs(serverHello(0x0200, rsaSuite)), false, "malformed: broken message ServerHello"},
		{"an extension twice", hs(serverHello(tlshello.TLS12, rsaSuite, tlshello.Flag(23), tlshello.Flag(23))), false, "malformed: broken message ServerHello"},
		{"an extension with too much in it", hs(serverHello(tlshello.TLS12, rsaSuite, tlshello.Extension{Type: 23, Data: []byte{1}})), false, "malformed: broken message ServerHello"},
		{"two protocols chosen", hs(serverHello(tlshello.TLS12, rsaSuite, tlshello.ALPN("a", "b"))), false, "malformed: broken message ServerHello"},
		{"an empty certificate", hs(hello, certificates("")), false, "malformed: broken message Certificate"},
		{"too many certificates", hs(hello, certificates(slices.Repeat([]string{"a"}, tlshello.MaxCertificates+1)...)), false, "malformed: broken message Certificate"},
		{"a status of an unknown kind", hs(hello, certificates("a"), handshakeMessage(22, func(b *cryptobyte.Builder) { b.AddUint8(2) })), false, "malformed: broken message CertificateStatus"},
		{"a key exchange with a rest", hs(serverHello(tlshello.TLS12, anonSuite), keyExchange(append(point, 0)...)), false, "malformed: broken message ServerKeyExchange"},
		{"a curve of no kind", hs(serverHello(tlshello.TLS12, anonSuite), keyExchange(9, 0, 23, 1, 4)), false, "malformed: broken message ServerKeyExchange"},
		{"a done with a rest", hs(hello, certificates("a"), handshakeMessage(14, func(b *cryptobyte.Builder) { b.AddUint8(0) })), false, "malformed: broken message ServerHelloDone"},
		{"endless empty records", bytes.Repeat(recordOf(22), tlshello.MaxFlight/5+1), false, "malformed: oversized flight"},
		{"endless certificates", join(hs(hello), bytes.Repeat(hs(append([]byte{11, 3, 0xFF, 0xFF}, make([]byte, 16000)...)), 40)), false, "malformed: broken message Certificate"},

		{"SSL 2.0", v2Hello("certificate", []byte{1, 0, 0x80, 7, 0, 0xC0}), false, "accepted SSL 2.0 with 2 ciphers"},
		{"SSL 2.0 without ciphers", v2Hello("certificate", nil), false, "accepted SSL 2.0 with 0 ciphers"},
		{"SSL 2.0 error", []byte{0x80, 3, 0, 0, 1}, false, "refused: NO-CIPHER-ERROR"},
		{"SSL 2.0 error of an unknown number", []byte{0x80, 3, 0, 0, 9}, false, "refused: error 9"},
		{"half of SSL 2.0", v2Hello("certificate", nil)[:9], true, "closed"},
		{"SSL 2.0 with lengths that do not fit", append([]byte{0x80, 14, 4}, bytes.Repeat([]byte{0xFF}, 13)...), false, "malformed: broken message SERVER-HELLO"},
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range outcomes() {
		t.Run(c.name, func(t *testing.T) {
			a := tlshello.ReadFlight(c.octets, c.closed)
			if a.String() != c.want {
				t.Errorf("%s, want %s", a, c.want)
			}
			if a.Outcome == tlshello.Refused && a.V2Error == 0 {
				if _, ok := a.Alert(); !ok {
					t.Error("refused by nothing")
				}
			} else if _, ok := a.Alert(); ok {
				t.Error("an alert that did not refuse")
			}
			var r tlshello.Reader
			for i := range c.octets {
				r.Feed(c.octets[i : i+1])
			}
			if c.closed {
				r.Close()
			}
			if got, want := dump(r.Answer()), dump(a); got != want {
				t.Errorf("octet by octet:\n%s\nat once:\n%s", got, want)
			}
		})
	}
}

// TestFinal: after the end nothing changes the answer.
func TestFinal(t *testing.T) {
	var r tlshello.Reader
	r.Feed(fatal(40))
	if got := r.Close(); got != tlshello.Refused {
		t.Error(got)
	}
	var closed tlshello.Reader
	closed.Close()
	if got := closed.Feed(fatal(40)); got != tlshello.Closed {
		t.Error(got)
	}
}

// TestHelloStays: what the server chose is known also where it failed later.
func TestHelloStays(t *testing.T) {
	a := tlshello.ReadFlight(join(hs(serverHello(tlshello.TLS11, dheSuite), certificates("one", "two")), fatal(80)), true)
	if a.Outcome != tlshello.Refused || a.Hello == nil || a.Version() != tlshello.TLS11 || a.Hello.Suite != dheSuite || len(a.Certificates) != 2 || string(a.Certificates[1]) != "two" {
		t.Errorf("%s: %+v", a, a)
	}
}

func TestServerHello(t *testing.T) {
	random := append(make([]byte, 24), "DOWNGRD\x00"...)
	octets := hs(serverHelloWith(tlshello.TLS10, random, rsaSuite, tlshello.Deflate, []tlshello.Extension{
		tlshello.Flag(tlshello.ServerNameExtension), tlshello.RenegotiationInfo([]byte("verify")), tlshello.Flag(tlshello.EncryptThenMACExtension),
		tlshello.Flag(tlshello.ExtendedMasterSecretExtension), tlshello.Flag(tlshello.SessionTicketExtension), tlshello.Flag(tlshello.StatusRequestExtension),
		{Type: tlshello.HeartbeatExtension, Data: []byte{1}}, tlshello.ALPN("smtp"), {Type: 0x4242, Data: []byte("?")},
	}), certificates("a"), helloDone())
	a := tlshello.ReadFlight(octets, false)
	h := a.Hello
	if a.Outcome != tlshello.Accepted || h.Compression != tlshello.Deflate || !h.ServerName || !h.SecureRenegotiation || string(h.RenegotiationInfo) != "verify" ||
		!h.EncryptThenMAC || !h.ExtendedMasterSecret || !h.SessionTicket || !h.StatusRequest || !h.Heartbeat || h.ALPN != "smtp" || !h.Has(0x4242) || h.Downgrade() != tlshello.TLS11 {
		t.Errorf("%s: %+v", a, h)
	}
	offer := tlshello.Ask(tlshello.TLS10, dheSuite)
	sent, err := offer.Hello(chance())
	if err != nil {
		t.Fatal(err)
	}
	want := []tlshello.Violation{tlshello.UnofferedSuite, tlshello.UnofferedCompression, tlshello.UnofferedExtension, tlshello.UnofferedALPN}
	if got := sent.Violations(a); !slices.Equal(got, want) {
		t.Errorf("violations: %v", got)
	}
}

// retry is a HelloRetryRequest with some extensions.
func retry(extensions ...tlshello.Extension) []byte {
	hello := serverHello(tlshello.TLS12, 0x1301, extensions...)
	random := "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C"
	copy(hello[6:], random)
	return hs(hello)
}

func TestHelloRetryRequest(t *testing.T) {
	versions := tlshello.Extension{Type: tlshello.SupportedVersionsExtension, Data: []byte{3, 4}}
	group := tlshello.Extension{Type: tlshello.KeyShareExtension, Data: []byte{0, 24}}
	a := tlshello.ReadFlight(retry(versions, group, tlshello.Cookie([]byte("crumbs"))), false)
	if a.Outcome != tlshello.Accepted || !a.Hello.Retry || a.Group() != tlshello.SECP384R1 || string(a.Hello.Cookie) != "crumbs" || a.Version() != tlshello.TLS13 {
		t.Errorf("%s: %+v", a, a.Hello)
	}
	o := tlshello.AskGroups(tlshello.TLS13, tlshello.SECP384R1)
	o.KeyShares = []tlshello.KeyShare{{Group: tlshello.SECP384R1, Key: []byte{4}}}
	h, err := o.Hello(chance())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := h.Violations(a), []tlshello.Violation{tlshello.WrongSessionID, tlshello.NeedlessRetry}; !slices.Equal(got, want) {
		t.Errorf("violations: %v", got)
	}
	for name, octets := range map[string][]byte{
		"no version":      retry(group),
		"no extensions":   retry(),
		"empty cookie":    retry(versions, tlshello.Cookie(nil)),
		"a key as answer": retry(versions, tlshello.Extension{Type: tlshello.KeyShareExtension, Data: []byte{0, 24, 0, 1, 4}}),
	} {
		if a := tlshello.ReadFlight(octets, false); a.Problem != tlshello.BrokenMessage || a.Detail != "ServerHello" {
			t.Errorf("%s: %s", name, a)
		}
	}
}

func TestPreSharedKeyAccepted(t *testing.T) {
	a := tlshello.ReadFlight(hs(serverHello(tlshello.TLS12, 0x1301, tlshello.Extension{Type: tlshello.SupportedVersionsExtension, Data: []byte{3, 4}},
		tlshello.Extension{Type: tlshello.PreSharedKeyExtension, Data: []byte{0, 0}})), false)
	if a.Outcome != tlshello.Accepted || !a.Hello.PreSharedKey {
		t.Errorf("%s: %+v", a, a.Hello)
	}
}

func TestCertificateRequest(t *testing.T) {
	names := vec(join(vec([]byte("one")...), vec([]byte("two")...))...)
	for _, c := range []struct {
		name    string
		version tlshello.Version
		body    []byte
		want    string
	}{
		{"TLS 1.2", tlshello.TLS12, join([]byte{2, 1, 64}, vec(4, 3, 2, 1), names), "accepted TLS 1.2 TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"TLS 1.0", tlshello.TLS10, join([]byte{2, 1, 64}, names), "accepted TLS 1.0 TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"odd schemes", tlshello.TLS12, join([]byte{2, 1, 64}, vec(4, 3, 2), names), "malformed: broken message CertificateRequest"},
		{"a rest", tlshello.TLS10, join([]byte{2, 1, 64}, names, []byte{0}), "malformed: broken message CertificateRequest"},
		{"a name cut off", tlshello.TLS10, join([]byte{2, 1, 64}, vec(0, 9, 1)), "malformed: broken message CertificateRequest"},
		{"nothing", tlshello.TLS10, nil, "malformed: broken message CertificateRequest"},
	} {
		request := handshakeMessage(13, func(b *cryptobyte.Builder) { b.AddBytes(c.body) })
		a := tlshello.ReadFlight(hs(serverHello(c.version, rsaSuite), certificates("a"), request, helloDone()), false)
		if a.String() != c.want {
			t.Errorf("%s: %s", c.name, a)
		}
		if a.Outcome != tlshello.Accepted {
			continue
		}
		r := a.Request
		if len(r.Types) != 2 || len(r.Authorities) != 2 || string(r.Authorities[1]) != "two" || (len(r.Schemes) == 2) != (c.version == tlshello.TLS12) {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

func TestUnofferedSignature(t *testing.T) {
	o := tlshello.AskSignature(tlshello.SHA1)
	h, err := o.Hello(chance())
	if err != nil {
		t.Fatal(err)
	}
	answer := func(scheme ...byte) *tlshello.Answer {
		body := join(vec(11), vec(2), vec(8), scheme, vec(1))
		return tlshello.ReadFlight(hs(serverHello(tlshello.TLS12, dheSuite), certificates("a"), keyExchange(body...), helloDone()), false)
	}
	if got := h.Violations(answer(2, 1)); got != nil {
		t.Errorf("SHA-1: %v", got)
	}
	if got := h.Violations(answer(4, 1)); !slices.Equal(got, []tlshello.Violation{tlshello.UnofferedSignature}) {
		t.Errorf("SHA-256: %v", got)
	}
}

func TestViolations(t *testing.T) {
	ask := func(v tlshello.Version, suites ...tlshello.Suite) *tlshello.ClientHello {
		o := tlshello.AskGroups(v, tlshello.SECP256R1)
		o.Suites = suites
		h, err := o.Hello(chance())
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	tls13 := tlshello.Extension{Type: tlshello.SupportedVersionsExtension, Data: []byte{3, 4}}
	curve := func(g byte) []byte {
		return hs(serverHello(tlshello.TLS10, anonSuite, []tlshello.Extension{}...), keyExchange(3, 0, g, 1, 4), helloDone())
	}
	for _, c := range []struct {
		name   string
		hello  *tlshello.ClientHello
		answer []byte
		want   []tlshello.Violation
	}{
		{"none", ask(tlshello.TLS12, anonSuite), curve(23), nil},
		{"group", ask(tlshello.TLS12, anonSuite), curve(24), []tlshello.Violation{tlshello.UnofferedGroup}},
		{"higher version", ask(tlshello.TLS10, rsaSuite), hs(serverHello(tlshello.TLS11, rsaSuite), certificates("a"), helloDone()), []tlshello.Violation{tlshello.UnofferedVersion}},
		{"lower version", ask(tlshello.TLS13, 0x1301), hs(serverHello(tlshello.TLS12, 0x1301), helloDone()), []tlshello.Violation{tlshello.UnofferedVersion, tlshello.SuiteOfOtherVersion}},
		{"session ID", ask(tlshello.TLS13, 0x1301), hs(serverHello(tlshello.TLS12, 0x1301, tls13)), []tlshello.Violation{tlshello.WrongSessionID}},
		{"signalling value", ask(tlshello.SSL30, rsaSuite), hs(serverHello(tlshello.SSL30, tlshello.RenegotiationSCSV), helloDone()), []tlshello.Violation{tlshello.UnofferedSuite}},
		{"no answer", ask(tlshello.TLS12, rsaSuite), fatal(40), nil},
	} {
		if got := c.hello.Violations(tlshello.ReadFlight(c.answer, true)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if s := tlshello.UnofferedSuite.String(); !strings.Contains(s, "not offered") {
		t.Error(s)
	}
}
