package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailvet/dnscheck/message"
)

// messageText is the result for people.
func messageText(res *message.Result, authserv string) string {
	var p page
	for i, line := range res.AuthenticationResults(authserv) {
		if i == 0 {
			p.line("Authentication-Results: %s", line)
			continue
		}
		p.line("        %s", line)
	}
	p.line("")
	p.about("From", "%s", authorsText(res))
	p.about("Received", "%s", senderText(res.Sender))
	p.about("Size", "%d octets", res.Size)
	for _, n := range res.Notes {
		p.about("Note", "%s", n)
	}
	if len(res.ARC) > 0 {
		p.about("ARC", "%s of forwarders' results, not verified here (RFC 8617).", plural(len(res.ARC), "set"))
	}
	for _, s := range res.SPF {
		p.line("")
		of := "MAIL FROM"
		if s.Helo {
			of = "HELO"
		}
		p.line("SPF %s: %s in %s, from %s", s.Verdict.Result, s.Domain, of, s.Sender.IP)
		p.indented("%s", because(s.Verdict))
		if s.Verdict.Explanation != "" {
			p.indented("%s explains: %s", s.Domain, s.Verdict.Explanation)
		}
	}
	if len(res.SPF) == 0 {
		p.line("")
		p.line("SPF not checked")
		p.indented("%s", noSPF(res.Sender))
	}
	for i, s := range res.Signatures {
		p.line("")
		p.line("DKIM signature %d %s: %s, selector %s", i+1, s.Result, s.Domain, s.Selector)
		p.indented("%s", signatureText(s))
		p.indented("%s", signatureFacts(s))
	}
	if len(res.Signatures) == 0 {
		p.line("")
		p.line("DKIM none: the message has no signature")
	}
	if res.Untried > 0 {
		p.line("")
		p.indented("%s more not verified; --max-signatures sets another limit.", plural(res.Untried, "DKIM signature"))
	}
	for _, d := range res.DMARC {
		p.line("")
		of := ""
		if d.Author != "" {
			of = ", for " + d.Author
		}
		p.line("DMARC %s by %s%s", d.Result, d.Standard, of)
		for _, t := range dmarcText(d, res) {
			p.indented("%s", t)
		}
	}
	return p.String()
}

// about is a line with a label; a long text goes on below.
func (p *page) about(label, format string, args ...any) {
	p.wrapped(fmt.Sprintf("%-10s", label), fmt.Sprintf(format, args...))
}

// indented is a paragraph below a heading.
func (p *page) indented(format string, args ...any) { p.wrapped("  ", fmt.Sprintf(format, args...)) }

// wrapped breaks a text into lines behind a lead, which the lines below it
// leave free.
func (p *page) wrapped(lead, text string) {
	line, width := lead, len(lead)
	for _, word := range strings.Fields(text) {
		if len(line) > width && len(line)+1+len(word) > maxLineWidth {
			p.line("%s", line)
			line = strings.Repeat(" ", width)
		}
		if len(line) > width {
			line += " "
		}
		line += word
	}
	p.line("%s", line)
}

func authorsText(res *message.Result) string {
	var list []string
	for _, a := range res.Authors {
		list = append(list, a.Address)
	}
	text := some(list, maxShownNetworks)
	if res.AuthorErr == nil {
		return text
	}
	return strings.TrimPrefix(text+": "+res.AuthorErr.Error(), ": ")
}

// senderText says who handed the message over, and how that is known.
func senderText(s message.Sender) string {
	var list []string
	switch {
	case s.GivenIP:
		list = append(list, "from "+s.IP.String()+" (--ip)")
	case s.IP.IsValid():
		list = append(list, "from "+s.IP.String())
	default:
		list = append(list, "from an address that is not known")
	}
	switch {
	case s.GivenHelo:
		list = append(list, "HELO "+s.Helo+" (--helo)")
	case s.Helo != "":
		list = append(list, "HELO "+s.Helo)
	}
	switch {
	case s.GivenFrom:
		list = append(list, "MAIL FROM "+s.From+" (--from)")
	case s.From != "":
		list = append(list, "MAIL FROM "+s.From)
	default:
		list = append(list, "MAIL FROM not known")
	}
	text := strings.Join(list, ", ")
	if s.Hop != nil && !s.GivenIP && s.IP.IsValid() {
		by := s.Hop.By
		if by == "" {
			by = "no name"
		}
		text += fmt.Sprintf("; by Received field %d from the top, written by %s", s.Hop.Nth+1, by)
	}
	return text
}

// noSPF says why there is no check, and what to do.
func noSPF(s message.Sender) string {
	switch {
	case s.IP.IsValid():
		return "Neither MAIL FROM nor a HELO name is known. Say with --from and --helo what the sender gave."
	case s.Hop == nil:
		return "The message has no Received field that says which server it came from. Say with --ip which address that was."
	case s.Hop.Inside:
		return fmt.Sprintf("The top Received field that names a sender has the address %s, which is one of an own network. Say with --ip which address the message came from, and with --helo which name was given.", s.Hop.IP)
	}
	return "The top Received field names no address. Say with --ip which one the message came from."
}

// signatureText says how the result of a signature came about.
func signatureText(s message.Signature) string {
	key := fmt.Sprintf("The key record %s._domainkey.%s", s.Selector, s.Domain)
	switch s.Reason {
	case message.ReasonVerified:
		text := "The signature is good: the body and the signed header fields are as " + s.Domain + " signed them."
		if s.Key.Testing {
			text += " The key record has t=y: the domain says that it is only testing."
		}
		return text
	case message.ReasonBodyHash:
		return "The body is not the one that was signed: something on the way has changed it (a footer, another encoding), or the message is forged."
	case message.ReasonSignature:
		return "The body is as it was signed, but the signature does not fit the header: a signed field was changed or added on the way (a list that changes the subject), the key was replaced, or the message is forged."
	case message.ReasonSyntax:
		return "The DKIM-Signature field cannot be read: " + s.Detail + "."
	case message.ReasonVersion:
		return "The DKIM-Signature field is of another version than v=1."
	case message.ReasonMissingTag:
		return "The DKIM-Signature field lacks the tag " + s.Detail + ", which must be there (RFC 6376, Section 3.5)."
	case message.ReasonName:
		return "The domain or the selector is not a name that can be asked for."
	case message.ReasonIdentifier:
		return fmt.Sprintf("The identity i=%s is not within the signing domain (RFC 6376, Section 3.5).", s.Identifier)
	case message.ReasonFrom:
		return "The signature leaves out the From field, so it says nothing about the author (RFC 6376, Section 5.4)."
	case message.ReasonExpired:
		return "The signature has expired, on " + day(s.Expires) + "."
	case message.ReasonQuery:
		return "The key is to be asked for in a way that is not known (q); the one that is known is dns/txt."
	case message.ReasonAlgorithm:
		return fmt.Sprintf("The algorithm a=%s is not known; rsa-sha256 and ed25519-sha256 are.", s.Algorithm)
	case message.ReasonSHA1:
		return "The signature is made with rsa-sha1, which verifiers must not accept any more (RFC 8301, Section 3.1)."
	case message.ReasonCanonicalization:
		return fmt.Sprintf("The canonicalization c=%s/%s is not known.", s.Header, s.Body)
	case message.ReasonLength:
		return fmt.Sprintf("Only the first octets of the body are signed (l=%s), so that anybody can add to it. Such a signature is not accepted here (RFC 6376, Section 8.2); others may accept it.", s.Length)
	}
	return keyText(s, key)
}

// keyText says what is wrong with the key.
func keyText(s message.Signature, key string) string {
	switch s.Reason {
	case message.ReasonKeyDNS:
		return fmt.Sprintf("%s could not be asked for (%s); receivers then try again later.", key, outcome(s.KeyLookup))
	case message.ReasonKeyMissing:
		return key + " does not exist: the key was withdrawn, never published, or the name is wrong."
	case message.ReasonKeySeveral:
		return key + " is there more than once, where one is allowed (RFC 6376, Section 3.6.2.2)."
	case message.ReasonKeySyntax:
		return key + " cannot be used: " + s.Detail + "."
	case message.ReasonKeyRevoked:
		return key + " has an empty p: the key was revoked."
	case message.ReasonKeyType:
		return fmt.Sprintf("%s is not for a=%s: %s.", key, s.Algorithm, s.Detail)
	case message.ReasonKeyHash:
		return fmt.Sprintf("%s does not allow the hash of a=%s (h).", key, s.Algorithm)
	case message.ReasonKeyService:
		return key + " is for other services than e-mail (s)."
	case message.ReasonKeyShort:
		return fmt.Sprintf("%s holds a key of %d bits. Verifiers must not accept less than 1024 (RFC 8301, Section 3.2).", key, s.Key.Bits)
	case message.ReasonKeyLong:
		return fmt.Sprintf("%s holds a key of %d bits; more than 8192 are not computed with.", key, s.Key.Bits)
	case message.ReasonKeyStrict:
		return fmt.Sprintf("%s has t=s, which forbids an identity in a subdomain, and i=%s is one (RFC 6376, Section 3.6.1).", key, s.Identifier)
	case message.ReasonUnknown:
		return "The signature cannot be verified: " + s.Detail + "."
	}
	panic("message: reason " + s.Reason.String())
}

// signatureFacts are the signature's properties.
func signatureFacts(s message.Signature) string {
	list := []string{s.Algorithm}
	if s.Key.Bits > 0 {
		list = append(list, "a key of "+strconv.Itoa(s.Key.Bits)+" bits")
	}
	list = append(list, s.Header+" for the header and "+s.Body+" for the body")
	if !s.Time.IsZero() {
		list = append(list, "signed on "+day(s.Time))
	}
	if !s.Expires.IsZero() && s.Reason != message.ReasonExpired {
		list = append(list, "expires on "+day(s.Expires))
	}
	if len(s.Fields) > 0 && s.Fields[0] != "" {
		list = append(list, "fields: "+some(s.Fields, maxShownList))
	}
	return strings.Join(list, ", ")
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
