package api

import (
	"strings"

	"dossier/internal/odata"
)

// This file holds what no public source settles about Microsoft's service, so
// that an observed answer can correct each point in one place. Further points
// live where they are used: page sizes in package odata (DefaultPage, MaxPage),
// the form of times and which values carry @odata.type in the wire types of
// packages intel and store, comparison and order of strings in
// [odata.Fold].

// The codes of errors that no document gives.
const (
	codeNotFound       = "ResourceNotFound"
	codeNotServed      = "NotImplemented"
	codeNotAcceptable  = odata.CodeNotAcceptable
	codeSlow           = "requestTimeout"
	codeTooLarge       = "requestEntityTooLarge"
	codeMediaType      = "unsupportedMediaType"
	codeFailedDepend   = "FailedDependency"
	codeInternal       = "generalException"
	codeUnavailable    = "serviceNotAvailable"
	codeMethod         = "Request_BadRequest"
	codeInvalidVersion = odata.CodeBadRequest
)

// rootID is the id of the threatIntelligence entity itself.
const rootID = "threatIntelligence"

// contextPrefix is what every path in an @odata.context begins with.
const contextPrefix = "security/threatIntelligence"

// contextURL returns the @odata.context of an answer. path names the collection
// or navigation, as intelProfiles; single marks one entity.
func contextURL(base, path string, q *odata.Query, single bool) string {
	s := base + "/$metadata#" + contextPrefix + path + contextSelection(q)
	if single {
		s += "/$entity"
	}
	return s
}

// contextSelection returns what $select and $expand add to a context: (id,title)
// or (indicators()). A navigation that is inlined anyway adds nothing.
func contextSelection(q *odata.Query) string {
	var names []string
	if q.SelectAll {
		names = append(names, "*")
	}
	for _, p := range q.Select {
		names = append(names, p.Name)
	}
	for _, e := range q.Expand {
		if e.Property.Inlined {
			continue
		}
		inner := contextSelection(e.Query)
		if inner == "" {
			inner = "()"
		}
		names = append(names, e.Property.Name+inner)
	}
	if len(names) == 0 {
		return ""
	}
	return "(" + strings.Join(names, ",") + ")"
}

// keyed returns a path segment with its key as contexts write it.
func keyed(name, id string) string {
	return "/" + name + "('" + strings.ReplaceAll(id, "'", "''") + "')"
}

// idUnderSelect says whether a $select without id prints it all the same.
const idUnderSelect = false

// printed reports whether a property is part of the body of an entity.
func printed(q *odata.Query, name string) bool {
	return q.Selected(name) || q.Expanded(name) != nil || idUnderSelect && name == "id"
}
