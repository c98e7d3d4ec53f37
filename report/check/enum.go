package check

import "fmt"

var (
	categories = []string{"", "ipv6", "dnssec", "auth", "tls", "rpki", "extra"}
	levels     = []string{"", "required", "recommended", "optional", "informational"}
	scopes     = []string{"", "domain", "host", "address", "mailbox"}
	outcomes   = []string{"inconclusive", "pass", "weak", "fail", "not-applicable", "blocked"}
	statuses   = []string{"unknown", "error", "failed", "warning", "info", "not-tested", "passed"}
)

// Categories lists the categories in the order of reports.
var Categories = []Category{IPv6, DNSSEC, Auth, TLS, RPKI, Extra}

func text(table []string, v uint8) string {
	if int(v) >= len(table) {
		panic(fmt.Sprintf("check: value %d is outside its set", v))
	}
	return table[v]
}

func parse(table []string, what string, b []byte) (uint8, error) {
	for i, s := range table {
		if s == string(b) && s != "" {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("check: %q is no %s", b, what)
}

func (c Category) String() string { return text(categories, uint8(c)) }

// MarshalText writes the id used in reports.
func (c Category) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText writes and nothing else.
func (c *Category) UnmarshalText(b []byte) error {
	v, err := parse(categories, "category", b)
	*c = Category(v)
	return err
}

func (l Level) String() string { return text(levels, uint8(l)) }

// MarshalText writes the word used in reports.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText writes and nothing else.
func (l *Level) UnmarshalText(b []byte) error {
	v, err := parse(levels, "level", b)
	*l = Level(v)
	return err
}

func (s Scope) String() string { return text(scopes, uint8(s)) }

func (o Outcome) String() string { return text(outcomes, uint8(o)) }

// MarshalText writes the word used in reports.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what MarshalText writes and nothing else.
func (o *Outcome) UnmarshalText(b []byte) error {
	v, err := parse(outcomes, "outcome", b)
	*o = Outcome(v)
	return err
}

func (s Status) String() string { return text(statuses, uint8(s)) }

// MarshalText writes the word used in reports.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes and nothing else.
func (s *Status) UnmarshalText(b []byte) error {
	v, err := parse(statuses, "status", b)
	*s = Status(v)
	return err
}
