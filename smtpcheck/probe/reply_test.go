package probe

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"mailvet/report/evidence"
)

func read(text string) (*evidence.Reply, []string, error) {
	var seen []string
	r := bufio.NewReaderSize(strings.NewReader(text), maxLine)
	reply, err := readReply(r, func(line string) { seen = append(seen, line) })
	return reply, seen, err
}

func TestReadReply(t *testing.T) {
	for _, test := range []struct {
		name, text string
		code       int
		lines      []string
		err        error // nil: none; syntaxError{}: any such
	}{
		{"one line", "220 mx ESMTP\r\n", 220, []string{"mx ESMTP"}, nil},
		{"many lines", "250-mx\r\n250-SIZE 5\r\n250 STARTTLS\r\n", 250, []string{"mx", "SIZE 5", "STARTTLS"}, nil},
		{"code alone", "250\r\n", 250, []string{""}, nil},
		{"empty text", "250-\r\n250 \r\n", 250, []string{"", ""}, nil},
		{"LF alone", "250-mx\n250 ok\n", 250, []string{"mx", "ok"}, nil},
		{"CR within", "250 a\rb\r\n", 250, []string{"a\rb"}, nil},
		{"the last code counts", "250-mx\r\n421 busy\r\n", 421, []string{"mx", "busy"}, nil},
		{"what follows stays", "250 ok\r\n250 injected\r\n", 250, []string{"ok"}, nil},
		{"not UTF-8", "220 caf\xe9 \xff\r\n", 220, []string{`caf\xe9 \xff`}, nil},
		{"UTF-8 and controls", "220 café \x1b[31m\r\n", 220, []string{"café \x1b[31m"}, nil},
		{"longest line", "220 " + strings.Repeat("x", maxLine-6) + "\r\n", 220, []string{strings.Repeat("x", maxLine-6)}, nil},
		{"too long", "220 " + strings.Repeat("x", maxLine) + "\r\n", 0, nil, errTooLarge},
		{"most lines", strings.Repeat("250-\r\n", maxLines-1) + "250 \r\n", 250, make([]string, maxLines), nil},
		{"too many lines", strings.Repeat("250-\r\n", maxLines) + "250 \r\n", 0, nil, errTooLarge},
		{"too many octets", strings.Repeat("250-"+strings.Repeat("x", 1000)+"\r\n", 20), 0, nil, errTooLarge},
		{"empty", "", 0, nil, io.EOF},
		{"cut within a line", "220 mx", 0, nil, io.EOF},
		{"cut between lines", "220-mx\r\n", 0, nil, io.EOF},
		{"empty line", "\r\n", 0, nil, syntaxError{}},
		{"no code", "hello\r\n", 0, nil, syntaxError{}},
		{"two digits", "25\r\n", 0, nil, syntaxError{}},
		{"four digits", "2500 x\r\n", 0, nil, syntaxError{}},
		{"no such class", "150 x\r\n", 0, nil, syntaxError{}},
		{"letter in the code", "2a0 x\r\n", 0, nil, syntaxError{}},
		{"wrong separator", "250+x\r\n", 0, nil, syntaxError{}},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n", 0, nil, syntaxError{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			reply, seen, err := read(test.text)
			if want := (syntaxError{}); errors.As(test.err, &want) {
				if !errors.As(err, &want) || len(seen) == 0 {
					t.Errorf("%v, seen %q", err, seen)
				}
				return
			}
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err == nil && (reply.Code != test.code || !slices.Equal(reply.Lines, test.lines)) {
				t.Errorf("%+v", reply)
			}
		})
	}
}

// Whatever comes is refused or understood, in bounds; and what is understood
// means the same when it is written again.
func FuzzReadReply(f *testing.F) {
	for _, s := range []string{
		"220 mx ESMTP\r\n", "250-mx\r\n250 STARTTLS\r\n", "421\n", "250-\xff\x00\r\n250 x\r\n", "250-a\r\n250", "", "250+\r\n",
		"250-mx\r\n250-starttls  now\r\n250 AUTH=LOGIN\r\n", strings.Repeat("250-x\r\n", 200), "220 " + strings.Repeat("y", 5000),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reply, seen, err := read(text)
		for _, s := range seen {
			if !utf8.ValidString(s) || len(s) > 4*maxLine {
				t.Errorf("seen %q", s)
			}
		}
		if err != nil {
			return
		}
		if len(seen) != len(reply.Lines) || len(seen) > maxLines {
			t.Errorf("%d lines seen, %d in the reply", len(seen), len(reply.Lines))
		}
		var b strings.Builder
		for i, line := range reply.Lines {
			sep := "-"
			if i == len(reply.Lines)-1 {
				sep = " "
			}
			b.WriteString(strconv.Itoa(reply.Code) + sep + line + "\r\n")
		}
		// Escaping makes lines longer, and a line may end with CR.
		if again, _, err := read(b.String()); err == nil && (again.Code != reply.Code || len(again.Lines) != len(reply.Lines)) {
			t.Errorf("%+v became %+v", reply, again)
		} else if err != nil && !errors.Is(err, errTooLarge) {
			t.Errorf("%q: %v", b.String(), err)
		}
		for _, x := range extensions(reply) {
			if x == "" || strings.TrimSpace(x) != x {
				t.Errorf("extension %q", x)
			}
		}
	})
}
