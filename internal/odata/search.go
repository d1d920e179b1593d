package odata

import "strings"

// A Search is a node of a $search: [*SearchTerm], [*SearchAnd], [*SearchOr] or [*SearchNot].
type Search interface {
	Pos() int       // where the node begins, in code points from 1
	String() string // canonical OData, which parses to the same tree
}

// A SearchTerm is a word or a phrase. It is found where a searched property contains it, regardless of case.
type SearchTerm struct {
	At   int
	Text string // not empty
	Path *Path  // restricts the term to one property: "title:text", "issuer/commonName:text"; nil: all searched ones
}

// A SearchAnd holds if all of two or more terms do. None of them is a SearchAnd.
type SearchAnd struct{ Terms []Search }

// A SearchOr holds if one of two or more terms does. None of them is a SearchOr.
type SearchOr struct{ Terms []Search }

// A SearchNot holds if its term does not.
type SearchNot struct {
	At int
	X  Search
}

// Pos returns where the word or the quotation mark stands.
func (x *SearchTerm) Pos() int { return x.At }

// Pos returns where the first term begins.
func (x *SearchAnd) Pos() int { return x.Terms[0].Pos() }

// Pos returns where the first term begins.
func (x *SearchOr) Pos() int { return x.Terms[0].Pos() }

// Pos returns where NOT stands.
func (x *SearchNot) Pos() int { return x.At }

// String returns the term as a phrase.
func (x *SearchTerm) String() string {
	s := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(x.Text)
	if x.Path != nil {
		s = x.Path.String() + ":" + s
	}
	return `"` + s + `"`
}

// String returns the terms joined by AND.
func (x *SearchAnd) String() string { return joinSearch(x.Terms, " AND ") }

// String returns the terms joined by OR.
func (x *SearchOr) String() string { return joinSearch(x.Terms, " OR ") }

// String returns NOT and the term.
func (x *SearchNot) String() string { return "NOT " + parenSearch(x.X) }

func joinSearch(terms []Search, word string) string {
	parts := make([]string, len(terms))
	for i, t := range terms {
		parts[i] = t.String()
		if _, or := t.(*SearchOr); or {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, word)
}

func parenSearch(x Search) string {
	switch x.(type) {
	case *SearchAnd, *SearchOr:
		return "(" + x.String() + ")"
	}
	return x.String()
}

// MatchSearch evaluates s, given what holds for its terms. A nil s holds.
func MatchSearch(s Search, term func(*SearchTerm) bool) bool {
	switch s := s.(type) {
	case *SearchTerm:
		return term(s)
	case *SearchAnd:
		for _, t := range s.Terms {
			if !MatchSearch(t, term) {
				return false
			}
		}
	case *SearchOr:
		for _, t := range s.Terms {
			if MatchSearch(t, term) {
				return true
			}
		}
		return false
	case *SearchNot:
		return !MatchSearch(s.X, term)
	}
	return true
}
