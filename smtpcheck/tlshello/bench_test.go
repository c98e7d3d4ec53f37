package tlshello_test

import (
	"bytes"
	"testing"

	"mailvet/smtpcheck/tlshello"
)

func BenchmarkHello(b *testing.B) {
	o := tlshello.AskAllBut(tlshello.TLS12)
	random := make([]byte, 72)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Marshal(bytes.NewReader(random)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAsk(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		tlshello.Ask(tlshello.TLS12)
	}
}

func BenchmarkFlight(b *testing.B) {
	flight := recorded(b, "ssl30-dhe-export")
	b.SetBytes(int64(len(flight)))
	b.ReportAllocs()
	for b.Loop() {
		if a := tlshello.ReadFlight(flight, false); a.Outcome != tlshello.Accepted {
			b.Fatal(a)
		}
	}
}

// BenchmarkDrip is a flight that comes octet by octet.
func BenchmarkDrip(b *testing.B) {
	flight := recorded(b, "ssl30-dhe-export")
	b.SetBytes(int64(len(flight)))
	b.ReportAllocs()
	for b.Loop() {
		var r tlshello.Reader
		for i := range flight {
			r.Feed(flight[i : i+1])
		}
		if r.Answer().Outcome != tlshello.Accepted {
			b.Fatal(r.Answer())
		}
	}
}

// BenchmarkEndless is the most that a hostile server can make us do.
func BenchmarkEndless(b *testing.B) {
	endless := bytes.Repeat(recordOf(22), tlshello.MaxFlight/5+1)
	b.SetBytes(int64(len(endless)))
	b.ReportAllocs()
	for b.Loop() {
		if a := tlshello.ReadFlight(endless, false); a.Outcome != tlshello.Malformed {
			b.Fatal(a)
		}
	}
}
