package evidence_test

import (
	"sync"
	"testing"

	"mailvet/report/evidence"
)

type squareKey int

func TestMemo(t *testing.T) {
	calls := 0
	square := func(m *evidence.Memo, n int) int {
		return evidence.Remember(m, squareKey(n), func() int { calls++; return n * n })
	}
	var m evidence.Memo
	for range 3 {
		if got := square(&m, 7); got != 49 || calls != 1 {
			t.Fatalf("%d after %d calls", got, calls)
		}
	}
	if got := square(nil, 7); got != 49 || calls != 2 {
		t.Errorf("without a memo: %d after %d calls", got, calls)
	}
	// What is wanted again and again stays, the rest goes: the memo is bounded.
	const n = 5 * evidence.MaxMemo
	for i := range n {
		square(&m, 1000+i)
		square(&m, 7)
	}
	if calls != 2+n {
		t.Errorf("%d calls, want %d", calls, 2+n)
	}
	calls = 0
	for i := range n {
		square(&m, 1000+n-1-i)
	}
	if calls < n-2*evidence.MaxMemo {
		t.Errorf("%d of %d were remembered, and the bound is %d", n-calls, n, 2*evidence.MaxMemo)
	}
}

// Views of snapshots that share a memo hand it on, and other snapshots have none.
func TestShare(t *testing.T) {
	var m evidence.Memo
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			s := new(evidence.Snapshot)
			s.Share(&m)
			view := s.Frozen()
			for n := range 100 {
				if got := evidence.Remember(view.Memo(), squareKey(n), func() int { return n * n }); got != n*n {
					t.Errorf("%d: %d is no square of %d", i, got, n)
				}
			}
		})
	}
	group.Wait()
	if new(evidence.Snapshot).Memo() != nil {
		t.Error("a snapshot has a memo that nobody gave it")
	}
}
