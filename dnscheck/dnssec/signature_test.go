package dnssec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// bed is an entry of a test bed file: a question and sections of records.
type bed struct {
	question string
	sections map[string][]dns.RR
}

// readBed reads the entries of a test bed file.
func readBed(t *testing.T, file string) []bed {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []bed
	section := ""
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == ';':
		case line == "ENTRY_BEGIN":
			list = append(list, bed{sections: map[string][]dns.RR{}})
		case strings.HasPrefix(line, "SECTION "):
			section = strings.TrimPrefix(line, "SECTION ")
		case line == "ENTRY_END":
		case section == "QUESTION":
			list[len(list)-1].question = line
		default:
			if strings.Contains(line, " NSEC3 ") || strings.Contains(line, "\tNSEC3 ") {
				line = strings.NewReplacer("(", "", ")", "").Replace(line)
			}
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatalf("%s: %q: %v", file, line, err)
			}
			e := &list[len(list)-1]
			e.sections[section] = append(e.sections[section], rr)
		}
	}
	return list
}

func vectorFiles(t *testing.T, pattern string) []string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "vectors", "dnssec-signatures", pattern))
	if len(files) == 0 {
		t.Skip("needs the vectors in ../shared/vectors/dnssec-signatures")
	}
	return files
}

// TestSignatureVectors checks signatures of all algorithms made by others:
// those of questions that begin with "bogus." must not hold, all others must.
func TestSignatureVectors(t *testing.T) {
	except := map[string]string{
		"test_sigs.gost":         "algorithm 12 is not supported: it makes a zone insecure",
		"test_sigs.sha1_and_256": "it wants signatures of every algorithm to hold; one is enough (RFC 6840, Section 5.11)",
	}
	checked := map[uint8]int{}
	for _, file := range vectorFiles(t, "test_sig*") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if reason := except[filepath.Base(file)]; reason != "" {
				t.Skip(reason)
			}
			entries := readBed(t, file)
			z := zoneOf(t, entries[0].sections["ANSWER"])
			for _, e := range entries[1:] {
				wrong := strings.HasPrefix(e.question, "bogus.")
				for name, rrs := range e.sections {
					for _, set := range group(rrs).order {
						if len(set.sigs) == 0 || len(set.rrs) == 0 {
							continue
						}
						v, f := z.verify(set, time.Unix(int64(set.sigs[0].Inception), 0), &work{})
						switch {
						case strings.HasPrefix(e.question, "secure.") && strings.HasSuffix(file, ".revoked"):
							// The word of a revoked key on itself (RFC 5011) is not
							// asked for here.
							if v != nil {
								t.Errorf("%s: a revoked key is used", e.question)
							}
						case dsaOnly(set):
							if v != nil {
								t.Errorf("%s %s %s holds with DSA", e.question, name, set)
							}
						case f == nil && wrong:
							t.Errorf("%s %s %s holds and must not", e.question, name, set)
						case f != nil && !wrong && !strings.Contains(name, "ADDITIONAL"):
							t.Errorf("%s %s %s: %s", e.question, name, set, f.reason)
						case f == nil:
							checked[v.sig.Algorithm]++
						}
					}
				}
			}
		})
	}
	for _, a := range []uint8{dns.RSASHA1, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448} {
		if checked[a] == 0 {
			t.Errorf("no signature of %s was checked", dns.AlgorithmToString[a])
		}
	}
	t.Logf("signatures that hold, by algorithm: %v", checked)
}

func dsaOnly(set *rrset) bool {
	for _, sig := range set.sigs {
		if sig.Algorithm != dns.DSA {
			return false
		}
	}
	return true
}

// zoneOf trusts all keys of a DNSKEY RRset.
func zoneOf(t testing.TB, rrs []dns.RR) *zone {
	t.Helper()
	z := &zone{}
	for _, rr := range rrs {
		rr, ok := rr.(*dns.DNSKEY)
		if !ok {
			continue
		}
		z.name, _ = parseName(rr.Hdr.Name)
		if k, err := newKey(rr); err == nil {
			z.keys = append(z.keys, k)
		}
	}
	return z
}

// TestDSVectors matches DS records with keys.
func TestDSVectors(t *testing.T) {
	for _, file := range vectorFiles(t, "test_ds.*") {
		for _, e := range readBed(t, file) {
			var ds *dns.DS
			var k *key
			for _, rr := range e.sections["ANSWER"] {
				switch x := rr.(type) {
				case *dns.DS:
					ds = x
				case *dns.DNSKEY:
					k, _ = newKey(x)
				}
			}
			n, _ := parseName(ds.Hdr.Name)
			want := strings.HasPrefix(e.question, "yes")
			if got := k != nil && k.matches(n, ds); got != want {
				t.Errorf("%s: %s %d: %t, want %t", filepath.Base(file), ds.Hdr.Name, ds.KeyTag, got, want)
			}
		}
	}
}

// TestNSEC3Vectors hashes names.
func TestNSEC3Vectors(t *testing.T) {
	for _, file := range vectorFiles(t, "test_nsec3_hash.*") {
		for _, e := range readBed(t, file) {
			q, _ := parseName(strings.Fields(e.question)[0])
			rr := e.sections["AUTHORITY"][0].(*dns.NSEC3)
			owner, _ := parseName(rr.Hdr.Name)
			r, ok := newNSEC3(&rrset{owner: owner, typ: dns.TypeNSEC3, rrs: []dns.RR{rr}}, rr, owner.parent())
			if !ok {
				t.Fatalf("%s: the NSEC3 record cannot be read", e.question)
			}
			var want hash
			answer, _ := parseName(e.sections["ANSWER"][0].Header().Name)
			if !decodeHash(&want, answer.labelText()) {
				t.Fatalf("%s: no hash", answer)
			}
			if got := nsec3Hash(q, r.salt, r.iterations); got != want {
				t.Errorf("%s: %x, want %x", q, got, want)
			}
		}
	}
}

func (n name) labelText() string { return string(n[1 : int(n[0])+1]) }
