package lists

import "strings"

// commas are what may stand between fields.
var commas = []byte{',', '\t', ';', '|'}

// commaOf returns the separator that makes most rows of the beginning rows with
// an observable, or of known headings.
func commaOf(head []byte) byte {
	best, score := byte(','), 0
	for _, c := range commas {
		if rows, _ := rowsWith(head, c); rows > score {
			best, score = c, rows
		}
	}
	return best
}

// looksLikeCSV reports whether the beginning of a body is a table: a row of
// known headings, or mostly rows of several fields, one of them an observable.
func looksLikeCSV(head []byte, o Options) bool {
	if o.Map != nil {
		return true
	}
	good, of := rowsWith(head, commaOf(head))
	return good > 0 && good*5 >= of*3
}

// rowsWith counts the rows that are of a table with this separator, of how many.
// Known headings count for all.
func rowsWith(head []byte, comma byte) (good, of int) {
	lines := headLines(head)
	heading := false
	for i := 0; i < len(lines) && of < 24; i++ {
		l := strings.TrimSpace(lines[i])
		if l != "" && (l[0] == ';' || l[0] == '!' || strings.HasPrefix(l, "//")) {
			continue
		}
		comment := strings.HasPrefix(l, "#")
		split := splitter{comma: comma}
		for open := !split.feed(strings.Trim(l, "# ")); open && !comment && i+1 < len(lines); {
			i++
			open = !split.feed(lines[i])
		}
		row := split.row()
		if comment {
			row = commentRow(l, comma)
		}
		if _, ok := columnsOf(row); ok && len(row) > 1 && (comment || of == 0) && !hasObservable(row) {
			return 1 << 20, 1
		}
		if comment || l == "" {
			continue
		}
		found := hasObservable(row)
		if of == 0 && good == 0 && !heading && len(row) > 1 && !found {
			heading = true // of names that are not known
			continue
		}
		of++
		if len(row) > 1 && found {
			good++
		}
	}
	return good, of
}

func hasObservable(row []string) bool {
	for _, f := range row {
		if _, err := parseField(f); err == nil {
			return true
		}
	}
	return false
}

// tweetFeed are the columns of TweetFeed's daily files, which have no headings.
var tweetFeed = []column{
	{role: isFirstSeen}, {role: isIgnored}, {role: isTypeName}, {role: isValue}, {role: isContext}, {role: isReference},
}

// looksLikeTweetFeed reports whether the first row is TweetFeed's: time, user,
// kind, value, tags, address of the status.
func looksLikeTweetFeed(head []byte) bool {
	for _, l := range headLines(head) {
		row, open := fields(strings.TrimSpace(l), ',')
		if len(row) == 1 && row[0] == "" {
			continue
		}
		_, known := kindNames[folded(row[min(2, len(row)-1)])]
		return !open && len(row) == 6 && known && strings.Contains(row[5], "/status/")
	}
	return false
}
