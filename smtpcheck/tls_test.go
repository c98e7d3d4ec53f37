package smtpcheck_test

import (
	"slices"

	"mailvet/report/evidence"
)

const (
	ecdheCBC, dheGCM  = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" // to be phased out
	staticRSA, tdes   = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"
	sound256          = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
	sound128          = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
	camelliaGCM, ccm8 = "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_GCM_SHA256", "TLS_AES_128_CCM_8_SHA256"
)

func tlsCases() []testCase {
	group := func(name string) func(*evidence.TLS) {
		return keyed(sound256, func(x *evidence.TLSSuite) { x.Group = name })
	}
	accepts := func(name string) func(*evidence.TLS) {
		return func(t *evidence.TLS) {
			t.Groups = append(t.Groups, evidence.TLSGroup{Name: name, Answer: evidence.Accepted})
		}
	}
	no12, only13 := lacks("TLS 1.2"), lacks("TLS 1.2")
	without := func(groups ...string) func(*evidence.TLS) {
		return func(t *evidence.TLS) {
			t.Groups = slices.DeleteFunc(t.Groups, func(g evidence.TLSGroup) bool { return slices.Contains(groups, g.Name) })
		}
	}
	prefers := func(p evidence.Preference) func(*evidence.TLS) {
		return func(t *evidence.TLS) { t.Preference = p }
	}
	answer := func(field func(*evidence.TLS) *evidence.Answer, a evidence.Answer) func(*evidence.TLS) {
		return func(t *evidence.TLS) { *field(t) = a }
	}
	secure := func(t *evidence.TLS) *evidence.Answer { return &t.SecureRenegotiation }
	client := func(t *evidence.TLS) *evidence.Answer { return &t.ClientRenegotiation }
	compression := func(t *evidence.TLS) *evidence.Answer { return &t.Compression }
	master := func(t *evidence.TLS) *evidence.Answer { return &t.ExtendedMasterSecret }
	early := func(t *evidence.TLS) *evidence.Answer { return &t.EarlyData }
	weak := func(t *evidence.TLS) *evidence.Answer { return &t.WeakGroups }
	times := func(n int) func(*evidence.TLS) {
		return func(t *evidence.TLS) { t.ClientRenegotiation, t.Renegotiations = evidence.Accepted, n }
	}
	const v, s, o, k, h = "tls-version", "tls-ciphers", "tls-cipher-order", "tls-key-exchange", "tls-key-exchange-hash"
	const sr, cr, c, z, e = "tls-secure-renegotiation", "tls-client-renegotiation", "tls-compression", "tls-zero-rtt", "tls-extended-master-secret"
	list := []testCase{
		{v, "good", "good", "", func(*world) {}},
		{v, "good", "good", "TLS 1.2 alone", tlsBoth(lacks("TLS 1.3"))},
		{v, "insufficient", "bad", "TLS 1.0", tlsBoth(speaks("TLS 1.0", staticRSA))},
		{v, "insufficient", "bad", "SSL 2.0", tlsBoth(speaks("SSL 2.0", "SSL_CK_RC4_128_WITH_MD5"))},
		{v, "insufficient", "bad", "known, and the rest not", tlsBoth(nothingMore(stopped), func(t *evidence.TLS) {
			t.Versions = append(t.Versions, evidence.TLSVersion{Version: "TLS 1.0", Answer: evidence.Accepted, Suites: suites(staticRSA)})
		})},
		{v, "insufficient-unseen", "good", "with triple DES alone", tlsBoth(speaks("TLS 1.0", tdes))},
		{v, "insufficient-unseen", "good", "SSL 2.0 with export ciphers alone", tlsBoth(speaks("SSL 2.0", "SSL_CK_RC4_128_EXPORT40_WITH_MD5"))},
		{v, "insufficient-unseen", "", "with triple DES, and perhaps others", tlsBoth(speaks("TLS 1.0", tdes), more("TLS 1.0"))},
		{v, "worse-elsewhere", "good", "", tlsSix(speaks("TLS 1.1", staticRSA))},
		{v, "worse-elsewhere", "", "and the counted address is not known", func(w *world) {
			w.tls(four, nothingMore(stopped))
			w.tls(six, speaks("TLS 1.1", staticRSA))
		}},
		{v, "good", "good", "unknown elsewhere", tlsSix(nothingMore(stopped))},
		{v, "unknown", "", "TLS 1.0", tlsBoth(func(t *evidence.TLS) { version(t, "TLS 1.0").Answer = evidence.NoAnswer })},

		{s, "good", "good", "", func(*world) {}},
		{s, "good", "good", "TLS 1.3 alone", tlsBoth(only13)},
		{s, "phase-out", "phase-out", "", tlsBoth(speaks("TLS 1.2", ecdheCBC))},
		{s, "insufficient", "bad", "", tlsBoth(speaks("TLS 1.2", staticRSA))},
		{s, "insufficient", "bad", "and phase-out", tlsBoth(speaks("TLS 1.2", ecdheCBC, staticRSA))},
		{s, "insufficient", "bad", "and the list is not complete", tlsBoth(speaks("TLS 1.2", staticRSA), more("TLS 1.2"))},
		{s, "insufficient", "bad", "the one of TLS 1.3", tlsBoth(speaks("TLS 1.3", ccm8))},
		{s, "insufficient", "bad", "in TLS 1.0, the highest", tlsBoth(no12, lacks("TLS 1.3"), speaks("TLS 1.0", staticRSA))},
		{s, "insufficient-unseen", "good", "in TLS 1.0, not the highest", tlsBoth(speaks("TLS 1.0", staticRSA))},
		{s, "insufficient-unseen", "phase-out", "in TLS 1.0, and phase-out above", tlsBoth(speaks("TLS 1.2", ecdheCBC), speaks("TLS 1.0", staticRSA))},
		{s, "insufficient-unseen", "good", "a suite that its libraries do not know", tlsBoth(speaks("TLS 1.2", "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA"))},
		{s, "insufficient-unseen", "", "in TLS 1.0, and above not all is known", tlsBoth(speaks("TLS 1.0", staticRSA), more("TLS 1.2"))},
		{s, "phase-out-unseen", "good", "a suite that its libraries do not know", tlsBoth(speaks("TLS 1.2", camelliaGCM))},
		{s, "worse-elsewhere", "good", "", tlsSix(speaks("TLS 1.2", staticRSA))},
		{s, "weaker-elsewhere", "good", "", tlsSix(speaks("TLS 1.2", ecdheCBC))},
		{s, "unknown", "", "the list is not complete", tlsBoth(more("TLS 1.2"))},
		{s, "unknown", "", "nor phase-out decides then", tlsBoth(speaks("TLS 1.2", ecdheCBC), more("TLS 1.2"))},
		{s, "unknown", "good", "what Internet.nl looks at is known", tlsBoth(speaks("TLS 1.1", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), more("TLS 1.1"))},

		{o, "good", "good", "", func(*world) {}},
		{o, "not-applicable", "na", "TLS 1.3 alone", tlsBoth(only13)},
		{o, "not-applicable", "na", "none that its libraries know", tlsBoth(func(t *evidence.TLS) { version(t, "TLS 1.2").Suites = suites(camelliaGCM) })},
		{o, "good", "good", "phase-out alone", tlsBoth(func(t *evidence.TLS) { version(t, "TLS 1.2").Suites = suites(ecdheCBC) })},
		{o, "good", "good", "phase-out, but behind", tlsBoth(speaks("TLS 1.2", ecdheCBC), asked(sound128, ecdheCBC, sound128))},
		{o, "wrong-order", "bad", "", tlsBoth(speaks("TLS 1.2", ecdheCBC), asked(ecdheCBC, ecdheCBC, sound128))},
		{o, "wrong-order", "bad", "the server's own", tlsBoth(speaks("TLS 1.2", ecdheCBC), asked(ecdheCBC, sound128, ecdheCBC), prefers(evidence.PreferenceServer))},
		{o, "client-order", "bad", "", tlsBoth(speaks("TLS 1.2", ecdheCBC), asked(ecdheCBC, ecdheCBC, sound128), asked(sound128, sound128, ecdheCBC), prefers(evidence.PreferenceClient))},
		{o, "prefers-insufficient", "good", "", tlsBoth(speaks("TLS 1.2", staticRSA), asked(staticRSA, staticRSA, sound128))},
		{o, "wrong-order", "bad", "seen when all was offered", tlsBoth(func(t *evidence.TLS) {
			v := version(t, "TLS 1.2")
			v.Suites = append(suites(ecdheCBC), v.Suites...)
			t.Asked = []evidence.Asked{{Version: "TLS 1.2", AllBut: true, Answer: evidence.Accepted, Chosen: ecdheCBC, ChosenIn: "TLS 1.2"}}
		})},
		{o, "unknown", "", "chosen when those before it were left out", tlsBoth(speaks("TLS 1.2", ecdheCBC), func(t *evidence.TLS) {
			t.Asked = []evidence.Asked{{Version: "TLS 1.2", AllBut: true, Answer: evidence.Accepted, Chosen: ecdheCBC, ChosenIn: "TLS 1.2"}}
		})},
		{o, "worse-elsewhere", "good", "", tlsSix(speaks("TLS 1.2", ecdheCBC), asked(ecdheCBC, ecdheCBC, sound128))},
		{o, "unknown", "", "phase-out, and not asked", tlsBoth(speaks("TLS 1.2", ecdheCBC))},
		{o, "unknown", "", "perhaps phase-out", tlsBoth(more("TLS 1.2"))},
		{o, "unknown", "", "no version is known", tlsBoth(func(t *evidence.TLS) { version(t, "TLS 1.2").Answer = evidence.NoAnswer })},

		{k, "good", "good", "", func(*world) {}},
		{k, "good", "good", "secp256r1", tlsBoth(group("secp256r1"))},
		{k, "good-unseen", "na", "X25519 alone", tlsBoth(without("secp256r1"))},
		{k, "good-unseen", "na", "TLS 1.3 alone", tlsBoth(only13)},
		{k, "not-applicable", "na", "static RSA alone", tlsBoth(lacks("TLS 1.3"), func(t *evidence.TLS) {
			version(t, "TLS 1.2").Suites = []evidence.TLSSuite{{Name: staticRSA}}
		})},
		{k, "phase-out", "phase-out", "secp224r1", tlsBoth(group("secp224r1"))},
		{k, "phase-out", "phase-out", "ffdhe3072", tlsBoth(speaks("TLS 1.2", dheGCM), keyed(dheGCM, dh(3072, "ffdhe3072")))},
		{k, "insufficient", "bad", "ffdhe2048", tlsBoth(speaks("TLS 1.2", dheGCM), keyed(dheGCM, dh(2048, "ffdhe2048")))},
		{k, "insufficient", "bad", "another generator", tlsBoth(speaks("TLS 1.2", dheGCM), keyed(dheGCM, func(x *evidence.TLSSuite) {
			x.DH = &evidence.DH{Bits: 3072, Name: "ffdhe3072", Generator: "5"}
		}))},
		{k, "insufficient", "bad", "a prime of its own, and not all is known", tlsBoth(speaks("TLS 1.2", dheGCM), keyed(dheGCM, dh(4096, "")), more("TLS 1.2"))},
		{k, "insufficient", "bad", "secp192r1", tlsBoth(group("secp192r1"))},
		{k, "insufficient-unseen", "good", "too short for its library", tlsBoth(speaks("TLS 1.2", dheGCM), keyed(dheGCM, dh(768, "")))},
		{k, "insufficient-unseen", "good", "in TLS 1.0, not the highest", tlsBoth(speaks("TLS 1.0", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"), func(t *evidence.TLS) {
			dh(1024, "")(&version(t, "TLS 1.0").Suites[0])
		})},
		{k, "phase-out-unseen", "good", "in TLS 1.0, not the highest", tlsBoth(speaks("TLS 1.0", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"), func(t *evidence.TLS) {
			dh(3072, "ffdhe3072")(&version(t, "TLS 1.0").Suites[0])
		})},
		{k, "weak-in-reserve", "good", "", tlsBoth(accepts("sect163k1"))},
		{k, "weak-in-reserve", "good", "ffdhe2048 in TLS 1.3", tlsBoth(accepts("ffdhe2048"))},
		{k, "good", "good", "Brainpool in TLS 1.3", tlsBoth(accepts("brainpoolP256r1tls13"))},
		{k, "worse-elsewhere", "good", "", tlsSix(group("secp192r1"))},
		{k, "weaker-elsewhere", "good", "", tlsSix(group("secp224r1"))},
		{k, "unknown", "", "the list is not complete", tlsBoth(more("TLS 1.2"))},
		{k, "unknown", "good", "weak curves, which Internet.nl would not see", tlsBoth(answer(weak, evidence.NoAnswer))},

		{h, "good", "good", "", func(*world) {}},
		{h, "nothing-signed", "good", "TLS 1.3 alone", tlsBoth(only13)},
		{h, "phase-out", "phase-out", "", tlsBoth(hash("SHA224", evidence.Accepted))},
		{h, "insufficient", "bad", "", tlsBoth(hash("SHA1", evidence.Accepted))},
		{h, "insufficient", "bad", "and another is not known", tlsBoth(hash("SHA1", evidence.Accepted), hash("SHA224", evidence.NotAsked))},
		{h, "insufficient-unseen", "good", "MD5", tlsBoth(hash("MD5", evidence.Accepted))},
		{h, "worse-elsewhere", "good", "", tlsSix(hash("SHA1", evidence.Accepted))},
		{h, "weaker-elsewhere", "good", "", tlsSix(hash("SHA224", evidence.Accepted))},
		{h, "unknown", "", "", tlsBoth(hash("SHA1", evidence.NoAnswer))},
		{h, "unknown", "", "nor SHA-224 decides then", tlsBoth(hash("SHA1", evidence.NoAnswer), hash("SHA224", evidence.Accepted))},
		{h, "unknown", "good", "MD5, which Internet.nl does not try", tlsBoth(hash("MD5", evidence.NoAnswer))},

		{sr, "good", "good", "", func(*world) {}},
		{sr, "tls-1-3-only", "good", "", tlsBoth(only13)},
		{sr, "not-supported", "bad", "", tlsBoth(answer(secure, evidence.Refused))},
		{sr, "worse-elsewhere", "good", "", tlsSix(answer(secure, evidence.Refused))},

		{cr, "not-allowed", "not-allowed", "", func(*world) {}},
		{cr, "not-allowed", "not-allowed", "TLS 1.3 alone", tlsBoth(only13)},
		{cr, "limited", "allowed-with-low-limit", "once", tlsBoth(times(1))},
		{cr, "limited", "allowed-with-low-limit", "", tlsBoth(times(10))},
		{cr, "unlimited", "allowed-with-too-high-limit", "", tlsBoth(times(11))},
		{cr, "worse-elsewhere", "not-allowed", "", tlsSix(times(11))},
		{cr, "weaker-elsewhere", "not-allowed", "", tlsSix(times(2))},
		{cr, "not-askable", "", "", tlsBoth(answer(client, evidence.NotAskable))},

		{c, "good", "good", "", func(*world) {}},
		{c, "good", "good", "TLS 1.3 alone", tlsBoth(only13)},
		{c, "compresses", "bad", "", tlsBoth(answer(compression, evidence.Accepted))},
		{c, "worse-elsewhere", "good", "", tlsSix(answer(compression, evidence.Accepted))},

		{z, "not-offered", "na", "", func(*world) {}},
		{z, "offered", "na", "", tlsBoth(answer(early, evidence.Accepted))},
		{z, "worse-elsewhere", "na", "", tlsSix(answer(early, evidence.Accepted))},

		{e, "good", "good", "", func(*world) {}},
		{e, "not-used", "bad", "", tlsBoth(answer(master, evidence.Refused))},
		{e, "no-tls-1-2", "na-no-tls-1-2", "", tlsBoth(only13)},
		{e, "worse-elsewhere", "good", "", tlsSix(answer(master, evidence.Refused))},
	}
	for _, id := range []string{v, s, o, k, h, sr, cr, c, z, e} {
		verdict := ""
		if id == z {
			verdict = "na"
		}
		list = append(list,
			testCase{id, "unknown", verdict, "put off", tlsBoth(nothingMore(stopped))},
			testCase{id, "budget", verdict, "", tlsBoth(nothingMore(&evidence.Failure{Class: evidence.ClassBudget}))},
			testCase{id, "not-asked", verdict, "", func(w *world) {
				for i := range w.Sessions {
					w.Sessions[i].TLS = nil
				}
			}})
	}
	return list
}

var stopped = &evidence.Failure{Op: evidence.OpBanner, Class: evidence.ClassTemporary, Text: "421 too many connections"}
