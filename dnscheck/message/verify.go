package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// signatures verifies the signatures of a message, the topmost first, as many
// as are allowed. It reads the body only if there is one to verify.
func (j *Judge) signatures(ctx context.Context, q *questions, h []field, body *reader) (list []Signature, untried int, err error) {
	most := j.MaxSignatures
	if most <= 0 {
		most = DefaultMaxSignatures
	}
	worth := false
	for _, f := range fieldsOf(h, "DKIM-Signature") {
		if len(list) == most {
			untried++
			continue
		}
		s := newSignature(f, j.Time)
		if s.Reason == ReasonUnknown || s.Reason == ReasonLength || s.Reason == ReasonExpired {
			name := s.Selector + "._domainkey." + s.Domain
			if s.KeyLookup, err = q.ask(ctx, name, "TXT"); err != nil {
				return nil, 0, err
			}
			reason, detail := s.Reason, s.Detail
			s.readKey()
			if reason != ReasonUnknown {
				s.Reason, s.Detail = reason, detail // that says more than what is wrong with the key
			}
		}
		worth = worth || s.Reason == ReasonUnknown
		list = append(list, s)
	}
	if worth {
		if err := verify(list, h, body); err != nil {
			return nil, 0, err
		}
	}
	for i := range list {
		list[i].Result = list[i].Reason.result()
	}
	return list, untried, nil
}

// verify lets go-msgauth judge the signatures. What it says counts for those
// against which nothing speaks yet; for the others it gets no key.
func verify(list []Signature, h []field, body *reader) error {
	var header strings.Builder
	for _, f := range h {
		header.WriteString(f.raw)
	}
	header.WriteString("\r\n")
	found, err := dkim.VerifyWithOptions(io.MultiReader(strings.NewReader(header.String()), body), &dkim.VerifyOptions{
		MaxVerifications: len(list),
		LookupTXT:        func(name string) ([]string, error) { return keyTexts(list, name) },
	})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return fmt.Errorf("message: verify the signatures: %w", err)
	}
	if len(found) != len(list) {
		return fmt.Errorf("message: verify the signatures: %d results for %d signatures", len(found), len(list))
	}
	for i, v := range found {
		if s := &list[i]; s.Reason == ReasonUnknown {
			s.Reason, s.Detail = reasonOf(v.Err)
		}
	}
	return nil
}

// keyTexts answers for go-msgauth. A key that is not to be used it does not get.
func keyTexts(list []Signature, name string) ([]string, error) {
	for i := range list {
		if s := &list[i]; s.Reason == ReasonUnknown && s.keyName == name {
			var texts []string
			for _, rr := range s.KeyLookup.Answer {
				texts = append(texts, rr.Text())
			}
			return texts, nil
		}
	}
	return nil, errUnwanted
}

var errUnwanted = errors.New("not asked for")

// failures are go-msgauth's words for what can go wrong once nothing speaks
// against the signature and its key. It has no other way to tell them apart; a
// test holds it to them.
var failures = []struct {
	prefix string
	reason Reason
}{
	{"dkim: body hash did not verify", ReasonBodyHash},
	{"dkim: signature did not verify", ReasonSignature},
	{"dkim: malformed body hash", ReasonSyntax},
	{"dkim: malformed signature", ReasonSyntax},
	{"dkim: signature has expired", ReasonExpired}, // while it was read
}

func reasonOf(err error) (Reason, string) {
	if err == nil {
		return ReasonVerified, ""
	}
	for _, f := range failures {
		if rest, ok := strings.CutPrefix(err.Error(), f.prefix); ok {
			if f.reason == ReasonSyntax {
				return f.reason, strings.TrimPrefix(f.prefix+clip(rest), "dkim: ")
			}
			return f.reason, ""
		}
	}
	return ReasonUnknown, clip(strings.TrimPrefix(err.Error(), "dkim: "))
}
