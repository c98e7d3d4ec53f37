package message_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"mailvet/dnscheck/message"
)

// A message that neither SPF nor DKIM vouches for.
func Example() {
	dns := zone{"a.test": {"TXT v=spf1 ip4:192.0.2.1 -all"}, "_dmarc.a.test": {"TXT v=DMARC1; p=reject"}}
	j := message.Judge{Resolver: dns, Time: time.Now(), IP: netip.MustParseAddr("203.0.113.9"), From: "ann@a.test"}
	res, err := j.Judge(context.Background(), strings.NewReader("From: Ann <ann@a.test>\r\n\r\nSend money.\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(res.AuthenticationResults("mx.b.test"), "\n  "))
	// Output:
	// mx.b.test;
	//   spf=fail smtp.mailfrom=ann@a.test;
	//   dkim=none;
	//   dmarc=fail header.from=a.test policy.dmarc=reject
}
