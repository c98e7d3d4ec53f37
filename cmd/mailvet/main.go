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
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	// A closed output pipe is an error of a write, not the end of the program.
	signal.Ignore(syscall.SIGPIPE)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	os.Exit(code)
}
