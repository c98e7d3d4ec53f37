package dnstest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Kind is what a server does wrong.
type Kind int

// The kinds of faults. The zero value is none of them and is refused.
const (
	_             Kind = iota
	Drop               // says nothing
	Delay              // answers later, by Fault.Delay
	Truncate           // sets TC and leaves out all records
	RCode              // fails with Fault.RCode, and with Fault.EDE if the query has EDNS
	StripDNSSEC        // leaves out RRSIG, NSEC, NSEC3, NSEC3PARAM, DNSKEY and DS records, and clears AD
	StripRRSIG         // leaves out RRSIG records
	CorruptRRSIG       // changes a bit in each signature
	ExpireRRSIG        // gives signatures that are right but have expired
	WrongID            // answers with another id
	WrongQuestion      // answers with another name in the question section
	WrongCase          // answers with the question's letters in the other case
	Garbage            // answers octets that are no message, but begin with the id
	Lame               // refers upward to the root, without AA
	NoEDNSFormErr      // FORMERR to queries with EDNS
	NoEDNSNotImp       // NOTIMP to queries with EDNS
	NoEDNSDrop         // silence to queries with EDNS
	IgnoreEDNS         // answers as if the query had no EDNS: small, unsigned
	NoValidation       // delivers bogus data and never sets AD; resolvers only
	ClearAD            // never sets AD
	SetAD              // always sets AD
	IgnoreCD           // validates though the query has CD set; resolvers only
	LoseLarge          // replies of more than 512 octets over UDP never arrive, as where fragments are lost
	TTL                // gives all records the TTL Fault.TTL
)

var kindText = map[Kind]string{
	Drop: "drop", Delay: "delay", Truncate: "truncate", RCode: "rcode",
	StripDNSSEC: "strip-dnssec", StripRRSIG: "strip-rrsig", CorruptRRSIG: "corrupt-rrsig", ExpireRRSIG: "expire-rrsig",
	WrongID: "wrong-id", WrongQuestion: "wrong-question", WrongCase: "wrong-case", Garbage: "garbage", Lame: "lame",
	NoEDNSFormErr: "no-edns-formerr", NoEDNSNotImp: "no-edns-notimp", NoEDNSDrop: "no-edns-drop", IgnoreEDNS: "ignore-edns",
	NoValidation: "no-validation", ClearAD: "clear-ad", SetAD: "set-ad", IgnoreCD: "ignore-cd", LoseLarge: "lose-large", TTL: "ttl",
}

func (k Kind) String() string {
	if s, ok := kindText[k]; ok {
		return s
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// ParseKind is the reverse of String.
func ParseKind(text string) (Kind, error) {
	for k, s := range kindText {
		if s == text {
			return k, nil
		}
	}
	return 0, fmt.Errorf("dnstest: unknown kind of fault %q", text)
}

// EDE is an extended DNS error (RFC 8914).
type EDE struct {
	Code uint16
	Text string
}

// Fault is something a server does wrong when it is asked certain questions.
// Several faults may meet in one answer.
type Fault struct {
	Name      string // "" or "*": all names; "*.example.test": all names below; else that name only
	Type      uint16 // 0: all types
	Transport string // "": all
	Kind      Kind
	Delay     time.Duration // for Kind Delay
	RCode     int           // for Kind RCode
	EDE       *EDE          // for Kind RCode; nil for none
	TTL       uint32        // for Kind TTL
	CD        bool          // only queries with CD set (RFC 4035, Section 3.2.2)
	FirstN    int           // only the first n times that it applies; 0: always
}

func (f Fault) check() error {
	switch {
	case kindText[f.Kind] == "":
		return fmt.Errorf("dnstest: unknown kind of fault %d", int(f.Kind))
	case f.Transport != "" && f.Transport != UDP && f.Transport != TCP && f.Transport != TLS:
		return fmt.Errorf("dnstest: unknown transport %q", f.Transport)
	case f.FirstN < 0, f.Delay < 0, f.Kind == Delay && f.Delay == 0:
		return errors.New("dnstest: a fault's count or delay is out of range")
	case f.Kind == RCode && dns.RcodeToString[f.RCode] == "":
		return fmt.Errorf("dnstest: unknown RCODE %d", f.RCode)
	}
	if _, ok := dns.IsDomainName(f.Name); f.Name != "" && !ok {
		return fmt.Errorf("dnstest: %q is not a name", f.Name)
	}
	return nil
}

// matches reports whether the fault concerns a question.
func (f Fault) matches(q Question, transport string, cd bool) bool {
	if f.CD && !cd || f.Type != 0 && f.Type != q.Type || f.Transport != "" && f.Transport != transport {
		return false
	}
	if f.Name == "" || f.Name == "*" || f.Name == "*." {
		return true
	}
	name := canonical(f.Name)
	if above, ok := strings.CutPrefix(name, "*."); ok {
		return q.Name != above && dns.IsSubDomain(above, q.Name)
	}
	return q.Name == name
}

// String gives the fault as ParseFault reads it.
func (f Fault) String() string {
	list := []string{"*", "*", "*", f.Kind.String()}
	if f.Name != "" {
		list[0] = f.Name
	}
	if f.Type != 0 {
		list[1] = dns.Type(f.Type).String()
	}
	if f.Transport != "" {
		list[2] = f.Transport
	}
	switch f.Kind {
	case Delay:
		list = append(list, f.Delay.String())
	case RCode:
		list = append(list, dns.RcodeToString[f.RCode])
		if f.EDE != nil {
			list = append(list, "ede", strconv.Itoa(int(f.EDE.Code)))
		}
	case TTL:
		list = append(list, strconv.FormatUint(uint64(f.TTL), 10))
	}
	if f.CD {
		list = append(list, "cd")
	}
	if f.FirstN > 0 {
		list = append(list, "first", strconv.Itoa(f.FirstN))
	}
	return strings.Join(list, " ")
}

// ParseFault reads one line of text: name, type, transport and kind, "*" for
// all of the first three, then what the kind needs.
//
//	example.test  MX  udp  drop
//	*             *   *    delay 50ms
//	*.example.test TLSA *  rcode SERVFAIL ede 22
//	example.test  *   udp  truncate first 2
//	example.test  *   *    expire-rrsig cd
func ParseFault(line string) (Fault, error) {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return Fault{}, fmt.Errorf("dnstest: fault %q: want name, type, transport, kind", line)
	}
	f := Fault{Name: fields[0]}
	if t := strings.ToUpper(fields[1]); t != "*" {
		if f.Type = parseType(t); f.Type == 0 {
			return Fault{}, fmt.Errorf("dnstest: fault %q: unknown type %s", line, fields[1])
		}
	}
	if fields[2] != "*" {
		f.Transport = fields[2]
	}
	var err error
	if f.Kind, err = ParseKind(fields[3]); err == nil {
		err = f.parseArguments(fields[4:])
	}
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return Fault{}, fmt.Errorf("dnstest: fault %q: %w", line, err)
	}
	return f, nil
}

func parseType(text string) uint16 {
	if t, ok := dns.StringToType[text]; ok {
		return t
	}
	digits, ok := strings.CutPrefix(text, "TYPE") // RFC 3597, Section 5
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

func (f *Fault) parseArguments(fields []string) (err error) {
	take := func() string {
		if len(fields) == 0 {
			return ""
		}
		s := fields[0]
		fields = fields[1:]
		return s
	}
	switch f.Kind {
	case Delay:
		if f.Delay, err = time.ParseDuration(take()); err != nil {
			return err
		}
	case RCode:
		rcode, ok := dns.StringToRcode[strings.ToUpper(take())]
		if !ok {
			return errors.New("want an RCODE")
		}
		f.RCode = rcode
	case TTL:
		ttl, err := strconv.ParseUint(take(), 10, 32)
		if err != nil {
			return errors.New("want a TTL")
		}
		f.TTL = uint32(ttl)
	}
	for len(fields) > 0 {
		switch word := take(); {
		case word == "first":
			if f.FirstN, err = strconv.Atoi(take()); err != nil || f.FirstN < 1 {
				return errors.New("want a number after first")
			}
		case word == "cd":
			f.CD = true
		case word == "ede" && f.Kind == RCode:
			code, err := strconv.ParseUint(take(), 10, 16)
			if err != nil {
				return errors.New("want a code after ede")
			}
			f.EDE = &EDE{Code: uint16(code)}
		default:
			return fmt.Errorf("unexpected %q", word)
		}
	}
	return nil
}
