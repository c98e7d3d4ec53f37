package message_test

import (
	"encoding"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"

	"mailvet/dnscheck/message"
)

func TestDMARC(t *testing.T) {
	signed := func(domain string) string { return sign(t, plain, dkim.SignOptions{Domain: domain}) }
	from := func(domain string) string { return strings.Replace(plain, "ann@a.test", "ann@"+domain, 1) }
	record := func(text string) zone { return zone{"_dmarc.a.test": {"TXT " + text}} }
	stranger := func(j *message.Judge) { j.From = "x@other.test" }
	tests := []struct {
		name   string
		msg    string
		zone   zone
		change func(*message.Judge)
		want   string // "result reason tag=policy disposition"
	}{
		{"both", signed("a.test"), nil, nil, "pass aligned p=reject none"},
		{"SPF alone", plain, nil, nil, "pass aligned p=reject none"},
		{"DKIM alone", signed("a.test"), nil, stranger, "pass aligned p=reject none"},
		{"SPF of a subdomain", plain, nil, func(j *message.Judge) { j.From = "x@mail.a.test" }, "pass aligned p=reject none"},
		{"SPF of a subdomain, strict", plain, record("v=DMARC1; p=reject; aspf=s"), func(j *message.Judge) { j.From = "x@mail.a.test" }, "fail not-aligned p=reject reject"},
		{"DKIM of a subdomain", signed("mail.a.test"), nil, stranger, "pass aligned p=reject none"},
		{"DKIM of a subdomain, strict", signed("mail.a.test"), record("v=DMARC1; p=quarantine; adkim=s"), stranger, "fail not-aligned p=quarantine quarantine"},
		{"the null sender", plain, nil, func(j *message.Judge) { j.From, j.Helo = "<>", "mail.a.test" }, "pass aligned p=reject none"},
		{"HELO alone does not count", plain, nil, func(j *message.Judge) { j.From, j.Helo = "x@other.test", "mail.a.test" }, "fail not-aligned p=reject reject"},
		{"others pass", signed("other.test"), nil, stranger, "fail not-aligned p=reject reject"},
		{"nothing", plain, nil, func(j *message.Judge) { *j = message.Judge{Resolver: j.Resolver, Time: j.Time} }, "fail not-aligned p=reject reject"},
		{"a part only", plain, record("v=DMARC1; p=reject; pct=20"), stranger, "fail not-aligned p=reject reject 20%"},
		{"from a subdomain", from("news.a.test"), nil, stranger, "fail not-aligned sp=quarantine quarantine"},
		{"a subdomain without sp", from("news.a.test"), record("v=DMARC1; p=reject"), stranger, "fail not-aligned p=reject reject"},
		{"no record", from("none.test"), nil, nil, "none no-record  "},
		{"several records", plain, zone{"_dmarc.a.test": {"TXT v=DMARC1; p=none", "TXT v=DMARC1; p=reject"}}, nil, "none several-records  "},
		{"no policy", plain, record("v=DMARC1; p=maybe"), nil, "permerror invalid-record p=invalid "},
		{"no policy, but reports", plain, record("v=DMARC1; rua=mailto:d@a.test"), stranger, "fail not-aligned p=none none"},
		{"tags twice", plain, record("v=DMARC1; p=none; p=reject"), nil, "permerror invalid-record  "},
		{"no answer", plain, zone{"_dmarc.a.test": {"servfail"}}, nil, "temperror dns  "},
		{"no answer for the key", signed("a.test"), zone{"s1._domainkey.a.test": {"timeout"}}, stranger, "temperror undecided p=reject none"},
		{"no answer for SPF", plain, zone{"a.test": {"servfail"}}, nil, "temperror undecided p=reject none"},
		{"two From fields", "From: x@b.test\r\n" + plain, nil, nil, "permerror from  "},
		{"a public suffix", from("test"), nil, nil, "permerror from  "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := judge(t, world(t).with(tt.zone), tt.msg, tt.change)
			d := of(res, message.RFC7489)[0]
			policy := ""
			if d.Tag != "" {
				policy = d.Tag + "=" + d.Policy.String()
			}
			got := fmt.Sprintf("%s %s %s %s", d.Result, d.Reason, policy, d.Disposition)
			if d.Percent > 0 && d.Percent < 100 {
				got += fmt.Sprintf(" %d%%", d.Percent)
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func of(res *message.Result, std message.Standard) []message.DMARC {
	var list []message.DMARC
	for _, d := range res.DMARC {
		if d.Standard == std {
			list = append(list, d)
		}
	}
	return list
}

// Each domain in From is judged by RFC 7489.
func TestSeveralAuthors(t *testing.T) {
	msg := strings.Replace(plain, "Ann <ann@a.test>", "ann@a.test, bob@other.test", 1)
	list := of(judge(t, world(t), msg, nil), message.RFC7489)
	if len(list) != 2 || list[0].Result != message.ResultPass || list[1].Result != message.ResultFail {
		t.Errorf("%+v", list)
	}
	msg = strings.Replace(plain, "Ann <ann@a.test>", "a@a.test, a@b.test, a@c.test, a@d.test, a@e.test", 1)
	for _, d := range judge(t, world(t), msg, nil).DMARC {
		if d.Result != message.ResultNone || d.Reason != message.DMARCManyAuthors {
			t.Errorf("%+v", d)
		}
	}
}

func TestAuthenticationResults(t *testing.T) {
	msg := sign(t, sign(t, plain, dkim.SignOptions{Domain: "a.test"}), dkim.SignOptions{Domain: "gone.test"})
	start := func(i int) string {
		_, rest, ok := strings.Cut(strings.Join(strings.Fields(strings.Split(msg, "DKIM-Signature: ")[i+1]), ""), ";b=")
		if !ok {
			t.Fatal(msg)
		}
		return rest[:8]
	}
	got := judge(t, world(t), msg, nil).AuthenticationResults("mx.b.test")
	want := []string{
		"mx.b.test;",
		"spf=pass smtp.mailfrom=ann@a.test;",
		"spf=none smtp.helo=mx.a.test;",
		"dkim=permerror reason=key-missing header.a=ed25519-sha256 header.b=" + quoted(start(0)) + " header.d=gone.test header.s=s1;",
		"dkim=pass header.a=ed25519-sha256 header.b=" + quoted(start(1)) + " header.d=a.test header.s=s1;",
		"dmarc=pass header.from=a.test",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func quoted(s string) string {
	if strings.ContainsAny(s, "/=") {
		return `"` + s + `"`
	}
	return s
}

// What base64 has beside letters and digits is quoted, as in no token (RFC 2045,
// Section 5.1).
func TestQuotedStart(t *testing.T) {
	for start, want := range map[string]string{"abcd+123": "abcd+123", "0J/R4kkm": `"0J/R4kkm"`, "/a+/b/c/": `"/a+/b/c/"`, "a/c=": `"a/c="`} {
		r := message.Result{Signatures: []message.Signature{{Start: start, Domain: "a.test", Selector: "s/1", Algorithm: "rsa-sha256"}}}
		got := strings.Join(r.AuthenticationResults("mx.b.test"), "\n")
		if !strings.Contains(got, " header.b="+want+" header.d=a.test") {
			t.Errorf("%s: %s", start, got)
		}
		if _, list, err := authres.Parse(got); err != nil || len(list) == 0 || list[0].(*authres.DKIMResult).Identifier != "" {
			t.Errorf("%s: %v, %v", start, list, err)
		}
	}
}

// Whatever a message holds, the field stays one field that parses.
func TestHostileResults(t *testing.T) {
	evil := "x\"; dkim=pass header.d=a.test; y=\x1b[2J(\\"
	msg := "DKIM-Signature: v=1; a=" + evil + "; d=a.test; s=" + evil + "; b=" + evil + "; bh=; h=From\r\n" +
		"DKIM-Signature: v=1; a=rsa-sha256; d=" + evil + "\r\n" + strings.Replace(plain, "Ann <ann@a.test>", "\"a\\\" ; (\"@a.test", 1)
	res := judge(t, world(t), msg, func(j *message.Judge) { j.From = "\"; dkim=pass (\"@a.test" })
	lines := res.AuthenticationResults("mx.b.test")
	for _, l := range lines {
		if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q", l)
		}
	}
	_, list, err := authres.Parse(strings.Join(lines, "\r\n\t"))
	if err != nil || len(list) != len(lines)-1 {
		t.Errorf("%d results of %d lines, %v", len(list), len(lines), err)
	}
	for _, r := range list {
		if d, ok := r.(*authres.DKIMResult); ok && d.Value == authres.ResultPass {
			t.Errorf("passes: %q", lines)
		}
	}
}

// Every enumeration is written as it is read, and nothing else is.
func TestEnums(t *testing.T) {
	check := func(name string, n int, at func(i int) encoding.TextMarshaler, read encoding.TextUnmarshaler, now func() any) {
		for i := range n {
			b, err := at(i).MarshalText()
			if err != nil || read.UnmarshalText(b) != nil || fmt.Sprint(now()) != string(b) {
				t.Errorf("%s %d: %q, %v", name, i, b, err)
			}
		}
		if read.UnmarshalText([]byte("nonsense")) == nil {
			t.Errorf("%s: nonsense is read", name)
		}
	}
	var r message.Result8601
	var s message.Reason
	var d message.DMARCReason
	var std message.Standard
	check("result", int(message.ResultPermError)+1, func(i int) encoding.TextMarshaler { return message.Result8601(i) }, &r, func() any { return r })
	check("reason", int(message.ReasonKeyStrict)+1, func(i int) encoding.TextMarshaler { return message.Reason(i) }, &s, func() any { return s })
	check("DMARC reason", int(message.DMARCManyAuthors)+1, func(i int) encoding.TextMarshaler { return message.DMARCReason(i) }, &d, func() any { return d })
	check("standard", int(message.RFC9989)+1, func(i int) encoding.TextMarshaler { return message.Standard(i) }, &std, func() any { return std })
}

// By RFC 9989 organizations are found in the DNS.
func TestTreeWalk(t *testing.T) {
	from := func(domain string) string { return strings.Replace(plain, "ann@a.test", "ann@"+domain, 1) }
	exists := []string{"A 192.0.2.9"}
	tests := []struct {
		name, author, sender string
		zone                 zone
		want                 string
	}{
		{"of its own", "a.test", "x@a.test", nil, "pass aligned p=reject none"},
		{"relaxed", "a.test", "x@mail.a.test", nil, "pass aligned p=reject none"},
		{"a subdomain", "news.a.test", "x@other.test", zone{"news.a.test": exists}, "fail not-aligned sp=quarantine quarantine"},
		{"a subdomain that is not there", "news.a.test", "x@other.test", zone{"_dmarc.a.test": {"TXT v=DMARC1; p=none; np=reject"}}, "fail not-aligned np=reject reject"},
		{"one that is there", "news.a.test", "x@other.test", zone{"news.a.test": exists, "_dmarc.a.test": {"TXT v=DMARC1; p=none; np=reject"}}, "fail not-aligned p=none none"},
		{"testing", "a.test", "x@other.test", zone{"_dmarc.a.test": {"TXT v=DMARC1; p=reject; t=y"}}, "fail not-aligned p=reject quarantine testing"},
		{"pct is gone", "a.test", "x@other.test", zone{"_dmarc.a.test": {"TXT v=DMARC1; p=reject; pct=0"}}, "fail not-aligned p=reject reject"},
		{"two organizations below a suffix", "a.test", "x@other.test", zone{"_dmarc.test": {"TXT v=DMARC1; p=none; psd=y"}}, "fail not-aligned p=reject reject"},
		{"one below a name that the list takes for a suffix's", "one.a.test", "x@two.a.test",
			zone{"_dmarc.one.a.test": {"TXT v=DMARC1; p=reject; psd=n"}, "two.a.test": {"TXT v=spf1 +all"}}, "fail not-aligned p=reject reject"},
		{"nothing", "none.test", "x@none.test", nil, "none no-record  "},
		{"no policy counts as none", "a.test", "x@other.test", zone{"_dmarc.a.test": {"TXT v=DMARC1; t=n"}}, "fail not-aligned p=none none"},
		{"no answer", "a.test", "x@a.test", zone{"_dmarc.a.test": {"servfail"}}, "temperror dns  "},
		{"no answer above, where it matters", "none.test", "x@a.test", zone{"_dmarc.test": {"timeout"}}, "temperror dns  "},
		{"no answer above, where it does not", "a.test", "x@a.test", zone{"_dmarc.test": {"timeout"}}, "pass aligned p=reject none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := judge(t, world(t).with(tt.zone), from(tt.author), func(j *message.Judge) { j.From = tt.sender })
			d := of(res, message.RFC9989)[0]
			policy := ""
			if d.Tag != "" {
				policy = d.Tag + "=" + d.Policy.String()
			}
			got := fmt.Sprintf("%s %s %s %s", d.Result, d.Reason, policy, d.Disposition)
			if d.Testing {
				got += " testing"
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	msg := strings.Replace(plain, "Ann <ann@a.test>", "ann@a.test, bob@other.test", 1)
	if list := of(judge(t, world(t), msg, nil), message.RFC9989); len(list) != 1 || list[0].Reason != message.DMARCManyAuthors {
		t.Errorf("%+v", list)
	}
}
