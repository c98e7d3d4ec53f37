package resolver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"mailvet/report/evidence"
)

// failure describes what went wrong while doing op. A nil error is a time-out.
func failure(op evidence.Op, err error) *evidence.Failure {
	if err == nil {
		return &evidence.Failure{Op: op, Class: evidence.ClassTimeout}
	}
	why := err
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Err != nil {
		why = op.Err // without our own address and port, which are nobody's business
	}
	f := &evidence.Failure{Op: op, Class: classOf(err), Text: text(why.Error(), 200)}
	if f.Class == evidence.ClassUnreachable && op == evidence.OpDial && local(err) {
		f.Class = evidence.ClassNoFamily
	}
	return f
}

// classes says what an error of the system means. The first that fits counts.
var classes = []struct {
	err   error
	class evidence.Class
}{
	{os.ErrDeadlineExceeded, evidence.ClassTimeout},
	{context.DeadlineExceeded, evidence.ClassTimeout},
	{context.Canceled, evidence.ClassCancelled},
	{syscall.ETIMEDOUT, evidence.ClassTimeout},
	{syscall.ECONNREFUSED, evidence.ClassRefused},
	{syscall.ECONNRESET, evidence.ClassReset},
	{syscall.ECONNABORTED, evidence.ClassReset},
	{syscall.EPIPE, evidence.ClassReset},
	{syscall.EAFNOSUPPORT, evidence.ClassNoFamily},
	{syscall.EADDRNOTAVAIL, evidence.ClassNoFamily},
	{syscall.ENETUNREACH, evidence.ClassUnreachable},
	{syscall.ENETDOWN, evidence.ClassUnreachable},
	{syscall.EHOSTUNREACH, evidence.ClassUnreachable},
	{syscall.EHOSTDOWN, evidence.ClassUnreachable},
	{syscall.EACCES, evidence.ClassForbidden},
	{syscall.EPERM, evidence.ClassForbidden},
	{errProtocol, evidence.ClassProtocol},
	{io.EOF, evidence.ClassClosed},
	{io.ErrUnexpectedEOF, evidence.ClassClosed},
	{io.ErrClosedPipe, evidence.ClassClosed},
	{net.ErrClosed, evidence.ClassClosed},
}

var errProtocol = errors.New("not what the protocol allows")

func classOf(err error) evidence.Class {
	for _, c := range classes {
		if errors.Is(err, c.err) {
			return c.class
		}
	}
	var (
		alert   tls.AlertError
		remote  *net.OpError
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		timeout interface{ Timeout() bool }
		lookup  *net.DNSError
		shake   handshakeError
	)
	switch {
	case errors.As(err, &alert), errors.As(err, &remote) && remote.Op == "remote error":
		return evidence.ClassTLSAlert
	case errors.As(err, &cert), errors.As(err, &record):
		return evidence.ClassTLS
	case errors.As(err, &timeout) && timeout.Timeout():
		return evidence.ClassTimeout
	case errors.As(err, &lookup):
		return evidence.ClassUnreachable // the server's own name leads nowhere
	case errors.As(err, &shake):
		return evidence.ClassTLS
	}
	return evidence.ClassUnknown
}

// local reports whether an unreachable network was told by this host: opening
// a connection fails with ENETUNREACH where there is no route for the family.
func local(err error) bool { return errors.Is(err, syscall.ENETUNREACH) }
