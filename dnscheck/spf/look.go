package spf

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mailvet/report/evidence"
)

// Bounds of Look: questions in all, and at once.
const (
	MaxQuestions = 500
	atOnce       = 8
)

// Look surveys the policy of a domain and asks r what it needs for that. When
// ctx's time runs out, or after [MaxQuestions], the survey is what is known by
// then, with what is Missing. The error says that ctx was cancelled, or that
// the resolver cannot be used. r must allow several questions at once.
func Look(ctx context.Context, r Resolver, domain string) (*Survey, error) {
	known := map[evidence.Question]*evidence.Lookup{}
	src := func(name, typ string) *evidence.Lookup { return known[evidence.Question{Name: name, Type: typ}] }
	for {
		s := NewSurvey(src, domain)
		want := s.Missing[:min(len(s.Missing), MaxQuestions-len(known))]
		if len(want) == 0 {
			return s, nil
		}
		answers, err := askAll(ctx, r, want)
		for q, l := range answers {
			known[q] = l
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return NewSurvey(src, domain), nil
		}
		if err != nil {
			return nil, fmt.Errorf("spf: look at %s: %w", domain, err)
		}
	}
}

// askAll asks several questions at once. Beside an error it returns the
// answers that came.
func askAll(ctx context.Context, r Resolver, questions []evidence.Question) (map[evidence.Question]*evidence.Lookup, error) {
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		answers = map[evidence.Question]*evidence.Lookup{}
		first   error
		slots   = make(chan struct{}, atOnce)
	)
	for _, q := range questions {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			l, err := r.Lookup(ctx, q.Name, q.Type)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				answers[q] = &l
			} else if first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	return answers, first
}
