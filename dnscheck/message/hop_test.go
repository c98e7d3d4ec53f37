package message_test

import (
	"net/netip"
	"strings"
	"testing"

	"mailvet/dnscheck/message"
)

func TestHop(t *testing.T) {
	tests := []struct{ name, header, ip, helo, from string }{
		{"Postfix", "Return-Path: <ann@a.test>\nReceived: from mx.a.test (mx.a.test [192.0.2.1])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n\tby mail.b.test (Postfix) with ESMTPS id 4X1 for <bob@b.test>;\n\tSun, 22 Nov 2026 10:00:00 +0000 (UTC)", "192.0.2.1", "mx.a.test", "ann@a.test"},
		{"Postfix, IPv6, no reverse name", "Received: from mx.a.test (unknown [IPv6:2001:db8::1]) by mail.b.test (Postfix) with ESMTP id 4X1; Sun", "2001:db8::1", "mx.a.test", ""},
		{"Exim", "Received: from rdns.a.test ([192.0.2.1] helo=mx.a.test)\n by mail.b.test with esmtps (TLS1.3) (Exim 4.98) (envelope-from <ann@a.test>) id 1t; Sun", "192.0.2.1", "mx.a.test", "ann@a.test"},
		{"Exim, name as in HELO", "Received: from mx.a.test ([2001:db8::1]:40000) by mail.b.test with esmtp (Exim 4.98) (envelope-from <>) id 1t", "2001:db8::1", "mx.a.test", "<>"},
		{"Exim, no reverse name", "Received: from [192.0.2.1] (port=36000 helo=mx.a.test) by mail.b.test with esmtp (Exim 4.98) id 1t; Sun", "192.0.2.1", "mx.a.test", ""},
		{"Exim, an address in HELO", "Received: from [192.0.2.1] by mail.b.test with esmtp (Exim 4.98) id 1t; Sun", "192.0.2.1", "[192.0.2.1]", ""},
		{"Sendmail", "Return-Path: <>\nReceived: from mx.a.test (IDENT:joe@rdns.a.test [192.0.2.1] (may be forged)) by mail.b.test (8.18.1/8.18.1) with ESMTP id 4AM; Sun", "192.0.2.1", "mx.a.test", "<>"},
		{"Exchange", "Received: from mx.a.test (192.0.2.1) by mail.b.test\n (10.0.0.1) with Microsoft SMTP Server (version=TLS1_2,\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1; Sun", "192.0.2.1", "mx.a.test", ""},
		{"Exchange, IPv6", "Received: from A.prod.b.test (2001:db8::1) by B.prod.b.test (2001:db8::2) with Microsoft SMTP Server id 15.20.1; Sun", "2001:db8::1", "A.prod.b.test", ""},
		{"Gmail, below a hop within", "Delivered-To: bob@b.test\nReceived: by 2002:a05:6a10:1::1 with SMTP id x; Sun\nX-Received: from evil.test ([203.0.113.9])\nReturn-Path: <ann@a.test>\nReceived: from mx.a.test (mx.a.test. [192.0.2.1])\n by mx.b.test with ESMTPS id y for <bob@b.test>", "192.0.2.1", "mx.a.test", "ann@a.test"},
		{"qmail", "Received: from unknown (HELO mx.a.test) (192.0.2.1) by mail.b.test with SMTP; 22 Nov 2026", "192.0.2.1", "mx.a.test", ""},
		{"a copy below says otherwise", "Received: from mx.a.test (mx.a.test [192.0.2.1]) by mail.b.test; Sun\nReturn-Path: <evil@a.test>\nReceived: from forged (forged [203.0.113.9]) by nobody; Sun", "192.0.2.1", "mx.a.test", ""},
		{"an own network", "Received: from localhost (localhost [127.0.0.1]) by mail.b.test (Postfix); Sun", "", "", ""},
		{"no from", "Received: by mail.b.test (Postfix, from userid 0) id 4X1; Sun", "", "", ""},
		{"from and nothing else", "Received: from by mail.b.test; Sun", "", "", ""},
		{"from alone", "Received: from", "", "", ""},
		{"an open comment", "Received: from mx.a.test (mx.a.test [192.0.2.1 by mail.b.test; Sun", "", "mx.a.test", ""},
		{"a lie behind by", "Received: from mx.a.test by mail.b.test ([203.0.113.9]); Sun", "", "mx.a.test", ""},
		{"nonsense", "Received: from \x01\x02 (((((\\", "", "", ""},
		{"a zone", "Received: from mx.a.test ([fe80::1%eth0]) by mail.b.test; Sun", "", "mx.a.test", ""},
		{"a bad return path", "Return-Path: <nobody>\nReceived: from mx.a.test (mx.a.test [192.0.2.1]) by mail.b.test", "192.0.2.1", "mx.a.test", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := judge(t, zone{}, strings.ReplaceAll(tt.header, "\n", "\r\n")+"\r\n"+plain, func(j *message.Judge) { *j = message.Judge{Resolver: j.Resolver, Time: j.Time} })
			s := res.Sender
			var want netip.Addr
			if tt.ip != "" {
				want = netip.MustParseAddr(tt.ip)
			}
			if s.IP != want || s.Helo != tt.helo || s.From != tt.from {
				t.Errorf("from %s, HELO %q, MAIL FROM %q; want %s, %q, %q", s.IP, s.Helo, s.From, want, tt.helo, tt.from)
			}
		})
	}
}

// What the caller says goes before the header, each on its own.
func TestGivenSender(t *testing.T) {
	header := "Return-Path: <ann@a.test>\r\nReceived: from mx.a.test (mx.a.test [192.0.2.1]) by mail.b.test; Sun\r\n"
	res := judge(t, world(t), header+plain, func(j *message.Judge) { j.IP, j.Helo, j.From = netip.MustParseAddr("2001:db8::1"), "", "" })
	if s := res.Sender; s.Helo != "" || s.From != "ann@a.test" || !s.GivenIP || s.GivenFrom {
		t.Errorf("%+v: the HELO name of another address is taken", s)
	}
	res = judge(t, world(t), header+plain, func(j *message.Judge) { *j = message.Judge{Resolver: j.Resolver, Time: j.Time, From: "<>"} })
	if s := res.Sender; s.IP.String() != "192.0.2.1" || s.Helo != "mx.a.test" || s.From != "<>" || len(res.SPF) != 1 || !res.SPF[0].Helo {
		t.Errorf("%+v %+v", s, res.SPF)
	}
}

func TestAuthors(t *testing.T) {
	tests := []struct {
		name, from string
		domains    string
		err        error
	}{
		{"plain", "ann@a.test", "a.test", nil},
		{"display name", "Ann <ann@A.test>", "a.test", nil},
		{"a display name that lies", "\"bob@b.test\" <ann@a.test>", "a.test", nil},
		{"a comment", "ann@a.test (Ann <bob@b.test>)", "a.test", nil},
		{"folded", "Ann\r\n <ann@a.test>", "a.test", nil},
		{"encoded words", "=?utf-8?q?=C3=84nn?= <ann@a.test>", "a.test", nil},
		{"an unknown charset", "=?x-none?b?AAAA?= <ann@a.test>", "a.test", nil},
		{"not as RFC 5322 has it", "Ann. A, Dr. <ann@a.test>", "a.test", nil},
		{"UTF-8", "Änn <änn@bücher.test>", "xn--bcher-kva.test", nil},
		{"several", "ann@a.test, Bob <bob@b.test>", "a.test b.test", nil},
		{"several of one domain", "ann@a.test, bob@A.TEST", "a.test", nil},
		{"a group", "Friends: ann@a.test, bob@b.test;", "a.test b.test", nil},
		{"an empty group", "undisclosed:;", "", message.ErrMalformedFrom},
		{"empty", "", "", message.ErrMalformedFrom},
		{"no domain", "<ann>", "", message.ErrMalformedFrom},
		{"an address literal", "ann@[192.0.2.1]", "", message.ErrMalformedFrom},
		{"nonsense", "<<<>>>", "", message.ErrMalformedFrom},
		{"too many", "a@a.test, a@b.test, a@c.test, a@d.test, a@e.test", "a.test b.test c.test d.test e.test", message.ErrManyFrom},
		{"twice", "ann@a.test\r\nFrom: bob@b.test", "", message.ErrSeveralFrom},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := judge(t, zone{}, "From: "+tt.from+"\r\n\r\n", nil)
			var domains []string
			for _, a := range res.Authors {
				if len(domains) == 0 || domains[len(domains)-1] != a.Domain {
					domains = append(domains, a.Domain)
				}
			}
			if got := strings.Join(domains, " "); got != tt.domains || res.AuthorErr != tt.err {
				t.Errorf("%q %v, want %q %v", got, res.AuthorErr, tt.domains, tt.err)
			}
		})
	}
	if res := judge(t, zone{}, "To: ann@a.test\r\n\r\n", nil); res.AuthorErr != message.ErrNoFrom {
		t.Error(res.AuthorErr)
	}
}

func TestARC(t *testing.T) {
	res := judge(t, zone{}, "ARC-Seal: i=2; cv=pass\r\nARC-Seal: i=1; cv=none\r\nARC-Seal: i=99\r\nARC-Seal: x\r\n"+plain, nil)
	if len(res.ARC) != 2 || res.ARC[0] != 1 || res.ARC[1] != 2 {
		t.Error(res.ARC)
	}
}
