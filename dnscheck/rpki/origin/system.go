package origin

import (
	"context"
	"fmt"

	"mailvet/dnscheck/rpki"
	"mailvet/report/evidence"
)

// System tells the name of an autonomous system and how it is registered. With
// a table of routes nobody is asked, and nothing but the number is known. The
// error is that of the context, or says that the resolver is wrongly
// configured.
func (r *Router) System(ctx context.Context, asn uint32) (evidence.System, error) {
	out := evidence.System{ASN: asn}
	if r.Routes != nil || r.Resolver == nil {
		return out, nil
	}
	l, err := r.Resolver.Lookup(ctx, r.Zones.SystemName(rpki.ASN(asn)), "TXT")
	if err != nil {
		return evidence.System{}, fmt.Errorf("origin: look up AS%d: %w", asn, err)
	}
	fail := func(class evidence.Class, text string) (evidence.System, error) {
		out.Failure = &evidence.Failure{Op: evidence.OpQuery, Class: class, Text: l.Name + ": " + text}
		return out, nil
	}
	switch {
	case l.Security == evidence.SecurityBogus:
		return fail(evidence.ClassProtocol, "the answer is bogus")
	case l.Absent():
		return out, nil
	case !l.Exists():
		return fail(classOf(l), l.Words())
	}
	for _, text := range texts(l) {
		s, err := rpki.ParseSystem(text)
		if err == nil && uint32(s.ASN) == asn {
			out.Name, out.Country, out.Registry = s.Name, s.Country, s.Registry
			return out, nil
		}
	}
	return fail(evidence.ClassProtocol, "the answer cannot be read")
}
