package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// asking is what an attempt does after STARTTLS in place of a usual handshake.
type asking struct {
	lists *lists
	entry entry
	keys  shares
	trial *evidence.Injection // in place of the entry
}

// grade asks the questions of the address's plan until it ends, and adds what
// they show to the result. The caller has the address to itself, and no
// connection open.
func (p *Prober) grade(ctx context.Context, q *probing, a *address, r *Result, first first) {
	if !a.planDone {
		if a.plan == nil {
			a.plan = &plan{lists: theLists(), first: first, before: r.Session.Connections}
			a.greeted = *r
			a.greeted.Chains, a.greeted.Certificates = slices.Clip(r.Chains), slices.Clip(r.Certificates)
			if a.injected != nil {
				a.plan.before++
			}
			a.planHost, a.planBegan = q.host, time.Now()
		}
		stopped := p.questions(ctx, q, a, &a.graded)
		if a.planDone = ctx.Err() == nil; stopped != nil {
			a.failed = time.Now()
		}
		g := &grading{
			TLS: a.plan.conclude(a.planHost, stopped), Full: a.plan.full(), whole: a.planDone && stopped == nil,
			Chains: slices.Clip(a.graded.Chains), Certificates: slices.Clip(a.graded.Certificates),
		}
		if old := a.grading; stopped != nil && old != nil && len(old.TLS.Asked) > len(g.TLS.Asked) {
			t := *old.TLS // of a plan that was forgotten, and the new one had no room
			t.Stopped = stopped
			g = &grading{TLS: &t, Full: old.Full, Chains: old.Chains, Certificates: old.Certificates}
		}
		if g.whole {
			a.plan, a.graded, a.greeted = nil, Result{}, Result{}
		}
		p.mu.Lock()
		a.grading = g
		p.mu.Unlock()
	}
	a.grading.add(r)
	if a.grading.whole {
		q.grading = a.grading
	}
}

// add puts it into the result of one name.
func (g *grading) add(r *Result) {
	r.Session.TLS = g.TLS
	if s := &r.Session; g.Full != nil && !s.Handshake.Complete && s.Failure != nil && s.Failure.Op == evidence.OpHandshake {
		h := *s.Handshake
		h.Complete, h.Version, h.Suite, h.Group, h.Chain = true, g.Full.Version, g.Full.Suite, g.Full.Group, g.Full.Chain
		if g.Full.Signature != "" {
			h.Signature = g.Full.Signature
		}
		s.Handshake, s.Failure = &h, nil
	}
	r.Chains, r.Certificates = mergeChains(r.Chains, r.Certificates, g)
}

// full is the handshake that stands for that of the session where crypto/tls
// could not finish it, for want of the suites that the server has, but the plan's
// own client could; nil if there is none.
func (p *plan) full() *evidence.Handshake {
	for i := range p.log {
		e := &p.log[i]
		if !e.finished || e.chain == "" {
			continue
		}
		h := &evidence.Handshake{Version: e.flight.Version().String(), Suite: e.flight.Hello.Suite.String(), Group: groupText(e.flight), Chain: e.chain}
		if k := e.flight.KeyExchange; k != nil && k.Scheme != 0 {
			h.Signature = k.Scheme.String()
		}
		return h
	}
	return nil
}

func mergeChains(chains []evidence.Chain, certs []evidence.Certificate, more *grading) ([]evidence.Chain, []evidence.Certificate) {
	for _, c := range more.Chains {
		if !slices.ContainsFunc(chains, func(x evidence.Chain) bool { return x.ID == c.ID }) {
			chains = append(chains, c)
		}
	}
	for _, c := range more.Certificates {
		if !slices.ContainsFunc(certs, func(x evidence.Certificate) bool { return x.ID == c.ID }) {
			certs = append(certs, c)
		}
	}
	return chains, certs
}

// questions asks them, and returns why it stopped; nil at the end of the plan.
func (p *Prober) questions(ctx context.Context, q *probing, a *address, found *Result) *evidence.Failure {
	failed := 0
	for {
		ask := a.plan.next()
		if ask == nil {
			return nil
		}
		if a.plan.opened()+a.spent+a.cut >= p.MaxConnections {
			return &evidence.Failure{Op: evidence.OpHandshake, Class: evidence.ClassBudget, Text: manyOpened}
		}
		t, e := p.ask(ctx, q, a, ask)
		if ctx.Err() != nil {
			return cancelled()
		}
		a.plan.log = append(a.plan.log, e)
		p.keepChain(t, &a.plan.log[len(a.plan.log)-1], found)
		if e.answer.Known() || e.closed {
			failed = 0
			continue
		}
		if failed++; failed > p.Retries {
			return e.failure
		}
		p.backOff(q.host, &t.result.Session)
		if !sleep(ctx, p.pause(q.key, failed-1)) {
			return cancelled()
		}
	}
}

func cancelled() *evidence.Failure {
	return &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassCancelled, Text: "the scan was cancelled"}
}

// keepChain writes down the certificates of a flight.
func (p *Prober) keepChain(t *attempt, e *entry, found *Result) {
	if e.flight == nil {
		return
	}
	ders := e.flight.Certificates
	if v2 := e.flight.V2; v2 != nil && len(v2.Certificate) > 0 {
		ders = [][]byte{v2.Certificate}
	}
	// What is kept from here on is small: not the server's octets.
	if len(ders) > 0 {
		chain, certs := evidence.NewChain(ders)
		e.chain = chain.ID
		e.kind = kindOfLeaf(ders[0])
		if !slices.ContainsFunc(found.Chains, func(c evidence.Chain) bool { return c.ID == chain.ID }) {
			chain.Trust, chain.TrustReason = p.trust(ders)
			found.Chains, found.Certificates = mergeChains(found.Chains, found.Certificates, &grading{Chains: []evidence.Chain{chain}, Certificates: certs})
		}
	}
	e.flight.Certificates, e.flight.OCSP, e.flight.Beginning, e.flight.Request = nil, nil, nil, nil
}

// ask sends one question over a connection of its own.
func (p *Prober) ask(ctx context.Context, q *probing, a *address, ask *question) (*attempt, entry) {
	x := &asking{lists: theLists(), entry: entry{question: *ask, at: time.Since(a.planBegan).Milliseconds()}}
	k := q.key
	k.host = a.planHost
	t := p.attempt(ctx, q, k, a, false, x)
	if !x.entry.spoke {
		x.entry.answer, x.entry.failure = evidence.NoAnswer, t.result.Session.Failure
		if x.entry.failure == nil {
			x.entry.failure = &evidence.Failure{Op: evidence.OpSTARTTLS, Class: evidence.ClassProtocol, Text: "STARTTLS is no longer offered"}
		}
	}
	p.end(t, a)
	return t, x.entry
}

// question sends the hello and reads what comes back.
func (t *attempt) question(ctx context.Context) *evidence.Failure {
	x := t.asking
	hello, keys, err := x.entry.octets(x.lists, t.sni())
	if x.keys = keys; err != nil {
		return &evidence.Failure{Op: evidence.OpConfig, Class: evidence.ClassUnknown, Text: printable(err.Error())}
	}
	x.entry.spoke = true
	t.alive = false // nothing that QUIT could be said to
	t.deadline(t.p.Timeout)
	conn := io.Reader(&clearConn{Conn: t.conn, r: t.r})
	if x.entry.about == askSSL2 {
		conn = t.r
	}
	if x.entry.about == askRenegotiate {
		return t.finishing(ctx, hello, conn)
	}
	var r tlshello.Reader
	var failure *evidence.Failure
	_, err = t.conn.Write(hello)
	var flight []byte
	buf := make([]byte, 4096)
	for err == nil && r.Answer().Outcome == tlshello.Incomplete {
		var n int
		if n, err = conn.Read(buf); n > 0 {
			if r.Feed(buf[:n]); len(keys) > 0 {
				flight = append(flight, buf[:n]...)
			}
		}
	}
	if r.Answer().Outcome == tlshello.Incomplete && err != nil {
		failure = t.failure(ctx, evidence.OpHandshake, err)
		if errors.Is(err, io.EOF) {
			r.Close()
		}
	}
	a := r.Answer()
	if len(keys) == 0 || a.Outcome != tlshello.Accepted || a.Hello == nil || a.Hello.Retry || a.Version() != tlshello.TLS13 {
		x.entry.read(a, failure)
		t.cancelHandshake(a)
		return failure
	}
	err = t.look(conn, hello, flight, a)
	if x.entry.read(a, nil); x.entry.certificate != "" && x.entry.answer == evidence.Accepted && len(a.Certificates) == 0 {
		if err != nil {
			failure = t.failure(ctx, evidence.OpHandshake, err)
		}
		x.entry.missing(failure)
	}
	return failure
}

// cancelHandshake ends a handshake politely that was only a question (RFC 8446,
// Section 6.1), where the server still waits.
func (t *attempt) cancelHandshake(a *tlshello.Answer) {
	if a.Hello == nil || a.Outcome != tlshello.Accepted {
		return
	}
	_ = t.raw.SetWriteDeadline(time.Now().Add(quitWait))
	minor := byte(min(a.Version(), tlshello.TLS12)) // of the record's version, 3.x
	_, _ = t.conn.Write([]byte{
		recordAlert, 3, minor, 0, 2, byte(tlshello.Warning), byte(tlshello.UserCanceled),
		recordAlert, 3, minor, 0, 2, byte(tlshello.Warning), byte(tlshello.CloseNotify),
	})
}

// finishing is the question for renegotiation: a whole handshake, and others
// inside it.
func (t *attempt) finishing(ctx context.Context, hello []byte, conn io.Reader) *evidence.Failure {
	e := &t.asking.entry
	c := &client{offered: e.version, conn: struct {
		io.Reader
		io.Writer
	}{conn, t.conn}}
	a, err := c.handshake(hello)
	var failure *evidence.Failure
	if err != nil {
		failure = t.failure(ctx, evidence.OpHandshake, err)
	}
	e.read(a, failure)
	if err != nil || e.answer != evidence.Accepted {
		if e.answer == evidence.Accepted {
			e.renegotiation = evidence.NoAnswer
		}
		return failure
	}
	e.finished = true
	o := e.offer(t.asking.lists, t.sni())
	o.Compression, o.Suites = nil, []tlshello.Suite{a.Hello.Suite}
	t.deadline(t.p.Timeout)
	n, err := c.renegotiate(o, evidence.MaxRenegotiations)
	if errors.Is(err, os.ErrDeadlineExceeded) && n == 0 {
		if t.deadline(t.p.Timeout); c.ignored() {
			err = nil
		}
	}
	e.renegotiated(n, err)
	_ = t.raw.SetWriteDeadline(time.Now().Add(quitWait))
	c.leave()
	return nil
}

// firstOf is what the session's handshake showed, for the plan.
func firstOf(t *attempt) first {
	h := t.result.Session.Handshake
	f := first{complete: h.Complete, chain: h.Chain, ticket: h.Resumable, ocsp: h.OCSP}
	f.version, _ = tlshello.ParseVersion(h.Version)
	f.suite, _ = tlshello.ParseSuite(h.Suite)
	f.group, _ = tlshello.ParseGroup(h.Group)
	if len(t.ders) > 0 {
		f.kind = kindOfLeaf(t.ders[0])
	}
	if f.version != tlshello.TLS13 || !h.Complete {
		return f
	}
	f.early = evidence.Refused
	read := t.log.read13(f.suite, t.seen())
	f.told = read.groups
	for _, ticket := range read.tickets {
		f.ticket = true
		f.tickets++
		if ticket.EarlyData && ticket.MaxEarlyData > 0 {
			f.early, f.maxEarly = evidence.Accepted, max(f.maxEarly, ticket.MaxEarlyData)
		}
	}
	return f
}

func kindOfLeaf(der []byte) string {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return ""
	}
	switch leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA"
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return "ECDSA"
	}
	return ""
}
