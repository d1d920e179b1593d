package api

import (
	"fmt"
	"net/http"

	"dossier/internal/auth"
	"dossier/internal/odata"
)

// What preferences do.
const (
	annotationExample         = `odata.include-annotations="dossier.*"`
	annotationPreferenceWords = "`" + annotationExample + "` adds what an entity rests on, as the `@dossier` members of its type; a term may be named alone, or excluded with a minus. Preference-Applied tells what was followed."
	markingWords              = "`dossier.tlp=amber` marks what is written, at most as high as the client's own ceiling; without it the marking is clear."
)

// sharedParameters are those that mean the same everywhere.
func sharedParameters() object[*parameter] {
	return object[*parameter]{
		{"client-request-id", &parameter{Name: "client-request-id", In: "header", Schema: &schema{Type: "string"}, Description: fmt.Sprintf("The caller's own id for the request, at most %d printable characters. It is echoed.", maxClientID)}},
		{"If-None-Match", &parameter{Name: "If-None-Match", In: "header", Schema: &schema{Type: "string"}, Description: "ETags that the client has, or `*`. If one is right the answer is 304."}},
		{"If-Match", &parameter{Name: "If-Match", In: "header", Schema: &schema{Type: "string"}, Description: "ETags, or `*`. If none is right nothing changes and the answer is 412."}},
		{"Prefer", &parameter{Name: "Prefer", In: "header", Schema: &schema{Type: "string"}, Description: "`odata.maxpagesize=N` is the size of a page where `$top` does not say. Preference-Applied tells what was followed."}},
		{"rows", &parameter{
			Name: "Prefer", In: "header", Schema: &schema{Type: "string"}, Examples: object[sample]{{"1", sample{Value: "odata.maxpagesize=50"}}, {"2", sample{Value: annotationExample}}},
			Description: "`odata.maxpagesize=N` is the size of a page where `$top` does not say. " + annotationPreferenceWords,
		}},
		{"annotations", &parameter{Name: "Prefer", In: "header", Schema: &schema{Type: "string"}, Example: annotationExample, Description: annotationPreferenceWords}},
		{"write", &parameter{
			Name: "Prefer", In: "header", Schema: &schema{Type: "string"}, Examples: object[sample]{{"1", sample{Value: "return=minimal"}}, {"2", sample{Value: "dossier.tlp=amber"}}},
			Description: "`return=minimal` wants no body back. " + markingWords,
		}},
		{"marking", &parameter{Name: "Prefer", In: "header", Schema: &schema{Type: "string"}, Example: "dossier.tlp=amber", Description: markingWords}},
		{"format", &parameter{Name: "$format", In: "query", Schema: &schema{Type: "string"}, Description: "As the header Accept: `json`, or `application/json;odata.metadata=` with `none`, `minimal` or `full`.", Examples: object[sample]{
			{"1", sample{Value: "json"}}, {"2", sample{Value: "application/json;odata.metadata=full"}},
		}}},
		{"view", &parameter{Name: "view", In: "query", Schema: &schema{Type: "string", Enum: []any{"default", "active", "all"}, Default: "default"}, Description: "Dossier's own: which indicators. By default all that are neither withdrawn nor guarded by a list; " +
			"active leaves those that are alive, above the confidence floor; all are all.", Example: "all"}},
	}
}

func sharedParameter(name string) *parameter {
	return &parameter{Ref: "#/components/parameters/" + name}
}

func responseHeaders() object[*responseHeader] {
	var out object[*responseHeader]
	for _, h := range []struct{ name, about string }{
		{"request-id", "The server's id of the request, a GUID. The server's log has it."},
		{"client-request-id", "The caller's own id, else the request-id."},
		{"ETag", "A weak tag of the entity's own properties, for If-None-Match."},
		{"Last-Modified", "When the content was first as it is."},
		{"Dossier-Entries", "How many indicators the file has."},
		{"Dossier-Left-Out", "How many were selected and are not in the file."},
		{"Dossier-Credit", "A line that a publisher asks to be shown with its data; once for each."},
		{"Content-Location", "Where the entity is at home, if the path had another id of it."},
		{"Location", "Where the new entity is."},
		{"Preference-Applied", "Which preference of Prefer was followed."},
		{"Retry-After", "How many seconds to wait."},
		{"WWW-Authenticate", "A Bearer challenge: what is wrong with the token (RFC 6750)."},
		{"Allow", "The methods that the path has."},
	} {
		out.put(h.name, &responseHeader{Description: h.about, Schema: &schema{Type: "string"}})
	}
	retry, _ := out.get("Retry-After")
	retry.Schema = &schema{Type: "integer"}
	return out
}

// permissionWords say what each permission allows.
var permissionWords = map[auth.Permission]string{
	auth.ReadAll:   "Reading.",
	auth.Read:      "Reading, delegated by a user.",
	auth.ReadWrite: "Reading and writing.",
	auth.Feeds:     "Feeds.",
	auth.Hunt:      "Hunting, sightings.",
	auth.Admin:     "Clients, keys, decisions on names.",
}

func securitySchemes() object[securityScheme] {
	flow := oauthFlow{TokenURL: anyBase + "/contoso.com/oauth2/v2.0/token"}
	for _, p := range auth.Permissions() {
		flow.Scopes.put(string(p), permissionWords[p])
	}
	return object[securityScheme]{
		{"oauth2", securityScheme{
			Type: "oauth2", Flows: object[oauthFlow]{{"clientCredentials", flow}},
			Description: "A token of this server's own endpoint; any tenant will do. Clients ask for the scope " + auth.GraphAudience + "/.default and get all permissions that were granted to them.",
		}},
		{"bearer", securityScheme{
			Type: "http", Scheme: "bearer", BearerFormat: "JWT",
			Description: "A token of an identity provider that the operator trusts, or one from the command line, in the header Authorization. A token that is given is always checked.",
		}},
	}
}

// A documentFailure is an error with a status, as it is described.
type documentFailure struct {
	status  int
	name    string
	codes   []string
	about   string
	message string // of the example
	target  string
	headers []string
}

var failures = []documentFailure{
	{http.StatusBadRequest, "BadRequest", []string{odata.CodeBadRequest, odata.CodeExpandNotSupported}, "a mistake in the path, an option or the body; the message says where.", "Invalid filter clause: expected a property, function or literal at position 8, found the end", "$filter", nil},
	{statusNoToken, "NoToken", []string{codeNoToken}, "no token, or one that is not accepted.", "Access token has expired or is not yet valid.", "", []string{"WWW-Authenticate"}},
	{http.StatusForbidden, "Forbidden", []string{codeDenied, codeLimit}, "the permission is missing, or the client has all the subscriptions that it may have.", "Insufficient privileges to complete the operation.", "", nil},
	{http.StatusNotFound, "NotFound", []string{codeNotFound}, "nothing has this id, or nothing that the client may see.", `Resource not found: profile "nope".`, "", nil},
	{http.StatusMethodNotAllowed, "MethodNotAllowed", []string{codeMethod}, "the path does not have this method.", methodNotAllowed("").message, "", []string{"Allow"}},
	{http.StatusNotAcceptable, "NotAcceptable", []string{codeNotAcceptable}, "only application/json is served.", "None of the media types in the Accept header is served: use application/json.", "", nil},
	{http.StatusRequestTimeout, "Timeout", []string{codeSlow}, "the body did not arrive in time.", "The body did not arrive in time.", "", nil},
	{http.StatusConflict, "Conflict", []string{codeExists}, "the id is in use.", "The id is in use.", "", nil},
	{http.StatusGone, "Gone", []string{codeNoSync}, "the changes since this token are forgotten. Location is where to start again.", "The changes since this token are not known any more. Start again at the Location.", "", []string{"Location"}},
	{http.StatusPreconditionFailed, "PreconditionFailed", []string{codeChanged}, "the entity has changed: no tag of If-Match is right.", "The resource has changed.", "", nil},
	{http.StatusRequestEntityTooLarge, "TooLarge", []string{codeTooLarge}, "the body is too long.", "The body is too long.", "", nil},
	{http.StatusUnsupportedMediaType, "UnsupportedMediaType", []string{codeMediaType}, "the body is not JSON, or compressed with something else than gzip.", "The content type 'text/plain' is not supported: use application/json.", "", nil},
	{http.StatusFailedDependency, "FailedDependency", []string{codeFailedDepend}, "of one request in a batch: one that it depends on has failed.", "The request was not performed: one that it depends on has failed.", "", nil},
	{http.StatusTooManyRequests, "TooManyRequests", []string{codeTooMany}, "the client's rate is used up, or too many of its requests are under way.", "Too many requests. Wait as long as Retry-After says.", "", []string{"Retry-After"}},
	{http.StatusInternalServerError, "Internal", []string{codeInternal}, "a fault of the server; its log has the cause under the request-id.", "An internal error occurred. The server's log has it under the request-id.", "", nil},
	{http.StatusNotImplemented, "NotServed", []string{codeNotServed}, "in the model, not in this release.", "This operation target is not yet supported.", "", nil},
	{http.StatusServiceUnavailable, "Unavailable", []string{codeUnavailable}, "the server is busy, the answer would take too long, or the database cannot be read.", "The request was not completed in time.", "", []string{"Retry-After"}},
}
