package tlshello

import "fmt"

// Version is a version of SSL or TLS as it is written in hello messages. The
// zero value is no version.
type Version uint16

// The versions that a server may be asked for.
const (
	SSL20 Version = 0x0002
	SSL30 Version = 0x0300 // RFC 6101
	TLS10 Version = 0x0301 // RFC 2246
	TLS11 Version = 0x0302 // RFC 4346
	TLS12 Version = 0x0303 // RFC 5246
	TLS13 Version = 0x0304 // RFC 8446
)

var versionNames = []struct {
	version Version
	name    string
}{
	{SSL20, "SSL 2.0"}, {SSL30, "SSL 3.0"}, {TLS10, "TLS 1.0"},
	{TLS11, "TLS 1.1"}, {TLS12, "TLS 1.2"}, {TLS13, "TLS 1.3"},
}

// Versions lists the versions from oldest to newest.
func Versions() []Version { return []Version{SSL20, SSL30, TLS10, TLS11, TLS12, TLS13} }

// Known reports whether v is one of [Versions].
func (v Version) Known() bool {
	for _, row := range versionNames {
		if row.version == v {
			return true
		}
	}
	return false
}

// String is the name people use ("TLS 1.2"), and the number for others.
func (v Version) String() string {
	for _, row := range versionNames {
		if row.version == v {
			return row.name
		}
	}
	return fmt.Sprintf("0x%04X", uint16(v))
}

// ParseVersion is the version of a name that [Version.String] gives.
func ParseVersion(name string) (Version, bool) {
	for _, row := range versionNames {
		if row.name == name {
			return row.version, true
		}
	}
	return 0, false
}

// greaseValue is one of the sixteen values of RFC 8701, Section 2, which mean
// nothing and are there so that servers stay used to unknown ones.
func greaseValue(random byte) uint16 {
	b := uint16(random&0xF0 | 0x0A)
	return b<<8 | b
}
