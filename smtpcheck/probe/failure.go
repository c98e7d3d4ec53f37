package probe

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
	"time"

	"mailvet/report/evidence"
)

// failure puts an error into words, and notes whether anything more can be
// said over the connection.
func (t *attempt) failure(ctx context.Context, op evidence.Op, err error) *evidence.Failure {
	f := &evidence.Failure{Op: op, Class: classify(op, err), Text: describe(err)}
	if ctx.Err() != nil {
		f.Class, f.Text = evidence.ClassCancelled, "the scan was cancelled"
	}
	if f.Class == evidence.ClassTimeout {
		f.Text = fmt.Sprintf("nothing complete within %v", t.p.Timeout)
		switch {
		case op == evidence.OpDial:
			f.Text = fmt.Sprintf("no connection within %v", t.p.ConnectTimeout)
			if errors.Is(err, syscall.ETIMEDOUT) {
				f.Text = "no connection, says the system"
			}
		case !time.Now().Before(t.limit):
			t.exhausted = true
			f.Text = fmt.Sprintf("the session was not over within %v", t.p.SessionTimeout)
		}
	}
	switch f.Class {
	case evidence.ClassTimeout, evidence.ClassProtocol, evidence.ClassTooLarge:
		// A QUIT may still be heard, unless the handshake is half done.
		t.alive = t.alive && op != evidence.OpHandshake
		t.mute = true
	default:
		t.alive = false
	}
	return f
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
		syntax  syntaxError
		record  tls.RecordHeaderError
		network net.Error
		opErr   *net.OpError
	)
	switch {
	case is(errTooLarge):
		return evidence.ClassTooLarge
	case errors.As(err, &syntax), errors.As(err, &record), is(errNotTLS):
		return evidence.ClassProtocol
	case errors.As(err, &opErr) && opErr.Op == "remote error":
		// The Op of what crypto/tls returns for an alert received.
		return evidence.ClassTLSAlert
	case is(syscall.ECONNREFUSED):
		return evidence.ClassRefused
	case is(syscall.ECONNRESET, syscall.ECONNABORTED):
		return evidence.ClassReset
	case op == evidence.OpDial && is(syscall.ENETUNREACH, syscall.EAFNOSUPPORT, syscall.EADDRNOTAVAIL):
		return evidence.ClassNoFamily
	case is(syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN):
		return evidence.ClassUnreachable
	case is(os.ErrDeadlineExceeded, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return evidence.ClassTimeout
	case is(io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, syscall.EPIPE):
		return evidence.ClassClosed
	case op == evidence.OpHandshake:
		return evidence.ClassTLS
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
	text := strings.TrimPrefix(err.Error(), "tls: ")
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) {
		text = "closed by the server"
	}
	return printable(text[:min(len(text), maxShown)])
}

// reachOf says what a failure to connect says about the address. What may be
// this scanner's own fault says nothing.
func reachOf(f *evidence.Failure) evidence.Reachable {
	switch f.Class {
	case evidence.ClassTimeout, evidence.ClassRefused, evidence.ClassReset, evidence.ClassClosed, evidence.ClassUnreachable:
		return evidence.NotReached
	default:
		return evidence.ReachableUnknown
	}
}
