package lab_test

// exceptions are the codes that no scenario shows, and why. Table tests show
// them all. A new code wants a scenario rather than a line here.
var exceptions = []struct {
	why   string
	codes []string
}{
	{"crypto/tls, which the lab's servers speak, does not renegotiate: smtpcheck/probe tries Postfix", []string{
		"tls-client-renegotiation limited", "tls-client-renegotiation unlimited", "tls-client-renegotiation worse-elsewhere",
		"tls-client-renegotiation weaker-elsewhere",
	}},
	{"crypto/tls gives no early data over TCP: smtpcheck/tlshello reads the tickets of OpenSSL", []string{
		"tls-zero-rtt offered", "tls-zero-rtt worse-elsewhere",
	}},
	{"a server that completes a handshake shows its certificate: only cut evidence lacks it", []string{
		"cert-trust no-certificate", "cert-key no-certificate", "cert-signature no-certificate", "cert-host no-certificate",
		"dane-valid no-certificate", "dane-rollover no-certificate",
	}},
	{"only a machine without trusted roots cannot tell", []string{
		"cert-trust unknown",
	}},
	{"TLSA records are always asked for: only cut evidence lacks them", []string{
		"dane-exists not-asked",
	}},
	{"what completes a handshake in the lab tells all of it in the first flight", []string{
		"tls-post-quantum budget", "tls-session unknown",
	}},
	{"STARTTLS comes after a reply to EHLO: only cut evidence lacks it", []string{
		"smtp-names unknown", "smtp-extensions unknown",
	}},
	{"the RSA keys of the lab's zones have 2048 bits", []string{
		"dnssec-algorithm rsa-small", "dnssec-algorithm rsa-short", "dnssec-mx-algorithm rsa-small", "dnssec-mx-algorithm rsa-short",
	}},
	{"the lab's zones have no key of another algorithm beside one that validators know", []string{
		"dnssec-algorithm unlisted", "dnssec-mx-algorithm unlisted",
	}},
	{"a zone of the lab has one DS record, or those of its parent's text and none that fits", []string{
		"dnssec-ds without-key", "dnssec-ds must-not-too", "dnssec-mx-ds without-key", "dnssec-mx-ds must-not-too",
	}},
	{"the root is no domain to scan", []string{
		"dnssec-ds anchor", "dnssec-mx-ds anchor",
	}},
	{"a signed zone of the lab always shows how it denies", []string{
		"dnssec-nsec3 not-seen",
	}},
	{"the question for SOA follows an alias into the unsigned zone, too, so that nothing is hidden", []string{
		"dnssec-mail-path insecure-part",
	}},
	{"the public suffix list has no suffix of the lab's names below which the DNS says psd=y", []string{
		"dmarc-receivers differ-organization",
	}},
	{"the lab's table of routes never fails", []string{
		"mail-location source-unavailable", "mx-networks source-unavailable", "ns-networks source-unavailable",
	}},
	{"mta-sts-valid does not pass without a policy: only cut evidence lacks it", []string{
		"mta-sts-mx policy-unknown",
	}},
	{"nobody has issued a mark certificate for the lab's names: dnscheck judges some made for its tests", []string{
		"bimi-certificate good", "bimi-certificate expires-soon", "bimi-certificate another-logo", "bimi-certificate expired",
		"bimi-certificate other-name",
	}},
}
