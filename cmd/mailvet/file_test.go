package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stored is a file with these octets, opened to go on behind what is whole.
func stored(t testing.TB, data []byte) *wholeFile {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out.jsonl")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := createFile(name, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// content is what is in the file.
func content(t testing.TB, f *wholeFile) []byte {
	t.Helper()
	data, err := os.ReadFile(f.f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unparsed parses nothing.
func unparsed([]byte) (struct{}, error) { return struct{}{}, nil }

// valid is what a message must be at least.
func valid(m *parsed[struct{}]) (bool, error) {
	if !json.Valid(m.line) {
		return false, errors.New("no JSON")
	}
	return true, nil
}

// Wherever a file is torn, in a character or between two, whole messages stay,
// and what is written next stands behind them.
func TestRecoverTorn(t *testing.T) {
	messages := []string{"{\"domain\":\"a.test\",\"text\":\"bücher\"}\n", "{\"domain\":\"b.test\",\"text\":\"☃\"}\n", "{\"domain\":\"c.test\"}\n"}
	whole := strings.Join(messages, "")
	for _, tail := range []string{"", "\x00", strings.Repeat("\x00", 5000), strings.Repeat("\x00", 5000) + "\n", "\n", "x\n", "\xe2\x98\n"} {
		for at := range len(whole) + 1 {
			data := whole[:at] + tail
			if tail == "\n" && at > 0 && whole[at-1] == '}' {
				continue // then it was not torn
			}
			var got []string
			f := stored(t, []byte(data))
			err := recoverFile(t.Context(), f, unparsed, func(m *parsed[struct{}]) (bool, error) {
				keep, err := valid(m)
				if keep {
					got = append(got, string(m.line))
				}
				return keep, err
			})
			n := strings.Count(whole[:at], "\n")
			if err != nil || len(got) != n || string(content(t, f)) != strings.Join(messages[:n], "") {
				t.Fatalf("torn at %d, with %q behind: %q left, %d messages, %v", at, tail, content(t, f), len(got), err)
			}
			if _, err := f.Write([]byte("next\n")); err != nil || !bytes.HasSuffix(content(t, f), []byte("next\n")) || len(content(t, f)) != int(f.good) {
				t.Fatalf("torn at %d: %q after a write, %v", at, content(t, f), err)
			}
			_ = f.Close()
		}
	}
}

// What is damaged in the middle is left as it is, and told where.
func TestRecoverDamaged(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{"x\n{}\n", "line 1: it does not hold results"},
		{"{}\n{}\n\x00\x00\n{}\n", "line 3 is damaged; to go on from there, keep the lines before it: head -n 2"},
		{"{}\n" + strings.Repeat("\x00", 100) + "{}\n{}\n", "line 2 is damaged"},
	} {
		f := stored(t, []byte(test.data))
		err := recoverFile(t.Context(), f, unparsed, valid)
		if err == nil || !strings.Contains(err.Error(), test.want) || string(content(t, f)) != test.data {
			t.Errorf("%q: %v, %q", test.data, err, content(t, f))
		}
	}
}

// An interrupt while it is read ends that, and the file stays as it is, torn.
func TestRecoverInterrupted(t *testing.T) {
	data := strings.Repeat("{}\n", 10_000) + "{"
	f := stored(t, []byte(data))
	ctx, interrupt := context.WithCancel(t.Context())
	n := 0
	err := recoverFile(ctx, f, unparsed, func(*parsed[struct{}]) (bool, error) {
		if n++; n == 5 {
			interrupt()
		}
		return true, nil
	})
	if n != 5 || !errors.Is(err, errReading) || string(content(t, f)) != data {
		t.Errorf("%d lines, %v, %d octets of %d", n, err, len(content(t, f)), len(data))
	}
}

// Whatever a file holds, what stays of it are its first lines, each whole, or
// it stays as it is; the same again changes nothing.
func FuzzRecover(f *testing.F) {
	for _, s := range []string{"", "{}\n", "{}\n{", "{}\n\x00\x00", "{}\n\n", "x", "x\n", "{}\n[1]\nnull\n", "{\"a\":\"\xff\"}\n{}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w := stored(t, data)
		n := 0
		err := recoverFile(t.Context(), w, unparsed, func(m *parsed[struct{}]) (bool, error) {
			keep, err := valid(m)
			if keep {
				n++
			}
			return keep, err
		})
		left := content(t, w)
		switch {
		case err != nil && !bytes.Equal(left, data):
			t.Errorf("%v, and yet %q became %q", err, data, left)
		case err == nil && (!bytes.HasPrefix(data, left) || bytes.Count(left, []byte("\n")) != n || n > 0 && left[len(left)-1] != '\n'):
			t.Errorf("%q became %q with %d messages", data, left, n)
		case err == nil:
			again := stored(t, left)
			if err := recoverFile(t.Context(), again, unparsed, valid); err != nil || !bytes.Equal(content(t, again), left) {
				t.Errorf("%q became %q at the second time, %v", left, content(t, again), err)
			}
		}
	})
}

// One file is written by one run; it is not even emptied by another.
func TestInUse(t *testing.T) {
	f := stored(t, []byte("{}\n"))
	other, err := os.OpenFile(f.f.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	free := lock(other)
	other.Close()
	if free {
		t.Skip("needs a file system with locks")
	}
	for _, resume := range []bool{false, true} {
		if _, err := createFile(f.f.Name(), resume); !errors.Is(err, errInUse) || string(content(t, f)) != "{}\n" {
			t.Errorf("resume %v: %v, %q", resume, err, content(t, f))
		}
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"merge", os.DevNull, "-o", f.f.Name()}, streams{nil, &out, &errs}); code != exitFailed || !strings.Contains(errs.String(), "another run is writing to it") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	_ = f.Close()
	again, err := createFile(f.f.Name(), false)
	if err != nil || fmt.Sprint(len(content(t, again))) != "0" {
		t.Errorf("when that one is done: %v", err)
	}
	_ = again.Close()
}
