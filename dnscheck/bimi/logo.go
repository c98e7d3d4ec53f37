package bimi

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Limits of a logo that mail programs are told to expect.
const (
	RecommendedSize  = 32 << 10 // octets
	RecommendedTitle = 64       // characters
)

// Bounds of what is read of a logo.
const (
	maxElements = 20000
	maxDepth    = 64
	maxFaults   = 8
)

const svgNamespace = "http://www.w3.org/2000/svg"

// absent are the elements that the profile leaves out, and why.
var absent = map[string]string{
	"script": "scripts", "handler": "scripts", "listener": "scripts",
	"animate": "animation", "animateColor": "animation", "animateMotion": "animation", "animateTransform": "animation", "set": "animation", "discard": "animation",
	"a": "links", "image": "embedded images", "video": "video", "audio": "sound", "animation": "embedded images", "foreignObject": "other documents inside",
	"style": "style sheets", "filter": "filters", "mask": "masks", "pattern": "patterns", "clipPath": "clipping paths", "marker": "markers", "symbol": "symbols",
}

// Logo says what is wrong with an SVG file by the profile SVG Tiny Portable/
// Secure (draft-svg-tiny-ps-abrotman). Faults keep mail programs from showing
// it; Hints do not, or not all.
type Logo struct{ Faults, Hints []string }

// ReadLogo reads an SVG file.
func ReadLogo(data []byte) Logo {
	r := &logoReader{d: xml.NewDecoder(bytes.NewReader(data))}
	// Whatever the file says of its encoding: the profile asks for UTF-8, and
	// what is not is a fault.
	r.d.CharsetReader = func(label string, _ io.Reader) (io.Reader, error) {
		return nil, errors.New("the encoding " + label + " in the place of UTF-8")
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		r.fault("it is compressed (gzip)")
	} else if err := r.read(); err != nil {
		r.fault("it is no XML that can be read (" + err.Error() + ")")
	}
	if len(data) > RecommendedSize {
		r.logo.Hints = append(r.logo.Hints, "it has "+strconv.Itoa(len(data))+" octets, more than 32 kB")
	}
	return r.logo
}

type logoReader struct {
	d     *xml.Decoder
	logo  Logo
	count int
	title *strings.Builder // of the whole, once it was seen
	path  []string
}

func (r *logoReader) fault(text string) {
	if len(r.logo.Faults) < maxFaults && !slices.Contains(r.logo.Faults, text) {
		r.logo.Faults = append(r.logo.Faults, text)
	}
}

func (r *logoReader) read() error {
	for {
		token, err := r.d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if r.count++; r.count > maxElements || len(r.path) >= maxDepth {
				return errors.New("it has too many elements")
			}
			r.element(t)
			r.path = append(r.path, t.Name.Local)
		case xml.EndElement:
			r.path = r.path[:len(r.path)-1]
		case xml.CharData:
			if r.title != nil && slices.Equal(r.path, []string{"svg", "title"}) {
				r.title.Write(t)
			}
		case xml.Directive:
			r.fault("it has a document type definition")
		}
	}
	return r.whole()
}

// whole judges what is known only at the end.
func (r *logoReader) whole() error {
	if r.count == 0 {
		return errors.New("there is no element")
	}
	if r.title == nil || strings.TrimSpace(r.title.String()) == "" {
		r.fault("it has no title")
	} else if n := len([]rune(strings.TrimSpace(r.title.String()))); n > RecommendedTitle {
		r.logo.Hints = append(r.logo.Hints, "its title has "+strconv.Itoa(n)+" characters, more than 64")
	}
	return nil
}

func (r *logoReader) element(e xml.StartElement) {
	name := e.Name.Local
	switch {
	case len(r.path) == 0:
		r.root(e)
	case e.Name.Space != svgNamespace:
		return // metadata of a drawing program: not drawn
	case absent[name] != "":
		r.fault("it has " + absent[name] + " (the element " + name + ")")
	case name == "title" && len(r.path) == 1 && r.title == nil:
		r.title = new(strings.Builder)
	}
	for _, a := range e.Attr {
		r.attribute(a)
	}
}

func (r *logoReader) attribute(a xml.Attr) {
	value := strings.TrimSpace(a.Value)
	switch name := a.Name.Local; {
	case a.Name.Space == "xmlns" || name == "xmlns":
	case strings.HasPrefix(name, "on") && a.Name.Space == "":
		r.fault("it has scripts (the attribute " + name + ")")
	case name == "href" && value != "" && !strings.HasPrefix(value, "#"):
		r.fault("it refers to something outside")
	case strings.Contains(value, "url(") && !strings.Contains(strings.NewReplacer(" ", "", `"`, "", "'", "").Replace(value), "url(#"):
		r.fault("it refers to something outside")
	}
}

// root judges the outermost element.
func (r *logoReader) root(e xml.StartElement) {
	if e.Name.Local != "svg" || e.Name.Space != svgNamespace {
		r.fault("its root is not an element svg of SVG's namespace")
		return
	}
	attr := map[string]string{}
	for _, a := range e.Attr {
		if a.Name.Space == "" {
			attr[a.Name.Local] = a.Value
		}
	}
	if attr["version"] != "1.2" {
		r.fault("its version is not 1.2")
	}
	if attr["baseProfile"] != "tiny-ps" {
		r.fault("its baseProfile is not tiny-ps")
	}
	for _, name := range []string{"x", "y"} {
		if _, ok := attr[name]; ok {
			r.fault("its root has the attribute " + name)
		}
	}
	r.square(attr["viewBox"])
}

// square looks whether the picture is as wide as it is high.
func (r *logoReader) square(viewBox string) {
	f := strings.FieldsFunc(viewBox, func(c rune) bool { return c == ',' || strings.ContainsRune(blanks, c) })
	if len(f) != 4 {
		r.logo.Hints = append(r.logo.Hints, "it has no viewBox of four numbers, which says how large it is")
		return
	}
	w, err1 := strconv.ParseFloat(f[2], 64)
	h, err2 := strconv.ParseFloat(f[3], 64)
	if err1 != nil || err2 != nil || !(w > 0) || math.Abs(w-h) > 0.001*w {
		r.logo.Hints = append(r.logo.Hints, "it is not square (viewBox "+viewBox+")")
	}
}
