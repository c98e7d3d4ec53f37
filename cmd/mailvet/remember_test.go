package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailvet/scanner"
	"mailvet/smtpcheck/probe"
)

// TestRememberProbes: what is remembered is beside the results, under no name
// that would stay, and makes room for them when the disk is full.
func TestRememberProbes(t *testing.T) {
	dir := t.TempDir()
	o := &options{output: filepath.Join(dir, "out.jsonl"), format: "jsonl"}
	out, err := newSink(t.Context(), o, streams{nil, io.Discard, io.Discard}, true)
	if err != nil {
		t.Fatal(err)
	}
	p := &probe.Prober{}
	var told []string
	f := rememberProbes(&scanner.Scanner{Prober: p}, out, func(err error) { told = append(told, err.Error()) })
	defer f.Close()
	if !slices.Equal(f.Dirs, []string{dir, "/var/tmp", os.TempDir()}) {
		t.Errorf("made in %q", f.Dirs)
	}
	p.Store.Put("key", []byte("value"))
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Skipf("needs a system that takes the name of an open file: %v, %v", entries, err)
	}
	w := out.files[0]
	if _, err := w.Write([]byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	if !w.spare() || len(told) != 1 || !strings.Contains(told[0], "not remembered any more beyond the last 2048") || !strings.Contains(told[0], "the disk is full") {
		t.Errorf("told %q", told)
	}
	if _, ok := p.Store.Get("key"); ok || w.spare() {
		t.Error("the room was not given back")
	}
	if err := out.close(); err != nil {
		t.Error(err)
	}
}
