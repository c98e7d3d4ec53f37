package message_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"mailvet/dnscheck/message"
)

func TestOdd(t *testing.T) {
	good := sign(t, plain, dkim.SignOptions{Domain: "a.test"})
	tests := []struct {
		name, msg string
		note      string // a part of one of the notes; empty for none at all
		err       error
	}{
		{"nothing", good, "", nil},
		{"LF alone", strings.ReplaceAll(good, "\r\n", "\n"), "", nil},
		{"mixed", strings.Replace(good, "\r\n", "\n", 3), "Line ends are mixed", nil},
		{"mbox", "From a\n" + good, "mbox", nil},
		{"a line without colon", "hello\r\n" + good, "no fields (1)", nil},
		{"a name with a space", "X y: z\r\n" + good, "no fields (1)", nil},
		{"begins with a continuation", " x\r\n" + good, "no fields (1)", nil},
		{"no end of the header", "From: ann@a.test\r\nTo: x", "ends within its header", nil},
		{"no body", "From: ann@a.test\r\n\r\n", "", nil},
		{"NUL", good + "\x00", "NUL", nil},
		{"8 bit", good + "\xff\xfe", "beyond ASCII", nil},
		{"carriage returns", good + "a\rb", "carriage returns without a line feed (1)", nil},
		{"a long line", good + strings.Repeat("x", 1000), "lines of more than 998", nil},
		{"two From fields", "From: b@b.test\r\n" + good, "2 From fields", nil},
		{"empty", "", "", message.ErrHeader},
		{"only line ends", "\r\n\r\n", "", message.ErrHeader},
		{"no message", "hello world\nhow are you\n", "", message.ErrHeader},
		{"a large header", "X: " + strings.Repeat("x", 2<<20) + "\r\n" + good, "", message.ErrHeader},
		{"many fields", strings.Repeat("X:\r\n", 6000) + good, "", message.ErrHeader},
		{"a large message", good + strings.Repeat("x\r\n", 4<<20), "", message.ErrTooLarge},
		{"many empty lines", good + strings.Repeat("\r\n", 1<<20), "", nil},
		{"many empty lines within", good + strings.Repeat("\r\n", 1<<20) + "x", "", message.ErrBlank},
		{"many empty lines, then a space", good + strings.Repeat("\r\n", 1<<20) + " ", "", message.ErrBlank},
		{"many lines of spaces", good + strings.Repeat(" \r\n", 1<<20), "", message.ErrBlank},
		{"many carriage returns", good + strings.Repeat("\r", 1<<20), "", message.ErrBlank},
		{"many empty lines and a carriage return", good + strings.Repeat("\n", 1<<20) + "\r", "", message.ErrBlank},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, small := range []bool{false, true} {
				if small && len(tt.msg) > 10_000 {
					continue
				}
				j := message.Judge{Resolver: world(t), Time: time.Now(), MaxSize: 10 << 20}
				var in io.Reader = strings.NewReader(tt.msg)
				if small {
					in = iotest.OneByteReader(in)
				}
				res, err := j.Judge(t.Context(), in)
				if !errors.Is(err, tt.err) {
					t.Fatalf("%v, want %v", err, tt.err)
				}
				if err != nil {
					if len(err.Error()) > 200 {
						t.Errorf("an error of %d octets", len(err.Error()))
					}
					continue
				}
				notes := strings.Join(res.Notes, "\n")
				if tt.note == "" && notes != "" || !strings.Contains(notes, tt.note) {
					t.Errorf("%q, want %q", notes, tt.note)
				}
				if res.Size != int64(len(tt.msg)) {
					t.Errorf("%d octets, want %d", res.Size, len(tt.msg))
				}
				if strings.HasPrefix(tt.name, "many empty") || tt.name == "LF alone" || tt.name == "mixed" || tt.name == "mbox" {
					if s := res.Signatures[0]; s.Reason != message.ReasonVerified {
						t.Errorf("the signature is %s", s.Reason)
					}
				}
			}
		})
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	good := sign(t, plain, dkim.SignOptions{Domain: "a.test"})
	for _, n := range []int{0, 100, len(good) - 5} {
		j := message.Judge{Resolver: world(t), Time: time.Now()}
		_, err := j.Judge(t.Context(), io.MultiReader(strings.NewReader(good[:n]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("after %d octets: %v", n, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j := message.Judge{Resolver: world(t), Time: time.Now(), From: "ann@a.test"}
	if _, err := j.Judge(ctx, strings.NewReader(plain)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Where the time runs out the result is temperror, not an error.
func TestOutOfTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	j := message.Judge{Resolver: world(t), Time: time.Now()}
	res, err := j.Judge(ctx, strings.NewReader(sign(t, plain, dkim.SignOptions{Domain: "a.test"})))
	if err != nil {
		t.Fatal(err)
	}
	if s, d := res.Signatures[0], res.DMARC[0]; s.Result != message.ResultTempError || d.Result != message.ResultTempError || len(res.Failed) == 0 {
		t.Errorf("%s %s %v", s.Result, d.Result, res.Failed)
	}
}

// stream is a body of n octets that is nowhere in memory.
func stream(n int64) io.Reader {
	return io.LimitReader(&repeat{text: []byte("All work and no play makes Jack a dull boy.\r\n")}, n)
}

type repeat struct {
	text []byte
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

// Memory does not grow with the message, also where all signatures read it.
func TestMemory(t *testing.T) {
	msg := plain
	for range 3 {
		msg = sign(t, msg, dkim.SignOptions{Domain: "a.test", HeaderKeys: []string{"From"}, BodyCanonicalization: dkim.CanonicalizationRelaxed})
	}
	grown := func(n int64) uint64 {
		j := message.Judge{Resolver: world(t), Time: time.Now()}
		var peak uint64
		watch := &watched{Reader: io.MultiReader(strings.NewReader(msg), stream(n)), peak: &peak}
		if _, err := j.Judge(t.Context(), watch); err != nil {
			t.Fatal(err)
		}
		return peak
	}
	small, large := grown(1<<20), grown(16<<20)
	t.Logf("live memory at most %d KiB with 1 MiB, %d KiB with 16 MiB", small>>10, large>>10)
	if large > small+4<<20 {
		t.Errorf("live memory grew from %d to %d octets", small, large)
	}
}

// watched notes the live memory every few megabytes.
type watched struct {
	io.Reader
	n    int
	peak *uint64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if before := w.n; before>>22 != (w.n+n)>>22 || before == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		*w.peak = max(*w.peak, m.HeapAlloc)
	}
	w.n += n
	return n, err
}

func BenchmarkJudge(b *testing.B) {
	msg := sign(b, plain, dkim.SignOptions{Domain: "a.test"})
	const size = 4 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		j := message.Judge{Resolver: world(b), Time: time.Now()}
		if _, err := j.Judge(b.Context(), io.MultiReader(strings.NewReader(msg), stream(size))); err != nil {
			b.Fatal(err)
		}
	}
}
