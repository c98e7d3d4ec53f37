// Package smtpcheck holds the checks of what a domain's mail servers offer:
// STARTTLS, TLS, certificates and DANE. The package is pure: [Wants] says which
// DNS questions the checks still need and [ProbeWants] which addresses have to
// be spoken to; sessions with the servers are in the snapshot when the checks
// run.
//
// Every check is made for each MX host. Internet.nl looks at one address of a
// host, the last IPv4 address or else the first IPv6 address: here the counted
// address. Ours looks at all of them. What the counted address shows makes the
// verdict, and with it the points; the worst of all makes our answer. Where an
// answer rests on another address the text names it.
//
// The checks of TLS, certificates and DANE require starttls-exists, as
// Internet.nl leaves a server alone after that. So starttls-exists passes, if
// need be weakly, exactly where the counted address completed a handshake, or
// agreed to one that Internet.nl's old clients would complete.
package smtpcheck

import (
	"net/netip"
	"slices"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/guideline"
)

// Checks lists the package's checks in the order of reports, which is that of
// Internet.nl. They go by the guideline of the NCSC, as Internet.nl does.
var Checks = ChecksBy(guideline.NCSC)

// ChecksBy lists the checks as they are by another guideline for TLS. The ids,
// codes and verdicts are the same: a verdict then says what Internet.nl would
// say if it went by that guideline. The slice is the caller's; checks that go by
// no guideline are shared.
func ChecksBy(t *guideline.Tables) []*check.Check {
	return []*check.Check{
		starttlsExists,
		tlsKeyExchangeBy(t), tlsCiphersBy(t), tlsCipherOrderBy(t), tlsVersionBy(t), tlsCompression, tlsSecureRenegotiation, tlsClientRenegotiation,
		certTrust, certKeyBy(t), certSignatureBy(t), certHost, caaRecords,
		daneExists, daneValid, daneRollover,
		tlsZeroRTT, tlsKeyExchangeHashBy(t), tlsExtendedMasterSecret,

		// Beyond Internet.nl.
		startTLSInjection, addressesAgree, daneBothKeys, daneForecast, certExpiry, certChain, certKeyReuse, certTransparency,
		tlsPostQuantum, tlsSession, smtpNames, smtpExtensions,
	}
}

// MaxAddresses is the number of addresses of one host that are spoken to. A
// host with more keeps its last IPv4 and its first IPv6 addresses, at least
// half of each family, so that the one that Internet.nl looks at is among them.
const MaxAddresses = 8

// Want is one address of an MX host that has to be spoken to.
type Want struct {
	Host string
	Addr netip.Addr
}

// Wants lists the questions that the checks need and s does not hold yet: the
// TLSA records of each MX host, and of the name it is an alias for where that
// is known securely (RFC 7672, Section 2.2.3), and the CAA records. The addresses of the hosts are
// asked for by others.
func Wants(s *evidence.Snapshot) []evidence.Question {
	var list []evidence.Question
	want := func(base string) {
		if name := tlsaName(base); base != "." && s.Lookup(name, "TLSA") == nil {
			list = append(list, evidence.Question{Name: name, Type: "TLSA"})
		}
	}
	for _, host := range s.Mail().Hosts {
		want(host)
		list = append(list, caaWants(s, host)...)
		if target := expanded(s, host); target != "" {
			want(target)
		}
	}
	return list
}

// ProbeWants lists the addresses that have to be spoken to and of which s has
// no session yet: at most [MaxAddresses] of each MX host, IPv6 too unless the
// user left it out. An address of a family that this machine lacks is wanted
// all the same, for the session must say so.
func ProbeWants(s *evidence.Snapshot) []Want {
	if s.Vantage.NoSMTP {
		return nil
	}
	var list []Want
	for _, host := range s.Mail().Hosts {
		for _, addr := range targets(s, host) {
			if sessionWith(s, host, addr) == nil {
				list = append(list, Want{host, addr})
			}
		}
	}
	return list
}

// targets lists the addresses of a host that are looked at, IPv4 first.
func targets(s *evidence.Snapshot, host string) []netip.Addr {
	return evidence.Once(s, targetsKey(host), func() []netip.Addr { return slices.Clip(chosen(s, host)) })
}

type targetsKey string

func chosen(s *evidence.Snapshot, host string) []netip.Addr {
	addrs, _, _ := s.Addresses(host)
	n4 := 0
	for n4 < len(addrs) && addrs[n4].Is4() {
		n4++
	}
	four, six := addrs[:n4], addrs[n4:]
	if s.Vantage.NoIPv6 {
		six = nil
	}
	const half = MaxAddresses / 2
	keep4 := min(len(four), max(half, MaxAddresses-len(six)))
	keep6 := min(len(six), MaxAddresses-keep4)
	return append(append([]netip.Addr(nil), four[len(four)-keep4:]...), six[:keep6]...)
}

// counted picks the address that Internet.nl looks at from the targets of a
// host: the last IPv4 address, or else the first. Internet.nl's order is that
// in which the resolver answered; here it is that of the addresses.
func counted(targets []netip.Addr) int {
	at := 0
	for i, a := range targets {
		if a.Is4() {
			at = i
		}
	}
	return at
}

func sessionWith(s *evidence.Snapshot, host string, addr netip.Addr) *evidence.Session {
	var text [64]byte
	want := addr.AppendTo(text[:0])
	for i := range s.Sessions {
		if x := &s.Sessions[i]; x.Host == host && x.Addr == string(want) {
			return x
		}
	}
	return nil
}
