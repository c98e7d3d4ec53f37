// A scanner must be able to see what is weak. These settings only let old
// versions and small keys be read; nothing here trusts them.

//go:debug rsa1024min=0
//go:debug x509negativeserial=1
//go:debug tlsrsakex=1
//go:debug tls3des=1
//go:debug tlssha1=1
//go:debug tls10server=1

// Command mailvet scans the e-mail security of domains: SPF, DKIM, DMARC,
// STARTTLS, DANE, DNSSEC, IPv6 and RPKI, scored as the mail test of
// Internet.nl does.
package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stopping{asked: make(chan struct{})}
	signals := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // as with nohup
			signal.Notify(signals, sig)
		}
	}
	go func() {
		<-signals
		close(s.asked)
		if s.gentle.Load() {
			<-signals // the second one means it
		}
		cancel()
		signal.Stop(signals) // a further one ends the program at once
	}()
	// A closed output pipe is an error of a write, not the end of the program.
	signal.Ignore(syscall.SIGPIPE)
	end := steadyHeap()
	code := run(context.WithValue(ctx, stoppingKey{}, s), os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	end()
	os.Exit(code)
}

// stopping is how a command that has much in hand learns that it is to end
// soon. For the others the first signal ends their context.
type stopping struct {
	gentle atomic.Bool
	asked  chan struct{} // closed at the first signal
}

type stoppingKey struct{}

// gently asks for a gentle end, and returns the channel that is closed when it
// is due; nil where nobody sends signals.
func gently(ctx context.Context) <-chan struct{} {
	s, ok := ctx.Value(stoppingKey{}).(*stopping)
	if !ok {
		return nil
	}
	s.gentle.Store(true)
	return s.asked
}
