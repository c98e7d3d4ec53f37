package realmail_test

import (
	"net/netip"
	"testing"
	"time"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/smtptest"
)

// TestInjection: mail servers as they are today do not obey a command that came
// in the clear behind STARTTLS, and the trial finds them sound.
func TestInjection(t *testing.T) {
	root(t)
	for network, m := range map[byte]mailServer{26: &postfix{}, 27: &exim{}} {
		t.Run(m.name(), func(t *testing.T) {
			now := time.Now()
			ca := smtptest.NewCA("Real", now)
			domain := "injection." + m.name() + ".test"
			h := &host{testCase{label: "injection", tlsa: right}, domain, "mx." + domain, netip.AddrFrom4([4]byte{127, network, 25, 1})}
			port := begin(t, m, ca, []*host{h})
			s := scannerFor(t, publish(t, now, ca, port, []*host{h}), ca, port)
			s.Prober.(*probe.Prober).TestInjection = true
			snap, err := s.Scan(t.Context(), h.domain)
			if err != nil {
				t.Fatal(err)
			}
			if len(snap.Sessions) != 1 || snap.Sessions[0].Injection == nil || snap.Sessions[0].Injection.Answer != evidence.Refused {
				t.Fatalf("the trial: %+v", snap.Sessions)
			}
			f := findings(snap, h.name)["starttls-injection"]
			if f.Code == nil || f.Code.Name != "discarded" {
				t.Errorf("%v, %v", f.Code, f.Args)
			}
			t.Logf("%+v", f.Args)
		})
	}
}
