package dnssec_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/report/evidence"
)

// stormy is a source whose answers come late, not at all, or never before the
// question is given up.
type stormy struct{ *lab }

func (s stormy) Fetch(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	switch wait := time.NewTimer(time.Duration(rand.IntN(100)) * time.Millisecond); rand.IntN(10) {
	case 0:
		wait.Stop()
		return nil, errors.New("nobody answers")
	case 1:
		wait.Stop()
		<-ctx.Done()
		return nil, ctx.Err()
	default:
		select {
		case <-wait.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.lab.Fetch(ctx, name, qtype)
}

// TestStorm: whoever leads, is cancelled, or hears nothing, nobody waits for
// ever (the bubble would report it), everybody ends when cancelled, and what
// comes out is right or unknown.
func TestStorm(t *testing.T) {
	l := internet(t)
	want := map[string]evidence.Security{
		"www.sub.nsec.test": secure, "nothing.nsec.test": secure, "www.nsec3.test": secure, "away.nsec.test": insecure,
		"www.unsigned.test": insecure, "www.secret.optout.test": insecure, "www.badds.test": bogus, "nosuchtld": secure,
	}
	replies := map[string]*dns.Msg{}
	for name := range want {
		m, err := l.Fetch(t.Context(), name, dns.TypeA)
		if err != nil {
			t.Fatal(err)
		}
		replies[name] = m
	}
	for _, zones := range []int{0, 2} {
		synctest.Test(t, func(t *testing.T) {
			v := &dnssec.Validator{Anchors: l.world.Anchors(), MaxZones: zones, Now: func() time.Time { return now.Add(time.Since(epoch)) }}
			var group sync.WaitGroup
			for range 40 {
				for name, security := range want {
					group.Go(func() {
						time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond)
						limit := time.Duration(rand.IntN(800)) * time.Millisecond
						ctx, cancel := context.WithTimeout(t.Context(), limit)
						defer cancel()
						start := time.Now()
						got := v.Validate(ctx, stormy{l}, name, dns.TypeA, replies[name])
						if got.Security != security && got.Security != unknown {
							t.Errorf("%s: %s (%s)", name, got.Security, got.Reason)
						}
						if took := time.Since(start); took > limit {
							t.Errorf("%s: ended %v after it was cancelled", name, took-limit)
						}
					})
				}
			}
			group.Wait()
			time.Sleep(time.Minute) // what was unknown is forgotten
			for name, security := range want {
				if got := v.Validate(t.Context(), l, name, dns.TypeA, replies[name]); got.Security != security {
					t.Errorf("%s, afterwards: %s (%s)", name, got.Security, got.Reason)
				}
			}
		})
	}
}

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when the clock of a bubble begins
