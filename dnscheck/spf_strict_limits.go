package dnscheck

import (
	"strconv"

	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

var (
	spfLimitsWithin = &check.Code{Name: "within", Outcome: check.Pass,
		Text: "Evaluating the SPF policy of {domain} takes {lookups} of 10 DNS lookups, and at most {void} of 2 that find nothing, as RFC 7208 counts.{compared}"}
	spfLimitsLoop = &check.Code{Name: "loop", Outcome: check.Fail,
		Text:   "The SPF records that {domain} leads to form a loop at {name}: receivers run into the limit of 10 DNS lookups and answer permerror.{also}{compared}",
		Advice: "Remove the include or redirect that leads back to {name}.",
		Cites:  []check.Citation{check.RFC("7208", "4.6.4")}}
	spfLimitsLookups = &check.Code{Name: "too-many-lookups", Outcome: check.Fail,
		Text:   "Evaluating the SPF policy of {domain} takes {lookups} DNS lookups as RFC 7208 counts, where 10 are allowed: receivers answer permerror for senders that are not listed early.{also}{compared}",
		Advice: "Remove includes of services that no longer send for {domain}, and put ip4 and ip6 in the place of a and mx where the addresses are your own. \"mailvet spf {domain}\" shows what each term costs.",
		Cites:  []check.Citation{check.RFC("7208", "4.6.4")}, SameAs: spfTooMany.codes()}
	spfLimitsVoid = &check.Code{Name: "too-many-void", Outcome: check.Fail,
		Text:   "Evaluating the SPF policy of {domain} makes {void} DNS lookups that find nothing ({voids}), where 2 are allowed: receivers answer permerror.{also}{compared}",
		Advice: "Remove the terms whose names no longer have records.",
		Cites:  []check.Citation{check.RFC("7208", "4.6.4")}}
	spfLimitsMX = &check.Code{Name: "too-many-mx", Outcome: check.Fail,
		Text:   "The term {term} in the SPF record of {name} names a domain with more than 10 MX hosts: receivers answer permerror.{also}{compared}",
		Advice: "Put ip4 and ip6 terms, or an include of your own, in the place of {term}.",
		Cites:  []check.Citation{check.RFC("7208", "4.6.4"), check.RFC("7208", "5.4")}}
)

var spfLimits = &check.Check{
	ID: "spf-limits", Category: check.Extra, Level: check.Required, Scope: check.PerDomain,
	Title: "SPF limits by RFC 7208",
	Doc: check.Doc{
		What: "How many DNS lookups an evaluation of the SPF policy takes by RFC 7208: every include, a, mx, ptr, exists and redirect costs one, in included records too, 10 are allowed. Lookups that find nothing (2 are allowed), domains with more than 10 MX hosts, loops.",
		Why:  "A receiver that passes a limit stops and answers permerror, and the policy protects nothing. Internet.nl counts otherwise: for instance a:host costs nothing there, and lookups that find nothing are not counted.",
		How:  "Count with \"mailvet spf DOMAIN\". Remove includes that are not needed any more; replace a and mx by ip4 and ip6 where the addresses are your own.",
	},
	Cites:    []check.Citation{check.RFC("7208", "4.6.4")},
	Args:     []string{"domain", "name", "term", "record", "lookups", "void", "voids", "also", "compared", "failed"},
	Codes:    []*check.Code{spfLimitsWithin, spfLimitsLoop, spfLimitsLookups, spfLimitsVoid, spfLimitsMX, spfStrictNone, spfStrictUnknown, spfStrictNotLookedUp},
	Evaluate: evaluateSPFLimits,
}

func evaluateSPFLimits(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewSPF(s)
	var faults []fault
	void := v.Void4
	if len(v.Void6) > len(void) {
		void = v.Void6
	}
	if n := v.Root.Find(spf.Loop); n != nil {
		faults = append(faults, fault{spfLimitsLoop, "there is a loop at " + shown(n.Name), map[string]string{"name": shown(n.Name)}})
	}
	if v.Lookups > spf.MaxLookups {
		faults = append(faults, fault{spfLimitsLookups, "it takes " + v.lookups() + " DNS lookups, where 10 are allowed", nil})
	}
	v.Root.Each(func(b *spf.Branch, l *spf.Line, _ int) {
		if l.Over {
			term := shown(l.Term.String())
			faults = append(faults, fault{spfLimitsMX, term + " at " + shown(b.Name) + " names a domain with more than 10 MX hosts",
				map[string]string{"name": shown(b.Name), "term": term}})
		}
	})
	if len(void) > spf.MaxVoid {
		faults = append(faults, fault{spfLimitsVoid, strconv.Itoa(len(void)) + " lookups find nothing, where 2 are allowed", nil})
	}
	f := v.finding(faults, spfLimitsWithin, v.limitsUnknown()...)
	f.Args["lookups"] = v.lookups()
	f.Args["void"] = strconv.Itoa(len(void))
	f.Args["voids"] = shown(questions(void))
	f.Args["compared"] = v.compared()
	return f
}

// lookups is the number of lookups, or what is known of it.
func (v spfView) lookups() string {
	if v.Root.Find(spf.CutOff, spf.Loop) != nil {
		return "more than " + strconv.Itoa(v.Lookups)
	}
	return strconv.Itoa(v.Lookups)
}

// limitsUnknown are the questions whose answers could still lead beyond a
// limit: records that are not known, and hosts where there are as many as can
// make too many void lookups.
func (v spfView) limitsUnknown() []*evidence.Lookup {
	list := v.unread()
	void4, void6 := len(v.Void4), len(v.Void6)
	var hosts []*evidence.Lookup
	count := func(typ string, l *evidence.Lookup) {
		if typ != "AAAA" {
			void4++
		}
		if typ != "A" {
			void6++
		}
		hosts = append(hosts, l)
	}
	v.Root.Each(func(_ *spf.Branch, l *spf.Line, _ int) {
		for _, q := range l.Missing {
			count(q.Type, nil)
		}
		for _, failed := range l.Failed {
			count(failed.Type, failed)
		}
	})
	if max(void4, void6) > spf.MaxVoid {
		list = append(list, hosts...)
	}
	return list
}

// compared says how Internet.nl counts, where that comes to another judgement
// or number.
func (v spfView) compared() string {
	c, _, _ := compatSPF(v.s)
	if c.Status == spf.CompatNone || v.Root.State != spf.Valid {
		return ""
	}
	theirs := spf.MaxLookups - c.Left
	over := c.Status == spf.CompatMaxLookups
	switch {
	case c.NotAsked != "" || c.Failed != nil || c.Status != spf.CompatValid && !over:
		return ""
	case over == (v.Lookups > spf.MaxLookups) && (over || theirs == v.Lookups):
		return ""
	case over:
		return " Internet.nl counts otherwise, and finds more than 10 lookups."
	}
	return " Internet.nl counts otherwise, and comes to " + strconv.Itoa(theirs) + " lookups, without a fault."
}

// questions lists names with types for a text.
func questions(list []evidence.Question) string {
	var names []string
	for _, q := range list {
		names = append(names, q.Name+" "+q.Type)
	}
	return enumerate(names)
}
