package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"mailvet/report/evidence"
)

// failure puts an error into words. ctx is that of the whole fetch, limited
// that of this try.
func (x *exchange) failure(ctx, limited context.Context, err error) *evidence.Failure {
	f := &evidence.Failure{Op: x.op, Class: classify(x.op, err), Text: describe(err)}
	if limited.Err() != nil {
		f.Class = evidence.ClassTimeout // whatever the closed connection looks like
	}
	switch {
	case ctx.Err() != nil:
		f.Class, f.Text = evidence.ClassCancelled, "the scan was cancelled"
	case x.op == evidence.OpHandshake && refused(x.fetch.Certificate):
		f.Class, f.Text = evidence.ClassTLS, x.fetch.Certificate.State.Words()
	case f.Class == evidence.ClassTimeout && x.op == evidence.OpDial:
		f.Text = fmt.Sprintf("no connection within %v", x.f.ConnectTimeout)
	case f.Class == evidence.ClassTimeout:
		f.Text = fmt.Sprintf("not finished within %v", x.f.Timeout)
	}
	return f
}

// refused reports whether the handshake ended because of the certificate,
// whatever became of the alert that says so.
func refused(c *evidence.WebCertificate) bool {
	return c != nil && c.State != evidence.CertificateValid && c.State != evidence.CertificateUnknown
}

// classify names the kind of an error.
func classify(op evidence.Op, err error) evidence.Class {
	is := func(targets ...error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
	var (
		record  tls.RecordHeaderError
		network net.Error
		opErr   *net.OpError
	)
	switch {
	case errors.As(err, &record):
		return evidence.ClassProtocol
	case errors.As(err, &opErr) && opErr.Op == "remote error":
		// The Op of what crypto/tls returns for an alert received.
		return evidence.ClassTLSAlert
	case is(os.ErrDeadlineExceeded, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return evidence.ClassTimeout
	case is(syscall.ECONNREFUSED):
		return evidence.ClassRefused
	case is(syscall.ECONNRESET, syscall.ECONNABORTED):
		return evidence.ClassReset
	case op == evidence.OpDial && is(syscall.ENETUNREACH, syscall.EAFNOSUPPORT, syscall.EADDRNOTAVAIL):
		return evidence.ClassNoFamily
	case is(syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN):
		return evidence.ClassUnreachable
	case is(io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, syscall.EPIPE):
		return evidence.ClassClosed
	case op == evidence.OpHandshake:
		return evidence.ClassTLS
	case op == evidence.OpFetch:
		return evidence.ClassProtocol
	}
	return evidence.ClassUnknown
}

// describe is the error without the addresses and ports around it, which
// differ from run to run.
func describe(err error) string {
	var opErr *net.OpError
	if errors.As(err, &opErr) {
		err = opErr.Err
	}
	text := err.Error()
	for _, prefix := range []string{"tls: ", "net/http: ", "http: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) {
		text = "closed by the server"
	}
	return clip(text)
}
