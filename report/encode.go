package report

import (
	"encoding/json"
	"fmt"
	"io"

	fast "github.com/goccy/go-json"
)

// Handler takes the reports of a run one after another and writes them in one
// format. Close ends the document but not the writer below it; it must be
// called, also after an error. A Handler is used by one goroutine at a time.
type Handler interface {
	Report(*Report) error
	Close() error
}

// Encoder is the [Handler] of JSON: an object for each domain.
type Encoder struct {
	enc interface{ Encode(any) error }
}

// NewEncoder writes JSON Lines, or with indent one indented object after another.
// The lines of a long list are much of what a domain costs, hence the faster
// library for them, whose octets are those of encoding/json.
func NewEncoder(w io.Writer, indent bool) *Encoder {
	if !indent {
		enc := fast.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return &Encoder{enc}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return &Encoder{enc}
}

// Report writes r in a single call to the writer.
func (e *Encoder) Report(r *Report) error {
	if err := e.enc.Encode(r); err != nil {
		return fmt.Errorf("report: encode %s: %w", r.Domain, err)
	}
	return nil
}

// Close does nothing: the stream is whole after each object.
func (e *Encoder) Close() error { return nil }

// Decode reads what [Encoder] wrote, one report at each call, until io.EOF.
// Fields that this version does not know are left out, as later ones of the
// same schema may have more.
func Decode(dec *json.Decoder) (*Report, error) {
	var r Report
	if err := dec.Decode(&r); err != nil {
		if err == io.EOF {
			return nil, err
		}
		return nil, fmt.Errorf("report: decode: %w", err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("report: decode: schema %q; this version reads %q", r.Schema, Schema)
	}
	return &r, nil
}
