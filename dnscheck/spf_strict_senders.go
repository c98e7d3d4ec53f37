package dnscheck

import (
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mailvet/dnscheck/spf"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// Beyond RFC 7208, which names no bounds: a network is over-wide where few who
// send mail have one. Of records of others it takes more, as large providers
// list the networks of all their customers.
const (
	widestOwn4, widestOwn6     = 16, 32
	widestOther4, widestOther6 = 12, 28
	widestTotal4               = 1 << 24 // addresses in all
)

var (
	spfSendersListed = &check.Code{Name: "listed", Outcome: check.Pass,
		Text: "The SPF policy of {domain} allows {total} to send mail in its name, and says of all others that they may not. {owners}{open}"}
	spfSendersAllPass = &check.Code{Name: "all-pass", Outcome: check.Fail,
		Text:   "The SPF record at {name} has +all: every server in the world may send mail in the name of {domain}.{also}",
		Advice: "Replace the record at {name} by this one: {suggestion}",
		Cites:  []check.Citation{check.RFC("7208", "5.1")}, SameAs: spfAllPass.codes()}
	spfSendersTargetAll = &check.Code{Name: "target-all-pass", Outcome: check.Fail,
		Text:   "The SPF record at {name}, which that of {domain} includes, has +all: every server in the world may send mail in the name of {domain}.{also}",
		Advice: "Remove the include of {name} from the record: \"{record}\"",
		Cites:  []check.Citation{check.RFC("7208", "5.1"), check.RFC("7208", "5.2")}, SameAs: spfTargetAll.codes()}
	spfSendersEverybody = &check.Code{Name: "everybody", Outcome: check.Fail,
		Text:   "The SPF policy of {domain} allows every IPv4 address there is, without +all: {ranges}.{also}",
		Advice: "Replace these terms by the addresses that really send mail for {domain}.",
		Cites:  []check.Citation{check.RFC("7208", "5.6")}}
	spfSendersNeutral = &check.Code{Name: "neutral", Outcome: check.Fail,
		Text:   "The SPF record at {name} ends in ?all: it says nothing of servers that it does not list, which is as if there were no policy.{also}",
		Advice: "Replace the record at {name} by this one: {suggestion}",
		Cites:  []check.Citation{check.RFC("7208", "2.6.2"), check.RFC("7208", "5.1")}, SameAs: spfNeutral.codes()}
	spfSendersNoAll = &check.Code{Name: "no-all", Outcome: check.Fail,
		Text:   "The SPF record at {name} has neither \"all\" nor \"redirect\": of servers that it does not list it says nothing, as with ?all.{also}",
		Advice: "Replace the record at {name} by this one: {suggestion}",
		Cites:  []check.Citation{check.RFC("7208", "4.7")}, SameAs: spfNoAll.codes()}
	spfSendersRange = &check.Code{Name: "wide-range", Outcome: check.Weak,
		Text:   "The SPF policy of {domain} allows over-wide networks: {ranges}. Whoever has a server in one of them can send mail in the name of {domain}.{also}",
		Advice: "Replace them by the addresses that really send mail for {domain}; ask a provider whose record it is for a narrower one.",
		Cites:  []check.Citation{check.RFC("7208", "5.6")}}
	spfSendersTotal = &check.Code{Name: "wide-total", Outcome: check.Weak,
		Text:   "The SPF policy of {domain} allows {total} to send mail in its name, more than a whole /8 of IPv4. {owners}{also}",
		Advice: "Remove includes of services that do not send mail for {domain}.",
		Cites:  []check.Citation{check.RFC("7208", "11.4")}}
)

var spfSenders = &check.Check{
	ID: "spf-senders", Category: check.Extra, Level: check.Required, Scope: check.PerDomain,
	Title: "Who may send mail by SPF",
	Doc: check.Doc{
		What: "Whom the SPF policy allows to send mail, with all records that it includes: how many addresses, whose records they stand in, whether networks are over-wide (own ones wider than IPv4 /16 or IPv6 /32, those of providers wider than /12 or /28), and what is said of all others.",
		Why:  "SPF is worth as much as the list is short. A network of others' servers in it, +all, ?all or no end at all let strangers send mail that passes.",
		How:  "List single addresses (ip4:192.0.2.1) or the network of the mail servers, include only services that send for the domain, and end the record in -all or ~all.",
	},
	Cites: []check.Citation{check.RFC("7208", "5.1"), check.RFC("7208", "5.6"), check.RFC("7208", "4.7")},
	Args:  []string{"domain", "name", "record", "ranges", "total", "owners", "open", "suggestion", "also", "failed"},
	Codes: []*check.Code{spfSendersListed, spfSendersAllPass, spfSendersTargetAll, spfSendersEverybody, spfSendersNeutral, spfSendersNoAll, spfSendersRange, spfSendersTotal,
		spfStrictNone, spfStrictUnknown, spfStrictNotLookedUp},
	Evaluate: evaluateSPFSenders,
}

func evaluateSPFSenders(s *evidence.Snapshot, _ evidence.Subject) check.Finding {
	v := viewSPF(s)
	pass := v.Authorised()
	v4, v6 := pass.Count()
	var faults []fault
	if v.Root.State == spf.Valid {
		faults = append(v.openEnds(), v.wideRanges(v4)...)
		if v4.Cmp(big.NewInt(widestTotal4)) > 0 && len(faults) == 0 {
			faults = append(faults, fault{spfSendersTotal, "", nil})
		}
	}
	f := v.finding(faults, spfSendersListed, v.sendersUnknown()...)
	f.Args["total"] = amount(v4, "IPv4") + " and " + amount(v6, "IPv6")
	if len(v.Missing)+len(v.Failed) > 0 {
		f.Args["total"] = "at least " + f.Args["total"]
	}
	f.Args["owners"] = v.owners()
	f.Args["open"] = v.open()
	return f
}

// sendersUnknown are the questions whose answers could bring over-wide
// networks: records that are not known, and hosts in terms with a short prefix
// length.
func (v spfView) sendersUnknown() []*evidence.Lookup {
	list := v.unread()
	v.passing(v.Root, func(_ *spf.Branch, l *spf.Line) {
		if t := l.Term; t.Kind == spf.Exists || (t.Kind == spf.A || t.Kind == spf.MX) && (t.Len4 < widestOwn4 || t.Len6 < widestOwn6) {
			list = append(list, l.Failed...)
			for range l.Missing {
				list = append(list, nil)
			}
		}
	})
	return list
}

// openEnds are the ways to allow or not to refuse everybody.
func (v spfView) openEnds() []fault {
	var list []fault
	for _, n := range v.Root.All() {
		if n.Term != nil && n.Term.Kind == spf.Include && n.Term.Qualifier == spf.Pass && passesAll(n.Last().Record) {
			list = append(list, fault{spfSendersTargetAll, "the included record at " + shown(n.Name) + " has +all", map[string]string{"name": shown(n.Name)}})
		}
	}
	end := v.Root.Last()
	if end.Record == nil {
		return list
	}
	args := map[string]string{"name": shown(end.Name), "suggestion": txtRecord(end.Name, withEnd(end.Record).String())}
	switch all := end.Record.All(); {
	case all == nil:
		list = append(list, fault{spfSendersNoAll, "the record at " + shown(end.Name) + " has no all", args})
	case all.Qualifier == spf.Pass:
		list = slices.Insert(list, 0, fault{spfSendersAllPass, "the record at " + shown(end.Name) + " has +all", args})
	case all.Qualifier == spf.Neutral:
		list = append(list, fault{spfSendersNeutral, "the record at " + shown(end.Name) + " ends in ?all", args})
	}
	return list
}

// wideRanges are the over-wide networks of terms that lead to pass; v4 is the
// number of IPv4 addresses allowed.
func (v spfView) wideRanges(v4 *big.Int) []fault {
	var wide, every []string
	v.passing(v.Root, func(b *spf.Branch, l *spf.Line) {
		if l.Term.Kind == spf.All {
			return
		}
		for _, p := range l.Networks {
			if most := v.widest(b, p); p.Bits() < most {
				addresses, addresses6 := spf.AddressesOf(p).Count()
				text := l.Term.String() + " at " + b.Name + " (" + amount(addresses.Add(addresses, addresses6), "") + ")"
				wide = append(wide, text)
			}
			if p.Addr().Is4() && p.Bits() <= 8 {
				every = append(every, l.Term.String()+" at "+b.Name)
			}
		}
	})
	all4 := new(big.Int).Lsh(big.NewInt(1), 32)
	switch {
	case len(every) > 0 && v4.Cmp(all4) == 0:
		return []fault{{spfSendersEverybody, "all IPv4 addresses are allowed", map[string]string{"ranges": shown(enumerate(slices.Compact(every)))}}}
	case len(wide) > 0:
		ranges := shown(enumerate(slices.Compact(wide)))
		return []fault{{spfSendersRange, "over-wide networks are allowed: " + ranges, map[string]string{"ranges": ranges}}}
	}
	return nil
}

func (v spfView) widest(b *spf.Branch, p netip.Prefix) int {
	switch own := v.own(b); {
	case own && p.Addr().Is4():
		return widestOwn4
	case own:
		return widestOwn6
	case p.Addr().Is4():
		return widestOther4
	}
	return widestOther6
}

// passing calls f for the lines whose match leads to pass.
func (v spfView) passing(b *spf.Branch, f func(*spf.Branch, *spf.Line)) {
	for i := range b.Lines {
		l := &b.Lines[i]
		if !l.Reached || l.Term.Kind != spf.Redirect && l.Term.Qualifier != spf.Pass {
			continue
		}
		f(b, l)
		if l.Below != nil {
			v.passing(l.Below, f)
		}
	}
}

// amount says a number of addresses.
func amount(n *big.Int, family string) string {
	text := n.String()
	if bits := n.BitLen(); bits > 40 {
		text = "about 2^" + strconv.Itoa(bits-1)
		if new(big.Int).Lsh(big.NewInt(1), uint(bits-1)).Cmp(n) == 0 {
			text = "2^" + strconv.Itoa(bits-1)
		}
	}
	if family != "" {
		text += " " + family
	}
	if text == "1" || strings.HasPrefix(text, "1 ") {
		return text + " address"
	}
	return text + " addresses"
}

// owners says who else's records take part.
func (v spfView) owners() string {
	var list []string
	v.Root.Each(func(b *spf.Branch, _ *spf.Line, _ int) {
		if b.Owner != "" && !v.own(b) && !slices.Contains(list, b.Owner) {
			list = append(list, b.Owner)
		}
	})
	if list == nil {
		return "No record of anybody else takes part."
	}
	return "Records of others take part: " + shown(enumerate(list)) + "."
}

// open says which terms depend on the message.
func (v spfView) open() string {
	var list []string
	v.passing(v.Root, func(_ *spf.Branch, l *spf.Line) {
		if l.Open {
			list = append(list, l.Term.String())
		}
	})
	if list == nil {
		return ""
	}
	return " Whom these terms allow depends on the message: " + shown(enumerate(list)) + "."
}
