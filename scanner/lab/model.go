package lab

import (
	"fmt"
	"strings"

	"mailvet/smtpcheck/smtptest"
	"mailvet/smtpcheck/tlshello"
)

// modelKeys are the lines of a mail server that say what TLS it agrees to.
var modelKeys = []string{"versions", "suites", "groups", "hashes", "specs", "order", "compression", "without", "refuses", "prime"}

// modelOf reads them; nil if there are none, for a server as usual.
func modelOf(values map[string]string) (*smtptest.Model, error) {
	given := false
	for _, k := range modelKeys {
		given = given || values[k] != ""
	}
	if !given {
		return nil, nil
	}
	m := &smtptest.Model{
		Versions: []tlshello.Version{tlshello.TLS12, tlshello.TLS13},
		Groups:   []tlshello.Group{tlshello.X25519, tlshello.SECP256R1},
	}
	err := firstError(
		each(values["versions"], tlshello.ParseVersion, &m.Versions),
		each(values["suites"], tlshello.ParseSuite, &m.Suites),
		each(values["groups"], tlshello.ParseGroup, &m.Groups),
		each(values["hashes"], named(tlshello.MD5, tlshello.SHA1, tlshello.SHA224, tlshello.SHA256, tlshello.SHA384, tlshello.SHA512), &m.Hashes),
		each(values["specs"], named(tlshello.CipherSpecs()...), &m.Specs),
		each(values["compression"], named(tlshello.Deflate, tlshello.LZS), &m.Compression),
	)
	for _, w := range split(values["without"]) {
		switch w {
		case "extended-master-secret":
			m.NoMasterSecret = true
		case "secure-renegotiation":
			m.NoSecureRenegotiation = true
		default:
			err = firstError(err, fmt.Errorf("without %q", w))
		}
	}
	if m.ClientOrder = values["order"] == "client"; !m.ClientOrder && values["order"] != "" && values["order"] != "server" {
		err = firstError(err, fmt.Errorf("order %q", values["order"]))
	}
	switch values["prime"] {
	case "":
	case "ffdhe3072":
		m.Prime = smtptest.FFDHE3072()
	default:
		err = firstError(err, fmt.Errorf("prime %q", values["prime"]))
	}
	refusals := map[string]smtptest.Refusal{"": smtptest.RefuseByAlert, "alert": smtptest.RefuseByAlert, "close": smtptest.RefuseByClose,
		"reset": smtptest.RefuseByReset, "silence": smtptest.RefuseBySilence, "oddly": smtptest.RefuseOddly}
	refusal, ok := refusals[values["refuses"]]
	if m.Refusal = refusal; !ok {
		err = firstError(err, fmt.Errorf("refuses %q", values["refuses"]))
	}
	return m, err
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// each reads a list of names into out, which stays as it is without any.
func each[E any](list string, parse func(string) (E, bool), out *[]E) error {
	var read []E
	for _, name := range split(list) {
		e, ok := parse(strings.TrimSpace(name))
		if !ok {
			return fmt.Errorf("there is no %q", name)
		}
		read = append(read, e)
	}
	if read != nil {
		*out = read
	}
	return nil
}

// named finds the value of a name among some.
func named[E fmt.Stringer](values ...E) func(string) (E, bool) {
	return func(name string) (E, bool) {
		for _, v := range values {
			if v.String() == name {
				return v, true
			}
		}
		var none E
		return none, false
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
