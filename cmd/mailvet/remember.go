package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
	"mailvet/smtpcheck/probe/spill"
)

// errRoom: what was remembered was given up.
var errRoom = errors.New("the disk is full, and the results go first")

// rememberProbes gives the prober of a list a temporary file for what it found
// out and has no room for in memory, beside the results if these are in a file:
// there is room there, and it may be the disk that has most. A run goes on
// without; failed is told why, also while results are written, and must not wait
// for these. When the results need the room they get it.
func rememberProbes(s *scanner.Scanner, out *sink, failed func(error)) *spill.File {
	tell := func(err error) {
		failed(fmt.Errorf("mail servers are not remembered any more beyond the last %d, others are probed again: %w", probe.DefaultRemember, err))
	}
	f := &spill.File{Failed: tell}
	for _, w := range out.files {
		if st, err := w.f.Stat(); err == nil && st.Mode().IsRegular() {
			f.Dirs = append(f.Dirs, filepath.Dir(w.f.Name()))
			break
		}
	}
	f.Dirs = append(f.Dirs, "/var/tmp", os.TempDir()) // the latter may be memory
	if p, ok := s.Prober.(*probe.Prober); ok && p != nil {
		p.Store = f
	}
	for _, w := range out.files {
		w.spare = func() bool {
			had := f.Release()
			if had {
				tell(errRoom)
			}
			return had
		}
	}
	return f
}
