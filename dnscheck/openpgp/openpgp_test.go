package openpgp_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mailvet/dnscheck/openpgp"
)

// Keys that GnuPG made: one for ever with a subkey, one for a day of 1999.
const (
	forever = "mDMEOG1DgBYJKwYBBAHaRw8BAQdAPu7p4Vngtf9as1WjgiamdJ4z8S+L6KAI9EhIRH6Lcoy0FkFubiA8YW5uQG1haWxib3gudGVzdD6IkAQTFggAOBYhBAAs1+yDia5Ofi4xg4uwx6NJ0Xk0BQI4bUOAAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEIuwx6NJ0Xk06ocA/3q57AytwY3wSuDfljGywF3RZiZuDLnjE9gsRmG4Axe0APsE1JWjsUlrJOvLcJ5eiCBE4USgJH7nFEWX+rl4WfQKD7g4BDhtQ4ASCisGAQQBl1UBBQEBB0B4A+E5LE04XHQtSOdMrN01j4MI4mThhXbNfS/+x9mdOQMBCAeIeAQYFggAIBYhBAAs1+yDia5Ofi4xg4uwx6NJ0Xk0BQI4bUOAAhsMAAoJEIuwx6NJ0Xk0UV0A+waErFXqi91Ea5Z1lsHdLbWMFUBQFSLpvsl+OGL7LLxZAP9a8cLzGagi0sjK2YZvpCV2yzaIR/vcvd0rYUXXrgLMAg=="
	aDay    = "mDMENowQABYJKwYBBAHaRw8BAQdAsbtqbw8+Eeg7QRGYIygLCmqQ5sDcsH/aB2GsMTHLy8q0Fk9sZCA8b2xkQG1haWxib3gudGVzdD6IlQQTFggAPhYhBE/dwmUN3QUYAZ03AJN6BFtv26SNBQI2jBAAAhsDBQkAAVGABQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEJN6BFtv26SNWwEBAP60h/V+LBEQSrfXkgZTUXU1z6rT+dA9GSEkU4KF360FAPiluEQZqviamRJjfyVPUL1WAYl03QYfP/fWHOTY7r4D"
)

func octets(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	k, err := openpgp.Parse(octets(t, forever))
	if err != nil || k.Version != 4 || k.Algorithm.String() != "EdDSA" || !k.Created.Equal(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) || !k.Expires.IsZero() || k.Revoked {
		t.Errorf("%+v, %v", k, err)
	}
	if !k.Has("ANN@mailbox.test") || k.Has("nn@mailbox.test") || k.Has("") {
		t.Error(k.UserIDs)
	}
	k, err = openpgp.Parse(octets(t, aDay))
	if err != nil || !k.Expires.Equal(time.Date(1999, 1, 2, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", k, err)
	}
	// The second key of several is not looked at.
	k, err = openpgp.Parse(append(octets(t, forever), octets(t, aDay)...))
	if err != nil || len(k.UserIDs) != 1 || !k.Expires.IsZero() {
		t.Errorf("%+v, %v", k, err)
	}
	old := []byte{0x99, 0, 8, 3, 0x30, 0, 0, 0, 0, 10, 1}
	if k, err = openpgp.Parse(old); err != nil || k.Version != 3 || k.Algorithm.String() != "RSA" || k.Expires.Sub(k.Created) != 240*time.Hour {
		t.Errorf("%+v, %v", k, err)
	}
}

func TestBroken(t *testing.T) {
	good := octets(t, forever)
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, openpgp.ErrNoKey},
		{"armor", []byte("\n-----BEGIN PGP PUBLIC KEY BLOCK-----"), openpgp.ErrArmor},
		{"text", []byte("<html>"), openpgp.ErrNoKey},
		{"one octet", []byte{0x99}, openpgp.ErrBroken},
		{"another packet first", []byte{0xcd, 1, 'x'}, openpgp.ErrNoKey},
		{"a length of no end", []byte{0x9b, 0}, openpgp.ErrBroken},
		{"a partial length", []byte{0xc6, 230, 0, 0}, openpgp.ErrBroken},
		{"a short key", []byte{0xc6, 3, 4, 0, 0}, openpgp.ErrBroken},
		{"an unknown version", append([]byte{0xc6, 8, 9}, make([]byte, 7)...), openpgp.ErrNoKey},
		{"cut off", good[:len(good)-1], openpgp.ErrBroken},
		{"more than there is", []byte{0xc6, 0xff, 0xff, 0xff, 0xff, 0xff, 4}, openpgp.ErrBroken},
		{"many packets", []byte(strings.Repeat("\xca\x00", 10_000)), openpgp.ErrNoKey},
	}
	for _, tt := range tests {
		if k, err := openpgp.Parse(tt.data); !errors.Is(err, tt.want) {
			t.Errorf("%s: %+v, %v, want %v", tt.name, k, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(octets(f, forever))
	f.Add(octets(f, aDay))
	f.Add([]byte{0x99, 0, 8, 3, 0x30, 0, 0, 0, 0, 10, 1})
	f.Add([]byte{0xc6, 8, 6, 0, 0, 0, 0, 27, 0, 0, 0xc2, 12, 6, 0x13, 27, 8, 0, 0, 0, 3, 230, 9, 9, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := openpgp.Parse(data)
		if (k == nil) == (err == nil) {
			t.Fatalf("%+v, %v", k, err)
		}
		if err != nil {
			return
		}
		if len(k.UserIDs) > 50 || !utf8.ValidString(strings.Join(k.UserIDs, "")) {
			t.Errorf("%q", k.UserIDs)
		}
		for _, id := range k.UserIDs {
			if len(id) > 1000 {
				t.Errorf("%d octets", len(id))
			}
		}
	})
}

func ExampleParse() {
	data, err := base64.StdEncoding.DecodeString(forever)
	if err != nil {
		fmt.Println(err)
		return
	}
	k, err := openpgp.Parse(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(k.Version, k.Algorithm, k.UserIDs[0], k.Has("ann@mailbox.test"))
	// Output: 4 EdDSA Ann <ann@mailbox.test> true
}
