package tlshello_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"mailvet/smtpcheck/tlshello"
)

// Asking a server whether it takes anything that it should not, and reading
// what it says. The octets travel over a connection of the caller's; here the
// server says "fatal handshake_failure".
func Example() {
	var good []tlshello.Suite
	for _, name := range []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"} {
		s, _ := tlshello.ParseSuite(name)
		good = append(good, s)
	}
	question := tlshello.AskAllBut(tlshello.TLS12, good...)
	question.ServerName = "mx.example"
	hello, err := question.Hello(bytes.NewReader(make([]byte, 72))) // crypto/rand.Reader
	if err != nil {
		fmt.Println(err)
		return
	}
	octets, err := hello.Marshal()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("for %s, in a record of type %d; with a good suite: %t\n", hello.ServerName(), octets[0], slices.Contains(hello.Suites, good[0]))

	var r tlshello.Reader
	for _, received := range [][]byte{{21, 3, 3}, {0, 2, 2, 40}} {
		fmt.Println(r.Feed(received))
	}
	fmt.Println(r.Answer())
	// Output:
	// for mx.example, in a record of type 22; with a good suite: false
	// incomplete
	// refused
	// refused: fatal handshake_failure
}

// A HelloRetryRequest tells suite and group without any computing.
func ExampleReadFlight() {
	received, _ := hex.DecodeString("1603030058" + "02000054" + "0303" +
		"cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c" + // this is a HelloRetryRequest
		"20" + "0000000000000000000000000000000000000000000000000000000000000000" +
		"1302" + "00" + "000c" + "002b00020304" + "00330002001d")
	a := tlshello.ReadFlight(received, false)
	fmt.Println(a)
	fmt.Println(a.Group(), a.Version())
	// Output:
	// accepted TLS 1.3 TLS_AES_256_GCM_SHA384, wants group x25519
	// x25519 TLS 1.3
}

func ExampleSuite_Traits() {
	s, _ := tlshello.ParseSuite("TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA")
	t := s.Traits()
	fmt.Println(t.KeyExchange, t.Authentication, t.Cipher, t.Bits, t.MAC)
	fmt.Println("forward secrecy:", t.ForwardSecrecy, "export:", t.Export, "from", t.Min, "to", t.Max)
	// Output:
	// DHE RSA DES40_CBC 40 SHA
	// forward secrecy: true export: true from SSL 3.0 to TLS 1.0
}
