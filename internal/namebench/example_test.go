package namebench_test

import (
	"fmt"

	"dossier/internal/intel"
	"dossier/internal/namebench"
)

func ExampleRun() {
	actor := func(publisher, key, title string, names ...string) *intel.Record {
		r := &intel.Record{Ref: intel.Ref{Publisher: publisher, Key: key}, Kind: intel.Actor, Title: title}
		for _, n := range names {
			r.Names = append(r.Names, intel.Name{Value: n})
		}
		return r
	}
	report := namebench.Run([]*intel.Record{
		actor(intel.MicrosoftNaming, "Forest Blizzard", "Forest Blizzard", "STRONTIUM", "Fancy Bear"),
		actor(intel.MISPThreatActor, "5b4e", "APT28", "Fancy Bear", "Strontium", "Sednit"),
		actor(intel.MISPThreatActor, "fa80", "Turla", "Snake"),
	}, nil)
	fmt.Println(report.Records, "records are", report.Profiles, "profiles; problems:", len(report.Problems()))
	// Output: 3 records are 2 profiles; problems: 0
}
