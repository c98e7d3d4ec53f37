package report

import (
	"encoding/json"
	"fmt"
	"io"

	"mailvet/report/jsonplan"
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
	w   io.Writer
	enc *json.Encoder // nil: lines
}

// form is how reports are written as lines.
var form = jsonplan.New[Report]()

// NewEncoder writes JSON Lines, or with indent one indented object after another.
func NewEncoder(w io.Writer, indent bool) *Encoder {
	if !indent {
		return &Encoder{w: w}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return &Encoder{w, enc}
}

// Report writes r in a single call to the writer.
func (e *Encoder) Report(r *Report) error {
	if e.enc != nil {
		if err := e.enc.Encode(r); err != nil {
			return fmt.Errorf("report: encode %s: %w", r.Domain, err)
		}
		return nil
	}
	line, err := Line(r)
	if err != nil {
		return err
	}
	if _, err := e.w.Write(line); err != nil {
		return fmt.Errorf("report: encode %s: %w", r.Domain, err)
	}
	return nil
}

// usualLine is a little more than what the report of most domains takes.
const usualLine = 112 << 10

// Line is what an [Encoder] of lines writes of a report, the line end included.
func Line(r *Report) ([]byte, error) {
	line, err := form.Append(make([]byte, 0, usualLine), r)
	if err != nil {
		return nil, fmt.Errorf("report: encode %s: %w", r.Domain, err)
	}
	return append(line, '\n'), nil
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
