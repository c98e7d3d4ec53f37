package evidence

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	fast "github.com/goccy/go-json"
)

// MaxEncoded bounds the stored form of one snapshot that Decode accepts.
const MaxEncoded = 64 << 20

// Canonical puts s in the one order and precision in which it is stored:
// lookups by name and type, RRsets, sessions, routes, systems, fetches, chains and certificates sorted,
// duplicates dropped, times in UTC to the millisecond. It must be called
// before checks read s, so that the order in which answers came in cannot
// show. It changes s in place and is idempotent.
func (s *Snapshot) Canonical() {
	s.Schema = Schema
	s.Time = canonicalTime(s.Time)
	for i := range s.Lookups {
		l := &s.Lookups[i]
		if !slices.IsSortedFunc(l.Answer, compareRR) {
			slices.SortFunc(l.Answer, compareRR)
		}
		for j := range l.Signatures {
			l.Signatures[j].canonical()
		}
		for j := range l.Zones {
			if sig := l.Zones[j].Signature; sig != nil {
				sig.canonical()
			}
		}
		slices.SortFunc(l.Signatures, func(a, b Signature) int {
			return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Algorithm, b.Algorithm),
				a.Expiration.Compare(b.Expiration), a.Inception.Compare(b.Inception), cmp.Compare(a.Covers, b.Covers), cmp.Compare(a.TTL, b.TTL))
		})
	}
	sortUnique(&s.Lookups, func(a, b *Lookup) int { return compareKeys(a.Name, a.Type, b.Name, b.Type) })
	sortUnique(&s.Reaches, func(a, b *Reach) int { return compareKeys(a.Host, a.Addr, b.Host, b.Addr) })
	for i := range s.Sessions {
		s.Sessions[i].Time = canonicalTime(s.Sessions[i].Time)
	}
	port := func(x *Session) string { return x.Addr + " " + strconv.Itoa(x.Port) }
	sortUnique(&s.Sessions, func(a, b *Session) int { return compareKeys(a.Host, port(a), b.Host, port(b)) })
	sortUnique(&s.Chains, func(a, b *Chain) int { return strings.Compare(a.ID, b.ID) })
	sortUnique(&s.Certificates, func(a, b *Certificate) int { return strings.Compare(a.ID, b.ID) })
	for i := range s.Fetches {
		if c := s.Fetches[i].Certificate; c != nil {
			c.NotBefore, c.NotAfter = canonicalTime(c.NotBefore), canonicalTime(c.NotAfter)
		}
	}
	sortUnique(&s.Fetches, func(a, b *Fetch) int { return strings.Compare(a.URL, b.URL) })
	for i := range s.Routings {
		s.Routings[i].canonical()
	}
	sortUnique(&s.Routings, func(a, b *Routing) int { return strings.Compare(a.Addr, b.Addr) })
	slices.SortStableFunc(s.Systems, func(a, b System) int { return cmp.Compare(a.ASN, b.ASN) })
	s.Systems = slices.CompactFunc(s.Systems, func(a, b System) bool { return a.ASN == b.ASN })
	if s.Lookups == nil {
		s.Lookups = []Lookup{}
	}
}

func (s *Signature) canonical() {
	s.Inception, s.Expiration = canonicalTime(s.Inception), canonicalTime(s.Expiration)
}

func canonicalTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func compareRR(a, b RR) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Data, b.Data), cmp.Compare(a.TTL, b.TTL))
}

// sortUnique orders a list and keeps the first of those that are equal. Most
// lists are in order, as snapshots are made canonical more than once.
func sortUnique[E any](list *[]E, compare func(a, b *E) int) {
	l := *list
	ordered := true
	for i := 1; i < len(l) && ordered; i++ {
		ordered = compare(&l[i-1], &l[i]) < 0
	}
	if ordered {
		return
	}
	slices.SortStableFunc(l, func(a, b E) int { return compare(&a, &b) })
	*list = slices.CompactFunc(l, func(a, b E) bool { return compare(&a, &b) == 0 })
}

// Encode writes the canonical form of s as one line. It makes s canonical.
func Encode(w io.Writer, s *Snapshot) error {
	b, err := Marshal(s)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// Marshal is [Encode] without the line end.
func Marshal(s *Snapshot) ([]byte, error) {
	s.Canonical()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("evidence: encode %s: %w", s.Domain, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Unmarshal reads one snapshot. Fields and enumeration texts that this version
// does not know are errors: evidence half understood must not be judged.
func Unmarshal(b []byte) (*Snapshot, error) {
	if len(b) > MaxEncoded {
		return nil, fmt.Errorf("evidence: a snapshot of %d octets; at most %d are read", len(b), MaxEncoded)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var s Snapshot
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("evidence: decode: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("evidence: decode: text after the end of the snapshot")
	}
	if s.Schema != Schema {
		return nil, fmt.Errorf("evidence: schema %q; this version reads %q", s.Schema, Schema)
	}
	if err := s.datable(); err != nil {
		return nil, err
	}
	s.Canonical()
	return &s, nil
}

// datable reports a time that RFC 3339 can write in its own zone, but not in
// UTC: it could be read and never stored again.
func (s *Snapshot) datable() error {
	times := []time.Time{s.Time}
	for _, x := range s.Sessions {
		times = append(times, x.Time)
	}
	for _, f := range s.Fetches {
		if f.Certificate != nil {
			times = append(times, f.Certificate.NotBefore, f.Certificate.NotAfter)
		}
	}
	for _, l := range s.Lookups {
		for _, sig := range l.Signatures {
			times = append(times, sig.Inception, sig.Expiration)
		}
		for _, z := range l.Zones {
			if z.Signature != nil {
				times = append(times, z.Signature.Inception, z.Signature.Expiration)
			}
		}
	}
	for _, r := range s.Routings {
		times = append(times, r.VRPTime, r.RouteTime)
	}
	for _, t := range times {
		if y := t.UTC().Year(); y < 0 || y > 9999 {
			return fmt.Errorf("evidence: the time %s is outside the years 0 to 9999 in UTC", t)
		}
	}
	return nil
}

// Digest is "sha256:" and the hash of the canonical form. It makes s canonical.
func Digest(s *Snapshot) (string, error) {
	s.Canonical()
	h := lineHash{sha256.New()}
	enc := fast.NewEncoder(h)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return "", fmt.Errorf("evidence: encode %s: %w", s.Domain, err)
	}
	return digestText(h.Sum(nil)), nil
}

// lineHash hashes a line that is written at once, without its end.
type lineHash struct{ hash.Hash }

func (h lineHash) Write(b []byte) (int, error) {
	_, err := h.Hash.Write(bytes.TrimSuffix(b, []byte("\n")))
	return len(b), err
}

func digestOf(b []byte) string {
	h := sha256.Sum256(b)
	return digestText(h[:])
}

func digestText(sum []byte) string { return "sha256:" + hex.EncodeToString(sum) }

// NewCertificate names the certificate by its content. It keeps der.
func NewCertificate(der []byte) Certificate { return Certificate{ID: digestOf(der), DER: der} }

// NewChain names the chain by its content.
func NewChain(ders [][]byte) (Chain, []Certificate) {
	c := Chain{ID: digestOf(bytes.Join(ders, nil))}
	certs := make([]Certificate, len(ders))
	for i, der := range ders {
		certs[i] = NewCertificate(der)
		c.Certificates = append(c.Certificates, certs[i].ID)
	}
	return c, certs
}
