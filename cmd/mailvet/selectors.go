package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"mailvet/dnscheck/dkim"
	"mailvet/scanner"
)

// selectorFlags are those that say which DKIM keys to look for.
func (o *options) selectorFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.selectors, "selectors", nil, "DKIM `SELECTORS` to look for besides the likely ones, with commas between them; all: every one that is known")
	fs.StringArrayVar(&o.messages, "message", nil, "look for the DKIM keys that the message in `FILE` was signed with (repeatable)")
}

// checkSelectors brings the selectors into the form in which evidence keeps
// them, or says which one cannot be any.
func (o *options) checkSelectors() error {
	for i, s := range o.selectors {
		s = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), "."))
		name, domain, whole := strings.Cut(s, "._domainkey.")
		if d, err := scanner.ParseDomain(domain); whole && err == nil {
			s = name + "._domainkey." + d.Name
		} else if whole {
			return fmt.Errorf("--selectors %s: what stands behind _domainkey is no domain", clip(o.selectors[i]))
		}
		if !dkim.ValidSelector(name) {
			return fmt.Errorf("--selectors %s: a selector is made of letters, digits, hyphens and dots, such as s1", clip(o.selectors[i]))
		}
		o.selectors[i] = s
	}
	if n := len(o.selectors); n > dkim.MaxNamed {
		return fmt.Errorf("--selectors has %d selectors; at most %d can be named", n, dkim.MaxNamed)
	}
	if slices.Contains(o.messages, "") {
		return errors.New("--message has no name; give the file with the message")
	}
	return nil
}

// wanted lists the selectors of the flags, and the whole names of the keys of
// the messages. warn is told of a message that names none for the domains;
// domains is nil where any may be scanned.
func (o *options) wanted(domains []scanner.Domain, warn func(string, ...any)) ([]string, error) {
	list := slices.Clone(o.selectors)
	for _, file := range o.messages {
		keys, err := readSigned(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the message: %w", err)
		}
		of := func(d scanner.Domain) bool {
			return slices.ContainsFunc(keys, func(k string) bool { return strings.HasSuffix(k, "._domainkey."+d.Name) })
		}
		switch {
		case len(keys) == 0:
			warn("the message in %s has no DKIM signature, so it tells no selector", file)
		case domains != nil && !slices.ContainsFunc(domains, of):
			warn("the message in %s is not signed by a domain that is scanned, but with %s", file, strings.Join(keys, ", "))
		}
		for _, k := range keys {
			if !slices.Contains(list, k) && len(list) < dkim.MaxNamed {
				list = append(list, k)
			}
		}
	}
	return list, nil
}

// Bounds of what is read of a message: its header, and the signatures in it.
const (
	maxHeader     = 1 << 20
	maxSignatures = 20
)

func readSigned(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	keys, err := signedWith(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// signedWith lists the names of the keys that the DKIM-Signature fields of a
// message name, each once. Fields that cannot be read are left out.
func signedWith(r io.Reader) ([]string, error) {
	var keys []string
	for field, err := range headerFields(r) {
		if err != nil {
			return nil, err
		}
		name, body, _ := strings.Cut(field, ":")
		if !strings.EqualFold(strings.TrimRight(name, " \t"), "DKIM-Signature") || len(keys) == maxSignatures {
			continue
		}
		domain, selector, ok := dkim.SignedBy(body)
		d, err := scanner.ParseDomain(domain)
		selector = strings.ToLower(selector)
		if !ok || err != nil || !dkim.ValidSelector(selector) {
			continue
		}
		if k := dkim.Name(selector, d.Name); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// headerFields yields the fields of a message's header (RFC 5322, Section 2.2),
// each with the lines that continue it. It ends at the empty line, or where the
// header is longer than is read.
func headerFields(r io.Reader) func(func(string, error) bool) {
	return func(yield func(string, error) bool) {
		lines := bufio.NewReader(io.LimitReader(r, maxHeader))
		var field []byte
		for {
			line, err := lines.ReadBytes('\n')
			text := bytes.TrimRight(line, "\r\n")
			if len(text) > 0 && (text[0] == ' ' || text[0] == '\t') {
				field = append(field, text...)
			} else {
				if len(field) > 0 && !yield(string(field), nil) {
					return
				}
				field = text
			}
			switch {
			case err != nil && err != io.EOF:
				yield("", err)
				return
			case err == io.EOF && len(field) > 0:
				yield(string(field), nil)
				return
			case len(text) == 0:
				return
			}
		}
	}
}
