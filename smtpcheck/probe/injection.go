package probe

import (
	"context"

	"mailvet/report/evidence"
)

// injection makes the trial of [evidence.Injection], once for each address. The
// caller has the address to itself, no connection open, and has seen a good
// handshake over one of the opened connections.
func (p *Prober) injection(ctx context.Context, q *probing, a *address, opened int) *evidence.Injection {
	if a.injected != nil {
		return a.injected
	}
	x := &evidence.Injection{Answer: evidence.NoAnswer}
	if opened >= p.MaxConnections {
		x.Answer = evidence.NotAsked
		x.Failure = &evidence.Failure{Op: evidence.OpSTARTTLS, Class: evidence.ClassBudget, Text: manyOpened}
		return x
	}
	t := p.attempt(ctx, q, q.key, a, false, &asking{trial: x})
	x.Failure = t.result.Session.Failure
	p.end(t, a)
	if ctx.Err() == nil {
		a.injected = x
	}
	return x
}

// inject sends a command in one segment with STARTTLS, and counts the replies
// that come after the handshake: a server that obeys the command answers it
// before all that is sent then. QUIT makes the end of the replies known, so that
// nothing is waited for that may not come.
func (t *attempt) inject(ctx context.Context, x *evidence.Injection) *evidence.Failure {
	t.deadline(t.p.Timeout)
	if _, err := t.conn.Write([]byte("STARTTLS\r\nNOOP\r\n")); err != nil {
		return t.failure(ctx, evidence.OpSTARTTLS, err)
	}
	reply, f := t.await(ctx, evidence.OpSTARTTLS)
	if f == nil {
		x.StartReply = reply
		if reply.Code != 220 {
			f = refusal(evidence.OpSTARTTLS, reply)
		} else {
			f = t.handshake(ctx)
		}
	}
	if f != nil {
		switch f.Class {
		case evidence.ClassPermanent, evidence.ClassClosed, evidence.ClassReset, evidence.ClassTLS, evidence.ClassTLSAlert, evidence.ClassProtocol:
			x.Answer = evidence.Refused // the same server has completed a handshake before
		}
		return f
	}
	const most = 3 // replies: one too many
	if reply, f = t.ask(ctx, evidence.OpHelloTLS, "EHLO "+t.helo()); f != nil {
		return f
	}
	x.Replies = append(x.Replies, *reply)
	if reply, f = t.ask(ctx, evidence.OpHelloTLS, "QUIT"); f != nil {
		return f
	}
	t.alive = false // QUIT is said
	x.Replies = append(x.Replies, *reply)
	if reply.Code == 221 {
		x.Answer = evidence.Refused
		return nil
	}
	for len(x.Replies) < most {
		if reply, f = t.await(ctx, evidence.OpHelloTLS); f != nil {
			return f
		}
		x.Replies = append(x.Replies, *reply)
	}
	if reply.Code == 221 && x.Replies[0].Code/100 != 4 && x.Replies[1].Code/100 == 2 {
		x.Answer = evidence.Accepted
	}
	return nil
}
