package score

import "mailvet/report/check"

// InternetNL is the mail test of Internet.nl, version 1.11.2: what each
// subtest can answer, with status, worst status and points. The value is
// shared and must not be changed.
func InternetNL() *Policy { return internetNL }

var internetNL = &Policy{
	Name: "internetnl-1.11.2",
	Categories: []CategoryRule{
		{ID: check.IPv6, API: "mail_ipv6", Title: "IPv6"},
		{ID: check.DNSSEC, API: "mail_dnssec", Title: "DNSSEC", PerHost: true},
		{ID: check.Auth, API: "mail_auth", Title: "SPF, DKIM and DMARC"},
		{ID: check.TLS, API: "mail_starttls", Title: "STARTTLS and DANE", PerHost: true, Lead: "starttls-exists",
			LeadVerdicts: map[string]string{
				"other": "unreachable", "could-not-test": "untestable", "other-2": "no-mx", "null-mx": "null-mx", "no-null-mx": "no-null-mx",
				"null-mx-with-other-mx": "null-mx-with-other-mx", "null-mx-without-a-aaaa": "null-mx-without-a-aaaa",
			}},
		{ID: check.RPKI, API: "mail_rpki", Title: "RPKI"},
	},
	Rows: []Row{
		{Check: "ipv6-ns-address", API: "mail_ipv6_ns_address", Category: check.IPv6, Initial: Failed, Outcomes: []Outcome{
			{"good", Passed, Failed, Points{}},
			{"other", Failed, Failed, Points{}},
			{"bad", Failed, Failed, Points{}},
		}},
		{Check: "ipv6-ns-reach", API: "mail_ipv6_ns_reach", Category: check.IPv6, Field: "ns_score", Full: 10, Initial: Failed, Outcomes: []Outcome{
			{"good", Passed, Failed, span(0, 10)},
			{"bad", Failed, Failed, span(0, 9)},
			{"not-tested", NotTested, Failed, pts(0)},
		}},
		{Check: "ipv6-mx-address", API: "mail_ipv6_mx_address", Category: check.IPv6, Initial: Warning, Outcomes: []Outcome{
			{"good", Passed, Failed, Points{}},
			{"bad", Failed, Failed, Points{}},
			{"other", NotTested, Warning, Points{}},
			{"null-mx", NotTested, Warning, Points{}},
			{"null-mx-without-a-aaaa", Info, Warning, Points{}},
			{"null-mx-with-other-mx", Warning, Warning, Points{}},
			{"no-null-mx", Info, Warning, Points{}},
		}},
		{Check: "ipv6-mx-reach", API: "mail_ipv6_mx_reach", Category: check.IPv6, Field: "mx_score", Full: 10, Initial: Warning, Outcomes: []Outcome{
			{"good", Passed, Failed, span(1, 10)},
			{"bad", Failed, Failed, span(0, 9)},
			{"not-tested", NotTested, Failed, pts(0)},
			{"not-tested/none", NotTested, Warning, pts(10)},
		}},
		{Check: "dnssec-exists", API: "mail_dnssec_mailto_exist", Category: check.DNSSEC, Initial: Failed, Outcomes: []Outcome{
			{"good", Passed, Failed, Points{}},
			{"bad", Failed, Failed, Points{}},
			{"resolver-error", Failed, Failed, Points{}},
			{"servfail", Failed, Failed, Points{}},
		}},
		{Check: "dnssec-valid", API: "mail_dnssec_mailto_valid", Category: check.DNSSEC, Field: "score", Full: 10, Initial: Failed, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"not-tested", NotTested, Failed, pts(2)},
			{"bad", Failed, Failed, pts(0)},
			{"not-tested/resolver_error", NotTested, Failed, pts(0)},
			{"unsupported-ds-algo", Warning, Failed, pts(2)},
			{"not-tested/servfail", NotTested, Failed, pts(0)},
		}},
		{Check: "dnssec-mx-exists", API: "mail_dnssec_mx_exist", Category: check.DNSSEC, Initial: Warning, Outcomes: []Outcome{
			{"good", Passed, Failed, Points{}},
			{"bad", Failed, Failed, Points{}},
			{"resolver-error", Failed, Failed, Points{}},
			{"no-mailservers", NotTested, Warning, Points{}},
			{"null-mx", NotTested, Warning, Points{}},
			{"null-mx-without-a-aaaa", Info, Warning, Points{}},
			{"null-mx-with-other-mx", Warning, Warning, Points{}},
			{"no-null-mx", Info, Warning, Points{}},
			{"servfail", Failed, Failed, Points{}},
		}},
		{Check: "dnssec-mx-valid", API: "mail_dnssec_mx_valid", Category: check.DNSSEC, Field: "score", Initial: Warning, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"not-tested", NotTested, Failed, pts(2)},
			{"bad", Failed, Failed, pts(0)},
			{"not-tested/none", NotTested, Warning, pts(0)},
			{"unsupported-ds-algo", Warning, Failed, pts(2)},
		}},
		{Check: "dmarc-exists", API: "mail_auth_dmarc_exist", Category: check.Auth, Field: "dmarc_score", Full: 10, Initial: Failed, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
		}},
		{Check: "dmarc-policy", API: "mail_auth_dmarc_policy", Category: check.Auth, Field: "dmarc_policy_score", Full: 10, Initial: Failed, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"external", Warning, Failed, pts(10)},
			{"policy", Failed, Failed, pts(2)},
			{"bad", Failed, Failed, pts(0)},
			{"not-tested", NotTested, Failed, pts(0)},
		}},
		{Check: "dkim-exists", API: "mail_auth_dkim_exist", Category: check.Auth, Field: "dkim_score", Full: 10, Initial: Failed, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"no-email", NotTested, NotTested, pts(10)},
		}},
		{Check: "spf-exists", API: "mail_auth_spf_exist", Category: check.Auth, Field: "spf_score", Full: 10, Initial: Failed, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
		}},
		{Check: "spf-policy", API: "mail_auth_spf_policy", Category: check.Auth, Field: "spf_policy_score", Full: 10, Initial: Failed, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"all", Failed, Failed, pts(2)},
			{"include", Failed, Failed, span(0, 2)},
			{"redirect", Failed, Failed, span(0, 2)},
			{"max-lookups", Failed, Failed, pts(2)},
			{"not-tested", NotTested, Failed, pts(0)},
		}},
		{Check: "starttls-exists", API: "mail_starttls_tls_available", Category: check.TLS, Field: "tls_enabled_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"other", Error, Failed, pts(0)},
			{"could-not-test", Error, Failed, pts(0)},
			{"bad", Failed, Failed, pts(0)},
			{"other-2", NotTested, Info, Points{}},
			{"null-mx", NotTested, Info, Points{}},
			{"null-mx-without-a-aaaa", Info, Info, Points{}},
			{"null-mx-with-other-mx", Warning, Info, Points{}},
			{"no-null-mx", Info, Info, Points{}},
		}},
		{Check: "tls-key-exchange", API: "mail_starttls_tls_keyexchange", Category: check.TLS, Field: "fs_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"phase-out", Warning, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"na", Passed, Failed, pts(10)},
		}},
		{Check: "tls-ciphers", API: "mail_starttls_tls_ciphers", Category: check.TLS, Field: "ciphers_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"phase-out", Warning, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
		}},
		{Check: "tls-cipher-order", API: "mail_starttls_tls_cipherorder", Category: check.TLS, Field: "cipher_order_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"na", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
		}},
		{Check: "tls-version", API: "mail_starttls_tls_version", Category: check.TLS, Field: "protocols_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"phase-out", Warning, Failed, pts(10)},
		}},
		{Check: "tls-compression", API: "mail_starttls_tls_compress", Category: check.TLS, Field: "compression_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
		}},
		{Check: "tls-secure-renegotiation", API: "mail_starttls_tls_secreneg", Category: check.TLS, Field: "secure_reneg_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
		}},
		{Check: "tls-client-renegotiation", API: "mail_starttls_tls_clientreneg", Category: check.TLS, Field: "client_reneg_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"not-allowed", Passed, Info, pts(10)},
			{"allowed-with-low-limit", Info, Info, pts(10)},
			{"allowed-with-too-high-limit", Info, Info, pts(0)},
		}},
		{Check: "cert-trust", API: "mail_starttls_cert_chain", Category: check.TLS, Field: "cert_trusted_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Info, pts(10)},
			{"bad", Info, Info, pts(0)},
			{"could-not-test", NotTested, Info, Points{}},
		}},
		{Check: "cert-key", API: "mail_starttls_cert_pubkey", Category: check.TLS, Field: "cert_pubkey_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"phase-out", Warning, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
		}},
		{Check: "cert-signature", API: "mail_starttls_cert_sig", Category: check.TLS, Field: "cert_signature_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"phase-out", Warning, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
		}},
		{Check: "cert-host", API: "mail_starttls_cert_domain", Category: check.TLS, Field: "cert_hostmatch_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Info, pts(10)},
			{"bad", Info, Info, pts(10)},
			{"bad/has_daneTA", Failed, Info, pts(0)},
		}},
		{Check: "caa", API: "mail_starttls_tls_caa", Category: check.TLS, Field: "caa_score", Full: 10, Initial: Warning, Outcomes: []Outcome{
			{"good", Passed, Warning, pts(10)},
			{"bad", Warning, Warning, pts(0)},
			{"syntax-error", Warning, Warning, pts(0)},
			{"insufficient", Warning, Warning, pts(0)},
			{"recommendations", Info, Warning, pts(10)},
		}},
		{Check: "dane-exists", API: "mail_starttls_dane_exist", Category: check.TLS, Field: "dane_score", Full: 10, PointsOf: "dane-valid", Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, span(0, 10)},
			{"bad", Failed, Failed, pts(0)},
			{"bogus", Failed, Failed, pts(0)},
		}},
		{Check: "dane-valid", API: "mail_starttls_dane_valid", Category: check.TLS, Field: "dane_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"not-tested", NotTested, Info, pts(0)},
		}},
		{Check: "dane-rollover", API: "mail_starttls_dane_rollover", Category: check.TLS, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Info, Points{}},
			{"bad", Info, Info, Points{}},
		}},
		{Check: "tls-zero-rtt", API: "mail_starttls_tls_0rtt", Category: check.TLS, Field: "zero_rtt_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"na", Passed, Failed, pts(10)},
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
		}},
		{Check: "tls-key-exchange-hash", API: "mail_starttls_tls_keyexchangehash", Category: check.TLS, Field: "kex_hash_func_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"phase-out", Warning, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"other", Info, Failed, pts(10)},
		}},
		{Check: "tls-extended-master-secret", API: "mail_starttls_tls_extendedmastersecret", Category: check.TLS, Field: "extended_master_secret_score", Full: 10, Initial: Info, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"na-no-tls-1-2", NotTested, Info, pts(10)},
			{"unknown", NotTested, Failed, pts(10)},
		}},
		{Check: "rpki-mx-exists", API: "mail_rpki_exists", Category: check.RPKI, Field: "mail_exists_score", Full: 5, Initial: Failed, NotMandatory: true, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(5)},
			{"bad", Warning, Failed, pts(0)},
			{"no-addresses", NotTested, Failed, pts(5)},
			{"not-tested", Error, Failed, Points{}},
		}},
		{Check: "rpki-mx-valid", API: "mail_rpki_valid", Category: check.RPKI, Field: "mail_valid_score", Full: 10, Initial: Failed, NotMandatory: true, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"invalid", Failed, Failed, pts(0)},
			{"not-routed", NotTested, Failed, pts(10)},
			{"not-tested", NotTested, Failed, pts(10)},
			{"not-tested/validator_error", Error, Failed, Points{}},
		}},
		{Check: "rpki-ns-exists", API: "mail_ns_rpki_exists", Category: check.RPKI, Field: "ns_exists_score", Full: 5, Initial: Failed, NotMandatory: true, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(5)},
			{"bad", Warning, Failed, pts(0)},
			{"no-addresses", NotTested, Failed, pts(5)},
			{"not-tested", Error, Failed, Points{}},
		}},
		{Check: "rpki-ns-valid", API: "mail_ns_rpki_valid", Category: check.RPKI, Field: "ns_valid_score", Full: 10, Initial: Failed, NotMandatory: true, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"invalid", Failed, Failed, pts(0)},
			{"not-routed", NotTested, Failed, pts(10)},
			{"not-tested", NotTested, Failed, pts(10)},
			{"not-tested/validator_error", Error, Failed, Points{}},
		}},
		{Check: "rpki-mx-ns-exists", API: "mail_mx_ns_rpki_exists", Category: check.RPKI, Field: "mx_ns_exists_score", Full: 5, Initial: Failed, NotMandatory: true, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(5)},
			{"bad", Warning, Failed, pts(0)},
			{"no-addresses", NotTested, Failed, pts(5)},
			{"not-tested", Error, Failed, Points{}},
		}},
		{Check: "rpki-mx-ns-valid", API: "mail_mx_ns_rpki_valid", Category: check.RPKI, Field: "mx_ns_valid_score", Full: 10, Initial: Failed, NotMandatory: true, Outcomes: []Outcome{
			{"good", Passed, Failed, pts(10)},
			{"bad", Failed, Failed, pts(0)},
			{"invalid", Failed, Failed, pts(0)},
			{"not-routed", NotTested, Failed, pts(10)},
			{"not-tested", NotTested, Failed, pts(10)},
			{"not-tested/validator_error", Error, Failed, Points{}},
		}},
	},
}
