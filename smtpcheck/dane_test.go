package smtpcheck_test

import (
	"strings"
	"testing"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/report/score"
	"mailvet/smtpcheck"
	"mailvet/smtpcheck/smtptest"
)

const tlsaName = "_25._tcp." + mx

// aliased makes mx an alias for a name with its own TLSA records.
func aliased(w *world, records ...string) {
	for _, typ := range []string{"A", "AAAA"} {
		w.lookup(mx, typ, func(l *evidence.Lookup) {
			l.Owner, l.Aliases = "real.example.test", []evidence.RR{{Name: mx, Type: "CNAME", Data: "real.example.test."}}
		})
	}
	w.outcome(tlsaName, "TLSA", evidence.OutcomeNXDomain)
	w.answer("_25._tcp.real.example.test", "TLSA", records...)
}

func daneCases(t *testing.T) []testCase {
	exists := func(code, verdict, name string, change func(*world)) testCase {
		return testCase{"dane-exists", code, verdict, name, change}
	}
	valid := func(code, verdict, name string, change func(*world)) testCase {
		return testCase{"dane-valid", code, verdict, name, change}
	}
	security := func(x evidence.Security) func(*world) {
		return func(w *world) { w.security(tlsaName, "TLSA", x) }
	}
	denied := func(x evidence.Security) func(*world) {
		return func(w *world) { w.outcome(tlsaName, "TLSA", evidence.OutcomeNXDomain); w.security(tlsaName, "TLSA", x) }
	}
	records := func(list ...string) func(*world) { return func(w *world) { w.record(list...) } }
	const trusted, untrusted = evidence.Trusted, evidence.Untrusted
	otherName, expired := chain(smtptest.Leaf{Names: []string{"other.example.test"}}), chain(smtptest.Leaf{Expired: true})
	rsa1024 := chain(smtptest.Leaf{Key: smtptest.RSA1024})
	garbage := [][]byte{[]byte("no certificate")}
	return []testCase{
		exists("found", "good", "", func(w *world) {}),
		exists("found-mx-insecure", "good", "", func(w *world) { w.security(domain, "MX", evidence.SecurityInsecure) }),
		exists("found-host-insecure", "good", "", func(w *world) { w.security(mx, "A", evidence.SecurityInsecure) }),
		exists("found-at-alias", "bad", "", func(w *world) { aliased(w, tlsa(3, 1, good[0])) }),
		exists("found", "good", "an alias with records at both names", func(w *world) { aliased(w, tlsa(3, 1, good[0])); w.record(tlsa(3, 1, good[0])) }),
		exists("none", "bad", "an alias with insecure records", func(w *world) {
			aliased(w, tlsa(3, 1, good[0]))
			w.security("_25._tcp.real.example.test", "TLSA", evidence.SecurityInsecure)
		}),
		exists("found-without-certificate", "bad", "", func(w *world) { w.both(garbage, evidence.TrustUnknown) }),
		exists("found", "good", "the chain is not in the evidence", func(w *world) { w.Chains = nil }),
		exists("only-pkix", "bad", "", records(tlsa(1, 1, good[0]), tlsa(0, 1, good[1]))),
		exists("none", "bad", "NXDOMAIN", denied(evidence.SecuritySecure)),
		exists("none", "bad", "NODATA", func(w *world) { w.outcome(tlsaName, "TLSA", evidence.OutcomeNoData) }),
		exists("none-unsigned", "bad", "", denied(evidence.SecurityInsecure)),
		exists("none-unsigned", "bad", "nobody validates", denied(evidence.SecurityUnknown)),
		exists("denial-bogus", "bad", "", denied(evidence.SecurityBogus)),
		exists("security-unknown", "bad", "denial", denied(evidence.SecurityIndeterminate)),
		exists("insecure", "bad", "", security(evidence.SecurityInsecure)),
		exists("bogus", "bogus", "", security(evidence.SecurityBogus)),
		exists("keys-unknown", "bogus", "", security(evidence.SecurityIndeterminate)),
		exists("security-unknown", "bad", "nobody validates", security(evidence.SecurityUnknown)),
		exists("lookup-failed", "bad", "SERVFAIL", func(w *world) {
			w.lookup(tlsaName, "TLSA", func(l *evidence.Lookup) {
				*l = evidence.Lookup{Name: tlsaName, Type: "TLSA", Outcome: evidence.OutcomeServFail, RCode: "SERVFAIL"}
			})
		}),
		exists("lookup-failed", "bad", "time-out", func(w *world) { w.outcome(tlsaName, "TLSA", evidence.OutcomeTimeout) }),
		exists("lookup-failed", "bad", "network", func(w *world) {
			w.lookup(tlsaName, "TLSA", func(l *evidence.Lookup) {
				l.Outcome, l.Answer, l.Failure = evidence.OutcomeNetwork, nil, &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassUnreachable}
			})
		}),
		exists("not-asked", "", "", func(w *world) { w.Lookups = w.Lookups[:3] }),
		exists("found", "good", "records that cannot be read", records("3 1 1 xyz", "3 1", tlsa(3, 1, good[0]))),

		valid("valid", "good", "", func(w *world) {}),
		valid("valid", "good", "2 1 1", records(tlsa(2, 1, good[1]))),
		valid("valid", "good", "self-signed, other name", func(w *world) {
			c := chain(smtptest.Leaf{SelfSigned: true, Names: []string{"other.example.test"}})
			w.both(c, untrusted)
			w.record(tlsa(3, 1, c[0]))
		}),
		valid("valid-counted-invalid", "bad", "RSA 1024", func(w *world) { w.both(rsa1024, untrusted); w.record(tlsa(3, 1, rsa1024[0])) }),
		valid("valid-counted-invalid", "bad", "2 1 1 with the name of the domain", func(w *world) {
			c := chain(smtptest.Leaf{Names: []string{domain}})
			w.both(c, trusted)
			w.record(tlsa(2, 1, c[1]))
		}),
		valid("mismatch-name", "bad", "2 1 1 with the name of the domain, MX insecure", func(w *world) {
			c := chain(smtptest.Leaf{Names: []string{domain}})
			w.both(c, trusted)
			w.record(tlsa(2, 1, c[1]))
			w.security(domain, "MX", evidence.SecurityInsecure)
		}),
		valid("valid-not-counted", "not-tested", "alias", func(w *world) { aliased(w, tlsa(3, 1, good[0])) }),
		valid("valid-not-counted", "not-tested", "no certificate", func(w *world) { w.both(garbage, evidence.TrustUnknown); w.record(tlsa(3, 0, garbage[0])) }),
		valid("unusable", "bad", "", records("3 1 1 0011", "3 1 9 00")),
		valid("mismatch", "bad", "", records(tlsa(3, 1, other[0]))),
		valid("mismatch", "bad", "2 0 1 of a root that is not sent", records(tlsa(2, 0, withRoot[2]))),
		valid("mismatch-name", "bad", "", func(w *world) { w.both(otherName, trusted); w.record(tlsa(2, 1, otherName[1])) }),
		valid("mismatch-date", "bad", "", func(w *world) { w.both(expired, untrusted); w.record(tlsa(2, 1, expired[1])) }),
		valid("mismatch-path", "bad", "", func(w *world) {
			c := chain(smtptest.Leaf{Form: smtptest.Unrelated})
			w.both(c, untrusted)
			w.record(tlsa(2, 1, c[1]))
		}),
		valid("mismatch-counted-valid", "good", "", records(tlsa(3, 1, other[0]), tlsa(1, 1, good[0]))),
		valid("mismatch-not-counted", "not-tested", "alias", func(w *world) { aliased(w, tlsa(3, 1, other[0])) }),
		valid("mismatch-elsewhere", "good", "", func(w *world) { w.record(tlsa(3, 1, good[0])); w.serve(six, other, trusted) }),
		valid("valid", "good", "another certificate elsewhere, with a record", func(w *world) { w.serve(six, other, trusted) }),
		valid("mismatch", "bad", "right elsewhere only", func(w *world) { w.record(tlsa(3, 1, other[0])); w.serve(six, other, trusted) }),
		valid("no-certificate", "", "", func(w *world) { w.Chains = nil }),
		valid("blocked", "", "no records", denied(evidence.SecuritySecure)),
		valid("unknown-requirement", "", "records unknown", func(w *world) { w.outcome(tlsaName, "TLSA", evidence.OutcomeTimeout) }),
	}
}

func rolloverCases(*testing.T) []testCase {
	rollover := func(code, verdict, name string, change func(*world)) testCase {
		return testCase{"dane-rollover", code, verdict, name, change}
	}
	records := func(list ...string) func(*world) { return func(w *world) { w.record(list...) } }
	return []testCase{
		rollover("scheme", "good", "next key", func(w *world) {}),
		rollover("scheme", "good", "authority", records(tlsa(3, 1, good[0]), tlsa(2, 1, good[1]))),
		rollover("scheme-not-counted", "bad", "", records(tlsa(2, 1, good[1]), tlsa(2, 1, other[0]))),
		rollover("useless", "good", "", records(tlsa(3, 1, good[0]), tlsa(3, 0, good[0]))),
		rollover("useless", "good", "an unusable one beside", records(tlsa(3, 1, good[0]), "3 1 1 00")),
		rollover("single", "bad", "", records(tlsa(3, 1, good[0]))),
		rollover("mismatch", "bad", "", records(tlsa(3, 1, other[0]))),
		rollover("mismatch-counted", "good", "", records(tlsa(3, 1, other[0]), tlsa(3, 0, other[0]))),
		rollover("not-counted", "", "alias", func(w *world) { aliased(w, tlsa(3, 1, good[0])) }),
		rollover("no-certificate", "", "", func(w *world) { w.Chains = nil }),
	}
}

// The points of dane-exists are those of Internet.nl's one DANE score.
func TestDANEPoints(t *testing.T) {
	for _, c := range []struct {
		name   string
		record string
		want   int
	}{{"validated", tlsa(3, 1, good[0]), 10}, {"not validated", tlsa(3, 1, other[0]), 0}} {
		w := newWorld()
		w.record(c.record)
		w.Canonical()
		for _, category := range score.Compute(score.InternetNL(), check.Run(smtpcheck.Checks, w.Snapshot)).Categories {
			for _, k := range category.Checks {
				if (k.ID == "dane-exists" || k.ID == "dane-valid") && (k.Points != c.want || k.Max != 10) {
					t.Errorf("%s: %s has %d of %d points, want %d", c.name, k.ID, k.Points, k.Max, c.want)
				}
			}
		}
	}
}

// The advice holds the record to publish, of the key that is served.
func TestDANERecord(t *testing.T) {
	w := newWorld()
	w.outcome(tlsaName, "TLSA", evidence.OutcomeNXDomain)
	f := finding(t, w, "dane-exists")
	want := tlsaName + ". IN TLSA " + strings.ToLower(tlsa(3, 1, good[0]))
	if got := check.Render(f.Code.Advice, f.Args); !strings.HasSuffix(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
	// Evidence names the lookup.
	if len(f.Evidence) != 1 || !strings.HasPrefix(f.Evidence[0], "/lookups/") {
		t.Errorf("evidence %q", f.Evidence)
	}
}

func finding(t *testing.T, w *world, id string) check.Finding {
	t.Helper()
	w.Canonical()
	for _, r := range check.Run(smtpcheck.Checks, w.Snapshot) {
		if r.Check.ID == id {
			return r.Findings[0]
		}
	}
	t.Fatalf("no check %s", id)
	return check.Finding{}
}
