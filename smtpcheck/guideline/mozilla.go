package guideline

// mozilla is where Mozilla's tables stand.
const mozilla = "intermediate"

// Mozilla is the intermediate configuration of Mozilla's "Server Side TLS",
// version 5.7. It lists what a server should have; that is good here. What is
// as strong and not listed counts as to be phased out, for it departs from the
// list without doing harm. All else is insufficient.
var Mozilla = &Tables{
	Name: "mozilla-intermediate", Version: "5.7", Title: "Mozilla's intermediate configuration", Source: "Mozilla Server Side TLS 5.7",
	Versions: &Table{mozilla, []Entry{
		{"TLS 1.3", "", Good},
		{"TLS 1.2", "", Good},
		{"TLS 1.1", "", Insufficient},
		{"TLS 1.0", "", Insufficient},
		{"SSL 3.0", "", Insufficient},
		{"SSL 2.0", "", Insufficient},
	}},
	Suites: &Table{mozilla, []Entry{
		{"TLS_AES_128_GCM_SHA256", "", Good},
		{"TLS_AES_256_GCM_SHA384", "", Good},
		{"TLS_CHACHA20_POLY1305_SHA256", "", Good},
		{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "", Good},
		{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "", Good},
		{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "", Good},
		{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "", Good},
		{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "", Good},
		{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "", Good},
		{"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "", Good},
		{"TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "", Good},
		{"TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "", Good},
		{"TLS_AES_128_CCM_SHA256", "", PhaseOut},
		{"TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "", PhaseOut},
		{"TLS_ECDHE_ECDSA_WITH_AES_256_CCM", "", PhaseOut},
		{"TLS_DHE_RSA_WITH_AES_128_CCM", "", PhaseOut},
		{"TLS_DHE_RSA_WITH_AES_256_CCM", "", PhaseOut},
	}},
	Groups: &Table{mozilla, []Entry{
		{"X25519", "", Good},
		{"secp256r1", "", Good},
		{"secp384r1", "", Good},
		{"X448", "", PhaseOut},
		{"secp521r1", "", PhaseOut},
		{"brainpoolP512r1", "", PhaseOut},
		{"brainpoolP384r1", "", PhaseOut},
		{"brainpoolP256r1", "", PhaseOut},
	}},
	FiniteFields: &Table{mozilla, []Entry{
		{"ffdhe2048", "", Good},
		{"ffdhe3072", "", Good},
		{"ffdhe4096", "", Good},
		{"ffdhe6144", "", Good},
		{"ffdhe8192", "", Good},
	}},
	CertificateCurves: &Table{mozilla, []Entry{
		{"secp256r1", "1.2.840.10045.3.1.7", Good},
		{"secp384r1", "1.3.132.0.34", Good},
		{"secp521r1", "1.3.132.0.35", PhaseOut},
		{"brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13", PhaseOut},
		{"brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11", PhaseOut},
		{"brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7", PhaseOut},
	}},
	CertificateEdwards: &Table{mozilla, []Entry{
		{"Ed25519", "1.3.101.112", PhaseOut},
		{"Ed448", "1.3.101.113", PhaseOut},
	}},
	CertificateSignatures: &Table{mozilla, []Entry{
		{"sha256WithRSAEncryption", "1.2.840.113549.1.1.11", Good},
		{"ecdsa-with-SHA256", "1.2.840.10045.4.3.2", Good},
		{"ecdsa-with-SHA384", "1.2.840.10045.4.3.3", Good},
		{"ecdsa-with-SHA512", "1.2.840.10045.4.3.4", Good},
		{"sha384WithRSAEncryption", "1.2.840.113549.1.1.12", PhaseOut},
		{"sha512WithRSAEncryption", "1.2.840.113549.1.1.13", PhaseOut},
		{"Ed25519", "1.3.101.112", PhaseOut},
		{"Ed448", "1.3.101.113", PhaseOut},
	}},
	KeyExchangeHashes: &Table{mozilla, []Entry{
		{"SHA512", "", Good},
		{"SHA384", "", Good},
		{"SHA256", "", Good},
		{"SHA224", "", PhaseOut},
		{"SHA1", "", Insufficient},
	}},
	// "dh_param_size" is 2048.
	Own: func(bits int) Level {
		if bits >= 2048 {
			return Good
		}
		return Insufficient
	},
	// "rsa_key_size" is 2048.
	RSA: func(bits int) Level {
		if bits >= 2048 {
			return Good
		}
		return Insufficient
	},
}
