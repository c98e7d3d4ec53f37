package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"mailvet/report"
	"mailvet/report/evidence"
	"mailvet/report/text"
)

func runScore(ctx context.Context, args []string, std streams) error {
	var o options
	fs := newFlags("score", "[flags] EVIDENCE", "Judges evidence again that \"scan --evidence\" stored, offline.\nEVIDENCE is a file, or - for standard input. With --verify-proof it may be left\nout; then only the proofs are verified.", std)
	fs.StringVar(&o.verifyProof, "verify-proof", "", "first verify the DNSSEC proofs that \"scan --proof\" stored in `FILE`")
	fs.StringVar(&o.trustAnchor, "trust-anchor", "", "verify with the trust anchors, DS or DNSKEY records in zone format, from `FILE` (default: IANA's for the root)")
	o.outputFlags(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if err := o.check(fs); err != nil {
		return err
	}
	if o.trustAnchor != "" && o.verifyProof == "" {
		return usageError{"score", errors.New("--trust-anchor is for --verify-proof; evidence is not validated again")}
	}
	if o.verifyProof != "" && fs.NArg() == 0 {
		_, err := verifyProofs(ctx, &o, std)
		return err
	}
	if fs.NArg() != 1 {
		return usageError{"score", fmt.Errorf("give one file of evidence, but got %d", fs.NArg())}
	}
	if err := o.checkFiles(fs.Arg(0)); err != nil {
		return usageError{"score", err}
	}
	if o.verifyProof != "" {
		std := streams{std.in, std.err, std.err} // the reports stay alone in the output
		digests, err := verifyProofs(ctx, &o, std)
		if err == nil {
			err = sameScans(digests, fs.Arg(0))
		}
		if err != nil {
			return err
		}
	}
	in, name := std.in, "standard input"
	if fs.Arg(0) != "-" {
		f, err := os.Open(fs.Arg(0))
		if err != nil {
			return fmt.Errorf("cannot read the evidence: %w", err)
		}
		defer f.Close()
		in, name = f, fs.Arg(0)
	}
	return rescore(ctx, &o, in, name, std)
}

// rescore judges one snapshot a line. A line that cannot be read ends it; what
// was judged before is written whole.
func rescore(ctx context.Context, o *options, in io.Reader, name string, std streams) (err error) {
	br := bufio.NewReaderSize(in, 1<<20)
	first, err := readSnapshot(br, name, 1)
	if err != nil {
		return err
	}
	_, peek := br.Peek(1)
	out, err := newSink(ctx, o, std, peek == nil)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.close(); err == nil || isClosedPipe(cerr) {
			err = cerr
		}
		if err == nil {
			err = verdict(out, nil)
		}
	}()
	for n, snap := 2, first; snap != nil; n++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted; %s judged and written", plural(out.written, "domain"))
		}
		if err := out.add(snap); err != nil {
			return err
		}
		if snap, err = readSnapshot(br, name, n); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// sameScans finds out whether each proof belongs to a snapshot of a file.
func sameScans(digests map[string]string, file string) error {
	if file == "-" {
		return usageError{"score", errors.New("with --verify-proof, give the evidence as a file: it is read twice")}
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("cannot read the evidence: %w", err)
	}
	defer f.Close()
	br := bufio.NewReaderSize(f, 1<<20)
	for n := 1; ; n++ {
		s, err := readSnapshot(br, file, n)
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		digest, err := evidence.Digest(s)
		if err != nil {
			return err
		}
		delete(digests, digest)
	}
	for _, domain := range digests {
		return fmt.Errorf("%w: the proof of %s belongs to no snapshot in %s", errProof, text.Clean(domain), file)
	}
	return nil
}

// readSnapshot reads the next line that is not blank; io.EOF after the last,
// but for an empty file, which is a mistake.
func readSnapshot(br *bufio.Reader, name string, n int) (*evidence.Snapshot, error) {
	for {
		line, err := readLine(br, evidence.MaxEncoded)
		if err != nil && !(err == io.EOF && len(line) > 0) {
			if err == io.EOF && n == 1 {
				return nil, fmt.Errorf("there is no evidence in %s", name)
			}
			if err != io.EOF {
				err = fmt.Errorf("cannot read the evidence in %s: %w", name, err)
			}
			return nil, err
		}
		if line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff"))); len(line) == 0 {
			continue
		}
		s, err := evidence.Unmarshal(line)
		switch {
		case bytes.HasPrefix(line, []byte(`{"schema":"`+report.Schema)):
			err = errors.New("this is a report, the result of a scan; score reads what \"scan --evidence FILE\" stored")
		case errors.Is(err, io.ErrUnexpectedEOF):
			err = errors.New("it is cut off; each snapshot is one whole line, as \"scan --evidence FILE\" writes it")
		case err == nil && s.Domain == "":
			err = errors.New("it names no domain")
		}
		if err != nil {
			return nil, fmt.Errorf("%s, snapshot %d: %w", name, n, err)
		}
		return s, nil
	}
}

func readLine(br *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if line = append(line, part...); len(line) > most {
			return nil, fmt.Errorf("a line of more than %d octets; is this evidence?", most)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
