//go:debug rsa1024min=0

package dnssec_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/report/evidence"
)

// leftOut are the scenarios that are not played, with the reason. They are
// about what resolvers do beside validating.
var leftOut = map[string]string{
	"auth_zonemd_anchor.rpl":                 "about ZONEMD of a zone served from a file",
	"auth_zonemd_insecure_absent_reject.rpl": "about ZONEMD of a zone served from a file",
	"dns64_dnssec.rpl":                       "about addresses made by DNS64",
	"domain_insec_ds.rpl":                    "about the option that calls a domain insecure",
	"local_cname.rpl":                        "about local data",
	"nsec_cross_zone.rpl":                    "about answers made from remembered NSEC records",
	"root_key_sentinel.rpl":                  "about failing on purpose for names of the key sentinel (RFC 8509)",
	"rpz_val_block.rpl":                      "about blocking by policy zones",
	"serve_expired_client_timeout_val_insecure_delegation.rpl": "about answering with stale data",
	"serve_expired_val_bogus.rpl":                              "about answering with stale data",
	"stop_nxdomain_label.rpl":                                  "about answers made from a remembered NXDOMAIN",
	"stop_nxdomain_minimised.rpl":                              "about answers made from a remembered NXDOMAIN",
	"val_anchor_nx.rpl":                                        "about a trust anchor whose zone is denied by that of another; ours keeps to the anchor",
	"val_cname_loop1_3.rpl":                                    "about the resolver's own word for a loop of aliases",
	"val_dnametoolong.rpl":                                     "Unbound does not call YXDOMAIN secure; ours does, for the DNAME is",
	"val_faildnskey_ok.rpl":                                    "about the option that takes a zone without DNSKEY answer as insecure",
	"val_referd.rpl":                                           "about answers made from a remembered referral",
	"val_rrsig.rpl":                                            "asks for RRSIG records, which are not signed",
	"val_scrub_rr_length.rpl":                                  "about a record of a wrong length, which the message codec refuses",
	"val_ta_algo_missing.rpl":                                  "about the option that wants every algorithm, against RFC 6840, Section 5.11",
}

// TestScenarios plays Unbound's scenarios: what its validator calls secure
// (AD), bogus (SERVFAIL) or neither, ours must call so too.
func TestScenarios(t *testing.T) {
	list := loadScenarios(t)
	played, compared := 0, 0
	for _, s := range list {
		t.Run(s.File, func(t *testing.T) {
			if reason := leftOut[s.File]; reason != "" {
				t.Skip("left out: " + reason)
			}
			compared += play(t, s)
			played++
		})
	}
	t.Logf("%d of %d scenarios played, %d answers compared", played, len(list), compared)
	if compared < 239 {
		t.Errorf("only %d answers were compared", compared)
	}
}

// play puts the questions of a scenario and returns how many were compared.
func play(t *testing.T, s *scenario) int {
	clock := s.clock(t)
	anchors, renewed := renew(t, s, parseRRs(t, s.Anchors))
	if renewed.genuine+renewed.wrong > 0 {
		t.Logf("signed anew: %d signatures, and %d that are wrong", renewed.genuine, renewed.wrong)
	}
	// What one server makes bogus Unbound asks another for. So does
	// resolver.Resolver, and begins anew with a validator of its own.
	var players [2]player
	for turn := range players {
		players[turn].it = newIterator(s, turn)
		// Unbound's own cap of iterations is 150.
		players[turn].v = &dnssec.Validator{Anchors: anchors, Now: func() time.Time { return clock }, MaxIterations: 150}
	}
	compared := 0
	asked := map[dns.Question]*scenarioEntry{}
	for i := range s.Steps {
		step := &s.Steps[i]
		switch step.Type {
		case "TIME_PASSES":
			seconds, err := strconv.ParseFloat(step.Args[len(step.Args)-1], 64)
			if err != nil {
				t.Fatalf("step %d: %v", step.N, err)
			}
			clock = clock.Add(time.Duration(seconds * float64(time.Second)))
		case "QUERY":
			for _, p := range players {
				p.it.step = step.N
			}
			q, _ := step.Entry.parse()
			asked[q.Question[0]] = &step.Entry
		case "CHECK_ANSWER":
			want, _ := step.Entry.parse()
			query := asked[want.Question[0]]
			if query == nil || query.msg.CheckingDisabled || want.Question[0].Qtype == dns.TypeRRSIG {
				continue
			}
			if compare(t, players[:], query, want) {
				compared++
			}
		}
	}
	if compared == 0 {
		t.Errorf("nothing was compared")
	}
	return compared
}

// player resolves and validates; its servers are asked in an order of its own.
type player struct {
	it *iterator
	v  *dnssec.Validator
}

func compare(t *testing.T, players []player, query *scenarioEntry, want *dns.Msg) bool {
	q := want.Question[0]
	what := "step " + strconv.Itoa(players[0].it.step) + ": " + q.Name + " " + dns.Type(q.Qtype).String()
	var got dnssec.Result
	for i, p := range players {
		reply, err := p.it.Fetch(t.Context(), q.Name, q.Qtype)
		if err != nil {
			t.Logf("%s is not compared: %v", what, err)
			return false
		}
		if again := p.v.Validate(t.Context(), p.it, q.Name, q.Qtype, reply); i == 0 || again.Security == evidence.SecuritySecure {
			got = again
		}
		if got.Security != evidence.SecurityBogus {
			break
		}
	}
	report := t.Logf
	if !agrees(want, query.msg.AuthenticatedData || slices.Contains(query.Reply, "DO"), got.Security) {
		report = t.Errorf
	}
	report("%s: %s %q; Unbound says %s, AD %t", what, got.Security, got.Reason, dns.RcodeToString[want.Rcode], want.AuthenticatedData)
	return true
}

// agrees compares; asked says that the AD bit was asked for.
func agrees(want *dns.Msg, asked bool, got evidence.Security) bool {
	switch {
	case want.Rcode == dns.RcodeServerFailure:
		return got == evidence.SecurityBogus || got == evidence.SecurityIndeterminate
	case want.AuthenticatedData:
		return got == evidence.SecuritySecure
	case !asked:
		return got == evidence.SecuritySecure || got == evidence.SecurityInsecure
	}
	return got == evidence.SecurityInsecure
}
