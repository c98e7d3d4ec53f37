// Package internetnl writes reports in the result format of Internet.nl's
// batch API, version 2.7.0: one document for a whole run, with the API's ids,
// statuses and verdicts, so that programs made for that API can read it.
//
// The document is streamed: a domain is written when its report comes, and
// nothing of it is kept. The request object, which tells when the run ended,
// therefore comes last. The order of members has no meaning in JSON (RFC 8259,
// Section 4).
//
// Where a check is inconclusive and Internet.nl has no word for that, its
// status is "not_tested". Extra checks are left out.
package internetnl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/net/idna"

	"mailvet/report"
)

const apiVersion = "2.7.0"

// Options are what the document says of the request. The package has no clock
// and no randomness, so the caller gives all of it.
type Options struct {
	Name      string // free text; empty is "no-name", as in the API
	RequestID string // a UUID as 32 hexadecimal digits
	Submitted time.Time
	// Finished is called at Close; nil is Submitted.
	Finished func() time.Time
	// URL gives the address of a domain's report; nil is none.
	URL func(domain string) string
}

// New returns a [report.Handler] that writes one document to w. Close ends it,
// and must be called also after an error of Report, for the document to be
// whole.
func New(w io.Writer, o Options) report.Handler {
	if o.Name == "" {
		o.Name = "no-name"
	}
	if o.Finished == nil {
		o.Finished = func() time.Time { return o.Submitted }
	}
	return &writer{w: w, o: o}
}

type writer struct {
	w       io.Writer
	o       Options
	count   int
	written bool
	failed  bool
}

type domain struct {
	Status  string   `json:"status"`
	Report  *link    `json:"report,omitempty"`
	Scoring *scoring `json:"scoring,omitempty"`
	Results *outcome `json:"results,omitempty"`
}

type link struct {
	URL string `json:"url"`
}

type scoring struct {
	Percentage int `json:"percentage"`
}

type outcome struct {
	Categories object `json:"categories"`
	Tests      object `json:"tests"`
	Custom     custom `json:"custom"`
}

type custom struct {
	NonSending bool   `json:"mail_non_sending_domain"`
	Testable   string `json:"mail_servers_testable_status"`
	TLS13      string `json:"tls_1_3_support"`
}

type request struct {
	Name      string `json:"name"`
	Submitted string `json:"submit_date"`
	Finished  string `json:"finished_date"`
	Type      string `json:"request_type"`
	Status    string `json:"status"`
	ID        string `json:"request_id"`
}

// object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Report writes one domain. After a failed write the document is beyond
// repair, and nothing more is written.
func (w *writer) Report(r *report.Report) error {
	var b bytes.Buffer
	if w.count == 0 {
		fmt.Fprintf(&b, "{\n \"api_version\": %q,\n \"domains\": {\n", apiVersion)
	} else {
		b.WriteString(",\n")
	}
	name, err := encode(Name(r.Domain), "")
	if err != nil {
		return err
	}
	value, err := encode(w.domain(r), "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "  %s: %s", name, value)
	if err := w.write(b.Bytes()); err != nil {
		return err
	}
	w.count++
	return nil
}

// Close writes the end of the document. A second call does nothing.
func (w *writer) Close() error {
	if w.written {
		return nil
	}
	w.written = true
	var b bytes.Buffer
	if w.count == 0 {
		fmt.Fprintf(&b, "{\n \"api_version\": %q,\n \"domains\": {", apiVersion)
	}
	req, err := encode(request{
		w.o.Name, date(w.o.Submitted), date(w.o.Finished()), "mail", "done", w.o.RequestID,
	}, " ")
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "\n },\n \"request\": %s\n}\n", req)
	return w.write(b.Bytes())
}

func (w *writer) write(b []byte) error {
	if w.failed {
		return fmt.Errorf("report/internetnl: the document could not be written")
	}
	if _, err := w.w.Write(b); err != nil {
		w.failed = true
		return fmt.Errorf("report/internetnl: write: %w", err)
	}
	return nil
}

func encode(v any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, " ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("report/internetnl: encode: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// date is the API's form: microseconds only where there are any, and the
// offset with a colon.
func date(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02T15:04:05+00:00")
	}
	return t.Format("2006-01-02T15:04:05.000000+00:00")
}

// Name is the key of a domain: its U-labels (RFC 5890, Section 2.3.2.1), or
// the name as it is if they cannot be had.
func Name(domain string) string {
	u, err := idna.Display.ToUnicode(domain)
	if err != nil {
		return domain
	}
	return u
}

func (w *writer) domain(r *report.Report) domain {
	if r.Error != nil || r.Score == nil {
		return domain{Status: "error"}
	}
	url := ""
	if w.o.URL != nil {
		url = w.o.URL(r.Domain)
	}
	res := outcome{Categories: object{}, Tests: object{}, Custom: customOf(r)}
	for _, c := range r.Categories {
		if c.Internetnl == "" {
			continue
		}
		res.Categories = append(res.Categories, member{c.Internetnl, struct {
			Verdict string `json:"verdict"`
			Status  string `json:"status"`
		}{c.InternetnlVerdict, c.InternetnlStatus}})
		for _, k := range c.Checks {
			res.Tests = append(res.Tests, member{k.Internetnl, struct {
				Status  string `json:"status"`
				Verdict string `json:"verdict"`
			}{k.InternetnlStatus, k.InternetnlVerdict}})
		}
	}
	return domain{"ok", &link{url}, &scoring{r.Score.Percent}, &res}
}

// customOf makes the three custom results that are on by default.
func customOf(r *report.Report) custom {
	c := custom{Testable: "ok", TLS13: "no"}
	for _, cat := range r.Categories {
		for _, k := range cat.Checks {
			switch k.Internetnl {
			case "mail_auth_dkim_exist":
				c.NonSending = k.InternetnlVerdict == "no-email" || nonSending(k)
			case "mail_starttls_tls_available":
				c.Testable, c.TLS13 = testable(k)
			}
		}
	}
	return c
}

// nonSending: a domain may say that it sends no mail and have DKIM all the
// same; then the check says so in an argument.
func nonSending(k report.Check) bool {
	for _, f := range k.Findings {
		if yes, err := strconv.ParseBool(f.Args["non_sending"]); err == nil && yes {
			return true
		}
	}
	return false
}

// testable follows Internet.nl, which gives "ok" for a null MX, and for TLS
// 1.3 only ever "no" or "undetermined", as its test for 0-RTT does not apply to
// mail. Its verdict "not-tested", where nothing is known, can only be ours.
func testable(k report.Check) (status, tls13 string) {
	switch k.InternetnlVerdict {
	case "other-2":
		return "no_mx", "no"
	case "could-not-test", "not-tested":
		return "untestable", "undetermined"
	case "other":
		return "unreachable", "undetermined"
	}
	return "ok", "no"
}
