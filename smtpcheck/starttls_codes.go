package smtpcheck

import (
	"mailvet/report/check"
	"mailvet/smtpcheck/guideline"
)

// requiresTLS is what the checks beside starttls-exists require.
var requiresTLS = []*check.Check{starttlsExists}

var starttlsExists = &check.Check{
	ID: "starttls-exists", API: "mail_starttls_tls_available", Category: check.TLS, Level: check.Required, Scope: check.PerHost,
	Title: "STARTTLS available",
	Doc: check.Doc{
		What: "Every address of every mail server is connected to on port 25. It must greet, answer EHLO with the extension STARTTLS, accept the command, and complete a TLS handshake.",
		Why:  "Without STARTTLS mail travels between servers in the clear, for anyone on the path to read and change.",
		How:  "Give the mail server a certificate and switch STARTTLS on for incoming mail. In Postfix: smtpd_tls_chain_files = /etc/ssl/mx.pem and smtpd_tls_security_level = may.",
	},
	Cites:    []check.Citation{check.RFC("3207", "4"), check.RFC("7672", "2"), check.InternetNL("mail_starttls_tls_available")},
	Args:     []string{"host", "domain", "addr", "failure", "secured", "failing", "open", "helo", "port", "halting", "spoken"},
	Evaluate: evaluateSTARTTLS,
	Codes: []*check.Code{
		starttlsGood, starttlsNotCompleted, starttlsRestUnknown, starttlsSomeFail, starttlsCountedFails, starttlsCountedUnknown,
		starttlsNotOffered, starttlsStripped, starttlsRefused, starttlsDeferred, starttlsNoService, starttlsRefusesUs,
		starttlsHandshakeFailed, starttlsUseless, starttlsHandshakeUnknown, starttlsNotSMTP, starttlsConnectionRefused, starttlsNoAnswer, starttlsNothingAnswers, starttlsSilent,
		starttlsBrokenOff, starttlsForbidden, starttlsNoFamily, starttlsNotFinished, starttlsNotAsked, starttlsIPv6NotAsked,
		starttlsNoSuchHost, starttlsNoAddress, starttlsAddressesUnknown, starttlsNotHostName,
		starttlsMXUnknown, starttlsNoMX, starttlsShouldHaveNullMX, starttlsNullMX, starttlsNullMXAddressUnknown, starttlsNullMXNoAddress, starttlsNullMXWithOthers,
	},
}

// A handshake was completed with the counted address, or would have been by
// Internet.nl.
var (
	starttlsGood = &check.Code{Name: "good", Outcome: check.Pass, Verdict: "good",
		Text: "{host} offers STARTTLS and completes a TLS handshake at every address ({secured})."}
	starttlsNotCompleted = &check.Code{Name: "no-usual-handshake", Outcome: check.Weak, Verdict: "good",
		Text:   "{host} speaks TLS after STARTTLS, but with a current client no handshake was completed at {halting}. It agreed to {spoken}. Internet.nl has old clients too and counts the server as good; current mail software mostly cannot agree with it, and then delivers in the clear or not at all.",
		Advice: "Let the mail server speak TLS 1.2 and 1.3 with common suites. In Postfix: smtpd_tls_protocols = >=TLSv1.2 and smtpd_tls_ciphers = medium. If it does so already, see in its log why the handshake failed."}
	starttlsRestUnknown = &check.Code{Name: "good-rest-unknown", Outcome: check.Pass, Verdict: "good",
		Text: "{host} offers STARTTLS and completes a TLS handshake at {secured}. Nothing is known of {open}; whatever is found there, Internet.nl's verdict rests on {addr} alone."}
	starttlsSomeFail = &check.Code{Name: "some-addresses-fail", Outcome: check.Weak, Verdict: "good",
		Text:   "{host} offers STARTTLS at {secured}, but not at {failing}. Internet.nl looks at {addr} only and counts the server as good.",
		Advice: "Make the other addresses work like {addr}, or take them out of the DNS: senders use all of them."}
)

// Other addresses complete one, the counted address does not.
var (
	starttlsCountedFails = &check.Code{Name: "counted-address-fails", Outcome: check.Fail, Verdict: "other",
		Text:   "{host} offers STARTTLS at {secured}, but not at {addr} ({failure}). Internet.nl looks at {addr} only and counts the whole server as unreachable.",
		Advice: "Make {addr} work like the other addresses of {host}, or take it out of the DNS: senders use all of them."}
	starttlsCountedUnknown = &check.Code{Name: "counted-address-unknown", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "{host} offers STARTTLS at {secured}, but {addr} could not be tested ({failure}). Internet.nl's verdict rests on {addr}, so it may be either.",
		Advice: "Scan again later."}
)

// No address completes one; what happened at the counted address.
var (
	starttlsNotOffered = &check.Code{Name: "not-offered", Outcome: check.Fail, Verdict: "other", Cites: []check.Citation{check.RFC("3207", "4")},
		Text:   "{host} answers at {addr}, but offers no STARTTLS: mail to it travels in the clear. Internet.nl counts this server as unreachable; it answers, but offers no STARTTLS.",
		Advice: "Install a certificate and switch STARTTLS on. In Postfix: smtpd_tls_chain_files = /etc/ssl/mx.pem and smtpd_tls_security_level = may."}
	starttlsStripped = &check.Code{Name: "stripped", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "In the reply of {host} at {addr} the word STARTTLS is written over with X. Something on the path takes STARTTLS away: a firewall before the server, or one in the network of this scan.",
		Advice: "Scan again from another network. If the result is the same, switch off SMTP inspection (\"fixup\", \"inspect esmtp\") in the firewall before the server."}
	starttlsRefused = &check.Code{Name: "starttls-refused", Outcome: check.Fail, Verdict: "other", Cites: []check.Citation{check.RFC("3207", "4")},
		Text:   "{host} offers STARTTLS at {addr}, but refuses the command for good ({failure}). Internet.nl counts this server as unreachable.",
		Advice: "Look into the log of the mail server: mostly the certificate or its key cannot be read."}
	starttlsDeferred = &check.Code{Name: "temporary", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "{host} at {addr} put this scan off with a temporary refusal ({failure}), as servers do that limit connections. Whether it has STARTTLS is not known; it does not count as lacking it.",
		Advice: "Scan again later, or from an address that the server does not limit. If it stays so after STARTTLS, see whether the server can load its certificate and key."}
	starttlsNoService = &check.Code{Name: "no-service", Outcome: check.Fail, Verdict: "other", Cites: []check.Citation{check.RFC("5321", "3.1")},
		Text:   "{host} at {addr} greets with a permanent refusal ({failure}): it takes no mail at all. Internet.nl counts this server as unreachable.",
		Advice: "Take {host} out of the MX records of {domain}, or let it take mail. If others can deliver to it, it may be this scan's address that it refuses."}
	starttlsRefusesUs = &check.Code{Name: "refuses-this-client", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "{host} at {addr} refuses this scan ({failure}). It may take mail from others.",
		Advice: "Scan from an address that is on no block list and has a reverse name, with --helo set to that name (now \"{helo}\")."}
	starttlsHandshakeFailed = &check.Code{Name: "handshake-failed", Outcome: check.Fail, Verdict: "other",
		Text:   "{host} at {addr} accepts STARTTLS, but no TLS handshake can be completed ({failure}). Internet.nl counts this server as unreachable.",
		Advice: "Look into the log of the mail server. What it sends after its 220 reply is no TLS."}
	starttlsUseless = &check.Code{Name: "unusable-tls", Outcome: check.Fail, Verdict: "other", Cites: []check.Citation{check.NCSC(guideline.SectionCipherSuites)},
		Text:   "{host} at {addr} accepts STARTTLS, but agrees only to what no client should and hardly any can speak: {spoken}. Internet.nl counts this server as unreachable, and mail to it travels in the clear or not at all.",
		Advice: "Let the mail server speak TLS 1.2 and 1.3 with common suites. In Postfix: smtpd_tls_protocols = >=TLSv1.2 and smtpd_tls_ciphers = medium."}
	starttlsHandshakeUnknown = &check.Code{Name: "handshake-unknown", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "{host} at {addr} accepts STARTTLS, but the handshake with this scan could not be completed ({failure}). Others may be able to: the scan does not offer finite-field DHE, and refuses some old or odd certificates and parameters that are in use. A server without a certificate ends the handshake like this too.",
		Advice: "Look at what the server sends with \"openssl s_client -starttls smtp -connect {host}:{port}\"."}
	starttlsNotSMTP = &check.Code{Name: "not-smtp", Outcome: check.Fail, Verdict: "other", Cites: []check.Citation{check.RFC("5321", "4.2")},
		Text:   "What {host} answers at {addr} is not SMTP ({failure}). Internet.nl counts this server as unreachable.",
		Advice: "Find out what listens there on port {port}, and let the mail server listen instead."}
	starttlsConnectionRefused = &check.Code{Name: "connection-refused", Outcome: check.Fail, Verdict: "other",
		Text:   "{host} refuses connections to port {port} at {addr}: nobody can deliver mail there.",
		Advice: "Start the mail server, let it listen on this address, or take {host} out of the MX records of {domain}. If others can connect, the network of this scan refuses connections to port {port}."}
	starttlsNoAnswer = &check.Code{Name: "no-answer", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "{host} did not answer at {addr} ({failure}). Whether it is down, or cannot be reached from here, is not known.",
		Advice: "Scan again later. If it stays so, see whether a firewall lets connections to port {port} through."}
	starttlsNothingAnswers = &check.Code{Name: "nothing-answers", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "{host} did not answer at {addr} ({failure}), and neither did any other mail server of {domain}.",
		Advice: "Outgoing connections to port {port} may be blocked in the network of this scan, as most access providers and clouds do. Try \"nc -v {host} {port}\", and scan from a network that is allowed to send mail."}
	starttlsSilent = &check.Code{Name: "silent", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "{host} at {addr} takes the connection, but then did not answer in time ({failure}).",
		Advice: "Scan again later, or from an address with a reverse name. Servers wait like this to put off unknown clients, or because their own questions to the DNS about the client get no answer: see to the resolver of {host}."}
	starttlsBrokenOff = &check.Code{Name: "broken-off", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "The connection with {host} at {addr} was broken off ({failure}), as servers do that limit connections. Whether it has STARTTLS is not known.",
		Advice: "Scan again later, or from an address that the server does not limit. If it stays so after STARTTLS, see whether the server can load its certificate and key."}
	starttlsForbidden = &check.Code{Name: "forbidden-address", Outcome: check.Inconclusive, Verdict: "other", Cites: []check.Citation{check.RFC("6890", "2.2")},
		Text:   "{addr}, an address of {host}, is in a range for special purposes, such as private networks. Nothing was connected to there, and from the Internet nobody can.",
		Advice: "Publish a public address for {host}. To scan a server of your own network use --allow-private."}
	starttlsNoFamily = &check.Code{Name: "no-address-family", Outcome: check.Inconclusive, Verdict: "could-not-test",
		Text:   "This machine has no connection of the kind that {addr}, an address of {host}, needs (IPv4 or IPv6). It says nothing of the server.",
		Advice: "Scan from a machine that has IPv4 and IPv6."}
	starttlsNotFinished = &check.Code{Name: "not-finished", Outcome: check.Inconclusive, Verdict: "could-not-test",
		Text:   "The test of {host} at {addr} was not finished ({failure}).",
		Advice: "Scan again, with a longer --timeout if the time was up."}
)

// There is no address to speak to.
var (
	starttlsNotAsked = &check.Code{Name: "not-asked", Outcome: check.Inconclusive, NotAsked: true,
		Text: "{host} was not connected to, because SMTP was left out of this scan."}
	starttlsIPv6NotAsked = &check.Code{Name: "ipv6-not-asked", Outcome: check.Inconclusive, NotAsked: true,
		Text: "{host} has no IPv4 address, and IPv6 was left out of this scan."}
	starttlsNoSuchHost = &check.Code{Name: "no-such-host", Outcome: check.Fail, Verdict: "other", Cites: []check.Citation{check.RFC("5321", "5.1")},
		Text:   "The mail server {host} does not exist in the DNS.",
		Advice: "Correct or delete the MX record of {domain} that points to {host}."}
	starttlsNoAddress = &check.Code{Name: "no-address", Outcome: check.Fail, Verdict: "other", Cites: []check.Citation{check.RFC("5321", "5.1")},
		Text:   "The mail server {host} has no address.",
		Advice: "Publish an A and an AAAA record for {host}, or delete the MX record of {domain} that points to it."}
	starttlsAddressesUnknown = &check.Code{Name: "addresses-unknown", Outcome: check.Inconclusive, Verdict: "other",
		Text:   "The addresses of {host} could not be looked up, so that it is not known which of them Internet.nl would look at.",
		Advice: "Scan again later. If it stays so, see to the name servers of {host}."}
	starttlsNotHostName = &check.Code{Name: "not-a-host-name", Outcome: check.Fail, Verdict: "other", Cites: []check.Citation{check.RFC("5321", "5.1"), check.RFC("7505", "3")},
		Text:   "The MX record of {domain} points to \"{host}\", which is not the name of a host.",
		Advice: "Point the MX record to a name with addresses. A domain that takes no mail says so with this record alone: {domain}. IN MX 0 ."}
)

// There is no MX host.
var (
	starttlsMXUnknown = &check.Code{Name: "mx-unknown", Outcome: check.Inconclusive, Verdict: "other-2",
		Text:   "The MX records of {domain} could not be looked up. Internet.nl takes that for a domain without mail servers.",
		Advice: "Scan again later. If it stays so, see to the name servers of {domain}."}
	starttlsNoMX = &check.Code{Name: "no-mx", Outcome: check.NotApplicable, Verdict: "other-2",
		Text:   "{domain} has no mail servers, so there is nothing to test.",
		Advice: "If {domain} takes no mail, say so with a null MX: {domain}. IN MX 0 ."}
	starttlsShouldHaveNullMX = &check.Code{Name: "no-null-mx", Outcome: check.NotApplicable, Verdict: "other-2", Cites: []check.Citation{check.RFC("7505", "3")},
		Text:   "{domain} has no mail servers and sends no mail, but has an address, to which senders will try to deliver. Internet.nl does not mention it.",
		Advice: "Say that {domain} takes no mail with a null MX: {domain}. IN MX 0 ."}
	starttlsNullMX = &check.Code{Name: "null-mx", Outcome: check.NotApplicable, Verdict: "null-mx", Cites: []check.Citation{check.RFC("7505", "3")},
		Text: "{domain} says with a null MX record that it takes no mail, so there is nothing to test."}
	starttlsNullMXAddressUnknown = &check.Code{Name: "null-mx-address-unknown", Outcome: check.NotApplicable, Verdict: "null-mx-without-a-aaaa", Cites: []check.Citation{check.RFC("7505", "3")},
		Text: "{domain} says with a null MX record that it takes no mail, so there is nothing to test. Whether {domain} has an address could not be found out; Internet.nl takes that for having none."}
	starttlsNullMXNoAddress = &check.Code{Name: "null-mx-without-address", Outcome: check.NotApplicable, Verdict: "null-mx-without-a-aaaa", Cites: []check.Citation{check.RFC("7505", "3")},
		Text:   "{domain} says with a null MX record that it takes no mail. It has no address either, so that the record is not needed. Internet.nl remarks on it, at no cost.",
		Advice: "The null MX record of {domain} may be deleted; it does no harm."}
	starttlsNullMXWithOthers = &check.Code{Name: "null-mx-with-others", Outcome: check.Fail, Verdict: "null-mx-with-other-mx", Cites: []check.Citation{check.RFC("7505", "3")},
		Text:   "{domain} has a null MX record, which says that it takes no mail, and other MX records beside it. None of them is tested, by Internet.nl neither.",
		Advice: "Delete the record \"MX 0 .\" if {domain} takes mail, or else all others."}
)
