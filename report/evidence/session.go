package evidence

import "time"

// Session is what became of one MX address under one name: the last of its
// attempts, with the number of connections that all of them took.
//
// The session of an address that was never connected to (out of budget,
// forbidden, no such family here) is there too, with its Failure.
type Session struct {
	Host        string    `json:"host"` // the MX name; SNI of the handshake
	Addr        string    `json:"addr"`
	Port        int       `json:"port"`
	Time        time.Time `json:"time"`        // when the attempt described began
	Connections int       `json:"connections"` // opened to this address for this session, those of TLS not counted
	Reach       Reachable `json:"reach"`       // did TCP connect
	// Transcript is the dialogue of the last attempt, bounded; text after the
	// handshake is included. Hostile octets are kept.
	Transcript []Line   `json:"transcript,omitempty"`
	Greeting   *Reply   `json:"greeting,omitempty"`
	Verb       string   `json:"verb,omitempty"`       // EHLO, or HELO where EHLO was refused
	Hello      *Reply   `json:"hello,omitempty"`      // the reply to it
	Extensions []string `json:"extensions,omitempty"` // the lines of the EHLO reply after the first, upper case keyword with parameters
	StartTLS   StartTLS `json:"starttls"`
	StartReply *Reply   `json:"starttls_reply,omitempty"`
	Injected   []byte   `json:"injected,omitempty"` // octets received in the clear after the 220, before the handshake
	// Injection is what became of a command sent in the clear right behind
	// STARTTLS, on a connection of its own. Nil: that was not tried.
	Injection *Injection `json:"injection,omitempty"`
	Handshake *Handshake `json:"handshake,omitempty"`
	HelloTLS  *Reply     `json:"hello_tls,omitempty"`
	// ExtensionsTLS is Extensions as announced after the handshake.
	ExtensionsTLS []string `json:"extensions_tls,omitempty"`
	// TLS is what a plan of further handshakes found out at this address, for all
	// names that it has. Nil: none was begun. The fields above stay true whatever
	// became of it.
	TLS *TLS `json:"tls,omitempty"`
	// Failure is what ended the session before its QUIT; nil for a complete one.
	Failure *Failure `json:"failure,omitempty"`
}

// Injection is a trial: does the server carry a command over that came in the
// clear, in one segment with STARTTLS, and obey it as if it had come encrypted
// (the class of CVE-2011-0411)? RFC 3207, Section 4.2 forbids it.
type Injection struct {
	// Answer is Accepted if there was one more reply after the handshake than
	// commands sent after it; Refused if there was not, or if the server refused
	// STARTTLS or gave up then. NoAnswer: it was tried, and nothing follows.
	// NotAsked: there were no connections left for it.
	Answer     Answer  `json:"answer"`
	StartReply *Reply  `json:"starttls_reply,omitempty"`
	Replies    []Reply `json:"replies,omitempty"` // after the handshake, at most three
	// Failure is what ended the trial early.
	Failure *Failure `json:"failure,omitempty"`
}

// Line is one line of an SMTP dialogue, without its line end.
type Line struct {
	Sent bool   `json:"sent,omitempty"` // by the scanner
	At   int64  `json:"at"`             // milliseconds since the attempt began
	Text string `json:"text"`
}

// Reply is an SMTP reply (RFC 5321, Section 4.2).
type Reply struct {
	Code  int      `json:"code"`
	Lines []string `json:"lines,omitempty"` // the text of each line, without code and separator
}

// Handshake is one TLS handshake. Names are IANA's. Where the usual client could
// not finish it for want of a suite in common, and a further one of [TLS] did,
// it is that one; Failure then still says what became of the first.
type Handshake struct {
	SNI       string   `json:"sni,omitempty"`
	Complete  bool     `json:"complete"`
	Version   string   `json:"version,omitempty"` // "TLS 1.3"
	Suite     string   `json:"suite,omitempty"`   // "TLS_AES_128_GCM_SHA256"
	Group     string   `json:"group,omitempty"`   // "x25519"; empty where none or not known
	Signature string   `json:"signature,omitempty"`
	Told      []string `json:"told,omitempty"` // groups of the server's own list in TLS 1.3, as [Asked.Told]
	ALPN      string   `json:"alpn,omitempty"`
	Resumable bool     `json:"resumable,omitempty"`
	OCSP      bool     `json:"ocsp,omitempty"`
	Chain     string   `json:"chain,omitempty"` // ID of the [Chain]
	Failure   *Failure `json:"failure,omitempty"`
}

// Chain is a certificate list as a server sent it, leaf first.
type Chain struct {
	ID           string   `json:"id"`           // "sha256:" and the hash over the concatenated DER
	Certificates []string `json:"certificates"` // IDs of [Certificate], in the order sent
	Trust        Trust    `json:"trust"`
	TrustReason  string   `json:"trust_reason,omitempty"` // why it is not trusted
}

// Certificate is one certificate, stored once however many chains hold it.
type Certificate struct {
	ID  string `json:"id"`  // "sha256:" and the hash of DER
	DER []byte `json:"der"` // as received; may not be a certificate at all
}
