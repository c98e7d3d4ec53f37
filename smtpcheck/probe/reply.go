package probe

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"mailvet/report/evidence"
)

// Limits of one reply. RFC 5321, Section 4.5.3.1.5 allows lines of 512 octets;
// servers are known to send longer ones.
const (
	maxLine  = 2048
	maxLines = 100
	maxReply = 16 << 10
	// maxShown is how much of a line that is too long goes into the transcript.
	maxShown = 256
)

// errTooLarge: the server sent more than is read.
var errTooLarge = errors.New("more than is read")

// syntaxError: the server sent what is no reply.
type syntaxError struct{ line string }

func (e syntaxError) Error() string {
	return fmt.Sprintf("not a reply: %s", e.line)
}

// readReply reads a whole reply (RFC 5321, Section 4.2), of one line or many.
// Lines may end with LF alone. Of lines with different codes the last counts.
// Every line is shown to seen as it comes, also one that ends the reading.
// The texts are valid UTF-8. The reader's buffer must be of maxLine octets.
func readReply(r *bufio.Reader, seen func(line string)) (*evidence.Reply, error) {
	var reply evidence.Reply
	size := 0
	for {
		raw, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			seen(printable(string(raw[:maxShown])))
			return nil, fmt.Errorf("a line of over %d octets: %w", maxLine, errTooLarge)
		}
		if err != nil {
			if len(raw) > 0 {
				seen(printable(string(raw[:min(len(raw), maxShown)])))
			}
			return nil, err
		}
		size += len(raw)
		line := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
		seen(printable(line))
		code, text, last, ok := parseLine(line)
		if !ok {
			return nil, syntaxError{printable(line[:min(len(line), maxShown)])}
		}
		reply.Code = code
		reply.Lines = append(reply.Lines, printable(text))
		switch {
		case last:
			return &reply, nil
		case len(reply.Lines) >= maxLines, size >= maxReply:
			return nil, fmt.Errorf("a reply of over %d lines or %d octets: %w", maxLines, maxReply, errTooLarge)
		}
	}
}

// parseLine takes a reply line apart: three digits, and unless the line ends
// there a hyphen (more lines follow) or a space.
func parseLine(line string) (code int, text string, last, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' {
		return 0, "", false, false
	}
	for _, c := range []byte(line[:3]) {
		if c < '0' || c > '9' {
			return 0, "", false, false
		}
		code = code*10 + int(c-'0')
	}
	switch {
	case len(line) == 3:
		return code, "", true, true
	case line[3] == ' ' || line[3] == '-':
		return code, line[4:], line[3] == ' ', true
	}
	return 0, "", false, false
}

// extensions are the lines of an EHLO reply after the first, each with its
// keyword in upper case (RFC 5321, Section 4.1.1.1: keywords are
// case-insensitive).
func extensions(hello *evidence.Reply) []string {
	var list []string
	for _, line := range hello.Lines[1:] {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		fields[0] = strings.ToUpper(fields[0])
		list = append(list, strings.Join(fields, " "))
	}
	return list
}

// offers reports whether a keyword is among the extensions. The parameters
// after a keyword do not matter.
func offers(extensions []string, keyword string) bool {
	for _, line := range extensions {
		if k, _, _ := strings.Cut(line, " "); k == keyword {
			return true
		}
	}
	return false
}

// printable makes text valid UTF-8: every octet that is not part of it becomes
// \xNN. Control characters stay, they are the reader's to escape.
func printable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}
