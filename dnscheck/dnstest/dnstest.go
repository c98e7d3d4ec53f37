// Package dnstest provides DNS servers for tests and for the built-in demo
// Internet, as net/http/httptest provides web servers.
//
// A [Zone] is read from zone-file text. A [World] joins zones into one name
// space: it fills in missing delegations and glue, signs what is to be signed
// (RFC 4035, RFC 5155) and links the chains of trust with DS records. From a
// world come servers: [World.Resolver] behaves as a validating recursive
// resolver that knows everything, [World.Authoritative] as a name server of
// some of the zones. A [Server] is a function from query octets to reply octets
// and needs no sockets; [Server.Listen] gives it some.
//
// The terms are those of the standards. An RRset is all records of one name,
// type and class; signatures (RRSIG) cover RRsets. A zone cut is where a parent
// hands a name over to a child zone by NS records (a delegation); glue are the
// addresses it has to know for that. An empty non-terminal is a name without
// records that has names below it: it exists, so its answer is NODATA, never
// NXDOMAIN. The closest encloser of a name that does not exist is its longest
// ancestor that does, the next closer name is one label longer (RFC 5155,
// Section 1.3). Opt-out lets an NSEC3 record skip delegations without DS.
//
// Everything is deterministic: keys grow from seeds, ECDSA signatures use the
// nonces of RFC 6979, so the same text and time give the same octets. Keys are
// therefore known to everybody; never use them for anything but tests.
//
// What servers do wrong is attached to them as [Fault]: silence, delay,
// truncation, broken or missing signatures, and more.
package dnstest
