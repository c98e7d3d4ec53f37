// Package jsonplan writes JSON octet by octet as encoding/json does without
// escaping for HTML (see [json.Encoder.SetEscapeHTML]), in a third of its time:
// what is to be done for a type is worked out once, and enumerations, texts and
// maps of texts are written without intermediate copies.
//
// What is rare goes through encoding/json itself. Struct fields may have names
// and omitempty or omitzero in their tags, nothing else, and no struct may be embedded.
package jsonplan

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Plan is how values of a type are written. It is safe for concurrent use.
type Plan[T any] struct{ write writer }

// New makes the plan of a type. It panics for one that has what the package
// does not know.
func New[T any]() *Plan[T] {
	return &Plan[T]{planner{}.of(reflect.TypeFor[T]())}
}

// Append adds the JSON of a value, without a line end. The error is that of
// something in it that cannot be written.
func (p *Plan[T]) Append(b []byte, v *T) ([]byte, error) {
	return p.write(nil, b, reflect.ValueOf(v).Elem())
}

// Write writes the JSON of a value in parts of some kilobytes, without a line
// end. After an error of the value a part of it may have been written.
func (p *Plan[T]) Write(w io.Writer, v *T) error {
	o := &output{w: w}
	b, err := p.write(o, make([]byte, 0, 2*part), reflect.ValueOf(v).Elem())
	if err == nil {
		_, err = o.flush(b, 1)
	}
	return err
}

// part is about how much is written at once.
const part = 8 << 10

// output is where full parts go to; nil where all is kept.
type output struct{ w io.Writer }

// flush writes b once there is enough of it.
func (o *output) flush(b []byte, enough int) ([]byte, error) {
	if o == nil || len(b) < enough {
		return b, nil
	}
	_, err := o.w.Write(b)
	return b[:0], err
}

// writer adds a value, which is addressable unless it is in a map.
type writer func(o *output, b []byte, v reflect.Value) ([]byte, error)

// planner holds the writers of structs, which may hold themselves.
type planner map[reflect.Type]*writer

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
)

func (p planner) of(t reflect.Type) writer {
	pointer := reflect.PointerTo(t)
	switch {
	case t == reflect.TypeFor[time.Time]():
		return writeTime
	case pointer.Implements(jsonMarshaler):
		return byLibrary
	case pointer.Implements(textMarshaler):
		if t.Kind() == reflect.Uint8 && t.Implements(textMarshaler) {
			return enumeration(t)
		}
		return byLibrary
	}
	switch t.Kind() {
	case reflect.String:
		return func(o *output, b []byte, v reflect.Value) ([]byte, error) { return appendText(b, v.String()), nil }
	case reflect.Bool:
		return func(o *output, b []byte, v reflect.Value) ([]byte, error) {
			return strconv.AppendBool(b, v.Bool()), nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(o *output, b []byte, v reflect.Value) ([]byte, error) {
			return strconv.AppendInt(b, v.Int(), 10), nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(o *output, b []byte, v reflect.Value) ([]byte, error) {
			return strconv.AppendUint(b, v.Uint(), 10), nil
		}
	case reflect.Pointer:
		elem := p.of(t.Elem())
		return func(o *output, b []byte, v reflect.Value) ([]byte, error) {
			if v.IsNil() {
				return append(b, "null"...), nil
			}
			return elem(o, b, v.Elem())
		}
	case reflect.Slice:
		return p.list(t)
	case reflect.Struct:
		return p.structure(t)
	}
	if t == reflect.TypeFor[map[string]string]() {
		return func(o *output, b []byte, v reflect.Value) ([]byte, error) {
			m, _ := v.Interface().(map[string]string)
			return appendMap(b, m), nil
		}
	}
	return byLibrary
}

// byLibrary writes what is rare.
func byLibrary(_ *output, b []byte, v reflect.Value) ([]byte, error) {
	x := v.Interface()
	if v.CanAddr() {
		x = v.Addr().Interface() // for methods of the pointer
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(x); err != nil {
		return b, err
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), nil
}

func writeTime(o *output, b []byte, v reflect.Value) ([]byte, error) {
	t, ok := v.Interface().(time.Time)
	if v.CanAddr() {
		at, _ := v.Addr().Interface().(*time.Time) // without a copy on the heap
		t, ok = *at, true
	}
	if year := t.Year(); !ok || t.Location() != time.UTC || year < 0 || year > 9999 {
		return byLibrary(o, b, v)
	}
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"'), nil
}

// enumeration writes a small number by the text that its type has for it. A
// value outside the set is left to the library, which has the type complain.
func enumeration(t reflect.Type) writer {
	var texts [256][]byte
	for i := range texts {
		texts[i] = textOf(t, uint8(i))
	}
	return func(o *output, b []byte, v reflect.Value) ([]byte, error) {
		if text := texts[uint8(v.Uint())]; text != nil {
			return append(b, text...), nil
		}
		return byLibrary(o, b, v)
	}
}

// textOf is nil for a value that has none.
func textOf(t reflect.Type, n uint8) (text []byte) {
	defer func() {
		if recover() != nil {
			text = nil
		}
	}()
	v := reflect.New(t).Elem()
	v.SetUint(uint64(n))
	m, _ := v.Interface().(encoding.TextMarshaler)
	s, err := m.MarshalText()
	if err != nil {
		return nil
	}
	return appendText(nil, string(s))
}

func (p planner) list(t reflect.Type) writer {
	if t.Elem().Kind() == reflect.Uint8 {
		if pointer := reflect.PointerTo(t.Elem()); pointer.Implements(textMarshaler) || pointer.Implements(jsonMarshaler) {
			return byLibrary
		}
		return func(o *output, b []byte, v reflect.Value) ([]byte, error) {
			if v.IsNil() {
				return append(b, "null"...), nil
			}
			return append(base64.StdEncoding.AppendEncode(append(b, '"'), v.Bytes()), '"'), nil
		}
	}
	elem := p.of(t.Elem())
	return func(o *output, b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		b = append(b, '[')
		var err error
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = elem(o, b, v.Index(i)); err != nil {
				return b, err
			}
			if b, err = o.flush(b, part); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	}
}

// field is an exported field of a struct.
type field struct {
	at    int
	name  string // with quotes and colon
	omit  func(reflect.Value) bool
	write writer
}

func (p planner) structure(t reflect.Type) writer {
	if w := p[t]; w != nil {
		return func(o *output, b []byte, v reflect.Value) ([]byte, error) { return (*w)(o, b, v) }
	}
	p[t] = new(writer)
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() && !f.Anonymous {
			continue
		}
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-":
			continue
		case f.Anonymous, options != "" && omitted(f.Type, options) == nil:
			panic(fmt.Sprintf("jsonplan: field %s of %s is embedded or has the options %q", f.Name, t, options))
		case name == "":
			name = f.Name
		}
		fields = append(fields, field{i, string(appendText(nil, name)) + ":", omitted(f.Type, options), p.of(f.Type)})
	}
	*p[t] = func(o *output, b []byte, v reflect.Value) ([]byte, error) { return writeStruct(o, b, v, fields) }
	return *p[t]
}

func writeStruct(o *output, b []byte, v reflect.Value, fields []field) ([]byte, error) {
	b = append(b, '{')
	first := true
	var err error
	for i := range fields {
		f := &fields[i]
		x := v.Field(f.at)
		if f.omit != nil && f.omit(x) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if b, err = f.write(o, append(b, f.name...), x); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// omitted is what a field's options leave out; nil is nothing.
func omitted(t reflect.Type, options string) func(reflect.Value) bool {
	_, method := t.MethodByName("IsZero")
	switch {
	case options == "omitempty":
		return empty
	case options == "omitzero" && t == reflect.TypeFor[time.Time]():
		return func(v reflect.Value) bool {
			t, _ := v.Interface().(time.Time)
			return t.IsZero()
		}
	case options == "omitzero" && !method:
		return reflect.Value.IsZero
	}
	return nil
}

// empty is what omitempty leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func appendMap(b []byte, m map[string]string) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	var few [16]string
	keys := few[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, k), ':')
		b = appendText(b, m[k])
	}
	return append(b, '}')
}
