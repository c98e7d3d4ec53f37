package report

import (
	"slices"
	"strconv"
	"strings"

	"mailvet/report/evidence"
)

// Options are the flags of a scan that change what its results mean, as far as
// they are not what they usually are: without their dashes, sorted ("no-smtp",
// "selectors=a,b"); never nil. Names of files are left out, for the same VRPs or
// roots may be elsewhere tomorrow, or on another machine. So are flags that only
// bear on what stays unknown. The policy is told by [Score].
func Options(v *evidence.Vantage) []string {
	list := []string{}
	add := func(set bool, flag string) {
		if set {
			list = append(list, flag)
		}
	}
	add(v.AllowPrivate, "allow-private")
	add(v.NoExtra, "no-extra")
	add(v.NoHTTP, "no-http")
	add(v.NoIPv6, "no-ipv6")
	add(v.NoSMTP, "no-smtp")
	add(v.Origins, "origins")
	add(v.Roots != "" && v.Roots != "system" && v.Roots != "none", "root-ca")
	asked := slices.Clone(v.Selectors)
	slices.Sort(asked)
	add(len(asked) > 0, "selectors="+strings.Join(slices.Compact(asked), ","))
	add(v.SMTPPort != 0 && v.SMTPPort != 25, "smtp-port="+strconv.Itoa(v.SMTPPort))
	add(v.TestInjection, "test-injection")
	add(v.DNSSEC == evidence.ValidationAD, "trust-ad")
	add(v.OwnAnchors, "trust-anchor")
	add(v.RPKI == evidence.Available, "vrps")
	for i := range list {
		list[i] = valid(list[i], maxArg)
	}
	return list
}
