package tlshello_test

import (
	"slices"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

func TestUsable(t *testing.T) {
	for _, v := range tlshello.Versions() {
		usable := tlshello.Usable(v)
		for _, s := range usable {
			switch s.Traits().KeyExchange {
			case tlshello.PSK, tlshello.DHEPSK, tlshello.RSAPSK, tlshello.ECDHEPSK, tlshello.SRP, tlshello.KRB5, tlshello.ECCPWD:
				t.Errorf("%s is usable without a secret", s)
			}
		}
		for name, want := range map[string]bool{
			"TLS_DH_anon_WITH_RC4_128_MD5":    v >= tlshello.SSL30 && v <= tlshello.TLS12,
			"TLS_ECDH_anon_WITH_NULL_SHA":     v >= tlshello.TLS10 && v <= tlshello.TLS12,
			"TLS_RSA_EXPORT_WITH_RC4_40_MD5":  v == tlshello.SSL30 || v == tlshello.TLS10,
			"TLS_RSA_WITH_AES_128_GCM_SHA256": v == tlshello.TLS12,
			"TLS_AES_128_CCM_8_SHA256":        v == tlshello.TLS13,
		} {
			if got := slices.Contains(usable, suite(t, name)); got != want {
				t.Errorf("%s in %s: %t", name, v, got)
			}
		}
	}
}

func TestAskAllBut(t *testing.T) {
	good := []tlshello.Suite{0xC02F, 0xC02B}
	o := tlshello.AskAllBut(tlshello.TLS12, good...)
	if len(o.Suites) != len(tlshello.Usable(tlshello.TLS12))-2 || slices.Contains(o.Suites, good[0]) || !slices.Contains(o.Compression, tlshello.Deflate) {
		t.Errorf("%d suites, %v", len(o.Suites), o.Compression)
	}
	h, _ := marshal(t, o)
	if last := h.Compression[len(h.Compression)-1]; last != tlshello.NoCompression {
		t.Errorf("%s comes last", last)
	}
}

func TestAskSignature(t *testing.T) {
	o := tlshello.AskSignature(tlshello.SHA1)
	for _, s := range o.Signatures {
		if s.Hash() != tlshello.SHA1 {
			t.Error(s)
		}
	}
	for _, s := range o.Suites {
		if x := s.Traits(); !x.ForwardSecrecy || x.Anonymous() {
			t.Errorf("in %s the server does not sign", s)
		}
	}
	one := tlshello.AskSignature(tlshello.SHA224, 0xC02F, 0x002F)
	if !slices.Equal(one.Suites, []tlshello.Suite{0xC02F}) || len(o.Suites) < 50 {
		t.Errorf("%v, %d", one.Suites, len(o.Suites))
	}
}

func TestAskGroups(t *testing.T) {
	for _, c := range []struct {
		groups       []tlshello.Group
		curve, field bool
	}{
		{[]tlshello.Group{tlshello.SECP224R1}, true, false},
		{[]tlshello.Group{tlshello.FFDHE2048}, false, true},
		{[]tlshello.Group{tlshello.FFDHE2048, tlshello.X25519}, true, true},
	} {
		o := tlshello.AskGroups(tlshello.TLS12, c.groups...)
		if slices.Contains(o.Suites, 0xC02F) != c.curve || slices.Contains(o.Suites, 0x009E) != c.field || slices.Contains(o.Suites, 0x002F) || !slices.Equal(o.Groups, c.groups) {
			t.Errorf("%v: %v", c.groups, o.Suites)
		}
	}
	o := tlshello.AskGroups(tlshello.TLS13, tlshello.X25519)
	if h, _ := marshal(t, o); len(h.KeyShares()) != 0 || !h.Has(tlshello.KeyShareExtension) || len(o.Suites) < 5 {
		t.Errorf("%v", h.KeyShares())
	}
}

func TestSplit(t *testing.T) {
	all := tlshello.Usable(tlshello.TLS12)
	for _, size := range []int{1, 7, 64, len(all), 1000} {
		seen := map[tlshello.Suite]bool{}
		parts := tlshello.Split(all, size)
		for _, p := range parts {
			if len(p) > size || len(p) < len(all)/len(parts) {
				t.Errorf("a part of %d, at most %d", len(p), size)
			}
			for _, s := range p {
				seen[s] = true
			}
		}
		if len(seen) != len(all) || len(parts) != (len(all)+size-1)/size {
			t.Errorf("%d suites in %d parts of %d", len(seen), len(parts), size)
		}
	}
	if tlshello.Split(nil, 5) != nil || tlshello.Split(all, 0) != nil {
		t.Error("parts of nothing")
	}
}
