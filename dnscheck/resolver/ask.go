package resolver

import (
	"context"
	"time"

	"github.com/miekg/dns"

	"mailvet/report/evidence"
)

// reply is what came of a question. It is shared by all who asked and by the
// cache: nobody changes it.
type reply struct {
	msg    *dns.Msg // nil if nothing readable came
	octets int      // of msg on the wire
	// outcome and failure say why msg is nil: timeout, malformed, network,
	// and beside a msg why the better answer could not be had.
	outcome evidence.Outcome
	failure *evidence.Failure
	plain   bool // without EDNS, therefore without DNSSEC
	// hold is for how long the server asked not to be asked (Retry-After).
	hold    time.Duration
	expires time.Time
}

// ask gets the reply to a question from the cache or from the servers. The
// error is ctx's.
func (r *Resolver) ask(ctx context.Context, k key) (*reply, error) {
	if rep, ok := r.messages.get(k, r.now()); ok {
		r.stats.cached.Add(1)
		return rep, nil
	}
	rep, shared, err := r.asking.Join(ctx, k, func(ctx context.Context) *reply {
		rep := r.exchange(ctx, k)
		if ctx.Err() != nil {
			return rep
		}
		ttl := FailureTTL
		if rep.msg != nil {
			ttl = lifetime(rep.msg)
		}
		now := r.now()
		rep.expires = now.Add(ttl)
		r.messages.put(k, rep, rep.weight()+len(k.name), rep.expires)
		return rep
	})
	if shared {
		r.stats.coalesced.Add(1)
	}
	return rep, err
}

// weight is about what the reply takes in memory, where a record takes much
// more than its octets on the wire.
func (rep *reply) weight() int {
	const record = 160
	if rep.msg == nil {
		return record
	}
	return rep.octets + record*(len(rep.msg.Answer)+len(rep.msg.Ns)+len(rep.msg.Extra))
}

// firstPause is how long to wait before a server that failed at once is asked
// the same question again; it doubles.
const firstPause = 200 * time.Millisecond

// exchange sends the question to one server after the other until one answers.
// It returns the most telling reply, and something of no use once ctx has ended.
func (r *Resolver) exchange(ctx context.Context, k key) *reply {
	turns := make([]turn, len(r.servers))
	var best *reply
	from, began := r.first(k.round), r.now()
	for range max(r.tries(), len(r.servers)) {
		i, healthy := r.next(turns, best, from)
		if i < 0 {
			break
		}
		t := &turns[i]
		if t.tries > 0 && t.pause > 0 && !sleep(ctx, t.pause) {
			break
		}
		rep := r.try(ctx, r.servers[i], k, t, healthy)
		if ctx.Err() != nil {
			break
		}
		if usable(rep) {
			return rep
		}
		if best == nil || rank(rep) > rank(best) {
			best = rep
		}
	}
	for i, t := range turns {
		if ctx.Err() == nil && t.tries > 0 && !t.heard {
			r.servers[i].gaveUp(began)
		}
	}
	if best == nil {
		best = &reply{outcome: evidence.OutcomeTimeout, failure: failure(evidence.OpQuery, nil)}
	}
	return best
}

// rotate reports whether questions are spread over the servers.
func (r *Resolver) rotate() bool { return (r.Rotate || r.system.Rotate) && len(r.servers) > 1 }

// rounds is how many rounds there are: in one of them each server is the first
// to be asked of everything.
func (r *Resolver) rounds() int {
	if r.rotate() {
		return 1 + len(r.servers)
	}
	return len(r.servers)
}

// first is the server that is asked first in a round. With Rotate that is
// another each time in round 0; the later rounds, which look for a server
// whose answers hold together, are those of one server each.
func (r *Resolver) first(round uint8) int {
	switch {
	case !r.rotate():
		return int(round)
	case round > 0:
		return int(round) - 1
	}
	return int((r.turn.Add(1) - 1) % uint64(len(r.servers)))
}

// turn is what a server did with one question.
type turn struct {
	tries    int
	silences int  // of these, how many ended without anything
	heard    bool // it answered something
	done     bool // it answered, or seems dead, so asking again is of no use
	pause    time.Duration
}

func (t *turn) used(rep *reply, last bool) {
	t.tries++
	t.heard = t.heard || rep.msg != nil
	t.done = last || rep.msg != nil || rep.failure.Class == evidence.ClassNoFamily || rep.failure.Class == evidence.ClassPermanent
	t.pause = 0
	switch rep.outcome {
	case evidence.OutcomeTimeout:
		t.silences++
	case evidence.OutcomeMalformed:
	default:
		t.pause = firstPause << min(t.tries-1, 6)
	}
}

// next chooses the server to ask: of those tried least, the first good one,
// else the first, counted from a server on. Servers left aside are asked only
// while nobody answered. healthy says that the server is a good one, or may be
// again.
func (r *Resolver) next(turns []turn, best *reply, from int) (choice int, healthy bool) {
	choice, good := -1, false
	now := r.now()
	for j := range r.servers {
		i := (j + from) % len(r.servers)
		s := r.servers[i]
		if turns[i].done || choice >= 0 && (turns[i].tries > turns[choice].tries || good && turns[i].tries == turns[choice].tries) {
			continue
		}
		healthy := s.prefer(now)
		if !healthy && best != nil && best.msg != nil {
			continue
		}
		if choice < 0 || turns[i].tries < turns[choice].tries || healthy {
			choice, good = i, healthy
		}
	}
	return choice, good
}

// usable reports whether the reply settles the question.
func usable(rep *reply) bool {
	return rep.msg != nil && (rep.msg.Rcode == dns.RcodeSuccess || rep.msg.Rcode == dns.RcodeNameError) && !referral(rep.msg) && !filtered(rep.msg)
}

// referral reports whether the message sends us to other servers, which a
// recursive resolver never does: this one does not recurse.
func referral(m *dns.Msg) bool {
	if m.RecursionAvailable || m.Authoritative || m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0 {
		return false
	}
	ns := false
	for _, rr := range m.Ns {
		switch rr.(type) {
		case *dns.SOA:
			return false
		case *dns.NS:
			ns = true
		}
	}
	return ns
}

// rank orders replies that settle nothing by how much they tell.
func rank(rep *reply) int {
	switch {
	case rep.msg == nil && rep.outcome == evidence.OutcomeNetwork:
		return 1
	case rep.msg == nil && rep.outcome == evidence.OutcomeTimeout:
		return 2
	case rep.msg == nil:
		return 3
	case rep.msg.Rcode == dns.RcodeRefused, filtered(rep.msg):
		return 5
	case rep.msg.Rcode == dns.RcodeSuccess: // a referral
		return 4
	case rep.msg.Rcode == dns.RcodeServerFailure:
		return 7
	}
	return 6
}

// try asks one server once: over UDP, over TCP where that is truncated; with
// EDNS, without where the server cannot read it (RFC 6891, Section 7).
func (r *Resolver) try(ctx context.Context, s *server, k key, t *turn, healthy bool) *reply {
	if !s.dead() { // which one cannot overload
		if !s.window.enter(ctx) {
			return cancelled(ctx)
		}
		defer s.window.leave()
	}
	select {
	case r.sending <- struct{}{}:
		defer func() { <-r.sending }()
	case <-ctx.Done():
		return cancelled(ctx)
	}
	sent := r.now()
	how := s.manner(sent, t.silences, healthy, r.timeout())
	rep := r.withoutEDNS(ctx, s, k, how, r.send(ctx, s, k, how))
	switch {
	case ctx.Err() != nil:
	case rep.msg != nil:
		s.succeeded(r.now())
		s.window.answered()
	default:
		if rep.outcome == evidence.OutcomeTimeout {
			r.stats.timeouts.Add(1)
			if how.last {
				rep.failure.Text = "tried once, for the server left the questions before without an answer"
			}
		}
		if rep.outcome == evidence.OutcomeTimeout || rep.failure.Class == evidence.ClassTemporary {
			s.window.silent(sent, r.now())
		}
		s.failed(sent, r.now(), rep.hold)
	}
	t.used(rep, how.last)
	return rep
}

// withoutEDNS asks again, without EDNS, where the reply is that it cannot be
// read. Where it was left out on trial and that helped, the question is sent
// once more with it: the silence before may have been chance, and without EDNS
// there is no DNSSEC. What is found out of the server is remembered.
func (r *Resolver) withoutEDNS(ctx context.Context, s *server, k key, how manner, rep *reply) *reply {
	if rep.msg == nil {
		return rep
	}
	if how.size > 0 {
		s.speaks()
	}
	switch {
	case how.trial:
		again := r.send(ctx, s, k, manner{size: smallSize, patience: how.patience})
		if again.msg == nil {
			s.setPlain(r.now().Add(plainFor))
			return rep
		}
		s.speaks()
		if usable(again) || !usable(rep) {
			return again
		}
	case how.size > 0 && (rep.msg.Rcode == dns.RcodeFormatError || rep.msg.Rcode == dns.RcodeNotImplemented || rep.msg.Rcode == dns.RcodeBadVers):
		how.size = 0
		again := r.send(ctx, s, k, how)
		if !usable(again) {
			return rep
		}
		// An answer with OPT shows that EDNS was read: it is this question
		// that the server could not take, not all of them.
		if rep.msg.IsEdns0() == nil || rep.msg.Rcode == dns.RcodeBadVers {
			s.setPlain(r.now().Add(plainFor))
		}
		return again
	}
	return rep
}

// cancelled is the reply of a try that ctx ended before it began.
func cancelled(ctx context.Context) *reply {
	return &reply{outcome: evidence.OutcomeTimeout, failure: failure(evidence.OpQuery, context.Cause(ctx))}
}

func (s *server) setPlain(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plain = until
}

// send sends the question over the transport that the server wants.
func (r *Resolver) send(ctx context.Context, s *server, k key, how manner) *reply {
	q, err := newQuestion(k, how.size, how.patience, r.Rand)
	if err != nil {
		return &reply{outcome: evidence.OutcomeNetwork, failure: failure(evidence.OpQuery, err)}
	}
	var rep *reply
	switch {
	case s.Transport == HTTPS:
		rep = r.overHTTPS(ctx, s, q)
	case s.Transport != Plain, how.tcp:
		rep = r.overStream(ctx, s, q)
	default:
		if rep = r.overUDP(ctx, s.Address, q); rep.msg != nil && rep.msg.Truncated {
			rep = r.overStream(ctx, s, q)
		}
	}
	// RFC 6891, Section 7: an answer without OPT shows that EDNS was not read.
	rep.plain = usable(rep) && (how.size == 0 || rep.msg.IsEdns0() == nil)
	return rep
}

// sleep waits, and reports whether ctx is still good.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
