// Package spill keeps octets under keys in a temporary file, for what a long run
// has no room for in memory.
//
// A [File] is a log: records are written one behind the other, compressed, and
// never changed. In memory there are some twenty octets for each: a part of the
// hash of its key, by which it is found, and its place. The whole key stands in
// the record, which has a checksum over all that is in it, so that a record is
// the right one and whole, or it is not there.
//
// It is a convenience. When the file cannot be made, when the disk is full or
// the bound is reached, that is said once, and what is not kept is not there.
package spill

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"sync"
)

const (
	// DefaultMax bounds the octets of a file.
	DefaultMax = 2 << 30

	maxRecord = 16 << 20 // octets of a key and its value
	maxChain  = 64       // records that are looked at for one key
	block     = 64       // records begin at a multiple of it
	maxBlocks = 1<<32 - 2
	header    = 16 // length, checksum and place of the one before, see record
	// dictionary is how much of what came first helps to compress what comes
	// later. DEFLATE can look twice as far back (RFC 1951, Section 2), which makes
	// records hardly smaller, and each costs more time.
	dictionary = 16 << 10
	withDict   = 1 << 31 // in the length: compressed with its help
)

// ErrFull says that the file has as many octets as it may have.
var ErrFull = errors.New("spill: the file has reached its bound")

// File is a temporary file of records. It is made when it is needed first. The
// zero value works; the fields are not changed once it is in use, and it must
// not be copied. It is safe for concurrent use.
type File struct {
	// Dirs are where the file may be made, in the order to try; none means
	// os.TempDir. Where the system allows it the file has no name, so that
	// nothing is left of it however the process ends.
	Dirs []string
	Max  int64 // octets; 0 means DefaultMax
	// Failed, if not nil, is told once why nothing more is kept.
	Failed func(error)

	create func(dir string) (storage, error) // nil: a file

	write sync.Mutex // one record at a time
	out   bytes.Buffer
	plain *flate.Writer // without dictionary
	tuned *flate.Writer // with it, once there is one
	first []byte        // of what the dictionary is made

	mu     sync.RWMutex
	f      storage
	failed bool // nothing more is kept
	seed   maphash.Seed
	index  map[uint32]uint32 // by the hash of the key: the place of the last record, in blocks, plus one
	end    int64
	dict   []byte
	count  int
}

// storage is what is needed of a file.
type storage interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(int64) error
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Put keeps a value under a key, in place of what was under it before. It keeps
// neither argument.
func (f *File) Put(key string, value []byte) {
	f.write.Lock()
	defer f.write.Unlock()
	if len(key)+len(value) > maxRecord || !f.open() {
		f.forget(key)
		return
	}
	if err := f.put(key, value); err != nil {
		f.fail(err)
		f.forget(key)
	}
}

// forget loses what is under a key: it is not the last value any more.
func (f *File) forget(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.index != nil {
		delete(f.index, f.hash(key))
	}
}

// open reports whether there is a file to write to. The caller holds write.
func (f *File) open() bool {
	err := f.begin()
	if err != nil && f.Failed != nil && !errors.Is(err, errFailed) {
		f.Failed(fmt.Errorf("spill: no temporary file can be made: %w", err)) // which may take its time
	}
	return err == nil
}

// errFailed: that was told before.
var errFailed = errors.New("spill: nothing is kept any more")

// begin makes the file, if there is none.
func (f *File) begin() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed {
		return errFailed
	}
	if f.f != nil {
		return nil
	}
	create := f.create
	if create == nil {
		create = createTemp
	}
	var errs []error
	dirs := f.Dirs
	if len(dirs) == 0 {
		dirs = []string{os.TempDir()}
	}
	for _, dir := range dirs {
		file, err := create(dir)
		if err == nil {
			f.f, f.index, f.seed = file, map[uint32]uint32{}, maphash.MakeSeed()
			return nil
		}
		errs = append(errs, err)
	}
	f.failed = true
	return errors.Join(errs...)
}

// put writes a record. The caller holds write.
func (f *File) put(key string, value []byte) error {
	content := append(binary.AppendUvarint(nil, uint64(len(key))), key...)
	content = append(content, value...)
	w, flag := &f.plain, uint32(0)
	if f.dict != nil {
		w, flag = &f.tuned, withDict
	}
	f.out.Reset()
	f.out.Write(make([]byte, header))
	var err error
	if *w == nil {
		*w, err = flate.NewWriterDict(&f.out, flate.DefaultCompression, f.dict)
	} else {
		(*w).Reset(&f.out)
	}
	if err == nil {
		_, err = (*w).Write(content)
	}
	if err = errors.Join(err, (*w).Close()); err != nil {
		return err
	}
	record := f.out.Bytes()
	hash := f.hash(key)

	f.mu.RLock()
	at, before := f.end, f.index[hash]
	f.mu.RUnlock()
	next := (at + int64(len(record)) + block - 1) / block * block
	if next > min(cmp.Or(f.Max, DefaultMax), maxBlocks*block) {
		return ErrFull
	}
	binary.BigEndian.PutUint32(record, uint32(len(record)-header)|flag)
	binary.BigEndian.PutUint32(record[8:], before)
	binary.BigEndian.PutUint32(record[4:], checksum(record))
	if _, err := f.f.WriteAt(record, at); err != nil {
		return err
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed {
		return nil // it was given up meanwhile
	}
	f.index[hash] = uint32(at/block) + 1
	f.end = next
	f.count++
	f.learn(content)
	return nil
}

// learn makes the dictionary of what comes first.
func (f *File) learn(content []byte) {
	if f.dict != nil {
		return
	}
	if f.first = append(f.first, content...); len(f.first) >= dictionary {
		f.dict = slices.Clone(f.first[len(f.first)-dictionary:])
		f.first, f.plain = nil, nil
	}
}

func (f *File) hash(key string) uint32 { return uint32(maphash.String(f.seed, key)) }

// checksum is that of a record but for the checksum itself.
func checksum(record []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, record[:4]), castagnoli, record[8:])
}

// Get is the value that was put last under a key; false if it is not there.
func (f *File) Get(key string) ([]byte, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.f == nil || len(f.index) == 0 {
		return nil, false
	}
	at := f.index[f.hash(key)]
	for range maxChain {
		if at == 0 {
			break
		}
		content, before, err := f.read(int64(at-1) * block)
		if err != nil {
			break
		}
		n, size := binary.Uvarint(content)
		if size > 0 && n <= uint64(len(content)-size) && string(content[size:size+int(n)]) == key {
			return content[size+int(n):], true
		}
		at = before
	}
	return nil, false
}

var errDamaged = errors.New("spill: a record is damaged")

// read is the content of the record at a place, and the place of the one before
// with the same hash. The caller holds mu.
func (f *File) read(at int64) (content []byte, before uint32, err error) {
	if at > f.end-header {
		return nil, 0, errDamaged
	}
	record := make([]byte, min(4<<10, f.end-at)) // most are smaller
	n, err := f.f.ReadAt(record, at)
	if n < header {
		return nil, 0, cmp.Or(err, errDamaged)
	}
	length := binary.BigEndian.Uint32(record)
	size := header + int64(length&^withDict)
	if size > f.end-at {
		return nil, 0, errDamaged
	}
	if size > int64(n) {
		record = make([]byte, size)
		if _, err := f.f.ReadAt(record, at); err != nil {
			return nil, 0, err
		}
	}
	record = record[:size]
	if binary.BigEndian.Uint32(record[4:]) != checksum(record) {
		return nil, 0, errDamaged
	}
	var dict []byte
	if length&withDict != 0 {
		dict = f.dict
	}
	r := flate.NewReaderDict(bytes.NewReader(record[header:]), dict)
	content, err = io.ReadAll(io.LimitReader(r, maxRecord+binary.MaxVarintLen64))
	return content, binary.BigEndian.Uint32(record[8:]), err
}

// fail ends the keeping. What is in a file that has reached its bound can still
// be had; else the disk is full, say, and others need its room more.
func (f *File) fail(err error) {
	f.mu.Lock()
	told := f.failed
	f.failed = true
	if err != ErrFull {
		f.drop()
	}
	f.mu.Unlock()
	if f.Failed != nil && !told {
		f.Failed(err)
	}
}

// drop forgets everything and gives the room back. The caller holds mu.
func (f *File) drop() (freed int64) {
	if f.f == nil {
		return 0
	}
	freed, f.end, f.index = f.end, 0, nil
	if f.f.Truncate(0) != nil {
		return 0
	}
	return freed
}

// Release gives the room of the file back to the disk; nothing more is kept from
// then on. It reports whether there was any.
func (f *File) Release() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = true
	return f.drop() > 0
}

// Size is the number of records written and the octets that they take.
func (f *File) Size() (records int, octets int64) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.count, f.end
}

// Close removes the file. Nothing is kept any more, and nothing is there.
func (f *File) Close() error {
	f.write.Lock()
	defer f.write.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed, f.index = true, nil
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}

// temporary is a file that has to be removed, where it could not be at once.
type temporary struct {
	*os.File
	remove bool
}

// createTemp makes a file and takes its name away, so that it is gone with the
// process. A system that refuses that has it removed at the end.
func createTemp(dir string) (storage, error) {
	file, err := os.CreateTemp(dir, ".mailvet-*.tmp")
	if err != nil {
		return nil, err
	}
	return &temporary{file, os.Remove(file.Name()) != nil}, nil
}

func (t *temporary) Close() error {
	err := t.File.Close()
	if t.remove {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}
