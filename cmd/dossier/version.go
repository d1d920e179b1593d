package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"dossier/catalog"

	"github.com/spf13/cobra"
)

// release is the version of the next release; builds outside a release add the
// revision they were made from.
const release = "0.1.0"

type buildFacts struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Catalog  string `json:"catalog"`
}

func facts() buildFacts {
	f := buildFacts{Version: release, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Catalog: catalog.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return f
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			f.Revision = s.Value
		case "vcs.time":
			f.Time = s.Value
		case "vcs.modified":
			f.Modified = s.Value == "true"
		}
	}
	return f
}

func buildVersion() string {
	f := facts()
	v := "dossier " + f.Version
	if len(f.Revision) >= 12 {
		v += " (" + f.Revision[:12]
		if f.Modified {
			v += ", modified"
		}
		v += ")"
	}
	return v
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "Print what this program was built from", Args: cobra.NoArgs,
		Example: "  dossier version\n  dossier version --json",
		RunE: func(*cobra.Command, []string) error {
			f := facts()
			if a.json {
				return a.printJSON(f)
			}
			fmt.Fprintln(a.out, buildVersion())
			t := &table{t: a.out, colour: []colour{grey}}
			t.add("go", f.Go)
			t.add("platform", f.Platform)
			t.add("catalogue", f.Catalog)
			if f.Time != "" {
				t.add("committed", f.Time)
			}
			t.print(a.out)
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}
