package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"mailvet/report"
	"mailvet/report/check"
	"mailvet/report/evidence"
)

// skimmer reads of lines of results what --resume and merge need of them: what
// [summary.Builder.Add], [sink.judge], [sink.compare] and agree look at. The
// rest of a line, which is most of it, is only seen to be JSON. It is used by
// one goroutine at a time.
type skimmer struct {
	dec   jsontext.Decoder
	line  []byte
	src   bytes.Buffer
	words map[string]string // that come again and again: ids, titles, codes
}

// skimReports makes a parser of results.
func skimReports() func([]byte) (*report.Report, error) { return new(skimmer).report }

// skimDomains makes a parser of messages of which only the domain matters, such
// as evidence.
func skimDomains() func([]byte) (string, error) { return new(skimmer).domain }

// maxWords and maxWord bound the words that are kept, for a file may hold
// anything.
const (
	maxWords = 8192
	maxWord  = 200 // octets
)

var errSyntax = errors.New("it is not of the form that is expected")

// report reads a line. What it returns is the caller's; the error is for what is
// not JSON, or of another form. Of a message that is no report at least the
// schema is read, as it comes first.
func (s *skimmer) report(line []byte) (*report.Report, error) {
	s.begin(line)
	r := &report.Report{}
	err := s.object(func(name []byte) error {
		switch string(name) {
		case `"schema"`:
			return s.word(&r.Schema)
		case `"domain"`:
			return s.text(&r.Domain)
		case `"options"`:
			if s.dec.PeekKind() == '[' {
				r.Options = []string{}
			}
			return s.array(func() error {
				var flag string
				err := s.word(&flag)
				r.Options = append(r.Options, flag)
				return err
			})
		case `"tool"`:
			return s.object(func(name []byte) error {
				switch string(name) {
				case `"name"`:
					return s.word(&r.Tool.Name)
				case `"version"`:
					return s.word(&r.Tool.Version)
				}
				return s.dec.SkipValue()
			})
		case `"error"`:
			r.Error = &report.Error{}
			return s.failure(r.Error)
		case `"score"`:
			r.Score = &report.Score{}
			return s.score(r.Score)
		case `"cost"`:
			return s.object(func(name []byte) error {
				switch string(name) {
				case `"dns_queries"`:
					return s.number(&r.Cost.DNSQueries)
				case `"smtp_connections"`:
					return s.number(&r.Cost.SMTPConnections)
				}
				return s.dec.SkipValue()
			})
		case `"categories"`:
			return s.array(func() error {
				r.Categories = append(r.Categories, report.Category{})
				return s.category(&r.Categories[len(r.Categories)-1])
			})
		}
		return s.dec.SkipValue()
	})
	if err == nil {
		err = s.end()
	}
	return r, err
}

// domain reads the domain of a line.
func (s *skimmer) domain(line []byte) (domain string, err error) {
	s.begin(line)
	err = s.object(func(name []byte) error {
		if string(name) == `"domain"` {
			return s.text(&domain)
		}
		return s.dec.SkipValue()
	})
	if err == nil {
		err = s.end()
	}
	return domain, err
}

func (s *skimmer) begin(line []byte) {
	if s.words == nil {
		s.words = map[string]string{}
	}
	s.line = line
	s.src = *bytes.NewBuffer(line)
	// As encoding/json has it.
	s.dec.Reset(&s.src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// end sees that there is nothing behind the value.
func (s *skimmer) end() error {
	if len(bytes.TrimLeft(s.line[s.dec.InputOffset():], " \t\r\n")) > 0 {
		return errSyntax
	}
	return nil
}

func (s *skimmer) failure(f *report.Error) error {
	return s.object(func(name []byte) error {
		switch string(name) {
		case `"class"`:
			var class evidence.Class
			var word string
			err := s.word(&word)
			if err == nil {
				err = class.UnmarshalText([]byte(word))
			}
			f.Class = class
			return err
		case `"text"`:
			return s.text(&f.Text)
		}
		return s.dec.SkipValue()
	})
}

func (s *skimmer) score(x *report.Score) error {
	return s.object(func(name []byte) error {
		switch string(name) {
		case `"percent"`:
			return s.number(&x.Percent)
		case `"low"`:
			return s.number(&x.Low)
		case `"high"`:
			return s.number(&x.High)
		case `"complete"`:
			token, err := s.dec.ReadToken()
			if err == nil && token.Kind() != 't' && token.Kind() != 'f' {
				err = errSyntax
			}
			x.Complete = err == nil && token.Bool()
			return err
		case `"policy"`:
			return s.word(&x.Policy)
		}
		return s.dec.SkipValue()
	})
}

func (s *skimmer) category(c *report.Category) error {
	return s.object(func(name []byte) error {
		switch string(name) {
		case `"id"`:
			return s.word(&c.ID)
		case `"checks"`:
			return s.array(func() error {
				c.Checks = append(c.Checks, report.Check{})
				return s.check(&c.Checks[len(c.Checks)-1])
			})
		}
		return s.dec.SkipValue()
	})
}

func (s *skimmer) check(k *report.Check) error {
	return s.object(func(name []byte) error {
		switch string(name) {
		case `"id"`:
			return s.word(&k.ID)
		case `"title"`:
			return s.word(&k.Title)
		case `"status"`:
			return s.status(&k.Status)
		case `"findings"`:
			return s.array(func() error {
				k.Findings = append(k.Findings, report.Finding{})
				return s.finding(k.ID, &k.Findings[len(k.Findings)-1])
			})
		}
		return s.dec.SkipValue()
	})
}

// finding reads one of a check; its id stands before.
func (s *skimmer) finding(of string, f *report.Finding) error {
	var text []byte
	err := s.object(func(name []byte) error {
		switch string(name) {
		case `"code"`:
			return s.word(&f.Code)
		case `"status"`:
			return s.status(&f.Status)
		case `"subject"`:
			return s.object(func(name []byte) error {
				if string(name) == `"host"` {
					return s.word(&f.Subject.Host)
				}
				return s.dec.SkipValue()
			})
		case `"text"`:
			raw, err := s.quoted()
			text = s.line[int(s.dec.InputOffset())-len(raw) : s.dec.InputOffset()]
			return err
		case `"args"`:
			if of != "dkim-keys" { // the only one of which they matter
				break
			}
			return s.object(func(name []byte) error {
				if string(name) != `"fingerprints"` {
					return s.dec.SkipValue()
				}
				var value string
				err := s.text(&value)
				f.Args = map[string]string{"fingerprints": value}
				return err
			})
		}
		return s.dec.SkipValue()
	})
	if err == nil && f.Status == check.StatusUnknown && text != nil {
		f.Text, err = unquote(text)
	}
	return err
}

// object gives each name, with its quotes, of an object whose values the
// function reads. Null is one without names.
func (s *skimmer) object(each func(name []byte) error) error {
	token, err := s.dec.ReadToken()
	switch {
	case err != nil:
		return err
	case token.Kind() == 'n':
		return nil
	case token.Kind() != '{':
		return errSyntax
	}
	for s.dec.PeekKind() != '}' {
		name, err := s.dec.ReadValue()
		if err != nil {
			return err
		}
		if err := each(name); err != nil {
			return err
		}
	}
	_, err = s.dec.ReadToken()
	return err
}

// array calls a function that reads one element, for each.
func (s *skimmer) array(each func() error) error {
	token, err := s.dec.ReadToken()
	switch {
	case err != nil:
		return err
	case token.Kind() == 'n':
		return nil
	case token.Kind() != '[':
		return errSyntax
	}
	for s.dec.PeekKind() != ']' {
		if err := each(); err != nil {
			return err
		}
	}
	_, err = s.dec.ReadToken()
	return err
}

// quoted is a string as it stands there; it holds until more is read.
func (s *skimmer) quoted() ([]byte, error) {
	raw, err := s.dec.ReadValue()
	if err == nil && raw.Kind() != '"' {
		err = errSyntax
	}
	return raw, err
}

func (s *skimmer) text(to *string) error {
	raw, err := s.quoted()
	if err == nil {
		*to, err = unquote(raw)
	}
	return err
}

func unquote(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(bytes.ToValidUTF8(raw[1:len(raw)-1], []byte("\ufffd"))), nil
	}
	b, err := jsontext.AppendUnquote(nil, raw)
	return string(b), err
}

// word is text for what comes again and again.
func (s *skimmer) word(to *string) error {
	raw, err := s.quoted()
	if err != nil {
		return err
	}
	if known, ok := s.words[string(raw)]; ok {
		*to = known
		return nil
	}
	*to, err = unquote(raw)
	if err == nil && len(raw) <= maxWord && len(s.words) < maxWords {
		s.words[string(raw)] = *to
	}
	return err
}

func (s *skimmer) status(to *check.Status) error {
	var word string
	if err := s.word(&word); err != nil {
		return err
	}
	return to.UnmarshalText([]byte(word))
}

func (s *skimmer) number(to *int) error {
	raw, err := s.dec.ReadValue()
	if err != nil {
		return err
	}
	if *to, err = strconv.Atoi(string(raw)); err != nil {
		return fmt.Errorf("%w: %q", errSyntax, clip(string(raw)))
	}
	return nil
}
