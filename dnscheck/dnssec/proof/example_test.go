package proof_test

import (
	"context"
	"fmt"

	"mailvet/dnscheck/dnssec"
	"mailvet/dnscheck/dnssec/proof"
)

func ExampleProof_Verify() {
	const line = `{"schema":"mailvet.proof/v1","tool":{"name":"mailvet","version":"devel"},"domain":"example.test"}`
	p, err := proof.Decode([]byte(line))
	if err != nil {
		fmt.Println(err)
		return
	}
	list, err := p.Verify(context.Background(), dnssec.RootAnchors())
	fmt.Println(list, err)
	// Output: proof of example.test: its digest does not fit: it was changed after it was made
}
