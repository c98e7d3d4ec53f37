package dkim_test

import (
	"fmt"

	"mailvet/dnscheck/dkim"
)

func ExampleParse() {
	r, err := dkim.Parse("v=DKIM1; k=ed25519; t=y; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := r.Key()
	fmt.Println(key.Type, key.Bits(), err, r.Testing())

	_, err = dkim.Parse("v=DKIM1\\; k=rsa\\; p=MIIB")
	fmt.Println(err)
	// Output:
	// Ed25519 256 <nil> true
	// dkim: backslash in v at octet 7: it holds a backslash before a semicolon (tag v, octet 8)
}

func ExamplePlan() {
	for _, s := range dkim.Plan(dkim.Hints{MX: []string{"in1-smtp.messagingengine.com"}}, 3) {
		fmt.Println(s.Name, s.Provider)
	}
	// Output:
	// fm1 Fastmail
	// fm2 Fastmail
	// fm3 Fastmail
}
