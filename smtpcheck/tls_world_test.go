package smtpcheck_test

import (
	"slices"

	"mailvet/report/evidence"
)

// suites makes suites with X25519.
func suites(names ...string) []evidence.TLSSuite {
	var list []evidence.TLSSuite
	for _, name := range names {
		list = append(list, evidence.TLSSuite{Name: name, Group: "x25519"})
	}
	return list
}

// soundTLS is what a plan finds at a server with nothing wrong.
func soundTLS() *evidence.TLS {
	t := &evidence.TLS{Host: mx, Connections: 11, Complete: true, GroupsComplete: true, WeakGroups: evidence.Refused,
		ExtendedMasterSecret: evidence.Accepted, SecureRenegotiation: evidence.Accepted, ClientRenegotiation: evidence.Refused,
		Compression: evidence.Refused, EarlyData: evidence.Refused, Tickets: evidence.Accepted, OCSP: evidence.Refused, ALPN: evidence.Refused,
	}
	for _, v := range []string{"SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1"} {
		t.Versions = append(t.Versions, evidence.TLSVersion{Version: v, Answer: evidence.Refused, Reason: "protocol_version", SuitesComplete: true})
	}
	t.Versions = append(t.Versions,
		evidence.TLSVersion{Version: "TLS 1.2", Answer: evidence.Accepted, SuitesComplete: true,
			Suites: suites("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")},
		evidence.TLSVersion{Version: "TLS 1.3", Answer: evidence.Accepted, SuitesComplete: true, Suites: suites("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256")})
	for _, g := range []string{"x25519", "secp256r1", "X25519MLKEM768"} {
		t.Groups = append(t.Groups, evidence.TLSGroup{Name: g, Answer: evidence.Accepted, Versions: []string{"TLS 1.3"}})
	}
	for _, h := range []string{"SHA1", "SHA224", "MD5"} {
		t.Hashes = append(t.Hashes, evidence.TLSHash{Hash: h, Answer: evidence.Refused})
	}
	t.Certificates = []evidence.TLSCertificate{{Kind: "RSA", Answer: evidence.Refused}, {Kind: "ECDSA", Answer: evidence.Accepted}}
	return t
}

// tls changes what is known of the TLS of an address.
func (w *world) tls(addr string, changes ...func(*evidence.TLS)) {
	for i := range w.Sessions {
		if x := &w.Sessions[i]; x.Addr == addr {
			for _, change := range changes {
				change(x.TLS)
			}
		}
	}
}

// tlsBoth changes it for both addresses.
func tlsBoth(changes ...func(*evidence.TLS)) func(*world) {
	return func(w *world) {
		w.tls(four, changes...)
		w.tls(six, changes...)
	}
}

// tlsSix changes it for the address that does not count.
func tlsSix(changes ...func(*evidence.TLS)) func(*world) {
	return func(w *world) { w.tls(six, changes...) }
}

func version(t *evidence.TLS, name string) *evidence.TLSVersion {
	return &t.Versions[slices.IndexFunc(t.Versions, func(v evidence.TLSVersion) bool { return v.Version == name })]
}

// speaksOnly makes it the only version of a server.
func speaksOnly(name string, list ...string) func(*evidence.TLS) {
	return func(t *evidence.TLS) {
		for i := range t.Versions {
			v := &t.Versions[i]
			v.Answer, v.Suites, v.SuitesComplete = evidence.Refused, nil, true
			if v.Version == name {
				v.Answer, v.Suites = evidence.Accepted, suites(list...)
			}
		}
	}
}

// speaks makes a server accept a version with these suites too.
func speaks(name string, list ...string) func(*evidence.TLS) {
	return func(t *evidence.TLS) {
		v := version(t, name)
		v.Answer, v.Reason = evidence.Accepted, ""
		v.Suites = append(v.Suites, suites(list...)...)
	}
}

// lacks makes a server refuse a version.
func lacks(name string) func(*evidence.TLS) {
	return func(t *evidence.TLS) {
		*version(t, name) = evidence.TLSVersion{Version: name, Answer: evidence.Refused, SuitesComplete: true}
		if name == "TLS 1.2" {
			t.ExtendedMasterSecret, t.SecureRenegotiation, t.ClientRenegotiation = evidence.NotAskable, evidence.NotAskable, evidence.NotAskable
			t.Compression, t.WeakGroups = evidence.NotAskable, evidence.NotAskable
			for i := range t.Hashes {
				t.Hashes[i].Answer = evidence.NotAskable
			}
		}
		if name == "TLS 1.3" {
			t.EarlyData = evidence.NotAskable
		}
	}
}

// more leaves open which other suites a version has.
func more(name string) func(*evidence.TLS) {
	return func(t *evidence.TLS) { version(t, name).SuitesComplete = false }
}

// keyed gives a suite of TLS 1.2 another key exchange.
func keyed(suite string, change func(*evidence.TLSSuite)) func(*evidence.TLS) {
	return func(t *evidence.TLS) {
		v := version(t, "TLS 1.2")
		i := slices.IndexFunc(v.Suites, func(x evidence.TLSSuite) bool { return x.Name == suite })
		change(&v.Suites[i])
	}
}

func dh(bits int, name string) func(*evidence.TLSSuite) {
	return func(x *evidence.TLSSuite) {
		x.Group, x.DH = "", &evidence.DH{Bits: bits, Name: name, Generator: "2", Prime: "sha256:00"}
	}
}

func hash(name string, a evidence.Answer) func(*evidence.TLS) {
	return func(t *evidence.TLS) {
		for i := range t.Hashes {
			if t.Hashes[i].Hash == name {
				t.Hashes[i].Answer = a
			}
		}
	}
}

// asked adds a question that was answered.
func asked(chosen string, offered ...string) func(*evidence.TLS) {
	return func(t *evidence.TLS) {
		t.Asked = append(t.Asked, evidence.Asked{Question: "order of suites", Version: "TLS 1.2", Offered: offered, Answer: evidence.Accepted, Chosen: chosen, ChosenIn: "TLS 1.2"})
	}
}

// nothingMore takes away all that is not known without a plan that ended early.
func nothingMore(stopped *evidence.Failure) func(*evidence.TLS) {
	return func(t *evidence.TLS) {
		known := version(t, "TLS 1.3").Suites[:1]
		*t = evidence.TLS{Host: mx, Stopped: stopped, Versions: []evidence.TLSVersion{{Version: "TLS 1.3", Answer: evidence.Accepted, Suites: known}}}
	}
}
