package lists_test

import (
	"context"
	"fmt"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/lists"
)

type printer struct{}

func (printer) Record(r *intel.Record) error { fmt.Println(r.Kind, r.Title); return nil }

func (printer) Observation(o *intel.Observation) error {
	fmt.Println(o.Observable.Kind, o.Observable.Value, "since", o.FirstSeen)
	return nil
}

func (printer) Article(*intel.Article) error { return nil }
func (printer) Pattern(*intel.Pattern) error { return nil }
func (printer) Reject(r intel.Reject)        { fmt.Println(r.Position, "rejected:", r.Reason) }

func Example() {
	const trails = `# Reference: https://example-vendor.com/2019/04/12/report
evil-one[.]com
8.8.4.9:8080
`
	set, err := lists.Decode(context.Background(), strings.NewReader(trails), lists.Options{Path: "trails/static/malware/apt_33.txt"}, printer{})
	fmt.Println(set.Publisher, err)
	// Output:
	// actor APT33
	// domain evil-one.com since 2019-04-12
	// ipAddressPort 8.8.4.9:8080 since 2019-04-12
	// maltrail <nil>
}
