package tlshello

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Renegotiation says how a client shows that it knows RFC 5746.
type Renegotiation uint8

// The ways. SSL 3.0, which has no extensions, always takes the suite.
const (
	ByExtension Renegotiation = iota // renegotiation_info
	BySuite                          // the signalling value among the suites
	NotShown                         // not at all: will the server refuse such clients?
)

// Offer is a question to a server: would you speak this? The zero value of each
// field leaves something out of the hello; [Ask] fills in what a usual client
// sends.
type Offer struct {
	// Version is the highest version offered, from [SSL30] on. [V2ClientHello]
	// asks for SSL 2.0.
	Version Version
	// Floor, for a Version of TLS 1.3, also offers the versions down to it. Below
	// TLS 1.3 a hello cannot say where the client stops, and every lower version
	// is an allowed answer.
	Floor Version

	Suites      []Suite
	Compression []Compression // beside none, which is always offered, and last; not for TLS 1.3
	Groups      []Group
	Signatures  []SignatureScheme // sent for TLS 1.2 and 1.3
	// CertificateSignatures, where they differ from Signatures.
	CertificateSignatures []SignatureScheme
	// KeyShares for TLS 1.3. Without any a server answers with a
	// HelloRetryRequest that names suite and group, and has no key to compute.
	KeyShares []KeyShare

	ServerName string
	ALPN       []string

	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	SessionTicket        bool // up to TLS 1.2: the client would take one
	StatusRequest        bool
	SCT                  bool
	PSKAlone             bool // TLS 1.3: a pre-shared key without ephemeral key exchange is welcome too
	// EarlyData says that data follows right away (RFC 8446, Section 4.2.10). It
	// means something only beside a pre-shared key, which Extra then carries.
	EarlyData bool

	Renegotiation Renegotiation
	Fallback      bool // RFC 7507: this is a second try, after one with a higher version
	// GREASE adds a suite, a group, a version and two extensions that mean
	// nothing (RFC 8701): does the server bear them?
	GREASE bool
	// NoPadding leaves out the extension that keeps the length away from 256 to
	// 511 octets, over which some old servers stumble (RFC 7685).
	NoPadding bool
	Extra     []Extension // as they are, last but for padding
}

// ErrVersion says that a question cannot be asked in this form.
var ErrVersion = errors.New("tlshello: an Offer is for SSL 3.0 to TLS 1.3")

// Hello writes the offer as a message. It takes 72 octets from random, whatever
// the offer; equal octets make equal hellos.
func (o *Offer) Hello(random io.Reader) (*ClientHello, error) {
	if o.Version < SSL30 || o.Version > TLS13 {
		return nil, fmt.Errorf("%w, not for %s", ErrVersion, o.Version)
	}
	var chance [72]byte
	if _, err := io.ReadFull(random, chance[:]); err != nil {
		return nil, fmt.Errorf("tlshello: random octets for a hello: %w", err)
	}
	h := &ClientHello{Version: min(o.Version, TLS12), Random: [32]byte(chance[:32])}
	grease := chance[64:]
	if o.Version == TLS13 {
		h.SessionID = chance[32:64] // RFC 8446, Section D.4: for the sake of middleboxes
	}
	if o.GREASE {
		h.Suites = append(h.Suites, Suite(greaseValue(grease[0])))
	}
	h.Suites = append(h.Suites, o.Suites...)
	if o.Version < TLS13 && o.Renegotiation != NotShown && (o.Version == SSL30 || o.Renegotiation == BySuite) {
		h.Suites = append(h.Suites, RenegotiationSCSV)
	}
	if o.Fallback {
		h.Suites = append(h.Suites, FallbackSCSV)
	}
	h.Compression = append(slices.Clone(o.Compression), NoCompression)
	if o.Version > SSL30 {
		h.Extensions = o.extensions(grease)
		if !o.NoPadding {
			return h, h.pad()
		}
	}
	return h, nil
}

// Marshal is [Offer.Hello] and [ClientHello.Marshal] in one.
func (o *Offer) Marshal(random io.Reader) ([]byte, error) {
	h, err := o.Hello(random)
	if err != nil {
		return nil, err
	}
	return h.Marshal()
}

func (o *Offer) extensions(grease []byte) []Extension {
	list := []Extension{}
	when := func(wanted bool, e func() Extension) {
		if wanted {
			list = append(list, e())
		}
	}
	flag := func(wanted bool, t ExtensionType) {
		if wanted {
			list = append(list, Flag(t))
		}
	}
	modern := o.Version == TLS13
	old := !modern || o.Floor != 0 && o.Floor < TLS13
	first, second := greaseValue(grease[1]), greaseValue(grease[2])
	if first == second {
		second = greaseValue(grease[2] ^ 0x10)
	}
	groups := o.Groups
	if o.GREASE {
		groups = append([]Group{Group(greaseValue(grease[3]))}, groups...)
	}
	flag(o.GREASE, ExtensionType(first))
	when(o.ServerName != "", func() Extension { return ServerName(o.ServerName) })
	flag(old && o.ExtendedMasterSecret, ExtendedMasterSecretExtension)
	when(old && o.Renegotiation == ByExtension, func() Extension { return RenegotiationInfo(nil) })
	when(len(groups) > 0, func() Extension { return SupportedGroups(groups...) })
	when(old && slices.ContainsFunc(o.Suites, func(s Suite) bool { return s.Traits().Elliptic() }), PointFormats)
	flag(old && o.SessionTicket, SessionTicketExtension)
	when(len(o.ALPN) > 0, func() Extension { return ALPN(o.ALPN...) })
	when(o.StatusRequest, StatusRequest)
	when(o.Version >= TLS12 && len(o.Signatures) > 0, func() Extension { return SignatureAlgorithms(o.Signatures...) })
	when(o.Version >= TLS12 && len(o.CertificateSignatures) > 0, func() Extension { return CertificateSignatures(o.CertificateSignatures...) })
	flag(o.SCT, SCTExtension)
	flag(old && o.EncryptThenMAC, EncryptThenMACExtension)
	if modern {
		list = append(list, KeyShares(o.KeyShares...), PSKModes(o.PSKAlone, true), o.versions(grease[4]))
		flag(o.EarlyData, EarlyDataExtension)
	}
	if o.GREASE {
		list = append(list, Extension{ExtensionType(second), []byte{0}})
	}
	return append(list, o.Extra...)
}

func (o *Offer) versions(grease byte) Extension {
	var list []Version
	if o.GREASE {
		list = append(list, Version(greaseValue(grease)))
	}
	list = append(list, TLS13)
	if o.Floor != 0 {
		for v := TLS12; v >= max(o.Floor, SSL30); v-- {
			list = append(list, v)
		}
	}
	return SupportedVersions(list...)
}

// pad adds the padding extension where the message is 256 to 511 octets long
// (RFC 7685, Section 4), but behind no pre_shared_key, which must be last (RFC
// 8446, Section 4.2.11).
func (h *ClientHello) pad() error {
	message, err := h.message()
	if err != nil {
		return err
	}
	if len(message) < 256 || len(message) > 511 || h.Has(PaddingExtension) {
		return nil
	}
	const header = 4
	padding := Extension{PaddingExtension, make([]byte, max(0, 512-len(message)-header))}
	at := len(h.Extensions)
	if at > 0 && h.Extensions[at-1].Type == PreSharedKeyExtension {
		at--
	}
	h.Extensions = slices.Insert(h.Extensions, at, padding)
	return nil
}
