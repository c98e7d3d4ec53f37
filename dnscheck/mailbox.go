package dnscheck

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
)

// mailboxChecks are about one mail address, and only there where the scan was
// given one: whether its owner can be written to encrypted.
var mailboxChecks = []*check.Check{mailboxPGPKey, mailboxSMIMEA, mailboxWKD, mailboxEncryption}

// maxWKD is how much of a Web Key Directory's answer is read, in octets: a key
// with a long history of certifications is smaller.
const maxWKD = 256 << 10

// mailbox is the address of the scan.
type mailbox struct{ local, domain string }

func mailboxOf(s *evidence.Snapshot) (mailbox, bool) {
	i := strings.LastIndexByte(s.Address, '@')
	if i < 1 {
		return mailbox{}, false
	}
	return mailbox{s.Address[:i], s.Domain}, true
}

// names are the names that may hold the address's record, below "_openpgpkey"
// or "_smimecert" (RFC 7929, Section 3; RFC 8162, Section 3): that of the local
// part as written, then, where it differs, that of the one in lower case, as
// most servers do not tell them apart.
func (m mailbox) names(under string) []string {
	list := []string{m.name(m.local, under)}
	if low := lowerASCII(m.local); low != m.local {
		list = append(list, m.name(low, under))
	}
	return list
}

func (m mailbox) name(local, under string) string {
	sum := sha256.Sum256([]byte(local))
	return hex.EncodeToString(sum[:28]) + "." + under + "." + m.domain
}

// keyHost is the host of the Web Key Directory's advanced method.
func (m mailbox) keyHost() string { return "openpgpkey." + m.domain }

// wkd is the key's URL (draft-koch-openpgp-webkey-service, Section 3.1), by the
// advanced method or the direct one.
func (m mailbox) wkd(advanced bool) string {
	sum := sha1.Sum([]byte(lowerASCII(m.local)))
	tail := "hu/" + zbase32(sum[:]) + "?l=" + url.QueryEscape(m.local)
	if advanced {
		return "https://" + m.keyHost() + "/.well-known/openpgpkey/" + m.domain + "/" + tail
	}
	return "https://" + m.domain + "/.well-known/openpgpkey/" + tail
}

// zbase32 writes octets in the alphabet of z-base-32, five bits a letter (RFC
// 6189, Section 5.1.6).
func zbase32(b []byte) string {
	const alphabet = "ybndrfg8ejkmcpqxot1uwisza345h769"
	var out strings.Builder
	bits, n := 0, 0
	for _, o := range b {
		bits, n = bits<<8|int(o), n+8
		for n >= 5 {
			n -= 5
			out.WriteByte(alphabet[bits>>n&31])
		}
		bits &= 1<<n - 1
	}
	if n > 0 {
		out.WriteByte(alphabet[bits<<(5-n)&31])
	}
	return out.String()
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// mailboxWants names the records of the address, and whether the Web Key
// Directory has a host of its own.
func mailboxWants(s *evidence.Snapshot) []evidence.Question {
	m, ok := mailboxOf(s)
	if !ok {
		return nil
	}
	list := []evidence.Question{{Name: m.keyHost(), Type: "A"}, {Name: m.keyHost(), Type: "AAAA"}}
	for _, r := range []mailboxRecord{pgpRecord, smimeRecord} {
		for _, name := range m.names(r.under) {
			list = append(list, evidence.Question{Name: name, Type: r.typ})
			if !s.Lookup(name, r.typ).Absent() {
				break
			}
		}
	}
	return list
}

// mailboxFetchWants names the key's URL in the Web Key Directory: that of the
// direct method only where the host of the advanced one does not exist (Section 3.1).
func mailboxFetchWants(s *evidence.Snapshot) []FetchWant {
	if u := wkdURL(s); u != "" {
		return []FetchWant{{URL: u, Limit: maxWKD}}
	}
	return nil
}

// wkdURL is empty where it is not known which method holds.
func wkdURL(s *evidence.Snapshot) string {
	m, ok := mailboxOf(s)
	if !ok {
		return ""
	}
	a, aaaa := s.Lookup(m.keyHost(), "A"), s.Lookup(m.keyHost(), "AAAA")
	switch {
	case a.Exists() || aaaa.Exists():
		return m.wkd(true)
	case a.Absent() && aaaa.Absent():
		return m.wkd(false)
	}
	return ""
}

// mailboxRecord is a kind of record that holds a key of an address.
type mailboxRecord struct{ under, typ string }

var (
	pgpRecord   = mailboxRecord{"_openpgpkey", "OPENPGPKEY"}
	smimeRecord = mailboxRecord{"_smimecert", "SMIMEA"}
)

// found returns the answer with the address's records, else the first one that
// is not known, else the last one that was asked.
func (r mailboxRecord) found(s *evidence.Snapshot, m mailbox) *evidence.Lookup {
	var last *evidence.Lookup
	for _, name := range m.names(r.under) {
		l := s.Lookup(name, r.typ)
		if last = l; !l.Absent() {
			return l
		}
	}
	return last
}
