package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnssec/proof"
	"mailvet/dnscheck/resolver"
	"mailvet/report/evidence"
	"mailvet/report/text"
	"mailvet/scanner"
)

// proofs keeps what the snapshots under way were judged by until they are
// written.
type proofs struct {
	anchors []dns.RR
	out     io.Writer // each proof is one write

	mu     sync.Mutex
	judged map[string][]dnssec.Judged // by domain: of those scanned again, the last
}

// keepProofs makes the scanner hand over what it judges by, with --proof.
func (o *options) keepProofs(s *scanner.Scanner) {
	r, ok := s.Resolver.(*resolver.Resolver)
	if o.proof == "" || !ok || r.Validator == nil {
		return
	}
	p := &proofs{anchors: r.Validator.Anchors, judged: map[string][]dnssec.Judged{}}
	r.Validator.Keep = true
	s.Prove = func(snap *evidence.Snapshot, judged []dnssec.Judged) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.judged[snap.Domain] = judged
	}
	o.proofs = p
}

// write writes the proof of a snapshot, one line.
func (p *proofs) write(snap *evidence.Snapshot) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	judged := p.judged[snap.Domain]
	delete(p.judged, snap.Domain)
	p.mu.Unlock()
	pr, err := proof.New(snap, p.anchors, judged)
	if err != nil {
		return err
	}
	var line bytes.Buffer
	if err := proof.Encode(&line, pr); err != nil {
		return err
	}
	_, err = p.out.Write(line.Bytes())
	return err
}

// readAnchors reads a file of trust anchors; those of IANA without one.
func readAnchors(file string) ([]dns.RR, error) {
	if file == "" {
		return dnssec.RootAnchors(), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the trust anchors: %w", err)
	}
	anchors, err := dnssec.ParseAnchors(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("cannot read the trust anchors in %s: %w", file, err)
	}
	return anchors, nil
}

// errProof: a proof does not hold.
var errProof = errors.New("not all proofs hold")

// verifyProofs checks the proofs of a file one after another, says what became
// of each, and returns the digests of the snapshots that they belong to.
func verifyProofs(ctx context.Context, o *options, std streams) (digests map[string]string, err error) {
	anchors, err := readAnchors(o.trustAnchor)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(o.verifyProof)
	if err != nil {
		return nil, fmt.Errorf("cannot read the proofs: %w", err)
	}
	defer f.Close()
	digests = map[string]string{}
	br := bufio.NewReaderSize(f, 1<<20)
	read, bad := 0, 0
	for line := 1; ; line++ {
		b, err := readLine(br, proof.MaxEncoded)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("cannot read the proofs in %s: %w", o.verifyProof, err)
		}
		if len(bytes.TrimSpace(b)) > 0 {
			read++
			ok, err := verifyOne(ctx, o, b, anchors, digests, std.out)
			if err != nil && ctx.Err() == nil && !isClosedPipe(err) {
				_, err = fmt.Fprintf(std.out, "%s, line %d: FAILS: %s\n", o.verifyProof, line, text.Clean(err.Error()))
			}
			if err != nil {
				return nil, err
			}
			if !ok {
				bad++
			}
		}
		if err == io.EOF {
			break
		}
	}
	switch {
	case read == 0:
		return nil, fmt.Errorf("there is no proof in %s", o.verifyProof)
	case bad > 0:
		return nil, fmt.Errorf("%w: %d of %s", errProof, bad, plural(read, "proof"))
	}
	return digests, nil
}

// verifyOne checks one proof. The error is for one that cannot be read.
func verifyOne(ctx context.Context, o *options, line []byte, anchors []dns.RR, digests map[string]string, w io.Writer) (ok bool, err error) {
	p, err := proof.Decode(line)
	if err != nil {
		return false, err
	}
	list, err := p.Verify(ctx, anchors)
	if err != nil {
		return false, err
	}
	digests[p.Digests] = p.Domain
	var b strings.Builder
	bad := 0
	for _, v := range list {
		if v.Problem != "" {
			bad++
			fmt.Fprintf(&b, "  FAILS  %s %s: %s\n", v.Name, v.Type, v.Problem)
		} else if !o.quiet {
			fmt.Fprintf(&b, "  holds  %-8s %s %s%s\n", v.Found, v.Name, v.Type, reasoned(v.Reason))
		}
	}
	head := fmt.Sprintf("%s at %s: ", p.Domain, p.Time.UTC().Format("2006-01-02 15:04:05 UTC"))
	switch {
	case len(list) == 0:
		head += "nothing was validated, so there is nothing to verify\n"
	case bad > 0:
		head += fmt.Sprintf("%d of %s fail\n", bad, plural(len(list), "answer"))
	default:
		head += plural(len(list), "answer") + " verified\n"
	}
	if p.LeftOut > 0 {
		fmt.Fprintf(&b, "  %s did not fit into the proof\n", plural(p.LeftOut, "answer"))
	}
	if bad > 0 && !shareAnchor(p.Anchors, anchors) {
		b.WriteString("  The proof was made with other trust anchors. If you trust them, put them into a file\n  and name it with --trust-anchor:\n")
		for _, a := range p.Anchors[:min(len(p.Anchors), 8)] {
			b.WriteString("    " + a + "\n")
		}
	}
	for l := range strings.Lines(head + b.String()) {
		if _, err := fmt.Fprintln(w, text.Clean(strings.TrimSuffix(l, "\n"))); err != nil {
			return false, err
		}
	}
	return bad == 0, nil
}

func reasoned(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// shareAnchor reports whether the proof's maker had one of the anchors.
func shareAnchor(stored []string, anchors []dns.RR) bool {
	for _, s := range stored {
		rr, err := dns.NewRR(s)
		for _, a := range anchors {
			if err == nil && rr != nil && dns.IsDuplicate(rr, a) {
				return true
			}
		}
	}
	return len(stored) == 0
}
