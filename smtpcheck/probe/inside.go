package probe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// Bounds of what is read encrypted of one handshake.
const (
	maxInside        = tlshello.MaxFlight
	maxInsideRecords = 1024
	// insideWait is how long is waited for it: it comes with the ServerHello, or
	// not at all.
	insideWait = 5 * time.Second
)

// The messages of TLS 1.3 that are encrypted.
const (
	messageEncryptedExtensions = 8
	messageCertificateRequest  = 13
	messageCertificateVerify   = 15
)

// inside reads what a server says encrypted in TLS 1.3, as far as it is asked
// for: EncryptedExtensions, or the Certificate too (RFC 8446, Section 4.3.1 and
// 4.4.2). Octets may come in pieces of any size.
type inside struct {
	traffic *traffic13
	chain   bool // read up to the Certificate

	pending, messages []byte
	octets, records   int

	done         bool
	extensions   *tlshello.EncryptedExtensions
	certificates [][]byte
	alert        *tlshello.Alert
}

var errInside = errors.New("not a handshake of TLS 1.3")

// feed takes octets, until done. An error says that nothing more can be read.
func (r *inside) feed(b []byte) error {
	if r.octets += len(b); r.octets > maxInside {
		return fmt.Errorf("over %d octets: %w", maxInside, errTooLarge)
	}
	r.pending = append(r.pending, b...)
	for !r.done && len(r.pending) >= 5 {
		n := 5 + int(r.pending[3])<<8 + int(r.pending[4])
		if n > 5+1<<14+256 { // RFC 8446, Section 5.2
			return fmt.Errorf("a record of %d octets: %w", n-5, errTooLarge)
		}
		if n > len(r.pending) {
			break
		}
		if r.records++; r.records > maxInsideRecords {
			return fmt.Errorf("over %d records: %w", maxInsideRecords, errTooLarge)
		}
		record := r.pending[:n]
		r.pending = r.pending[n:]
		if err := r.record(record); err != nil {
			return err
		}
	}
	return nil
}

func (r *inside) record(record []byte) error {
	kind, content := record[0], record[5:]
	switch kind {
	case recordChangeCipherSpec: // RFC 8446, Section D.4: it means nothing
		return nil
	case recordData:
		var err error
		if kind, content, err = r.traffic.open(record); err != nil {
			return err
		}
	case recordAlert:
	default:
		return errInside
	}
	switch {
	case kind == recordAlert && len(content) == 2:
		r.alert, r.done = &tlshello.Alert{Level: tlshello.AlertLevel(content[0]), Description: tlshello.AlertDescription(content[1])}, true
		return nil
	case kind != recordHandshake || len(content) == 0:
		return errInside
	}
	r.messages = append(r.messages, content...)
	for !r.done && len(r.messages) >= 4 {
		n := 4 + int(r.messages[1])<<16 + int(r.messages[2])<<8 + int(r.messages[3])
		switch {
		case n-4 > tlshello.MaxMessage:
			return fmt.Errorf("a message of %d octets: %w", n-4, errTooLarge)
		case n > len(r.messages):
			return nil
		}
		m := r.messages[:n]
		r.messages = r.messages[n:]
		if err := r.message(m); err != nil {
			return err
		}
	}
	return nil
}

// message takes one: EncryptedExtensions first, then perhaps a
// CertificateRequest, then the Certificate (RFC 8446, Section 4.4).
func (r *inside) message(m []byte) (err error) {
	switch kind := m[0]; {
	case kind == messageEncryptedExtensions && r.extensions == nil:
		r.extensions, err = tlshello.ParseEncryptedExtensions(m)
		r.done = !r.chain
	case kind == messageCertificateRequest && r.extensions != nil:
	case kind == messageCertificate && r.extensions != nil:
		r.certificates = certificates13(cryptobyte.String(m[4:]))
		if r.done = true; len(r.certificates) == 0 {
			err = errInside
		}
	default:
		err = errInside
	}
	return err
}

// serverHello is the first handshake message in the records of a flight, header
// included; nil where there is none.
func serverHello(records []byte) []byte {
	var messages []byte
	for len(records) >= 5 {
		n := 5 + int(records[3])<<8 + int(records[4])
		if n > len(records) {
			break
		}
		if records[0] == recordHandshake {
			messages = append(messages, records[5:n]...)
		}
		records = records[n:]
	}
	if list := messagesOf(messages); len(list) > 0 {
		return list[0]
	}
	return nil
}

// look reads on inside a handshake of TLS 1.3 for which the question brought a
// key: hello and flight are what was sent and received so far. Then it takes
// leave.
func (t *attempt) look(conn io.Reader, hello, flight []byte, a *tlshello.Answer) error {
	x := t.asking
	c, ok := cipher13Of(a.Hello.Suite)
	if !ok {
		return errCipher
	}
	shared, err := x.keys.agree(a.Hello)
	if err != nil {
		return err
	}
	hellos := append(bytes.Clone(hello[5:]), serverHello(flight[:a.Octets])...) // the hello is one record
	server, client, err := secrets13(c.hash, shared, hash13(c.hash, hellos))
	if err != nil {
		return err
	}
	r := &inside{chain: x.entry.certificate != ""}
	if r.traffic, err = newTraffic13(a.Hello.Suite, server); err != nil {
		return err
	}
	out, err := newTraffic13(a.Hello.Suite, client)
	if err != nil {
		return err
	}
	t.deadline(min(t.p.Timeout, insideWait))
	err = r.feed(flight[a.Octets:])
	buf := make([]byte, 4096)
	for err == nil && !r.done {
		n, failed := conn.Read(buf)
		if err = r.feed(buf[:n]); err == nil && !r.done {
			err = failed
		}
	}
	if r.extensions != nil {
		x.entry.told = r.extensions.Groups
	}
	a.Certificates = r.certificates
	if r.alert != nil && x.entry.certificate != "" {
		a.Outcome, a.Alerts = tlshello.Refused, append(a.Alerts, *r.alert)
	}
	if r.alert == nil {
		t.cancelInside(out)
	}
	return err
}

// cancelInside is cancelHandshake where alerts are encrypted.
func (t *attempt) cancelInside(out *traffic13) {
	_ = t.raw.SetWriteDeadline(time.Now().Add(quitWait))
	_, _ = t.conn.Write(append(
		out.seal(recordAlert, []byte{byte(tlshello.Warning), byte(tlshello.UserCanceled)}),
		out.seal(recordAlert, []byte{byte(tlshello.Warning), byte(tlshello.CloseNotify)})...))
}

// missing says that the certificate asked for did not come, though the server
// chose suite and group.
func (e *entry) missing(failure *evidence.Failure) {
	if e.answer = evidence.NoAnswer; failure == nil {
		failure = &evidence.Failure{Op: evidence.OpHandshake, Class: evidence.ClassProtocol, Text: "the certificate could not be read"}
	}
	e.failure = failure
}
