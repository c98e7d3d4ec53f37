package probe

import (
	"bytes"
	"crypto/aes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"mailvet/report/evidence"
	"mailvet/smtpcheck/tlshello"
)

// client is a TLS client up to TLS 1.2, just able enough to finish a handshake
// and to ask for another one inside (RFC 5246, Section 7.4.1.1). It verifies
// nothing but the records: it has no secrets, and what it is told is evidence.
type client struct {
	conn    io.ReadWriter
	in, out *half
	offered tlshello.Version
	// verify is the verify_data of the last client Finished (RFC 5746, Section 3.1).
	verify []byte
	read   int // records so far
}

// maxRecords bounds what one client reads.
const maxRecords = 4096

// The record types and handshake messages that are not tlshello's to read.
const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	recordData             = 23

	messageFinished          = 20
	messageClientKeyExchange = 16
	messageCertificate       = 11
)

// errAlert is an alert received within the protected connection.
type errAlert struct{ tlshello.Alert }

func (e errAlert) Error() string { return e.Alert.String() }

// record reads one record; raw is its header with the decrypted content.
func (c *client) record() (kind byte, raw []byte, err error) {
	if c.read++; c.read > maxRecords {
		return 0, nil, fmt.Errorf("over %d records: %w", maxRecords, errTooLarge)
	}
	var header [5]byte
	if _, err := io.ReadFull(c.conn, header[:]); err != nil {
		return 0, nil, err
	}
	length := int(header[3])<<8 | int(header[4])
	if length > 1<<14+2048 { // RFC 5246, Section 6.2.3
		return 0, nil, fmt.Errorf("a record of %d octets: %w", length, errTooLarge)
	}
	data := make([]byte, length)
	if _, err := io.ReadFull(c.conn, data); err != nil {
		return 0, nil, err
	}
	if c.in.on() && header[0] >= recordChangeCipherSpec {
		if data, err = c.in.open(header[0], data); err != nil {
			return 0, nil, errRecord
		}
	}
	header[3], header[4] = byte(len(data)>>8), byte(len(data))
	return header[0], append(header[:], data...), nil
}

func (c *client) write(kind byte, version tlshello.Version, data []byte) error {
	if c.out.on() {
		sealed, err := c.out.seal(kind, data)
		if err != nil {
			return err
		}
		data = sealed
	}
	_, err := c.conn.Write(append([]byte{kind, byte(version >> 8), byte(version), byte(len(data) >> 8), byte(len(data))}, data...))
	return err
}

// handshake sends the hello (records, as tlshello writes them) and finishes the
// handshake. The answer is there as far as the server's flight came.
func (c *client) handshake(hello []byte) (*tlshello.Answer, error) {
	var r tlshello.Reader
	messages := bytes.Clone(hello[5:]) // one record
	if c.out.on() {
		if err := c.write(recordHandshake, c.out.version, messages); err != nil {
			return r.Answer(), err
		}
	} else if _, err := c.conn.Write(hello); err != nil {
		return r.Answer(), err
	}
	for r.Answer().Outcome == tlshello.Incomplete {
		kind, raw, err := c.record()
		if err != nil {
			if errors.Is(err, io.EOF) {
				r.Close()
			}
			return r.Answer(), err
		}
		switch {
		case kind == recordData && c.in.on():
			continue // said before the server saw the hello
		case kind == recordAlert && c.in.on() && len(raw) == 7: // also no_renegotiation, a mere warning
			return r.Answer(), errAlert{tlshello.Alert{Level: tlshello.AlertLevel(raw[5]), Description: tlshello.AlertDescription(raw[6])}}
		}
		if kind == recordHandshake && !(len(raw) == 9 && raw[5] == 0) { // a HelloRequest is not part of it
			messages = append(messages, raw[5:]...)
		}
		r.Feed(raw)
	}
	a := r.Answer()
	if a.Outcome != tlshello.Accepted {
		return a, nil
	}
	return a, c.finish(a, hello[11:43], messages)
}

// finish computes the keys, and exchanges the Finished messages.
func (c *client) finish(a *tlshello.Answer, random, messages []byte) error {
	v := a.Version()
	suite, ok := cipherOf(a.Hello.Suite.Traits())
	if !ok || v < tlshello.TLS10 || v > tlshello.TLS12 || a.Resumed || a.Hello.Compression != 0 {
		return fmt.Errorf("cannot finish a handshake with %s in %s", a.Hello.Suite, v)
	}
	secret, body, err := agree(a, c.offered)
	if err != nil {
		return err
	}
	if a.Request != nil { // no certificate
		empty := []byte{messageCertificate, 0, 0, 3, 0, 0, 0}
		messages = append(messages, empty...)
		if err := c.write(recordHandshake, v, empty); err != nil {
			return err
		}
	}
	exchange := message(messageClientKeyExchange, body)
	messages = append(messages, exchange...)
	if err := c.write(recordHandshake, v, exchange); err != nil {
		return err
	}
	seeds := append(bytes.Clone(random), a.Hello.Random[:]...)
	master := prf(v, suite.prf, secret, "master secret", seeds, 48)
	if a.Hello.ExtendedMasterSecret { // RFC 7627, Section 4
		master = prf(v, suite.prf, secret, "extended master secret", digest(v, suite.prf, messages), 48)
	}
	in, out, err := keys(v, suite, master, a.Hello.Random[:], random)
	if err != nil {
		return err
	}
	if err := c.write(recordChangeCipherSpec, v, []byte{1}); err != nil {
		return err
	}
	c.out = out
	c.verify = prf(v, suite.prf, master, "client finished", digest(v, suite.prf, messages), 12)
	finished := message(messageFinished, c.verify)
	if err := c.write(recordHandshake, v, finished); err != nil {
		return err
	}
	return c.await(in)
}

// await reads up to the server's Finished.
func (c *client) await(in *half) error {
	changed := false
	for {
		kind, raw, err := c.record()
		switch {
		case err != nil:
			return err
		case kind == recordAlert && len(raw) == 7:
			return errAlert{tlshello.Alert{Level: tlshello.AlertLevel(raw[5]), Description: tlshello.AlertDescription(raw[6])}}
		case kind == recordChangeCipherSpec && !changed:
			changed, c.in = true, in
		case kind == recordHandshake && changed && len(raw) > 5 && raw[5] == messageFinished:
			return nil
		case kind == recordHandshake && !changed: // a session ticket
		case kind == recordData && !changed:
		default:
			return fmt.Errorf("record of type %d in place of the Finished", kind)
		}
	}
}

func message(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// keys makes the two directions of the record layer (RFC 5246, Section 6.3).
func keys(v tlshello.Version, s suiteCipher, master, server, random []byte) (in, out *half, err error) {
	iv := s.iv
	if s.aead == nil && v == tlshello.TLS10 {
		iv = aes.BlockSize
	}
	block := prf(v, s.prf, master, "key expansion", append(bytes.Clone(server), random...), 2*(s.mac+s.key+iv))
	take := func(n int) []byte {
		b := block[:n:n]
		block = block[n:]
		return b
	}
	out, in = &half{version: v, suite: s}, &half{version: v, suite: s}
	out.macKey, in.macKey = take(s.mac), take(s.mac)
	keyOut, keyIn := take(s.key), take(s.key)
	out.fixed, in.fixed = take(iv), take(iv)
	out.iv, in.iv = out.fixed, in.fixed
	for h, key := range map[*half][]byte{out: keyOut, in: keyIn} {
		if s.aead != nil {
			h.aead, err = s.aead(key)
		} else {
			h.block, err = aes.NewCipher(key)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return in, out, nil
}

// renegotiate asks for handshakes within the connection until one is refused,
// at most limit times, and returns how many the server went through. An error
// says that the last request had no answer.
func (c *client) renegotiate(o tlshello.Offer, limit int) (int, error) {
	for n := range limit {
		o.Renegotiation = tlshello.NotShown
		o.Extra = []tlshello.Extension{tlshello.RenegotiationInfo(c.verify)}
		hello, err := o.Marshal(rand.Reader)
		if err != nil {
			return n, err
		}
		a, err := c.handshake(hello)
		var alert errAlert
		switch {
		case errors.As(err, &alert):
			return n, nil
		case a.Outcome == tlshello.Refused, a.Outcome == tlshello.Closed, errors.Is(err, io.EOF):
			return n, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return n, nil // Exim with GnuTLS leaves TLS, with a last reply in the clear
		case err != nil:
			return n, err
		case a.Outcome != tlshello.Accepted:
			return n, errors.New(a.String())
		}
	}
	return limit, nil
}

// ignored reports whether the server went on with SMTP instead of answering the
// request for a handshake: then it has refused it.
func (c *client) ignored() bool {
	if c.write(recordData, c.out.version, []byte("NOOP\r\n")) != nil {
		return false
	}
	for {
		kind, _, err := c.record()
		if err != nil || kind == recordData {
			return err == nil
		}
	}
}

// leave says goodbye to a server that may still listen.
func (c *client) leave() {
	if c.out.on() && c.write(recordData, c.out.version, []byte("QUIT\r\n")) == nil {
		_ = c.write(recordAlert, c.out.version, []byte{byte(tlshello.Warning), byte(tlshello.CloseNotify)})
	}
}

// renegotiated writes down what came of it.
func (e *entry) renegotiated(n int, err error) {
	e.renegotiations = n
	switch {
	case n > 0:
		e.renegotiation = evidence.Accepted
	case err == nil:
		e.renegotiation = evidence.Refused
	default:
		e.renegotiation = evidence.NoAnswer
	}
}
