package jsonplan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"mailvet/report/jsonplan"
)

type colour uint8

func (c colour) MarshalText() ([]byte, error) {
	if c == 7 {
		return nil, fmt.Errorf("no such colour")
	}
	return []byte([]string{"unknown", "red", "\"quoted\"", "<green>"}[c]), nil
}

type odd struct{ n int }

func (o *odd) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"odd": %d}`, o.n), nil }

type part struct {
	Text   string            `json:"text"`
	Maybe  string            `json:"maybe,omitempty"`
	Colour colour            `json:"colour"`
	Hue    colour            `json:"hue,omitempty"`
	Args   map[string]string `json:"args"`
	Few    map[string]string `json:"few,omitempty"`
	Below  *part             `json:"below,omitempty"`
	Parts  []part            `json:"parts,omitempty"`
}

type whole struct {
	Plain   string
	Hidden  string `json:"-"`
	private int
	Time    time.Time         `json:"time"`
	Late    time.Time         `json:"late,omitempty"` // a struct is never empty
	Never   time.Time         `json:"never,omitzero"`
	Zero    part              `json:"zero,omitzero"`
	Octets  []byte            `json:"octets"`
	Colours []colour          `json:"colours"`
	Names   []string          `json:"names"`
	None    []string          `json:"none,omitempty"`
	Part    part              `json:"part"`
	Other   *part             `json:"other"`
	Number  int64             `json:"number"`
	Small   uint16            `json:"small,omitempty"`
	Yes     bool              `json:"yes"`
	No      bool              `json:"no,omitempty"`
	Ratio   float64           `json:"ratio"`
	Odd     odd               `json:"odd"`
	Counts  map[string]int    `json:"counts,omitempty"`
	Array   [2]int            `json:"array"`
	Any     any               `json:"any"`
	Nested  map[string][]part `json:"nested,omitempty"`
}

func library(t testing.TB, v any) (string, error) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func compare(t testing.TB, plan *jsonplan.Plan[whole], v *whole) {
	t.Helper()
	want, wantErr := library(t, v)
	got, err := plan.Append([]byte("before "), v)
	if (err != nil) != (wantErr != nil) || err == nil && string(got) != "before "+want {
		t.Errorf("%s, %v\nwant\n%s, %v", got, err, want, wantErr)
	}
	var parts bytes.Buffer
	if err := plan.Write(&parts, v); (err != nil) != (wantErr != nil) || err == nil && parts.String() != want {
		t.Errorf("in parts: %s, %v\nwant\n%s, %v", parts.String(), err, want, wantErr)
	}
}

func sample(text string, n int64, seconds int64) *whole {
	p := part{Text: text, Maybe: text, Colour: colour(uint64(n) % 4), Args: map[string]string{text: text, "b": "2", "a": "1", "": text + text}}
	q := p
	q.Below, q.Parts, q.Few = &p, []part{p, {}}, p.Args
	at := time.Unix(seconds, n%1e9).UTC()
	return &whole{
		Plain: text, Hidden: text, private: 1, Time: at, Never: at, Zero: q, Late: at.In(time.FixedZone("", 3600)), Octets: []byte(text), Colours: []colour{1, 2, 3}, Names: []string{text, ""},
		Part: q, Other: &q, Number: n, Small: uint16(n), Yes: true, No: n%2 == 0, Ratio: float64(n) / 3, Odd: odd{int(n)}, Counts: map[string]int{text: 1},
		Array: [2]int{1, 2}, Any: p.Args, Nested: map[string][]part{text: {q}},
	}
}

// TestAsLibrary: what is written is what encoding/json writes.
func TestAsLibrary(t *testing.T) {
	plan := jsonplan.New[whole]()
	compare(t, plan, &whole{})
	var all strings.Builder
	for i := range 256 {
		all.WriteByte(byte(i))
	}
	for _, text := range []string{"", "plain", "a\"b\\c\n\t\r\b\f\x00\x1f\x7f", "<&>", "ünï\u2028\u2029\U0001F4E7", "\xff\xfe broken \xed\xa0\x80", all.String()} {
		for _, n := range []int64{0, 1, -1, 7, math.MaxInt64, math.MinInt64} {
			compare(t, plan, sample(text, n, 1700000000))
		}
	}
	for _, seconds := range []int64{0, 253402300799, 253402300800, -62167219201} {
		compare(t, plan, sample("time", 0, seconds)) // years 1970, 9999, 10000 and -1
	}
	long := sample("long", 1, 0)
	for range 12 {
		long.Part.Parts = append(long.Part.Parts, long.Part.Parts...)
	}
	compare(t, plan, long)
	compare(t, plan, &whole{Colours: []colour{7}})
	compare(t, plan, &whole{Ratio: math.NaN()})
	compare(t, plan, &whole{Octets: []byte{}, Names: []string{}, Part: part{Args: map[string]string{}}})
}

// TestUnknownTags: what the package does not know is refused at once.
func TestUnknownTags(t *testing.T) {
	for name, f := range map[string]func(){
		"a number as a text": func() {
			jsonplan.New[struct {
				N int `json:"n,string"`
			}]()
		},
		"embedded": func() { jsonplan.New[struct{ part }]() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is taken", name)
				}
			}()
			f()
		}()
	}
}

func FuzzAsLibrary(f *testing.F) {
	plan := jsonplan.New[whole]()
	f.Add("text", int64(3), int64(1700000000))
	f.Add("\u2028\xff\\", int64(-1), int64(253402300800))
	f.Fuzz(func(t *testing.T, text string, n, seconds int64) {
		compare(t, plan, sample(text, n, seconds))
	})
}

func BenchmarkAppend(b *testing.B) {
	plan, v := jsonplan.New[whole](), sample("some text of the usual kind", 3, 1700000000)
	v.Any, v.Counts, v.Nested = nil, nil, nil
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = plan.Append(buf[:0], v)
	}
}

func Example() {
	type row struct {
		Name string            `json:"name"`
		Args map[string]string `json:"args"`
	}
	plan := jsonplan.New[row]()
	b, err := plan.Append(nil, &row{"example.test", map[string]string{"b": "<2>", "a": "1"}})
	fmt.Println(string(b), err)
	// Output: {"name":"example.test","args":{"a":"1","b":"<2>"}} <nil>
}
