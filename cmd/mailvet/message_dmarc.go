package main

import (
	"fmt"
	"strings"

	"mailvet/dnscheck/dmarc"
	"mailvet/dnscheck/message"
)

// dmarcText says how a result came about: sentences.
func dmarcText(d message.DMARC, res *message.Result) []string {
	name := dmarc.NameOf(d.Domain)
	switch d.Reason {
	case message.DMARCNoAuthor:
		return []string{fmt.Sprintf("DMARC asks the domain of the author, and %s.", res.AuthorErr)}
	case message.DMARCManyAuthors:
		return []string{"The From field names several domains; such a message is left out of DMARC. Few receivers accept it."}
	case message.DMARCNoRecord:
		text := fmt.Sprintf("%s has no DMARC record, so it asks for nothing.", d.Author)
		if d.Standard == message.RFC9989 {
			text = fmt.Sprintf("Neither %s nor any name above it has a DMARC record, so nothing is asked for.", d.Author)
		} else if d.Domain != "" && d.Domain != d.Author {
			text = fmt.Sprintf("Neither %s nor the domain above it, %s, has a DMARC record, so nothing is asked for.", d.Author, d.Domain)
		}
		return []string{text}
	case message.DMARCSeveral:
		return []string{fmt.Sprintf("%s has several DMARC records, which receivers take for none.", name)}
	case message.DMARCNoAnswer:
		return []string{fmt.Sprintf("The question for the record failed (%s: %s); receivers then try again later.", d.Failed.Name, outcome(d.Failed))}
	}
	record := fmt.Sprintf("Record at %s: %s", name, d.Record)
	if d.Reason == message.DMARCInvalid {
		return []string{"The DMARC record cannot be used: it has no valid policy p.", record}
	}
	return append(dmarcVerdict(d), append(alignment(d), record)...)
}

// dmarcVerdict says what is asked of receivers.
func dmarcVerdict(d message.DMARC) []string {
	switch d.Reason {
	case message.DMARCAligned:
		return nil
	case message.DMARCUndecided:
		return []string{"Nothing that is aligned passes, but not everything could be found out; receivers then try again later."}
	case message.DMARCUnaligned:
	default:
		panic("message: DMARC reason " + d.Reason.String())
	}
	asked := map[dmarc.Policy]string{dmarc.PolicyNone: "to do nothing about it", dmarc.Quarantine: "to put it aside (quarantine)", dmarc.Reject: "to reject it"}
	text := fmt.Sprintf("Neither SPF nor DKIM passes for a domain that is aligned with %s. The domain asks receivers %s: %s=%s", d.Author, asked[d.Disposition], d.Tag, d.Policy)
	switch {
	case d.Testing:
		text += ", made weaker by t=y"
	case d.Percent < 100 && d.Disposition > dmarc.PolicyNone:
		text += fmt.Sprintf(", for %d %% of such mail (pct)", d.Percent)
	}
	return []string{text + "."}
}

// alignment says of each identifier what it is worth.
func alignment(d message.DMARC) []string {
	var list []string
	for _, id := range d.Identifiers {
		what := "SPF for " + id.Domain
		if id.Method == "dkim" {
			what = fmt.Sprintf("DKIM signature %d of %s", id.Nth+1, id.Domain)
		}
		how := "has the result " + id.Result.String()
		if id.Result == message.ResultPass {
			how = "passes"
		}
		join := " and is "
		if (id.Result == message.ResultPass) != id.Aligned {
			join = ", but is "
		}
		list = append(list, what+" "+how+join+aligned(d, id)+".")
	}
	if len(list) == 0 {
		return []string{"There is neither a DKIM signature nor a result of SPF to go by."}
	}
	return list
}

func aligned(d message.DMARC, id message.Identifier) string {
	switch {
	case id.Aligned && id.Domain == d.Author:
		return "aligned: the author's own domain"
	case id.Aligned:
		return "aligned: of the same organization, " + id.Org
	case id.Strict && strings.HasSuffix("."+d.Author, "."+id.Org):
		return fmt.Sprintf("not aligned, as only %s itself is (a%s=s)", d.Author, id.Method)
	}
	return "not aligned with " + d.Author
}
