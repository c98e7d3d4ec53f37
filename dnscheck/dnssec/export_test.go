package dnssec

import "github.com/miekg/dns"

// SignedData is what a signature over the records is made of.
func SignedData(sig *dns.RRSIG, rrs []dns.RR) ([]byte, error) {
	signer, _ := parseName(sig.SignerName)
	owner, _ := parseName(rrs[0].Header().Name)
	return new(work).signedData(sig, signer, &rrset{owner: owner, typ: rrs[0].Header().Rrtype, rrs: rrs})
}
