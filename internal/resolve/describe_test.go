package resolve

import (
	"fmt"
	"strings"
)

func describe(answers []Candidate) string {
	var b strings.Builder
	for _, c := range answers {
		fmt.Fprintf(&b, "%s (%s, %.2f: %s); ", labelOf(c.Cell.Members[0].Record), c.Cell.Members[0].Record.Title, c.Score, c.Reason)
	}
	return b.String()
}
