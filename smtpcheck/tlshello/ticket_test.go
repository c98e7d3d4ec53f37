package tlshello_test

import (
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"mailvet/smtpcheck/tlshello"
)

func ticket(extensions ...byte) []byte {
	return handshakeMessage(4, func(b *cryptobyte.Builder) {
		b.AddUint32(7200)
		b.AddUint32(99)
		b.AddBytes([]byte{1, 0})        // nonce
		b.AddBytes(vec([]byte("x")...)) // ticket
		b.AddBytes(vec(extensions...))
	})
}

func TestSessionTicket(t *testing.T) {
	for _, c := range []struct {
		name    string
		message []byte
		early   bool
		size    uint32
		broken  bool
	}{
		{"plain", ticket(), false, 0, false},
		{"early data", ticket(0, 42, 0, 4, 0, 0, 0x40, 0), true, 16384, false},
		{"no early data after all", ticket(0, 42, 0, 4, 0, 0, 0, 0), true, 0, false},
		{"another extension", ticket(0x0A, 0x0A, 0, 0), false, 0, false},
		{"a size of three octets", ticket(0, 42, 0, 3, 0, 0, 0), false, 0, true},
		{"early data twice", ticket(0, 42, 0, 4, 0, 0, 0, 0, 0, 42, 0, 4, 0, 0, 0, 0), false, 0, true},
		{"cut off", ticket()[:10], false, 0, true},
		{"nothing", nil, false, 0, true},
		{"another message", helloDone(), false, 0, true},
	} {
		got, err := tlshello.ParseSessionTicket(c.message)
		if (err != nil) != c.broken {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err == nil && (got.EarlyData != c.early || got.MaxEarlyData != c.size || got.Lifetime != 7200 || string(got.Ticket) != "x") {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// FuzzSessionTicket: nothing read is longer than what it was read from.
func FuzzSessionTicket(f *testing.F) {
	f.Add(ticket(0, 42, 0, 4, 0, 0, 0x40, 0))
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := tlshello.ParseSessionTicket(message)
		if err == nil && len(got.Ticket)+len(got.Nonce) > len(message) {
			t.Errorf("%d octets of %d", len(got.Ticket)+len(got.Nonce), len(message))
		}
		if err == nil && !got.EarlyData && got.MaxEarlyData != 0 {
			t.Errorf("%+v", got)
		}
	})
}
