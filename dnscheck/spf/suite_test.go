package spf_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// suite is one document of a test suite for check_host().
type suite struct {
	Description string
	Tests       map[string]suiteTest
	Zone        map[string][]map[string]any `yaml:"zonedata"`
}

type suiteTest struct {
	Helo, Host, MailFrom, Explanation string
	Result                            any // one, or a list of those that will do
}

// suiteDepartures are the tests whose result we do not give, with the reason.
var suiteDepartures = map[string]string{
	"blitirispf-tests.yml mx-resolution-10-terms": "its MX hosts have no addresses; lookups that find nothing are counted for MX hosts, too",
	"pyspf-tests.yml default-modifier":            "a modifier \"default\" that pyspf reads in a lax mode of its own; for RFC 7208, Section 6, it is unknown",
	"pyspf-tests.yml default-modifier-harsh":      "the result \"ambiguous\" of a strict mode of pyspf; RFC 7208 does not have it",
}

// shortNames are the domains of one label in blitirispf-tests.yml. RFC 7208
// lets no domain-spec and no sender have one (Sections 4.3 and 12), so that
// the tests would end there; with a second label they test what they are for.
var shortNames = regexp.MustCompile(`((?:^foo@|include:|\b[ax]:|mx:|exists:|redirect=)[a-z][\w-]*)( |$)`)

func TestSuites(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		if os.Getenv("MAILVET_REAL") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs the Go tool, to find the module with the suites")
	}
	dir, err := exec.Command(tool, "list", "-m", "-f", "{{.Dir}}", "blitiri.com.ar/go/spf").Output()
	if err != nil || len(strings.TrimSpace(string(dir))) == 0 {
		t.Fatalf("no folder of the module blitiri.com.ar/go/spf: %v", err)
	}
	departed := map[string]bool{}
	for file, least := range map[string]int{"rfc7208-tests.yml": 200, "pyspf-tests.yml": 15, "blitirispf-tests.yml": 80} {
		n := 0
		for _, s := range readSuites(t, filepath.Join(strings.TrimSpace(string(dir)), "testdata", file)) {
			z := s.answers(file == "blitirispf-tests.yml")
			for _, name := range slices.Sorted(maps.Keys(s.Tests)) {
				n++
				id := file + " " + name
				fault := s.Tests[name].run(z, file == "blitirispf-tests.yml")
				_, departs := suiteDepartures[id]
				departed[id] = true
				switch {
				case fault != "" && !departs:
					t.Errorf("%s (%s): %s", id, s.Description, fault)
				case fault == "" && departs:
					t.Errorf("%s is listed as a departure, but is none", id)
				}
			}
		}
		if n < least {
			t.Errorf("only %d tests in %s", n, file)
		}
	}
	for id := range suiteDepartures {
		if !departed[id] {
			t.Errorf("%s is listed as a departure, but is no test", id)
		}
	}
}

func readSuites(t *testing.T, file string) (list []suite) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for dec := yaml.NewDecoder(f); ; {
		var s suite
		if err := dec.Decode(&s); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
}

func (st suiteTest) run(z answers, lengthen bool) string {
	from := st.MailFrom
	if lengthen {
		from = shortNames.ReplaceAllString(from, "$1.test$2")
	}
	domain := st.Helo // Section 2.4
	if i := strings.LastIndexByte(from, '@'); i >= 0 {
		domain = from[i+1:]
	} else if from != "" {
		domain = from
	}
	c := spf.Checker{Resolver: z, Time: time.Unix(1, 0)}
	v, err := c.Check(context.Background(), domain, spf.Sender{IP: netip.MustParseAddr(st.Host), From: from, Helo: st.Helo})
	if err != nil {
		return err.Error()
	}
	want := strs(st.Result)
	if !slices.Contains(want, v.Result.String()) {
		return fmt.Sprintf("%s for %s (%s, %v), want %s", v.Result, v.Name, v.Reason, v.Err, want)
	}
	explanation := v.Explanation
	if explanation == "" {
		explanation = "DEFAULT"
	}
	// The case of hexadecimal digits in %{i} is left open.
	if st.Explanation != "" && !strings.EqualFold(explanation, st.Explanation) {
		return fmt.Sprintf("explanation %q, want %q", explanation, st.Explanation)
	}
	return ""
}

// answers is a [spf.Resolver] over a zone: "name type" to what is found.
type answers map[string]evidence.Lookup

func (z answers) Lookup(ctx context.Context, name, qtype string) (evidence.Lookup, error) {
	if err := ctx.Err(); err != nil {
		return evidence.Lookup{}, err
	}
	asked := evidence.Name(name)
	for range 10 {
		l, ok := z[evidence.Name(name)+" "+qtype]
		if c, alias := z[evidence.Name(name)+" CNAME"]; !ok && alias {
			name = c.Answer[0].Target()
			continue
		}
		if any, exists := z[evidence.Name(name)]; !ok && exists {
			l = any
		} else if !ok {
			l.Outcome = evidence.OutcomeNXDomain
		}
		l.Name, l.Type = asked, qtype
		return l, nil
	}
	return evidence.Lookup{Name: asked, Type: qtype, Outcome: evidence.OutcomeLoop}, nil
}

func (z answers) add(name, typ, data string) {
	key := evidence.Name(name)
	if _, ok := z[key]; !ok {
		z[key] = evidence.Lookup{Outcome: evidence.OutcomeNoData}
	}
	l := z[key+" "+typ]
	l.Outcome = evidence.OutcomeAnswer
	l.Answer = append(l.Answer, evidence.RR{Name: key, Type: typ, TTL: 300, Data: data})
	z[key+" "+typ] = l
}

// answers makes a zone of what a suite says. Records of the type SPF stand for
// TXT where there are none.
func (s suite) answers(lengthen bool) answers {
	z := answers{}
	longer := func(name string) string {
		if lengthen && !strings.Contains(name, ".") && name != "" {
			name += ".test"
		}
		return name
	}
	for name, records := range s.Zone {
		hasTXT := slices.ContainsFunc(records, func(r map[string]any) bool { return r["TXT"] != nil })
		name = longer(strings.ReplaceAll(strings.ReplaceAll(name, `\`, `\\`), " ", `\032`))
		for _, r := range records {
			for typ, value := range r {
				switch data := strs(value); typ {
				case "TIMEOUT":
					z[evidence.Name(name)] = evidence.Lookup{Outcome: evidence.OutcomeTimeout}
				case "SERVFAIL":
					z[evidence.Name(name)] = evidence.Lookup{Outcome: evidence.OutcomeServFail}
				case "CNAMELOOP":
					z[evidence.Name(name)] = evidence.Lookup{Outcome: evidence.OutcomeLoop}
				case "SPF", "TXT":
					if typ == "SPF" && hasTXT || slices.Equal(data, []string{"NONE"}) {
						continue
					}
					text := strings.Join(data, "")
					if lengthen {
						for range 2 { // names next to each other share a space
							text = shortNames.ReplaceAllString(text, "$1.test$2")
						}
					}
					z.add(name, "TXT", `"`+evidence.EscapeText(text)+`"`)
				case "MX":
					z.add(name, typ, data[0]+" "+longer(data[1])+".")
				default:
					for _, d := range data {
						z.add(name, typ, d)
					}
				}
			}
		}
	}
	return z
}

// strs is a scalar or a list of them, as texts.
func strs(v any) (list []string) {
	if l, ok := v.([]any); ok {
		for _, x := range l {
			list = append(list, fmt.Sprint(x))
		}
		return list
	}
	return []string{fmt.Sprint(v)}
}
