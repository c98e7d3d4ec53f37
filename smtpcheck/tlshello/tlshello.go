// Package tlshello writes the first message of a TLS client and reads what the
// server answers to it, for all versions from SSL 2.0 to TLS 1.3. It is for
// finding out what a server would agree to, which includes what nobody should
// agree to: TLS libraries refuse to ask for that. Octets go in, octets come
// out; the network is the caller's. No key is computed and nothing is verified
// or decrypted, so that a handshake begun here cannot be finished.
//
// # The handshake
//
// A TLS connection begins with a question and a choice. The ClientHello lists
// everything that the client can do: versions, cipher suites, groups, signature
// schemes, compression methods. The server takes one of each, and says so in its
// ServerHello; or it takes nothing, and says so in an alert, usually
// handshake_failure or protocol_version (RFC 8446, Section 6.2).
//
// A cipher suite names, up to TLS 1.2, four things at once:
// TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 exchanges keys by ephemeral elliptic
// curve Diffie-Hellman, which the server signs with an RSA key, and encrypts
// with AES of 128 bits in the mode GCM; SHA256 is for deriving keys. In TLS 1.3
// only cipher and hash are left in the name (TLS_AES_128_GCM_SHA256); groups and
// signature schemes are agreed on apart.
//
// Up to TLS 1.2 the server's first flight is in the clear (RFC 5246, Section
// 7.3):
//
//	ServerHello          version, suite, compression, extensions
//	Certificate          the chain, leaf first; not in anonymous suites
//	CertificateStatus    an OCSP response, where the client asked for one
//	ServerKeyExchange    group and public value, signed; in ephemeral suites only
//	CertificateRequest   where the server wants a certificate of the client
//	ServerHelloDone
//
// So one hello tells, beside the suite, the Diffie-Hellman prime or the curve,
// the hash function of the signature, and what extensions the server knows:
// extended master secret (RFC 7627), secure renegotiation (RFC 5746), session
// tickets (RFC 5077).
//
// In TLS 1.3 only the ServerHello is in the clear. It has the suite and the
// group. A hello that lists groups but brings no key share for any of them makes
// the server answer with a HelloRetryRequest (RFC 8446, Section 4.1.4), which
// names the group it wants: that tells suite and group, and costs neither side
// any computing.
//
// Versions are offered in two ways. Up to TLS 1.2 the hello carries the highest
// one, and the server may choose any lower (RFC 5246, Section E.1): whoever asks
// for TLS 1.0 may be answered in SSL 3.0, and [ServerHello.Negotiated] is what
// counts. TLS 1.3 is offered in an extension that lists each version. SSL 2.0
// has messages of its own, in which the server sends its ciphers and the client
// chooses ([V2ClientHello]).
//
// Records (RFC 8446, Section 5.1) carry the messages: five octets of type,
// version and length, and up to 16384 octets, which may hold a part of a message
// or several.
//
// # Asking
//
// An [Offer] is a question in the terms above. [Ask] makes the usual one,
// [AskAllBut], [AskSignature], [AskGroups] and [AskV2] typical special ones.
// [Offer.Hello] makes it a [ClientHello], which is the message as it stands and
// can be changed at will; [ClientHello.Marshal] writes it.
//
// A [Reader] takes the server's octets in any portions and says when it has an
// [Answer]. A refusal is an alert that was received, nothing else: an answer
// that never came to its end is [Incomplete] or [Closed], and says nothing about
// what the server supports. [ClientHello.Violations] finds servers that choose
// what they were not offered.
//
// # Terms
//
// A suite is anonymous if the server does not show who it is, null if it does
// not encrypt, export if it is weakened for the export rules of the 1990s. It
// has forward secrecy if the server's long-term key does not open recorded
// connections. A signalling value (SCSV) stands among the suites but is none.
// GREASE values (RFC 8701) mean nothing, and are to be ignored.
package tlshello
