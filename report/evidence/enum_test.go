package evidence_test

import (
	"encoding"
	"fmt"
	"testing"

	"mailvet/report/evidence"
)

// enum holds a closed set to its contract: every value has a text of its own
// that reads back as itself, the zero value is "unknown", the value after the
// last is outside.
func enum[T interface {
	~uint8
	fmt.Stringer
	encoding.TextMarshaler
}, P interface {
	*T
	encoding.TextUnmarshaler
}](t *testing.T, last T) {
	t.Helper()
	if T(0).String() != "unknown" {
		t.Errorf("%T: the zero value is %q", last, T(0))
	}
	seen := map[string]bool{}
	for v := range last + 1 {
		b, err := v.MarshalText()
		var back T
		if err != nil || string(b) != v.String() || seen[string(b)] || P(&back).UnmarshalText(b) != nil || back != v {
			t.Errorf("%T %d: %q reads as %d (%v)", last, v, b, back, err)
		}
		seen[string(b)] = true
	}
	for _, bad := range []string{"", "nonsense", "Unknown", " unknown"} {
		var v T
		if err := P(&v).UnmarshalText([]byte(bad)); err == nil || v != 0 {
			t.Errorf("%T: %q is accepted as %v", last, bad, v)
		}
	}
	defer func() {
		if recover() == nil {
			t.Errorf("%T: there is a value after %v", last, last)
		}
	}()
	_ = (last + 1).String()
}

func TestEnums(t *testing.T) {
	enum(t, evidence.OutcomeLoop)
	enum(t, evidence.SecurityIndeterminate)
	enum(t, evidence.OpFetch)
	enum(t, evidence.ClassBadInput)
	enum(t, evidence.Missing)
	enum(t, evidence.ValidationOff)
	enum(t, evidence.NotReached)
	enum(t, evidence.StartTLSStarted)
	enum(t, evidence.Untrusted)
	enum(t, evidence.NotAskable)
	enum(t, evidence.PreferenceClient)
	enum(t, evidence.SourceEmpty)
	enum(t, evidence.RouteValid)
	enum(t, evidence.ReasonLength)
	enum(t, evidence.CertificateUntrusted)
}

func TestFailure(t *testing.T) {
	var none *evidence.Failure
	if none.Temporary() || none.Error() != "no failure" {
		t.Errorf("no failure: %v %q", none.Temporary(), none.Error())
	}
	temporary := map[evidence.Class]bool{
		evidence.ClassUnknown: true, evidence.ClassTimeout: true, evidence.ClassReset: true, evidence.ClassClosed: true,
		evidence.ClassTemporary: true, evidence.ClassBudget: true, evidence.ClassCancelled: true,
	}
	for c := range evidence.ClassBadInput + 1 {
		if f := (&evidence.Failure{Class: c}); f.Temporary() != temporary[c] {
			t.Errorf("%s: temporary is %v", c, f.Temporary())
		}
	}
	f := &evidence.Failure{Op: evidence.OpDial, Class: evidence.ClassRefused}
	if f.Error() != "dial: refused" {
		t.Error(f.Error())
	}
	if f.Text = "port 25"; f.Error() != "dial: refused (port 25)" {
		t.Error(f.Error())
	}
}
