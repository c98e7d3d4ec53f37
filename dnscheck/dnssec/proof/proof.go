// Package proof stores what a scan's DNSSEC verdicts rest on, so that anybody
// can check them again later, offline: the answers themselves with their
// signatures, and the DS and DNSKEY answers that lead to them from the trust
// anchor (RFC 4035, Section 5).
//
// A proof convinces only those who trust the anchor that they check it with.
// The anchors named in a proof say which ones its maker used, and are not
// believed. Neither is the time: signatures are judged at the time that the
// proof says, for nearly all have expired when somebody looks at it later.
//
// What no signature covers, as all of an unsigned zone, is held together by a
// digest only, which shows damage but not forgery.
//
// The package does no I/O and has no clock.
package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"mailvet/report/evidence"
)

// Schema names the version of the stored form. Within a version fields are
// only added, never changed.
const Schema = "mailvet.proof/v1"

// Bounds of one proof. What does not fit is counted in LeftOut.
const (
	MaxEncoded  = 8 << 20 // octets of the stored form
	maxAnswers  = 64
	maxMessages = 512
	maxRecords  = 6000 // of all messages
	maxText     = 4 << 20
)

// Proof is the proof of one domain's answers.
type Proof struct {
	Schema  string        `json:"schema"`
	Tool    evidence.Tool `json:"tool"`
	Domain  string        `json:"domain"`
	Time    time.Time     `json:"time"`            // when the scan began
	Digests string        `json:"evidence_digest"` // of the snapshot that it belongs to; see evidence.Digest
	// Anchors are the trust anchors that were used, in zone-file format.
	Anchors  []string  `json:"trust_anchors"`
	Answers  []Answer  `json:"answers"`
	Messages []Message `json:"messages"`
	LeftOut  int       `json:"left_out,omitempty"` // answers that did not fit
	// Digest is "sha256:" and the hash of the JSON form with Digest empty.
	Digest string `json:"digest"`
}

// Answer is a lookup as it stands in the snapshot, and what it was judged by:
// one step for each reply that its way led through.
type Answer struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Outcome  evidence.Outcome  `json:"outcome"`
	Security evidence.Security `json:"security"`
	Records  []evidence.RR     `json:"records,omitempty"`
	Steps    []Step            `json:"steps"`
}

// Step is one reply that was validated.
type Step struct {
	Name     string            `json:"name"` // the question
	Type     string            `json:"type"`
	Time     time.Time         `json:"time"` // that the signatures were judged at
	Security evidence.Security `json:"security"`
	Reply    int               `json:"reply"` // the index of its message
	Chain    []int             `json:"chain"` // those of the DS and DNSKEY answers
}

// Message is a resolver's answer: the records of its sections, signatures
// among them, in zone-file format.
type Message struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	RCode     string   `json:"rcode"`
	Answer    []string `json:"answer,omitempty"`
	Authority []string `json:"authority,omitempty"`
}

// Encode writes the proof as one line, with its digest.
func Encode(w io.Writer, p *Proof) error {
	var err error
	if p.Digest, err = p.sum(); err != nil {
		return err
	}
	b, err := p.marshal()
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("proof: write: %w", err)
	}
	return nil
}

func (p *Proof) marshal() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		return nil, fmt.Errorf("proof: encode %s: %w", p.Domain, err)
	}
	return b.Bytes(), nil
}

// sum hashes the form without the digest.
func (p *Proof) sum() (string, error) {
	bare := *p
	bare.Digest = ""
	b, err := bare.marshal()
	if err != nil {
		return "", err
	}
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:]), nil
}

// ErrDamaged says that a proof is not what its maker wrote.
var ErrDamaged = errors.New("its digest does not fit: it was changed after it was made")

// Decode reads one line. Unknown fields, and a digest that does not fit, are
// errors; nothing is verified yet.
func Decode(line []byte) (*Proof, error) {
	if len(line) > MaxEncoded {
		return nil, fmt.Errorf("proof: %d octets; at most %d are read", len(line), MaxEncoded)
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	var p Proof
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("proof: decode: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("proof: decode: text after the end")
	}
	if p.Schema != Schema {
		return nil, fmt.Errorf("proof: schema %q; this version reads %q", p.Schema, Schema)
	}
	b, err := p.marshal()
	if err != nil {
		return nil, err
	}
	// Byte for byte: JSON has many ways to write one thing, such as a field
	// twice, and only one is ours.
	sum, err := p.sum()
	if err != nil {
		return nil, err
	}
	if sum != p.Digest || !bytes.Equal(bytes.TrimSpace(b), bytes.TrimSpace(line)) {
		return nil, fmt.Errorf("proof of %s: %w", p.Domain, ErrDamaged)
	}
	return &p, nil
}
