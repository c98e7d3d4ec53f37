package lab_test

import (
	"math"
	"testing"
	"testing/synctest"

	"mailvet/scanner/lab"
	"mailvet/smtpcheck/probe"
)

// TestMassLinear: however long the list, a further domain costs the same. What
// the providers' servers cost once is left out by taking differences.
func TestMassLinear(t *testing.T) {
	const (
		step      = 40
		tolerance = 0.15
	)
	measure := func(n int) (c massCost) {
		synctest.Test(t, func(t *testing.T) { // which spares the pauses of politeness
			s := mass(t, n, lab.Options{}).Scanner()
			s.Prober.(*probe.Prober).HandshakeOnly = true // the same however long the list
			c = runMass(t, s, n, 0)
		})
		return c
	}
	measure(step) // for what libraries make once in a process
	var runs [3]massCost
	for i := range runs {
		runs[i] = measure(step << i)
	}
	for what, of := range map[string]func(massCost) float64{
		"allocations": func(c massCost) float64 { return float64(c.allocs) },
		"questions":   func(c massCost) float64 { return float64(c.questions) },
		"output":      func(c massCost) float64 { return float64(c.output) },
	} {
		early, late := (of(runs[1])-of(runs[0]))/step, (of(runs[2])-of(runs[1]))/(2*step)
		t.Logf("%s: %.1f for a domain of %d, %.1f for one of %d", what, early, 2*step, late, 4*step)
		if math.Abs(late/early-1) > tolerance {
			t.Errorf("%s: a domain costs %.1f in a list of %d, and %.1f in one of %d", what, early, 2*step, late, 4*step)
		}
	}
	if a, b := runs[0].connections, runs[2].connections; a != b {
		t.Errorf("%d connections for %d domains, and %d for %d with the same providers", a, step, b, 4*step)
	}
}
