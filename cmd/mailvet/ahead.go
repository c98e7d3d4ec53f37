package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"sync"
)

// maxMessage bounds one line of a file of results.
const maxMessage = 64 << 20

// parsed is a line of a file, and what a parser makes of it.
type parsed[T any] struct {
	n    int    // from 1
	line []byte // with its line end, unless err is io.EOF; good until the next is taken
	err  error  // of reading; the line is the last then
	last bool   // there is nothing behind it
	what T
	bad  error // of parsing
	done chan struct{}
}

// messages reads the lines of a file and yields them in order, the last with the
// error that ended it, such as io.EOF. Meanwhile those that come next are
// parsed, on all cores.
func messages[T any](r io.Reader, parse func(line []byte) (T, error)) iter.Seq[*parsed[T]] {
	return func(yield func(*parsed[T]) bool) {
		workers := runtime.GOMAXPROCS(0)
		work, inOrder := make(chan *parsed[T], workers), make(chan *parsed[T], 2*workers)
		var free sync.Pool // of *parsed[T], for their lines
		stop := make(chan struct{})
		var all sync.WaitGroup
		defer all.Wait()
		defer close(stop)
		all.Go(func() {
			defer close(work)
			defer close(inOrder)
			br := bufio.NewReaderSize(r, 1<<20)
			for n := 1; ; n++ {
				m, ok := free.Get().(*parsed[T])
				if !ok {
					m = &parsed[T]{}
				}
				*m = parsed[T]{n: n, line: m.line, done: make(chan struct{})}
				if m.line, m.err = readMessage(br, m.line); m.err == nil {
					_, err := br.Peek(1)
					m.last = err == io.EOF
				}
				ended := m.err != nil
				for _, to := range []chan *parsed[T]{work, inOrder} {
					select {
					case to <- m:
					case <-stop:
						return
					}
				}
				if ended {
					return
				}
			}
		})
		for range workers {
			all.Go(func() {
				for m := range work {
					m.what, m.bad = parse(m.line)
					close(m.done)
				}
			})
		}
		for m := range inOrder {
			<-m.done
			if !yield(m) {
				return
			}
			free.Put(m)
		}
	}
}

// readMessage reads to the next line end, at most maxMessage, in place of what
// is in line.
func readMessage(br *bufio.Reader, line []byte) ([]byte, error) {
	line = line[:0]
	for {
		part, err := br.ReadSlice('\n')
		if line = append(line, part...); len(line) > maxMessage {
			return nil, fmt.Errorf("it is longer than %d octets", maxMessage)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
