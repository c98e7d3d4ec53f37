package smtpcheck

import (
	"crypto/sha256"
	"slices"
	"strings"

	"mailvet/report/check"
	"mailvet/report/evidence"
	"mailvet/smtpcheck/certificate"
)

// served is one chain that a host serves, with the addresses it serves it at.
type served struct {
	host    string
	chain   *evidence.Chain // nil if the evidence does not hold it
	ders    [][]byte        // leaf first
	read    []outline       // likewise, as far as anybody looked
	memo    *evidence.Memo
	addrs   []string
	counted bool // the counted address is among them
	at      []*evidence.Session
}

// outline is a certificate that was looked at; nil where it is none that can
// be read.
type outline struct {
	looked bool
	cert   *certificate.Certificate
}

// cert reads a certificate of the chain when it is first wanted.
func (x *served) cert(i int) *certificate.Certificate {
	if x.read == nil {
		x.read = make([]outline, len(x.ders))
	}
	if o := &x.read[i]; !o.looked {
		o.looked = true
		o.cert = evidence.Remember(x.memo, outlineKey(sha256.Sum256(x.ders[i])), func() *certificate.Certificate {
			c, err := certificate.Parse(x.ders[i])
			if err != nil {
				return nil
			}
			return c
		})
	}
	return x.read[i].cert
}

// outlineKey is the hash of a certificate's DER.
type outlineKey [sha256.Size]byte

// leaf is the server's own certificate, nil if it cannot be read.
func (x *served) leaf() *certificate.Certificate {
	if len(x.ders) == 0 {
		return nil
	}
	return x.cert(0)
}

// readable reports whether every certificate of the chain can be read.
func (x *served) readable() bool {
	for i := range x.ders {
		if x.cert(i) == nil {
			return false
		}
	}
	return true
}

// judged are the certificates whose keys and signatures matter: all but the
// root at the end, which is trusted for being known and not for its signature.
//
// Internet.nl leaves out the roots on its list. Here the list is not at hand:
// the last certificate is a root if it is issued by itself and the chain leads
// to a trusted root.
func (x *served) judged() []*certificate.Certificate {
	var list []*certificate.Certificate
	for i := range x.ders {
		list = append(list, x.cert(i))
	}
	last := len(list) - 1
	if last > 0 && x.chain.Trust == evidence.Trusted && list[last] != nil && list[last].SelfIssued() {
		return list[:last]
	}
	return list
}

// servedBy lists the chains of a host, that of the counted address first.
func servedBy(s *evidence.Snapshot, host string) []*served {
	return evidence.Once(s, servedKey(host), func() []*served { return slices.Clip(chainsOf(s, host)) })
}

type servedKey string

func chainsOf(s *evidence.Snapshot, host string) []*served {
	list, at := contacts(s, host)
	var out []*served
	for i, c := range list {
		if !c.secured() {
			continue
		}
		chain, ders := s.Chain(chainOf(c.session))
		j := slices.IndexFunc(out, func(x *served) bool { return x.chain == chain })
		if j < 0 {
			j = len(out)
			out = append(out, &served{host: host, chain: chain, ders: ders, memo: s.Memo()})
		}
		out[j].addrs = append(out[j].addrs, c.addr.String())
		out[j].counted = out[j].counted || i == at
		out[j].at = append(out[j].at, c.session)
	}
	slices.SortStableFunc(out, func(a, b *served) int {
		switch {
		case a.counted == b.counted:
			return 0
		case a.counted:
			return -1
		}
		return 1
	})
	return out
}

// Answers that the checks of certificates share.
var (
	noCertificate = &check.Code{Name: "no-certificate", Outcome: check.Inconclusive,
		Text:   "The certificate of {host} at {addrs} could not be had.",
		Advice: "Scan again later."}
	worseElsewhere = &check.Code{Name: "worse-elsewhere", Outcome: check.Fail, Verdict: "good",
		Text:   "{host} serves another certificate at {addrs} than at {counted}, and it fails this check ({problem}). Internet.nl looks at {counted} only.",
		Advice: "Install the same certificate at every address of {host}."}
	weakerElsewhere = &check.Code{Name: "weaker-elsewhere", Outcome: check.Weak, Verdict: "good",
		Text:   "{host} serves another certificate at {addrs} than at {counted}, and it is weaker ({problem}). Internet.nl looks at {counted} only.",
		Advice: "Install the same certificate at every address of {host}."}
)

// certArgs are the arguments that every check of certificates may use.
var certArgs = []string{"host", "addrs", "counted", "problem"}

// answer is what a check says of one chain.
type answer struct {
	code    *check.Code
	verdict string // in place of the code's, if not empty
	points  *int
	args    map[string]string
}

func (a answer) verdictID() string {
	if a.verdict != "" {
		return a.verdict
	}
	return a.code.Verdict
}

// judgeEach judges every chain of a host and answers by that of the counted
// address, unless another is worse: then by that, under the verdict of the
// counted one. The words for it are in fail and weak.
func judgeEach(s *evidence.Snapshot, host string, fail, weak *check.Code, judge func(*served) answer) check.Finding {
	chains := servedBy(s, host)
	if len(chains) == 0 { // not after starttls-exists has passed
		chains = []*served{{host: host, addrs: []string{"no address"}, counted: true}}
	}
	first := judge(chains[0])
	worst, where := first, chains[0]
	for _, x := range chains[1:] {
		if a := judge(x); severity(a.code) > severity(worst.code) {
			worst, where = a, x
		}
	}
	a := first
	if where != chains[0] && first.verdictID() != "" {
		a = answer{code: fail, verdict: first.verdictID(), points: first.points, args: worst.args}
		if worst.code.Outcome != check.Fail {
			a.code = weak
		}
	} else {
		where = chains[0]
	}
	f := check.Finding{Code: a.code, Verdict: a.verdict, Points: a.points, Args: map[string]string{}}
	for k, v := range a.args {
		f.Args[k] = v
	}
	f.Args["host"], f.Args["addrs"], f.Args["counted"], f.Args["problem"] = host, join(where.addrs), join(chains[0].addrs), strings.ReplaceAll(worst.code.Name, "-", " ")
	f.Evidence = pointers(s, where.at...)
	return f
}

// severity orders what is found at other addresses. What is not known there
// does not count.
func severity(c *check.Code) int {
	switch c.Outcome {
	case check.Fail:
		return 2
	case check.Weak:
		return 1
	}
	return 0
}
