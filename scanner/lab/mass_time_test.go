package lab_test

import (
	"testing"
	"testing/synctest"
	"time"

	"mailvet/scanner/lab"
)

// Bounds of the fake time that a list takes with 30 ms for each answer of the
// DNS and of mail servers: the probes of the providers' addresses, which are
// the same for any list, and each domain's share beside them.
const (
	massLatency  = 30 * time.Millisecond
	massProbes   = 40 * time.Second
	massDomain   = 26 * time.Millisecond // 10,000 domains in 5 minutes, the probes included
	massTimeTest = 100
)

// TestMassTime scans a list of 100 domains, or as many as -mass says if that
// was given, at the default limits.
func TestMassTime(t *testing.T) {
	n := massTimeTest
	if *massDomains != massDefault {
		n = *massDomains
	}
	synctest.Test(t, func(t *testing.T) {
		l := mass(t, n, lab.Options{Latency: massLatency})
		c := runMass(t, l.Scanner(), n, 0)
		t.Logf("%d domains: %s of fake time, %.1f questions and %.2f connections a domain, %s of CPU", n, c.wall,
			float64(c.questions)/float64(n), float64(c.connections)/float64(n), c.cpu)
		if most := massProbes + time.Duration(n)*massDomain; c.wall > most {
			t.Errorf("%d domains took %s, want at most %s", n, c.wall, most)
		}
	})
}
