package message

import (
	"strings"

	"github.com/emersion/go-msgauth/authres"
)

// AuthenticationResults is the field's value (RFC 8601) in lines, one for each
// result, without the CRLFs and white space that fold it. The identity is that
// of the service, a host's name as a rule. DMARC has the results of RFC 9989;
// where nothing was judged by it, of RFC 7489.
func (r *Result) AuthenticationResults(identity string) []string {
	var list []*authres.GenericResult
	add := func(method string, value Result8601, params map[string]string) {
		for k, v := range params {
			params[k] = token1(v)
		}
		list = append(list, &authres.GenericResult{Method: method, Value: authres.ResultValue(value.String()), Params: params})
	}
	for _, s := range r.SPF {
		params := map[string]string{"smtp.mailfrom": s.Sender.From}
		if s.Helo {
			params = map[string]string{"smtp.helo": s.Domain}
		}
		if !plainAddress(s.Sender.From) {
			params["smtp.mailfrom"] = s.Domain
		}
		if s.Helo {
			delete(params, "smtp.mailfrom")
		}
		list = append(list, &authres.GenericResult{Method: "spf", Value: authres.ResultValue(s.Verdict.Result.String()), Params: params})
	}
	for _, s := range r.Signatures {
		params := map[string]string{"header.d": s.Domain, "header.s": s.Selector, "header.a": s.Algorithm, "header.b": s.Start}
		if s.Reason != ReasonVerified {
			params["reason"] = s.Reason.String()
		}
		add("dkim", s.Result, params)
	}
	if len(r.Signatures) == 0 {
		add("dkim", ResultNone, nil)
	}
	for _, d := range r.shown() {
		params := map[string]string{"header.from": d.Author}
		if d.Reason != DMARCAligned && d.Reason != DMARCUnaligned && d.Reason != DMARCNoRecord {
			params["reason"] = d.Reason.String()
		}
		if d.Result == ResultFail {
			params["policy.dmarc"] = d.Disposition.String()
		}
		add("dmarc", d.Result, params)
	}
	lines := []string{identity}
	for _, one := range list {
		text := strings.TrimPrefix(authres.Format("", []authres.Result{one}), "; ")
		// A token has no slash (RFC 2045, Section 5.1), as base64 has; the
		// formatter leaves it bare, for it may stand in an address.
		if b := one.Params["header.b"]; strings.Contains(b, "/") {
			text = strings.Replace(text, " header.b="+b, ` header.b="`+b+`"`, 1)
		}
		lines[len(lines)-1] += ";"
		lines = append(lines, strings.TrimSpace(text))
	}
	return lines
}

// shown are the results for the field.
func (r *Result) shown() []DMARC {
	std := RFC7489
	for _, d := range r.DMARC {
		if d.Standard == RFC9989 && d.Reason != DMARCManyAuthors {
			std = RFC9989
		}
	}
	var list []DMARC
	for _, d := range r.DMARC {
		if d.Standard == std {
			list = append(list, d)
		}
	}
	return list
}

// token1 keeps of a text what needs no further quoting than the formatter's:
// letters, digits and harmless marks; empty if there is anything else in it.
func token1(s string) string {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c > '~' || strings.IndexByte(`"\();,<>`, c) >= 0 {
			return ""
		}
	}
	return s
}

// plainAddress reports whether an address may stand in the field as it is.
func plainAddress(s string) bool {
	local, _, ok := strings.Cut(s, "@")
	if !ok || local == "" || strings.Count(s, "@") != 1 {
		return false
	}
	for i := range len(local) {
		c := local[i]
		if c <= ' ' || c > '~' || strings.IndexByte(`"\()<>[]:;,`, c) >= 0 {
			return false
		}
	}
	return true
}
