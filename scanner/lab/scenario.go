package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"mailvet/dnscheck/dnstest"
	"mailvet/dnscheck/rpki"
	"mailvet/report/evidence"
)

// scenario is what the files of a lab say, before anything is built.
type scenario struct {
	zones  []zoneText
	hosts  []hostText
	faults []dnstest.Fault
	// serverFaults are those of name servers.
	serverFaults map[netip.Addr][]dnstest.Fault
	wants        []Want
	usual        []string
	vrps         []rpki.VRP
	routes       []rpki.Route
	pages        []pageText

	registered map[netip.Prefix]registration
	systems    map[rpki.ASN]evidence.System
}

// zoneText is one zone: its text in zone-file format with {tlsa ...}
// placeholders, and its words.
type zoneText struct {
	file, origin string
	words        []string
	text         string
}

var zoneWords = []string{"signed", "nsec3", "opt-out", "bad-ds", "no-ds", "expired", "expiring", "rsa", "ed25519", "rolling", "old-ds", "old-nsec3", "salted", "stale"}

// zoneNumbers are the words that have a number, of one octet.
var zoneNumbers = []string{"algorithm", "digest", "iterations"}

func (z zoneText) has(word string) bool { return slices.Contains(z.words, word) }

// number is that of a word; zero without.
func (z zoneText) number(word string) uint8 {
	n, err := strconv.ParseUint(words(strings.Join(z.words, " "))[word], 10, 8)
	if err != nil {
		return 0
	}
	return uint8(n)
}

// hostText is one mail server, a "key: value" a line.
type hostText struct {
	file, name string
	addrs      []netip.Addr // where it is; empty for all addresses of the name
	values     map[string]string
}

// key tells apart the servers at different addresses of one name.
func (h hostText) key() string {
	key := h.name
	for _, a := range h.addrs {
		key += " " + a.String()
	}
	return key
}

var hostKeys = append([]string{"cert", "also", "starttls", "banner", "ehlo", "handshake", "inject", "leftover", "name", "silent", "tls", "limit",
	"extensions", "ptr"}, modelKeys...)

// Want is what a scan of a domain must find: every finding that is neither
// passed nor left out for want of evidence, and the score. What is not listed
// must not be found, but for what does not apply beyond Internet.nl's test and
// for [Lab.Usual].
type Want struct {
	Domain string // or a mail address
	// How the scan is made, see [Want.Scanner]; empty for as usual.
	How []string
	// Findings are "check-id code" or "check-id host code", sorted.
	Findings []string
	// Score is "percent low high"; empty where the scenario does not say.
	Score string
	file  string
}

// parse reads all scenario files of some folders.
func parse(fsys fs.FS, dirs []string) (*scenario, error) {
	var names []string
	for _, dir := range dirs {
		list, err := fs.Glob(fsys, path.Join(dir, "*.txt"))
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("lab: no scenarios in %s", dir)
		}
		names = append(names, list...)
	}
	s := scenario{registered: map[netip.Prefix]registration{}, systems: map[rpki.ASN]evidence.System{}}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		for _, f := range txtar.Parse(data).Files {
			if err := s.section(name, f); err != nil {
				return nil, fmt.Errorf("lab: %s: -- %s --: %w", name, f.Name, err)
			}
		}
	}
	return &s, nil
}

func (s *scenario) section(file string, f txtar.File) error {
	kind, rest, _ := strings.Cut(f.Name, " ")
	words := strings.Fields(rest)
	switch {
	case kind == "faults" && len(words) <= 1:
		return s.faultLines(words, string(f.Data))
	case kind == "vrps" && len(words) == 0:
		return s.vrpLines(string(f.Data))
	case kind == "routes" && len(words) == 0:
		return s.routeLines(string(f.Data))
	case kind == "systems" && len(words) == 0:
		return s.systemLines(string(f.Data))
	case kind == "usual" && len(words) == 0:
		for line := range lines(string(f.Data)) {
			s.usual = append(s.usual, strings.Join(strings.Fields(line), " "))
		}
	case len(words) == 0:
		return fmt.Errorf("a name is missing")
	case kind == "zone":
		for _, w := range words[1:] {
			name, value, hasValue := strings.Cut(w, "=")
			if _, err := strconv.ParseUint(value, 10, 8); !slices.Contains(zoneWords, w) && (!hasValue || !slices.Contains(zoneNumbers, name) || err != nil) {
				return fmt.Errorf("unknown word %q", w)
			}
		}
		s.zones = append(s.zones, zoneText{file, words[0], words[1:], string(f.Data)})
	case kind == "smtp":
		h := hostText{file: file, name: words[0]}
		for _, w := range words[1:] {
			a, err := netip.ParseAddr(w)
			if err != nil {
				return err
			}
			h.addrs = append(h.addrs, a)
		}
		var err error
		if h.values, err = keyValues(string(f.Data)); err != nil {
			return err
		}
		s.hosts = append(s.hosts, h)
	case kind == "https":
		p, err := pageHead(file, words, string(f.Data))
		if err != nil {
			return err
		}
		s.pages = append(s.pages, p)
	case kind == "want":
		w := wantLines(file, words[0], string(f.Data))
		w.How = words[1:]
		s.wants = append(s.wants, w)
	default:
		return fmt.Errorf("unknown section")
	}
	return nil
}

// faultLines reads the faults of the recursive resolver, or of the name server
// at the address that words hold.
func (s *scenario) faultLines(words []string, text string) error {
	var list []dnstest.Fault
	for line := range lines(text) {
		f, err := dnstest.ParseFault(line)
		if err != nil {
			return err
		}
		list = append(list, f)
	}
	if len(words) == 0 {
		s.faults = append(s.faults, list...)
		return nil
	}
	addr, err := netip.ParseAddr(words[0])
	if err != nil {
		return err
	}
	if s.serverFaults == nil {
		s.serverFaults = map[netip.Addr][]dnstest.Fault{}
	}
	s.serverFaults[addr] = append(s.serverFaults[addr], list...)
	return nil
}

// vrpLines reads "PREFIX MAXLENGTH AS", a VRP a line.
func (s *scenario) vrpLines(text string) error {
	for line := range lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 {
			return fmt.Errorf("%q: want a prefix, a maximum length and an AS", line)
		}
		prefix, err1 := netip.ParsePrefix(f[0])
		length, err2 := strconv.Atoi(f[1])
		asn, err3 := rpki.ParseASN(f[2])
		if err := errors.Join(err1, err2, err3); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		s.vrps = append(s.vrps, rpki.VRP{Prefix: prefix, MaxLength: length, ASN: asn})
	}
	return nil
}

// routeLines reads "PREFIX AS [COUNTRY REGISTRY]", a route a line.
func (s *scenario) routeLines(text string) error {
	for line := range lines(text) {
		f := strings.Fields(line)
		if len(f) != 2 && len(f) != 4 {
			return fmt.Errorf("%q: want a prefix, an AS, and how it is registered or nothing", line)
		}
		prefix, err1 := netip.ParsePrefix(f[0])
		asn, err2 := rpki.ParseASN(f[1])
		if err := errors.Join(err1, err2); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		s.routes = append(s.routes, rpki.Route{Prefix: prefix, Origin: asn})
		if len(f) == 4 {
			s.registered[prefix] = registration{f[2], f[3]}
		}
	}
	return nil
}

// systemLines reads "AS COUNTRY REGISTRY NAME", an autonomous system a line.
func (s *scenario) systemLines(text string) error {
	for line := range lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 {
			return fmt.Errorf("%q: want an AS, a country, a registry and a name", line)
		}
		asn, err := rpki.ParseASN(f[0])
		if err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		s.systems[asn] = evidence.System{ASN: uint32(asn), Country: f[1], Registry: f[2], Name: strings.Join(f[3:], " ")}
	}
	return nil
}

func keyValues(text string) (map[string]string, error) {
	values := map[string]string{}
	for line := range lines(text) {
		k, v, ok := strings.Cut(line, ":")
		if !ok || !slices.Contains(hostKeys, k) {
			return nil, fmt.Errorf("%q: want a known key and a value", line)
		}
		values[k] = strings.TrimSpace(v)
	}
	return values, nil
}

func wantLines(file, domain, text string) Want {
	w := Want{Domain: domain, file: file}
	for line := range lines(text) {
		if score, ok := strings.CutPrefix(line, "score "); ok {
			w.Score = score
			continue
		}
		w.Findings = append(w.Findings, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(w.Findings)
	return w
}

// lines yields the lines of a text without comments and blank ones.
func lines(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if !yield(line) {
				return
			}
		}
	}
}

// words reads "a b=c d" as a set with values.
func words(text string) map[string]string {
	m := map[string]string{}
	for w := range strings.FieldsSeq(text) {
		k, v, _ := strings.Cut(w, "=")
		m[k] = v
	}
	return m
}

// expandTLSA replaces "{tlsa HOST[/KEY] USAGE SELECTOR MATCHING}" in a zone's text.
func expandTLSA(text string, record func(host, key string, usage, selector, matching uint8) (string, error)) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{tlsa ")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		inside, after, closed := strings.Cut(rest, "}")
		f := strings.Fields(inside)
		if !closed || len(f) != 4 {
			return "", fmt.Errorf("{tlsa %s}: want a host and three numbers", inside)
		}
		var n [3]uint8
		for i := range n {
			v, err := strconv.ParseUint(f[i+1], 10, 8)
			if err != nil {
				return "", fmt.Errorf("{tlsa %s}: %w", inside, err)
			}
			n[i] = uint8(v)
		}
		host, key, _ := strings.Cut(f[0], "/")
		data, err := record(host, key, n[0], n[1], n[2])
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%d %d %d %s", n[0], n[1], n[2], data)
		text = after
	}
}
