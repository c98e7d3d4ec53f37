package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// wholeFile is a file of messages, one for each write. A message of which only
// a part could be written, because the disk is full, is taken back: what is
// there stays whole.
type wholeFile struct {
	f    *os.File
	good int64 // octets of whole messages
	// spare, if not nil, makes room on the disk, if it can.
	spare func() bool
}

// errInUse: another run writes to the file.
var errInUse = errors.New("another run is writing to it; wait for its end, or give another file")

// createFile empties the file, or with resume goes on at its end. It is this
// process's alone until it is closed: what two runs write at once is lost.
func createFile(name string, resume bool) (*wholeFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.Mode().IsRegular() {
		if !lock(f) {
			err = &fs.PathError{Op: "open", Path: name, Err: errInUse}
		} else if !resume {
			err = f.Truncate(0)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &wholeFile{f: f}, nil
}

func (w *wholeFile) Write(b []byte) (int, error) {
	for {
		n, err := w.f.Write(b)
		if err == nil {
			w.good += int64(n)
			return n, nil
		}
		st, serr := w.f.Stat()
		if serr != nil || !st.Mode().IsRegular() || w.f.Truncate(w.good) != nil {
			return 0, err
		}
		if _, serr := w.f.Seek(w.good, io.SeekStart); serr != nil || w.spare == nil || !w.spare() {
			return 0, err
		}
	}
}

func (w *wholeFile) Close() error { return w.f.Close() }

// errNotResults: a file that --resume was given is something else.
var errNotResults = errors.New("it does not hold results in JSON Lines")

// errReading: a file of results stays as it is.
var errReading = errors.New("interrupted while it was read; nothing was changed, and the same command goes on from there")

// recoverFile reads the whole messages of a file that an earlier run left, and
// cuts off what is torn behind them. Each line is parsed, see [messages], and
// given to each, which must return an error for one that is not JSON; a message
// for which that returns false is cut off, too, if it is the last.
func recoverFile[T any](ctx context.Context, w *wholeFile, parse func([]byte) (T, error), each func(*parsed[T]) (keep bool, err error)) error {
	var at, good int64
	dropped := false
	for m := range messages(w.f, parse) {
		if ctx.Err() != nil {
			return errReading
		}
		at += int64(len(m.line))
		if m.err != nil && m.err != io.EOF {
			return fmt.Errorf("line %d: %w", m.n, m.err)
		}
		if m.err == io.EOF {
			break // without a line end it is torn
		}
		keep, err := each(m)
		if err != nil && !json.Valid(m.line) { // asked only now, for it takes as long as to read it
			if m.last {
				break // a crash of the machine may leave more than half a line
			}
			if m.n > 1 {
				return fmt.Errorf("line %d is damaged; to go on from there, keep the lines before it: head -n %d", m.n, m.n-1)
			}
			err = errNotResults
		}
		switch {
		case err != nil:
			return fmt.Errorf("line %d: %w", m.n, err)
		case keep && dropped:
			return fmt.Errorf("line %d: %w: there is something behind the summary", m.n, errNotResults)
		case keep:
			good = at
		default:
			dropped = true
		}
	}
	w.good = good
	if st, err := w.f.Stat(); err == nil && st.Mode().IsRegular() {
		if err := w.f.Truncate(good); err != nil {
			return err
		}
	}
	_, err := w.f.Seek(good, io.SeekStart)
	return err
}
