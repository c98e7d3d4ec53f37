package message

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// questions asks each question about a message once. It is used by one
// goroutine at a time.
type questions struct {
	resolver spf.Resolver
	known    map[evidence.Question]*evidence.Lookup
}

// Lookup makes it a [spf.Resolver]. What the time did not suffice for is an
// answer, too: a time-out.
func (q *questions) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	l, err := q.ask(ctx, name, qtype)
	if err != nil {
		return evidence.Lookup{}, err
	}
	return *l, nil
}

func (q *questions) ask(ctx context.Context, name, qtype string) (*evidence.Lookup, error) {
	key := evidence.Question{Name: evidence.Name(name), Type: qtype}
	if l := q.known[key]; l != nil {
		return l, nil
	}
	l, err := q.resolver.Lookup(ctx, key.Name, qtype)
	if errors.Is(err, context.DeadlineExceeded) {
		l, err = evidence.Lookup{Name: key.Name, Type: qtype, Outcome: evidence.OutcomeTimeout,
			Failure: &evidence.Failure{Op: evidence.OpQuery, Class: evidence.ClassBudget}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("message: ask for %s %s: %w", qtype, key.Name, err)
	}
	q.known[key] = &l
	return &l, nil
}

// maxRounds bounds settle: each round asks what the one before brought up.
const maxRounds = 24

// settle runs a function of answers until it has all that it asks for.
func (q *questions) settle(ctx context.Context, do func(src func(name, typ string) *evidence.Lookup)) error {
	for range maxRounds {
		var missing []evidence.Question
		do(func(name, typ string) *evidence.Lookup {
			key := evidence.Question{Name: evidence.Name(name), Type: typ}
			l := q.known[key]
			if l == nil {
				missing = append(missing, key)
			}
			return l
		})
		if len(missing) == 0 {
			return nil
		}
		for _, m := range missing {
			if _, err := q.ask(ctx, m.Name, m.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// failed lists the questions that brought no answer, by name.
func (q *questions) failed() []*evidence.Lookup {
	var list []*evidence.Lookup
	for _, l := range slices.SortedFunc(maps.Values(q.known), func(a, b *evidence.Lookup) int {
		return strings.Compare(a.Name+" "+a.Type, b.Name+" "+b.Type)
	}) {
		if l.Unknown() && l.Outcome != evidence.OutcomeBadName {
			list = append(list, l)
		}
	}
	return list
}
