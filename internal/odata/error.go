package odata

import "fmt"

// Codes of errors, as Microsoft Graph writes them.
const (
	CodeBadRequest         = "BadRequest"
	CodeExpandNotSupported = "ExpandNotSupported"
	CodeNotAcceptable      = "notAcceptable" // $format asks for something that is not served
)

// Limits on what a client may send. They keep every query a small one for parser and database:
// SQLite refuses expressions deeper than 1000 and statements with more than 32,766 arguments.
const (
	MaxQueryLength = 128 << 10 // bytes of a raw query string, or of one decoded option
	MaxPathLength  = 16 << 10  // bytes of an escaped path
	MaxDepth       = 100       // nested parentheses, functions, lambdas, not, $expand
	MaxLambdas     = 2         // any and all within one another: each multiplies the work by the length of a collection
	MaxNodes       = 2000      // nodes of one filter; each value in a list is one
	MaxInList      = 1000      // values of one in-list
	MaxOrderBy     = 16        // items of $orderby
	MaxSearchTerms = 50        // words and phrases of $search
)

// An Error says what a client wrote wrong. It is the only kind of error that the parsers return.
type Error struct {
	Code    string // one of the Code constants
	Message string // for the client; a sentence that holds the position where it helps
	Target  string // the option, as $filter; "" for a path
	Pos     int    // position of the mistake in the decoded option or raw path, in code points from 1; 0 if unknown
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// clauses are the prefixes of messages, by option.
var clauses = map[string]string{
	"$filter":  "Invalid filter clause: ",
	"$orderby": "Invalid orderby clause: ",
	"$search":  "Invalid search clause: ",
	"$select":  "Invalid select clause: ",
	"$expand":  "Invalid expand clause: ",
}

// badClause returns the error for a mistake in the text of an option.
func badClause(option string, pos int, format string, args ...any) *Error {
	prefix, ok := clauses[option]
	if !ok {
		prefix = "Invalid value of " + option + ": "
	}
	return &Error{CodeBadRequest, prefix + fmt.Sprintf(format, args...), option, pos}
}

// noProperty returns the error for a name that t does not have.
func noProperty(option string, pos int, name string, t *Type) *Error {
	return &Error{CodeBadRequest, fmt.Sprintf("Could not find a property named '%s' on type '%s'.", clip(name), t.Name), option, pos}
}

// clip shortens text from a client for use in a message.
func clip(s string) string {
	const most = 60
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
