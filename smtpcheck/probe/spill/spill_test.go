package spill

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// memory is a file that can be full, and that tests can damage.
type memory struct {
	mu     sync.Mutex
	data   []byte
	room   int64 // 0: any
	closed bool
}

func (m *memory) ReadAt(b []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at >= int64(len(m.data)) {
		return 0, io.EOF
	}
	n := copy(b, m.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) WriteAt(b []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if end := at + int64(len(b)); m.room > 0 && end > m.room {
		return 0, syscall.ENOSPC
	} else if end > int64(len(m.data)) {
		m.data = append(m.data, make([]byte, end-int64(len(m.data)))...)
	}
	return copy(m.data[at:], b), nil
}

func (m *memory) Truncate(n int64) error { m.data = m.data[:n]; return nil }
func (m *memory) Close() error           { m.closed = true; return nil }

// inMemory is a File over a memory, and the failures that it told.
func inMemory(m *memory) (*File, *[]error) {
	var told []error
	return &File{create: func(string) (storage, error) { return m, nil }, Failed: func(err error) { told = append(told, err) }}, &told
}

func key(i int) string { return fmt.Sprintf("host%d.test 192.0.2.%d", i, i%256) }

// value is one of many that are alike, some larger than is read at once.
func value(i int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(i)))
	b := []byte(`{"session":{"host":"` + key(i) + `","greeting":"220 ready"`)
	for range r.IntN(30 + 3000*(i%20/19)) {
		b = fmt.Appendf(b, `,"suite":"%x"`, r.Uint64())
	}
	return append(b, "}}"...)
}

// expect looks for the values up to n; those that differ or are missing are told.
func expect(t *testing.T, f *File, n int) {
	t.Helper()
	for i := range n {
		if got, ok := f.Get(key(i)); !ok || !bytes.Equal(got, value(i)) {
			t.Fatalf("value %d of %d: %v, %q", i, n, ok, got)
		}
	}
	if got, ok := f.Get(key(n)); ok {
		t.Errorf("what was never there: %q", got)
	}
}

func TestFile(t *testing.T) {
	f := &File{Dirs: []string{t.TempDir()}}
	if _, ok := f.Get(key(0)); ok {
		t.Error("something is there before anything was put")
	}
	const n = 500
	for i := range n {
		f.Put(key(i), value(i))
	}
	expect(t, f, n)
	f.Put(key(7), []byte("another"))
	f.Put(key(8), nil)
	if got, ok := f.Get(key(7)); !ok || string(got) != "another" {
		t.Errorf("%q, %v", got, ok)
	}
	if got, ok := f.Get(key(8)); !ok || len(got) != 0 {
		t.Errorf("%q, %v", got, ok)
	}
	if records, octets := f.Size(); records != n+2 || octets < n*block {
		t.Errorf("%d records, %d octets", records, octets)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, ok := f.Get(key(1)); ok {
		t.Error("something is there after the end")
	}
	f.Put(key(1), nil)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestNoName: nothing is left of the file, and while it is used it has no name,
// so that nothing is left by a process that is killed.
func TestNoName(t *testing.T) {
	dir := t.TempDir()
	f := &File{Dirs: []string{dir + "/missing", dir}}
	f.Put(key(1), value(1))
	entries, err := os.ReadDir(dir)
	if named := f.f.(*temporary).remove; err != nil || len(entries) > 0 != named {
		t.Errorf("%v, %v", entries, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestNoFile(t *testing.T) {
	var told []error
	f := &File{Dirs: []string{t.TempDir() + "/missing"}, Failed: func(err error) { told = append(told, err) }}
	f.Put(key(1), value(1))
	f.Put(key(2), value(2))
	if _, ok := f.Get(key(1)); ok || len(told) != 1 || !errors.Is(told[0], os.ErrNotExist) {
		t.Errorf("%v, told %v", ok, told)
	}
}

// TestDiskFull: that is told once, and the room is given back.
func TestDiskFull(t *testing.T) {
	m := &memory{room: 10_000}
	f, told := inMemory(m)
	for i := range 200 {
		f.Put(key(i), value(i))
	}
	if len(*told) != 1 || !errors.Is((*told)[0], syscall.ENOSPC) || len(m.data) != 0 {
		t.Errorf("told %v, %d octets", *told, len(m.data))
	}
	if _, ok := f.Get(key(0)); ok {
		t.Error("something is there")
	}
}

// TestMax: at the bound nothing more is kept, and what is there stays.
func TestMax(t *testing.T) {
	f, told := inMemory(&memory{})
	f.Max = 20_000
	for i := range 90 {
		f.Put(key(i), value(i))
	}
	n := f.count
	if _, octets := f.Size(); n == 0 || n == 90 || octets > f.Max || len(*told) != 1 || !errors.Is((*told)[0], ErrFull) {
		t.Fatalf("%d records, %d octets, told %v", n, octets, *told)
	}
	expect(t, f, n)
	f.Put(key(0), value(1)) // for which there is no room
	if v, ok := f.Get(key(0)); ok {
		t.Errorf("%.20q is not the last value", v)
	}
}

// TestRelease: others need the room more.
func TestRelease(t *testing.T) {
	m := &memory{}
	f, told := inMemory(m)
	if new(File).Release() {
		t.Error("there was nothing to release")
	}
	f.Put(key(1), value(1))
	if !f.Release() || f.Release() || len(m.data) > 0 {
		t.Errorf("%d octets", len(m.data))
	}
	f.Put(key(1), value(1))
	if _, ok := f.Get(key(1)); ok || len(*told) > 0 || len(m.data) > 0 {
		t.Errorf("%v, told %v", ok, *told)
	}
}

// TestSameHash: keys with one hash are all found, by what stands in the records.
func TestSameHash(t *testing.T) {
	f, _ := inMemory(&memory{})
	const n = 40
	for i := range n {
		f.Put(key(i), value(i))
		at := f.index[f.hash(key(i))]
		clear(f.index)
		for j := range n + 1 {
			f.index[f.hash(key(j))] = at
		}
	}
	expect(t, f, n)
}

// TestDamaged: whatever octet is changed or missing, what is returned is what
// was put or nothing.
func TestDamaged(t *testing.T) {
	m := &memory{}
	f, _ := inMemory(m)
	const n = 24
	for i := range n {
		f.Put(key(i), value(i))
	}
	whole := bytes.Clone(m.data)
	check := func(what string) {
		t.Helper()
		for i := range n {
			if got, ok := f.Get(key(i)); ok && !bytes.Equal(got, value(i)) {
				t.Fatalf("%s: value %d is %q", what, i, got)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		m.data = bytes.Clone(whole)
		at := r.IntN(len(whole))
		m.data[at] ^= byte(1 + r.IntN(255))
		check(fmt.Sprintf("octet %d", at))
	}
	for range 50 {
		m.data = whole[:r.IntN(len(whole))]
		check(fmt.Sprintf("torn at %d", len(m.data)))
	}
	m.data = make([]byte, len(whole))
	check("zeros")
}

func TestTogether(t *testing.T) {
	f := &File{Dirs: []string{t.TempDir()}}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				f.Put(key(i), value(i))
				if got, ok := f.Get(key((i + w) % 200)); ok && !bytes.Equal(got, value((i+w)%200)) {
					t.Errorf("%q", got)
				}
			}
		})
	}
	wg.Wait()
	expect(t, f, 200)
	wg.Go(func() { f.Put(key(1), value(1)) })
	wg.Go(func() { f.Get(key(1)) })
	wg.Go(func() { f.Release() })
	wg.Go(func() { _ = f.Close() })
	wg.Wait()
}

// FuzzRead: a file of any octets holds nothing wrong.
func FuzzRead(f *testing.F) {
	m := &memory{}
	file, _ := inMemory(m)
	for i := range 3 {
		file.Put(key(i), value(i))
	}
	f.Add(m.data)
	f.Add([]byte{})
	f.Add([]byte(strings.Repeat("\xff", 200)))
	index := file.index
	f.Fuzz(func(t *testing.T, data []byte) {
		file := &File{f: &memory{data: data}, index: index, seed: file.seed, end: int64(len(data)) / block * block}
		for i := range 3 {
			if got, ok := file.Get(key(i)); ok && !bytes.Equal(got, value(i)) {
				t.Errorf("value %d is %q", i, got)
			}
		}
	})
}

func ExampleFile() {
	f := new(File)
	defer f.Close()
	f.Put("mx.example.test 192.0.2.25", []byte("what was seen"))
	seen, ok := f.Get("mx.example.test 192.0.2.25")
	fmt.Println(string(seen), ok)
	// Output: what was seen true
}
