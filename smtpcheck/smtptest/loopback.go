package smtptest

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

var loopbacks atomic.Uint32

// Loopback is an IPv4 address of this machine that other tests do not listen on,
// in this process or in others. A test that has to find a free port for another
// program, and sees by a connection that it runs, would else take somebody
// else's listener for it. It is 127.0.0.1 where the system has no other.
func Loopback() string {
	pid := os.Getpid()
	a := fmt.Sprintf("127.%d.%d.%d", 16+pid>>8%200, pid&255, 1+loopbacks.Add(1)%250)
	l, err := net.Listen("tcp", net.JoinHostPort(a, "0"))
	if err != nil {
		return "127.0.0.1"
	}
	l.Close()
	return a
}
