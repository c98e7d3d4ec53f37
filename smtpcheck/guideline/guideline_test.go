package guideline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"testing"

	"mailvet/smtpcheck/guideline"
)

var tables = map[string]*guideline.Table{
	"versions": guideline.Versions, "suites": guideline.Suites, "certificate curves": guideline.CertificateCurves,
	"edwards": guideline.CertificateEdwards, "signatures": guideline.CertificateSignatures, "groups": guideline.Groups,
	"finite fields": guideline.FiniteFieldGroups, "hashes": guideline.KeyExchangeHashes,
}

func TestTables(t *testing.T) {
	for _, g := range guideline.All() {
		if g.Name == "" || g.Version == "" || g.Title == "" || g.Source == "" || guideline.ByName(g.Name) != g || g.RSA(1024) != guideline.Insufficient || g.RSA(4096) != guideline.Good {
			t.Errorf("%+v is not complete", g)
		}
		for i, table := range []*guideline.Table{g.Versions, g.Suites, g.Groups, g.FiniteFields, g.CertificateCurves, g.CertificateEdwards, g.CertificateSignatures, g.KeyExchangeHashes} {
			tables[fmt.Sprintf("%s, %d", g.Name, i)] = table
		}
	}
	if guideline.ByName("none") != nil {
		t.Error("there is a guideline of no name")
	}
	for what, table := range tables {
		seen := map[string]bool{}
		if table.Section == "" || len(table.Entries) == 0 {
			t.Errorf("%s: no section or no entries", what)
		}
		for i, e := range table.Entries {
			if e.Name == "" || seen[e.Name] || e.OID != "" && seen[e.OID] {
				t.Errorf("%s: %+v has no name, or stands there twice", what, e)
			}
			seen[e.Name], seen[e.OID] = true, true
			if i > 0 && e.Level > table.Entries[i-1].Level {
				t.Errorf("%s: %s is better than the one before it", what, e.Name)
			}
			if table.ByName(e.Name) != e.Level {
				t.Errorf("%s: %s is not found", what, e.Name)
			}
		}
		if table.ByName("") != guideline.Insufficient {
			t.Errorf("%s: what is not listed is not insufficient", what)
		}
		if l, name := table.ByOID(""); l != guideline.Insufficient || name != "" {
			t.Errorf("%s: an empty OID is found", what)
		}
	}
}

// TestLists compares with Internet.nl's lists where they are at hand.
func TestLists(t *testing.T) {
	data, err := os.ReadFile("../../../shared/internetnl-tls-lists.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs the shared lists of Internet.nl")
	}
	if err != nil {
		t.Fatal(err)
	}
	type levels struct {
		Good       []string
		Sufficient []string
		PhaseOut   []string `json:"phase_out"`
	}
	type algorithm struct{ Name, OID string }
	var lists struct {
		Protocols   levels
		Ciphers     levels
		KeyExchange struct {
			Good     []string                   `json:"ec_good"`
			PhaseOut []string                   `json:"ec_phase_out"`
			Fields   map[string]json.RawMessage `json:"ffdhe_phase_out"`
		} `json:"key_exchange"`
		Certificate struct {
			RSAGood     int         `json:"rsa_min_good"`
			RSAPhaseOut int         `json:"rsa_min_phase_out"`
			Good        []string    `json:"ec_curves_good"`
			PhaseOut    []string    `json:"ec_curves_phase_out"`
			Edwards     []string    `json:"eddsa_good"`
			Sufficient  []algorithm `json:"signature_sufficient"`
			SigPhaseOut []algorithm `json:"signature_phase_out"`
		}
	}
	if err := json.Unmarshal(data, &lists); err != nil {
		t.Fatal(err)
	}
	same := func(what string, table *guideline.Table, l guideline.Level, want []string) {
		t.Helper()
		got := table.Names(l)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s, %v:\n got %q\nwant %q", what, l, got, want)
		}
	}
	for table, want := range map[*guideline.Table]levels{guideline.Versions: lists.Protocols, guideline.Suites: lists.Ciphers} {
		same(table.Section, table, guideline.Good, want.Good)
		same(table.Section, table, guideline.Sufficient, want.Sufficient)
		same(table.Section, table, guideline.PhaseOut, want.PhaseOut)
	}
	same("groups", guideline.Groups, guideline.Good, lists.KeyExchange.Good)
	same("groups", guideline.Groups, guideline.PhaseOut, lists.KeyExchange.PhaseOut)
	var fields []string
	for name := range lists.KeyExchange.Fields {
		fields = append(fields, name)
	}
	same("finite fields", guideline.FiniteFieldGroups, guideline.PhaseOut, fields)
	same("certificate curves", guideline.CertificateCurves, guideline.Good, lists.Certificate.Good)
	same("certificate curves", guideline.CertificateCurves, guideline.PhaseOut, lists.Certificate.PhaseOut)
	same("edwards", guideline.CertificateEdwards, guideline.Good, lists.Certificate.Edwards)
	oids := func(list []algorithm) (out []string) {
		for _, a := range list {
			out = append(out, a.OID)
		}
		slices.Sort(out)
		return out
	}
	for l, want := range map[guideline.Level][]string{guideline.Sufficient: oids(lists.Certificate.Sufficient), guideline.PhaseOut: oids(lists.Certificate.SigPhaseOut)} {
		var got []string
		for _, e := range guideline.CertificateSignatures.Entries {
			if e.Level == l {
				got = append(got, e.OID)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("signatures, %v: got %q, want %q", l, got, want)
		}
	}
	for bits, want := range map[int]guideline.Level{
		lists.Certificate.RSAGood: guideline.Good, lists.Certificate.RSAGood - 1: guideline.PhaseOut,
		lists.Certificate.RSAPhaseOut: guideline.PhaseOut, lists.Certificate.RSAPhaseOut - 1: guideline.Insufficient, 0: guideline.Insufficient,
	} {
		if got := guideline.RSA(bits); got != want {
			t.Errorf("RSA with %d bits: %v, want %v", bits, got, want)
		}
	}
}

func ExampleTable_ByName() {
	fmt.Println(guideline.Suites.ByName("TLS_AES_256_GCM_SHA384"))
	fmt.Println(guideline.Suites.ByName("TLS_RSA_WITH_RC4_128_SHA"))
	// Output:
	// good
	// insufficient
}

// TestMozilla compares with what stands in version 5.7 of the guideline.
func TestMozilla(t *testing.T) {
	m := guideline.Mozilla
	for name, want := range map[string]guideline.Level{
		"TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256": guideline.Good, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": guideline.Insufficient,
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": guideline.Good, "TLS_AES_128_CCM_SHA256": guideline.PhaseOut, "TLS_RSA_WITH_AES_128_GCM_SHA256": guideline.Insufficient,
	} {
		if got := m.Suites.ByName(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if len(m.Suites.Names(guideline.Good)) != 12 || m.RSA(2048) != guideline.Good || m.RSA(2047) != guideline.Insufficient ||
		m.FiniteField("", 2048) != guideline.Good || m.FiniteField("", 1024) != guideline.Insufficient || m.FiniteField("ffdhe2048", 2048) != guideline.Good {
		t.Error("suites, RSA or finite fields are not those of Mozilla")
	}
	if guideline.NCSC.FiniteField("ffdhe2048", 2048) != guideline.Insufficient || guideline.NCSC.FiniteField("", 4096) != guideline.Insufficient {
		t.Error("the NCSC allows ffdhe2048, or a field without a name")
	}
}
