// Package message judges one received message: its DKIM signatures (RFC 6376,
// RFC 8301, RFC 8463), SPF for the server that handed it over (RFC 7208), and
// DMARC (RFC 7489 and RFC 9989) for the domain in From.
//
// DMARC needs one of the two, SPF or DKIM, to pass for a domain that is aligned
// with the author's: the same one, or in relaxed mode one of the same
// organization. Which domains are one organization RFC 7489 asks the public
// suffix list, RFC 9989 the DNS; so a message has two results.
//
// The package reads the message as a stream. Its header must fit in
// [MaxHeader]; of the body nothing is kept, so memory does not grow with the
// message. Signatures are verified by go-msgauth; what it says is completed by
// the reasons, which come from the signature and its key record.
//
// Nothing is asked but through a [spf.Resolver], and the clock is the caller's,
// save for the expiry of signatures, which go-msgauth holds against its own.
package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"mailvet/dnscheck/spf"
	"mailvet/report/evidence"
)

// Defaults of a [Judge].
const (
	DefaultMaxSize       = 50 << 20
	DefaultMaxSignatures = 10
)

// Judge judges messages. All fields but Resolver and Time may be left zero. It
// may be used by several goroutines at once if the Resolver may.
type Judge struct {
	Resolver spf.Resolver
	Time     time.Time // of the check
	Receiver string    // the receiving host's name, for explanations of SPF
	// IP, From and Helo say who sent the message; what is not set is read from
	// the header, see [Hop]. From is the address of MAIL FROM, "<>" the null
	// sender.
	IP            netip.Addr
	From, Helo    string
	MaxSize       int64 // of the message in octets; 0 means DefaultMaxSize
	MaxSignatures int   // that are verified; 0 means DefaultMaxSignatures
}

// Result is what was found of a message. All texts out of the message are
// printable ASCII or UTF-8 as it stood there, bounded in length.
type Result struct {
	Size       int64    // octets read
	Notes      []string // what is odd about the message, each a full sentence
	Authors    []Author // the addresses in From
	AuthorErr  error    // why there is no usable author: one of the Err...From
	Sender     Sender
	SPF        []SPF // of MAIL FROM, or HELO in its place, then of HELO
	Signatures []Signature
	Untried    int // signatures beyond MaxSignatures
	ARC        []int
	DMARC      []DMARC // for each standard and author domain that is judged
	// Failed are the questions that brought no answer.
	Failed []*evidence.Lookup
}

// Sender is who sent the message, and how that is known.
type Sender struct {
	IP         netip.Addr // invalid if not known
	From, Helo string     // From is empty if it is not known, "<>" for the null sender
	// Hop is the Received field that IP comes from; nil if there is none.
	Hop *Hop
	// GivenIP, GivenFrom and GivenHelo: the caller said so.
	GivenIP, GivenFrom, GivenHelo bool
}

// SPF is one check of RFC 7208.
type SPF struct {
	Helo    bool // of the HELO identity
	Domain  string
	Sender  spf.Sender
	Verdict spf.Verdict
}

var (
	// ErrTooLarge says that the message is larger than allowed.
	ErrTooLarge = errors.New("message: larger than allowed")
	// ErrHeader says that there is no header that could be judged.
	ErrHeader = errors.New("message: no usable header")
	// ErrBlank says that the body holds more line ends in a row than anybody
	// means, before further text.
	ErrBlank = errors.New("message: too many empty lines in a row")
)

// Judge reads a message and judges it. The error is that of ctx, of the
// reader, or wraps [ErrTooLarge], [ErrHeader] or [ErrBlank]; whatever the DNS
// does is in the result. When ctx's time runs out, what is not known is a
// temperror.
func (j *Judge) Judge(ctx context.Context, r io.Reader) (*Result, error) {
	limit := j.MaxSize
	if limit == 0 {
		limit = DefaultMaxSize
	}
	in := newReader(r, limit)
	h, err := in.header()
	if err != nil {
		return nil, fmt.Errorf("message: read the header: %w", err)
	}
	q := &questions{resolver: j.Resolver, known: map[evidence.Question]*evidence.Lookup{}}
	res := &Result{ARC: arcSets(h)}
	res.Authors, res.AuthorErr = authors(h)
	res.Sender = j.sender(h)
	if res.Signatures, res.Untried, err = j.signatures(ctx, q, h, in); err != nil {
		return nil, err
	}
	if err := in.drain(); err != nil {
		return nil, err
	}
	res.Size, res.Notes = in.size, in.notes(h)
	if res.SPF, err = j.spf(ctx, q, res.Sender); err != nil {
		return nil, err
	}
	if res.DMARC, err = j.dmarc(ctx, q, res); err != nil {
		return nil, err
	}
	res.Failed = q.failed()
	return res, nil
}

// spf checks the identities that are known.
func (j *Judge) spf(ctx context.Context, q *questions, s Sender) ([]SPF, error) {
	if !s.IP.IsValid() {
		return nil, nil
	}
	var list []SPF
	check := func(helo bool, domain, from string) error {
		if domain == "" {
			return nil
		}
		one := SPF{Helo: helo, Domain: domain, Sender: spf.Sender{IP: s.IP, From: from, Helo: s.Helo}}
		c := spf.Checker{Resolver: q, Receiver: j.Receiver, Time: j.Time}
		var err error
		one.Verdict, err = c.Check(ctx, domain, one.Sender)
		list = append(list, one)
		return err
	}
	// RFC 7208, Section 2.4: where there is no MAIL FROM, that is postmaster at
	// the name in HELO.
	if s.From != "" && s.From != "<>" {
		if err := check(false, domainOf(s.From), s.From); err != nil {
			return nil, err
		}
	}
	if domain := hostName(s.Helo); domain != "" {
		if err := check(true, domain, "postmaster@"+domain); err != nil {
			return nil, err
		}
	}
	return list, nil
}
