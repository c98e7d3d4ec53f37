package rpki

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"time"
)

// Bounds on what a JSON source may make the reader hold.
const (
	maxValue = 1 << 20 // octets of one entry, or of one string outside of the lists
	maxDepth = 64      // lists and objects inside one another
)

// readJSON reads {"metadata": {...}, "roas": [{...}, ...], ...}, in any order
// and one entry at a time. Other members (router keys, ASPAs) are passed over.
func readJSON(in io.Reader, sink *vrpSink) error {
	j := &jsonReader{window: window{r: in, allowed: maxValue}, sink: sink}
	j.dec = json.NewDecoder(&j.window)
	if err := j.document(); err != nil {
		return &SyntaxError{Offset: j.dec.InputOffset(), Err: err}
	}
	return nil
}

type jsonReader struct {
	window window
	dec    *json.Decoder
	sink   *vrpSink
	roas   bool // the list was there
	meta   bool // the metadata were
}

// window ends with an error where one value would become too long to hold.
type window struct {
	r             io.Reader
	read, allowed int64
}

func (w *window) Read(p []byte) (int, error) {
	if w.read >= w.allowed {
		return 0, fmt.Errorf("one value of more than %d octets: %w", maxValue, ErrTooLarge)
	}
	n, err := w.r.Read(p[:min(int64(len(p)), w.allowed-w.read)])
	w.read += int64(n)
	return n, err
}

func (j *jsonReader) token() (json.Token, error) {
	j.window.allowed = j.dec.InputOffset() + maxValue
	t, err := j.dec.Token()
	return t, unexpected(err)
}

func (j *jsonReader) decode(v any) error {
	j.window.allowed = j.dec.InputOffset() + maxValue
	return unexpected(j.dec.Decode(v))
}

func (j *jsonReader) want(d json.Delim, what string) error {
	t, err := j.token()
	if err != nil {
		return err
	}
	if t != d {
		return fmt.Errorf("%s is expected here", what)
	}
	return nil
}

func (j *jsonReader) document() error {
	if err := j.want('{', "an object"); err != nil {
		return err
	}
	if err := j.members(j.member); err != nil {
		return err
	}
	j.window.allowed = j.dec.InputOffset() + maxValue
	if _, err := j.dec.Token(); err == nil {
		return errors.New("there is something behind the end of the object")
	} else if err != io.EOF {
		return err
	}
	// Without any VRP, Routinator leaves the list out.
	if !j.roas && !j.meta {
		return errors.New(`the object has neither "roas" nor "metadata": it is no list of VRPs`)
	}
	return nil
}

// members calls f with the key of each member of the object that was begun; f
// reads the value.
func (j *jsonReader) members(f func(key string) error) error {
	for j.more() {
		t, err := j.token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return errors.New("the key of a member is expected here")
		}
		if err := f(key); err != nil {
			return err
		}
	}
	return j.want('}', "the end of the object")
}

func (j *jsonReader) more() bool {
	j.window.allowed = j.dec.InputOffset() + maxValue
	return j.dec.More()
}

func (j *jsonReader) member(key string) error {
	switch key {
	case "slurmVersion":
		return errors.New("this is a file of exceptions (SLURM, RFC 8416), no list of VRPs")
	case "metadata":
		j.meta = true
		if err := j.want('{', "an object of metadata"); err != nil {
			return err
		}
		return j.members(j.metadatum)
	case "roas":
		if j.roas {
			return errors.New(`a second member "roas"`)
		}
		j.roas = true
		return j.list()
	}
	return j.skip()
}

func (j *jsonReader) list() error {
	if err := j.want('[', "a list of VRPs"); err != nil {
		return err
	}
	for n := 1; j.more(); n++ {
		var e entry
		if err := j.decode(&e); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		v, err := e.vrp()
		if err == nil {
			err = j.sink.add(v, time.Time(e.Expires))
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	return j.want(']', "the end of the list of VRPs")
}

// metadatum takes the times: "generated" and "valid" of Routinator and the RTR
// servers, in seconds, and "buildtime" of rpki-client.
func (j *jsonReader) metadatum(key string) error {
	src := j.sink.src
	var at *time.Time
	switch key {
	case "generated", "generatedTime", "buildtime":
		at = &src.Generated
	case "valid":
		at = &src.ValidUntil
	default:
		return j.skip()
	}
	var t moment
	if err := j.decode(&t); err != nil {
		return fmt.Errorf("metadata %q: %w", key, err)
	}
	*at = time.Time(t)
	return nil
}

// skip passes over the next value.
func (j *jsonReader) skip() error {
	for depth := 0; ; {
		t, err := j.token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return fmt.Errorf("more than %d lists inside one another: %w", maxDepth, ErrTooLarge)
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// entry is an element of "roas".
type entry struct {
	ASN       number  `json:"asn"`
	Prefix    string  `json:"prefix"`
	MaxLength *int    `json:"maxLength"`
	TA        string  `json:"ta"`
	Expires   moment  `json:"expires"`
	Source    []tally `json:"source"`
}

// tally is an origin of the VRP in Routinator's jsonext.
type tally struct {
	TAL string `json:"tal"`
}

func (e *entry) vrp() (VRP, error) {
	if !e.ASN.set {
		return VRP{}, errors.New(`no "asn"`)
	}
	p, err := parsePrefix(e.Prefix)
	if err != nil {
		return VRP{}, err
	}
	v := VRP{Prefix: p, MaxLength: p.Bits(), ASN: e.ASN.asn, TrustAnchor: e.TA}
	if e.MaxLength != nil {
		v.MaxLength = *e.MaxLength
	}
	if v.TrustAnchor == "" && len(e.Source) > 0 {
		v.TrustAnchor = e.Source[0].TAL
	}
	return v, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%s is no prefix", quote(s))
	}
	return p, nil
}

// number is an AS number as a number or as text, with or without "AS".
type number struct {
	asn ASN
	set bool
}

func (n *number) UnmarshalJSON(b []byte) error {
	s := string(b)
	if len(b) > 1 && b[0] == '"' {
		s = s[1 : len(s)-1] // with an escape in it, it is no AS number
	}
	var err error
	n.asn, err = ParseASN(s)
	n.set = err == nil
	return err
}

// moment is a time in seconds since 1970, or as RFC 3339 has it. An empty text
// and null are no time.
type moment time.Time

func (m *moment) UnmarshalJSON(b []byte) error {
	t, err := parseMoment(string(b))
	if err == nil {
		*m = moment(t)
	}
	return err
}

func parseMoment(s string) (time.Time, error) {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if s == "" || s == "null" {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseInt(s, 10, 40); err == nil {
		return datable(time.Unix(n, 0), s)
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return datable(t, s)
	}
	return time.Time{}, fmt.Errorf("%s is no time", quote(s))
}

// datable refuses a time that RFC 3339 cannot write in UTC.
func datable(t time.Time, s string) (time.Time, error) {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("%s is no time", quote(s))
	}
	return t, nil
}
