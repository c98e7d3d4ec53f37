package scanner

import (
	"encoding/binary"

	"mailvet/report/evidence"
)

// backlog holds domains for later, first in, first out, with what was spent on
// them already. There may be as many as the list is long, so it holds octets
// and no pointers: a few beside those of the name. The zero value is empty.
type backlog struct {
	chunks [][]byte
	read   int // octets of the first chunk
	len    int
}

// Octets of a chunk: the first is small, for most backlogs are.
const (
	smallChunk = 256
	largeChunk = 64 << 10
)

func (b *backlog) push(d Domain, spent evidence.Cost) {
	last := len(b.chunks) - 1
	if need := len(d.Name) + len(d.Local) + 6*binary.MaxVarintLen64; last < 0 || cap(b.chunks[last])-len(b.chunks[last]) < need {
		size := smallChunk
		if last >= 0 {
			size = min(2*cap(b.chunks[last]), largeChunk)
		}
		b.chunks = append(b.chunks, make([]byte, 0, max(size, need)))
		last++
	}
	c := b.chunks[last]
	for _, s := range []string{d.Name, d.Local} {
		c = append(binary.AppendUvarint(c, uint64(len(s))), s...)
	}
	for _, n := range []int{d.Line, spent.DNSQueries, spent.SMTPConnections, spent.HTTPSConnections} {
		c = binary.AppendUvarint(c, uint64(n))
	}
	b.chunks[last] = c
	b.len++
}

// pop takes the first one; false if there is none.
func (b *backlog) pop() (d Domain, spent evidence.Cost, ok bool) {
	if b.len == 0 {
		return d, spent, false
	}
	if b.read == len(b.chunks[0]) {
		b.chunks[0] = nil
		b.chunks, b.read = b.chunks[1:], 0
	}
	c := b.chunks[0][b.read:]
	number := func() int {
		v, n := binary.Uvarint(c)
		c = c[n:]
		return int(v)
	}
	text := func() string {
		n := number()
		s := string(c[:n])
		c = c[n:]
		return s
	}
	d.Name, d.Local, d.Line = text(), text(), number()
	spent.DNSQueries, spent.SMTPConnections, spent.HTTPSConnections = number(), number(), number()
	b.read = len(b.chunks[0]) - len(c)
	if b.len--; b.len == 0 {
		b.chunks, b.read = nil, 0
	}
	return d, spent, true
}
