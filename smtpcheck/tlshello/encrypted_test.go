package tlshello_test

import (
	"bytes"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"mailvet/smtpcheck/tlshello"
)

// encrypted is the message with an extensions field of these octets.
func encrypted(extensions ...byte) []byte {
	return handshakeMessage(8, func(b *cryptobyte.Builder) { b.AddBytes(vec(extensions...)) })
}

// groupsExtension holds groups of two octets each.
func groupsExtension(list ...byte) []byte {
	n := len(list)
	return append([]byte{0, 10, byte((n + 2) >> 8), byte(n + 2), byte(n >> 8), byte(n)}, list...)
}

func TestEncryptedExtensions(t *testing.T) {
	for _, c := range []struct {
		name    string
		message []byte
		groups  []tlshello.Group
		alpn    string
		broken  bool
	}{
		{"nothing", encrypted(), nil, "", false},
		{"groups", encrypted(groupsExtension(0, 29, 0, 23)...), []tlshello.Group{tlshello.X25519, tlshello.SECP256R1}, "", false},
		{"groups, reserved ones among them", encrypted(groupsExtension(0x1A, 0x1A, 0, 29, 0x1A, 0x2A)...), []tlshello.Group{tlshello.X25519, 0x1A2A}, "", false},
		{"reserved ones alone", encrypted(groupsExtension(0x1A, 0x1A)...), []tlshello.Group{}, "", false},
		{"256 groups", encrypted(groupsExtension(bytes.Repeat([]byte{0, 29}, 256)...)...), slices.Repeat([]tlshello.Group{tlshello.X25519}, 256), "", false},
		{"ALPN", encrypted(0, 16, 0, 7, 0, 5, 4, 's', 'm', 't', 'p'), nil, "smtp", false},
		{"another extension", encrypted(0, 0, 0, 0), nil, "", false},
		{"an empty list of groups", encrypted(groupsExtension()...), nil, "", true},
		{"half a group", encrypted(groupsExtension(0)...), nil, "", true},
		{"257 groups", encrypted(groupsExtension(bytes.Repeat([]byte{0, 29}, 257)...)...), nil, "", true},
		{"something behind the groups", encrypted(0, 10, 0, 5, 0, 2, 0, 29, 0), nil, "", true},
		{"groups twice", encrypted(slices.Repeat(groupsExtension(0, 29), 2)...), nil, "", true},
		{"two protocols", encrypted(0, 16, 0, 6, 0, 4, 1, 'a', 1, 'b'), nil, "", true},
		{"cut off", encrypted(groupsExtension(0, 29)...)[:10], nil, "", true},
		{"something behind", append(encrypted(), 0), nil, "", true},
		{"no octets", nil, nil, "", true},
		{"another message", helloDone(), nil, "", true},
	} {
		got, err := tlshello.ParseEncryptedExtensions(c.message)
		if (err != nil) != c.broken {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err == nil && (!slices.Equal(got.Groups, c.groups) || (got.Groups == nil) != (c.groups == nil) || got.ALPN != c.alpn) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// FuzzEncryptedExtensions: what is read is within the bounds, and was there.
func FuzzEncryptedExtensions(f *testing.F) {
	f.Add(encrypted())
	f.Add(encrypted(groupsExtension(0, 29, 0x1A, 0x1A)...))
	f.Add(encrypted(0, 16, 0, 7, 0, 5, 4, 's', 'm', 't', 'p'))
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := tlshello.ParseEncryptedExtensions(message)
		if err != nil {
			return
		}
		if len(got.Groups) > tlshello.MaxGroups || 2*len(got.Groups)+len(got.ALPN) > len(message) {
			t.Errorf("%d groups, protocol %q of %d octets", len(got.Groups), got.ALPN, len(message))
		}
		for _, g := range got.Groups {
			if !bytes.Contains(message, []byte{byte(g >> 8), byte(g)}) {
				t.Errorf("%v was not there", g)
			}
		}
	})
}
