package notify

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"dossier/internal/odata"
	"dossier/internal/store"
)

// Terms are what a client asked for, as they are kept in [store.Subscription].
type Terms struct {
	Resource   string      `json:"resource"` // as the client wrote it
	Topic      store.Topic `json:"topic"`
	ChangeType string      `json:"changeType"` // as the client wrote it
	URL        string      `json:"notificationUrl"`
	Lifecycle  string      `json:"lifecycleNotificationUrl,omitempty"`
	State      *string     `json:"clientState,omitempty"`

	// Kept and shown, without effect: nothing is encrypted, since no data is sent.
	Certificate   *string `json:"encryptionCertificate,omitempty"`
	CertificateID *string `json:"encryptionCertificateId,omitempty"`
	TLS           *string `json:"latestSupportedTlsVersion,omitempty"`
	AppID         *string `json:"notificationUrlAppId,omitempty"`
}

// TermsOf reads the terms of a subscription.
func TermsOf(sub *store.Subscription) (*Terms, error) {
	t := new(Terms)
	if err := json.Unmarshal(sub.Body, t); err != nil {
		return nil, fmt.Errorf("subscription %s: %w", sub.ID, err)
	}
	return t, nil
}

// wants reports whether the client is to be told of such a change.
func (t *Terms) wants(op store.Op) bool {
	list, err := ParseChangeType(t.ChangeType)
	return err == nil && slices.Contains(list, op)
}

// ParseChangeType reads a list of changes, as "created,updated".
func ParseChangeType(s string) (list []store.Op, err error) {
	for word := range strings.SplitSeq(s, ",") {
		op := store.Op(strings.ToLower(strings.TrimSpace(word)))
		switch op {
		case store.Created, store.Updated, store.Deleted:
		default:
			return nil, fmt.Errorf("expected created, updated or deleted, or several with commas, found %q", word)
		}
		if !slices.Contains(list, op) {
			list = append(list, op)
		}
	}
	return list, nil
}

// The root of the resources that can be followed, and their names.
const (
	root       = "security/threatIntelligence"
	profiles   = "intelProfiles"
	indicators = "intelligenceProfileIndicators"
)

// Resources are the forms of a resource, for messages.
const Resources = root + "/ and one of " + profiles + ", " + profiles + "/{id}, " + profiles + "/{id}/indicators, " + indicators + ", " + indicators + "/{id}"

// ParseResource reads a resource: a path, relative or with a leading '/', in
// which names match in any case and a key may stand in parentheses. A profile's id
// is returned as it is written.
func ParseResource(s string) (t store.Topic, err error) {
	wrong := fmt.Errorf("expected %s; found %q", Resources, s)
	if strings.ContainsAny(s, "?#") {
		return t, fmt.Errorf("%w; a resource has no options", wrong)
	}
	u, err := url.Parse(strings.TrimPrefix(s, "/"))
	if err != nil || u.Scheme != "" || u.Host != "" {
		return t, wrong
	}
	segments, err := odata.ParsePath("/" + u.EscapedPath())
	if err != nil {
		return t, err
	}
	var parts []string // a key becomes a segment of its own
	for _, seg := range segments {
		if seg.HasKey && (strings.EqualFold(seg.Name, profiles) || strings.EqualFold(seg.Name, indicators) || strings.EqualFold(seg.Name, "indicators")) {
			parts = append(parts, seg.Name, seg.Key)
			continue
		}
		parts = append(parts, seg.Text)
	}
	is := func(i int, name string) bool { return i < len(parts) && strings.EqualFold(parts[i], name) }
	if !is(0, "security") || !is(1, "threatIntelligence") || slices.Contains(parts, "") {
		return t, wrong
	}
	switch n := len(parts); {
	case n == 3 && is(2, profiles):
		return store.Topic{}, nil
	case n == 4 && is(2, profiles):
		return store.Topic{ID: parts[3]}, nil
	case n == 5 && is(2, profiles) && is(4, "indicators"):
		return store.Topic{Indicators: true, Profile: parts[3]}, nil
	case n == 3 && is(2, indicators):
		return store.Topic{Indicators: true}, nil
	case n == 4 && is(2, indicators):
		return store.Topic{Indicators: true, ID: parts[3]}, nil
	}
	return t, wrong
}

// resourceOf is the path of one thing of a topic.
func resourceOf(t store.Topic, id string) string {
	id = url.PathEscape(id)
	switch {
	case t.Profile != "":
		return root + "/" + profiles + "/" + url.PathEscape(t.Profile) + "/indicators/" + id
	case t.Indicators:
		return root + "/" + indicators + "/" + id
	}
	return root + "/" + profiles + "/" + id
}
