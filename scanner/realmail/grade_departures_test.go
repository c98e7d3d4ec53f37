package realmail_test

import "regexp"

// departure is where another's opinion differs from ours, and why ours is right
// or theirs cannot be had.
type departure struct {
	who    string
	from   *regexp.Regexp // "server/label: what differs"
	reason string
}

var departures = []departure{
	{"sslscan", regexp.MustCompile(`: SSL 3\.0 TLS_\S+: only ours$`),
		"it sees that SSL 3.0 is spoken, but lists no suites of it, for which it would need an OpenSSL that still has it"},
	{"sslscan", regexp.MustCompile(`: group (X25519MLKEM768|SecP256r1MLKEM768|SecP384r1MLKEM1024): only ours$`),
		"it is older than these groups"},
	{"sslscan", regexp.MustCompile(`^exim/(legacy|no-tls13): group ffdhe\d+: only ours$`),
		"it asks for finite fields in TLS 1.3 only; ours is the prime that came with DHE"},
	{"sslscan", regexp.MustCompile(`^postfix/(tls12-only|no-tickets): group x25519: only ours$`),
		"it offers groups one by one, and OpenSSL, which has only a certificate with P-256 here, then finds no group for the signature"},
	{"openssl", regexp.MustCompile(`^java/(ssl3|sound): SHA(1|224): ours accepted, theirs refused$`),
		"Java wants to see the certificate's signature among the client's algorithms, and s_client cannot name those apart from the others"},
}
