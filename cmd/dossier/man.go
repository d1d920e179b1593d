package main

import (
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand writes the manual pages of a release. It is for who packages Dossier.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write manual pages", Hidden: true, Args: cobra.ExactArgs(1),
		Long: `Man writes a manual page for each command into a folder that exists. They are
dated as SOURCE_DATE_EPOCH says, in seconds since 1970, if it is set.`,
		Example: "  dossier man /usr/local/share/man/man1",
		RunE: func(cmd *cobra.Command, args []string) error {
			date := time.Now()
			if s, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
				date = time.Unix(s, 0)
			}
			date = date.UTC()
			root := cmd.Root()
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, &doc.GenManHeader{Title: "DOSSIER", Section: "1", Source: "Dossier " + release, Manual: "Dossier", Date: &date}, args[0])
		},
	}
}
