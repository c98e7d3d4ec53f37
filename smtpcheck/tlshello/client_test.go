package tlshello_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

// offers are questions of all kinds, for round trips and seeds.
func offers() map[string]tlshello.Offer {
	m := map[string]tlshello.Offer{
		"all but":   tlshello.AskAllBut(tlshello.TLS12, 0xC02F),
		"SHA-1":     tlshello.AskSignature(tlshello.SHA1),
		"group":     tlshello.AskGroups(tlshello.TLS13, tlshello.X25519MLKEM768),
		"one suite": tlshello.Ask(tlshello.TLS12, 0xC02F),
		"nothing":   {Version: tlshello.TLS12},
	}
	for _, v := range tlshello.Versions()[1:] {
		m[v.String()] = tlshello.Ask(v)
	}
	full := tlshello.Ask(tlshello.TLS13)
	full.Floor, full.GREASE, full.Fallback, full.EarlyData, full.PSKAlone, full.SCT, full.EncryptThenMAC = tlshello.SSL30, true, true, true, true, true, true
	full.ServerName, full.ALPN = "mx.test", []string{"smtp", "imap"}
	full.KeyShares = []tlshello.KeyShare{{Group: tlshello.X25519, Key: make([]byte, 32)}}
	full.Compression = []tlshello.Compression{tlshello.Deflate}
	full.CertificateSignatures = full.Signatures[:3]
	full.Extra = []tlshello.Extension{tlshello.Cookie([]byte("cookie")), {Type: tlshello.PreSharedKeyExtension, Data: []byte("not really")}}
	m["full"] = full
	return m
}

func TestHelloRoundTrip(t *testing.T) {
	for name, o := range offers() {
		t.Run(name, func(t *testing.T) {
			h, octets := marshal(t, o)
			back, err := tlshello.ParseClientHello(octets)
			if err != nil {
				t.Fatal(err)
			}
			again, err := back.Marshal()
			if err != nil || !bytes.Equal(again, octets) {
				t.Errorf("written again: %v\n%x\nwant\n%x", err, again, octets)
			}
			want := *h
			want.RecordVersion = max(tlshello.SSL30, min(h.Version, tlshello.TLS10))
			if !reflect.DeepEqual(normal(*back), normal(want)) {
				t.Errorf("read %+v\nwant %+v", back, want)
			}
			_, same := marshal(t, o)
			if !bytes.Equal(same, octets) {
				t.Error("equal random octets made another hello")
			}
		})
	}
}

// normal makes empty lists nil, where that means the same.
func normal(h tlshello.ClientHello) tlshello.ClientHello {
	h.SessionID = append([]byte(nil), h.SessionID...)
	h.Suites = append([]tlshello.Suite(nil), h.Suites...)
	for i := range h.Extensions {
		h.Extensions[i].Data = append([]byte(nil), h.Extensions[i].Data...)
	}
	return h
}

func TestHelloSays(t *testing.T) {
	o := offers()["full"]
	h, octets := marshal(t, o)
	if h.ServerName() != "mx.test" || !slices.Equal(h.ALPN(), o.ALPN) || !reflect.DeepEqual(h.KeyShares(), o.KeyShares) || !slices.Equal(h.CertificateSignatures(), o.CertificateSignatures) {
		t.Errorf("%q %v %v %v", h.ServerName(), h.ALPN(), h.KeyShares(), h.CertificateSignatures())
	}
	if !slices.Equal(h.SignatureSchemes(), o.Signatures) || !slices.Equal(h.Groups()[1:], o.Groups) || h.Groups()[0].Kind() != tlshello.UnknownGroup {
		t.Errorf("schemes %v, groups %v", h.SignatureSchemes(), h.Groups())
	}
	versions := h.SupportedVersions()
	if !slices.Equal(versions[1:], []tlshello.Version{tlshello.TLS13, tlshello.TLS12, tlshello.TLS11, tlshello.TLS10, tlshello.SSL30}) || versions[0].Known() {
		t.Error(versions)
	}
	if !slices.Contains(h.Suites, tlshello.FallbackSCSV) || len(h.SessionID) != 32 || h.Version != tlshello.TLS12 || octets[1] != 3 || octets[2] != 1 {
		t.Errorf("%+v", h)
	}
	if !h.Offers(tlshello.TLS13) || !h.Offers(tlshello.SSL30) || h.Offers(tlshello.SSL20) {
		t.Error("versions offered")
	}
	if last := h.Extensions[len(h.Extensions)-1]; last.Type != tlshello.PreSharedKeyExtension {
		t.Errorf("%s is last, not the pre-shared key", last.Type)
	}
	for _, e := range h.Extensions {
		if e.Type == tlshello.HeartbeatExtension {
			t.Error("heartbeat is offered")
		}
	}
}

func TestOldHellos(t *testing.T) {
	for _, v := range tlshello.Versions()[1:] {
		o := tlshello.Ask(v)
		h, octets := marshal(t, o)
		if (h.Extensions == nil) != (v == tlshello.SSL30) {
			t.Errorf("%s: extensions %v", v, h.Extensions)
		}
		if got, want := slices.Contains(h.Suites, tlshello.RenegotiationSCSV), v == tlshello.SSL30; got != want {
			t.Errorf("%s: signalling value %t", v, got)
		}
		if got, want := h.Has(tlshello.RenegotiationInfoExtension), tlshello.TLS10 <= v && v <= tlshello.TLS12; got != want {
			t.Errorf("%s: renegotiation_info %t", v, got)
		}
		if got, want := h.Has(tlshello.SignatureAlgorithmsExtension), v >= tlshello.TLS12; got != want {
			t.Errorf("%s: signature_algorithms %t", v, got)
		}
		if got, want := h.Has(tlshello.KeyShareExtension), v == tlshello.TLS13; got != want {
			t.Errorf("%s: key_share %t", v, got)
		}
		if octets[2] != byte(min(v, tlshello.TLS10)) {
			t.Errorf("%s: record version 3.%d", v, octets[2])
		}
		for _, other := range tlshello.Versions() {
			want := other == v || tlshello.SSL30 <= other && other < v && v < tlshello.TLS13
			if h.Offers(other) != want {
				t.Errorf("a hello of %s offers %s: %t", v, other, !want)
			}
		}
	}
	o := tlshello.Ask(tlshello.TLS12)
	o.Renegotiation = tlshello.NotShown
	if h, _ := marshal(t, o); h.Has(tlshello.RenegotiationInfoExtension) || slices.Contains(h.Suites, tlshello.RenegotiationSCSV) {
		t.Error("secure renegotiation is shown")
	}
}

// TestPadding: no hello is 256 to 511 octets long, unless wished.
func TestPadding(t *testing.T) {
	padded := 0
	for n := range 600 {
		o := tlshello.Offer{Version: tlshello.TLS12, Suites: []tlshello.Suite{0xC02F}, Extra: []tlshello.Extension{{Type: 0xFAFA, Data: make([]byte, n)}}}
		h, octets := marshal(t, o)
		if length := len(octets) - 5; 256 <= length && length <= 511 {
			t.Errorf("%d octets", length)
		}
		if h.Has(tlshello.PaddingExtension) {
			padded++
		}
		o.NoPadding = true
		if h, _ := marshal(t, o); h.Has(tlshello.PaddingExtension) {
			t.Error("padding though not wished")
		}
	}
	if padded != 256 {
		t.Errorf("%d hellos were padded", padded)
	}
}

func TestLongHello(t *testing.T) {
	o := tlshello.Ask(tlshello.TLS12)
	o.Extra = []tlshello.Extension{{Type: 0xFAFA, Data: make([]byte, 60000)}}
	h, octets := marshal(t, o)
	back, err := tlshello.ParseClientHello(octets)
	if err != nil || !slices.Equal(back.Suites, h.Suites) || len(octets) < 60000+4*5 {
		t.Errorf("%v, %d octets", err, len(octets))
	}
}

func TestImpossibleHellos(t *testing.T) {
	long := strings.Repeat("a", 1<<16)
	for name, o := range map[string]tlshello.Offer{
		"SSL 2.0":         {Version: tlshello.SSL20},
		"no version":      {},
		"future version":  {Version: 0x0305},
		"long name":       {Version: tlshello.TLS12, ServerName: long},
		"long protocol":   {Version: tlshello.TLS12, ALPN: []string{long[:256]}},
		"long extension":  {Version: tlshello.TLS12, Extra: []tlshello.Extension{{Type: 1, Data: []byte(long)}}},
		"many suites":     {Version: tlshello.SSL30, Suites: make([]tlshello.Suite, 1<<15)},
		"many methods":    {Version: tlshello.SSL30, Compression: make([]tlshello.Compression, 256)},
		"long key":        {Version: tlshello.TLS13, KeyShares: []tlshello.KeyShare{{Key: []byte(long)}}},
		"many groups":     {Version: tlshello.TLS12, Groups: make([]tlshello.Group, 1<<15)},
		"many extensions": {Version: tlshello.TLS12, Extra: slices.Repeat([]tlshello.Extension{{Type: 1, Data: []byte(long[:60000])}}, 2)},
	} {
		if _, err := o.Marshal(chance()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	o := tlshello.Ask(tlshello.TLS12)
	if _, err := o.Hello(strings.NewReader("too little")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if _, err := (&tlshello.Offer{}).Hello(chance()); !errors.Is(err, tlshello.ErrVersion) {
		t.Error(err)
	}
	if _, err := (&tlshello.ClientHello{SessionID: make([]byte, 33)}).Marshal(); err == nil {
		t.Error("a session ID of 33 octets is written")
	}
}

// TestGoHello reads what Go's client says.
func TestGoHello(t *testing.T) {
	config := &tls.Config{ServerName: "mx.test", NextProtos: []string{"smtp"}, MinVersion: tls.VersionTLS10}
	h, err := tlshello.ParseClientHello(helloOf(t, config))
	if err != nil {
		t.Fatal(err)
	}
	if h.ServerName() != "mx.test" || !slices.Equal(h.ALPN(), []string{"smtp"}) || !h.Offers(tlshello.TLS13) || !h.Offers(tlshello.TLS10) || h.Offers(tlshello.SSL30) {
		t.Errorf("%+v", h)
	}
	if !slices.Contains(h.Groups(), tlshello.X25519MLKEM768) || len(h.KeyShares()) == 0 || !slices.Contains(h.Suites, 0x1301) || !h.Has(tlshello.ExtendedMasterSecretExtension) || len(h.SignatureSchemes()) < 5 {
		t.Errorf("%+v", h)
	}
	config.MaxVersion = tls.VersionTLS12
	h, err = tlshello.ParseClientHello(helloOf(t, config))
	if err != nil || h.Offers(tlshello.TLS13) || h.Version != tlshello.TLS12 {
		t.Errorf("%v: %+v", err, h)
	}
}

// helloOf is the first record of Go's client.
func helloOf(t testing.TB, config *tls.Config) []byte {
	t.Helper()
	client, peer := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		tls.Client(client, config).Handshake() // ends when the pipe does
	}()
	b := make([]byte, 1<<16)
	n, err := peer.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	peer.Close()
	<-done
	return b[:n]
}

func TestBrokenHellos(t *testing.T) {
	_, good := marshal(t, tlshello.Ask(tlshello.TLS12))
	for n := range good {
		if _, err := tlshello.ParseClientHello(good[:n]); !errors.Is(err, tlshello.ErrMalformed) {
			t.Fatalf("the first %d octets: %v", n, err)
		}
	}
	if _, err := tlshello.ParseClientHello(append(slices.Clone(good), 0)); err == nil {
		t.Error("what follows is not seen")
	}
	twice := tlshello.ClientHello{Version: tlshello.TLS12, Extensions: []tlshello.Extension{tlshello.Flag(23), tlshello.Flag(23)}}
	octets, err := twice.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tlshello.ParseClientHello(octets); err == nil {
		t.Error("an extension that is there twice is not seen")
	}
}

func TestV2Hello(t *testing.T) {
	h := tlshello.AskV2([16]byte{1, 2, 3})
	octets, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	// SSL 2.0, Section "Client Hello": 2 octets of length, type 1, version 0.2,
	// three lengths, then ten ciphers and sixteen octets of challenge.
	if want := []byte{0x80, 9 + 30 + 16, 1, 0, 2, 0, 30, 0, 0, 0, 16}; !bytes.HasPrefix(octets, want) || len(octets) != 2+9+30+16 {
		t.Errorf("%x", octets)
	}
	back, err := tlshello.ParseV2ClientHello(octets)
	if err != nil || back.Version != h.Version || !slices.Equal(back.Specs, h.Specs) || !bytes.Equal(back.Challenge, h.Challenge) || len(back.SessionID) != 0 {
		t.Errorf("%v: %+v", err, back)
	}
	for n := range octets {
		if _, err := tlshello.ParseV2ClientHello(octets[:n]); err == nil {
			t.Errorf("the first %d octets are read", n)
		}
	}
	for name, h := range map[string]tlshello.V2ClientHello{
		"no challenge":   {Version: tlshello.SSL20},
		"long challenge": {Challenge: make([]byte, 33)},
		"session ID":     {Challenge: make([]byte, 16), SessionID: make([]byte, 3)},
		"many ciphers":   {Challenge: make([]byte, 16), Specs: make([]tlshello.CipherSpec, 20000)},
		"wide cipher":    {Challenge: make([]byte, 16), Specs: []tlshello.CipherSpec{1 << 24}},
	} {
		if _, err := h.Marshal(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestV2ServerHello(t *testing.T) {
	a := tlshello.ReadFlight(v2Hello("certificate", []byte{1, 0, 0x80, 7, 0, 0xC0}), false)
	if a.Version() != tlshello.SSL20 || string(a.V2.Certificate) != "certificate" || !slices.Equal(a.V2.Specs, []tlshello.CipherSpec{0x010080, 0x0700C0}) || len(a.V2.ConnectionID) != 16 || a.V2.SessionIDHit {
		t.Errorf("%s: %+v", a, a.V2)
	}
}
