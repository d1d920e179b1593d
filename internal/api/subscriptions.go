package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"dossier/internal/fetch"
	"dossier/internal/intel"
	"dossier/internal/notify"
	"dossier/internal/odata"
	"dossier/internal/store"
)

const subscriptionsPath = "subscriptions"

// Limits of subscriptions.
const (
	maxSubscriptionLife = 43_200 * time.Minute
	perClient           = 50
	maxSubscriptions    = 1000
	maxClientState      = 128  // code points
	maxAddress          = 2048 // bytes
)

// codeLimit is the code for a client that has too many subscriptions.
const codeLimit = "quotaLimitReached"

// subscriptionType is microsoft.graph.subscription.
var subscriptionType = func() *odata.Type {
	t := &odata.Type{Name: "microsoft.graph.subscription", Kind: odata.EntityType, Base: typeNamed("microsoft.graph.entity"), Properties: []odata.Property{
		{Name: "applicationId", Nullable: true},
		{Name: "changeType"},
		{Name: "clientState", Nullable: true},
		{Name: "creatorId", Nullable: true},
		{Name: "encryptionCertificate", Nullable: true},
		{Name: "encryptionCertificateId", Nullable: true},
		{Name: "expirationDateTime", Prim: odata.DateTimeOffset},
		{Name: "includeResourceData", Prim: odata.Boolean, Nullable: true},
		{Name: "latestSupportedTlsVersion", Nullable: true},
		{Name: "lifecycleNotificationUrl", Nullable: true},
		{Name: "notificationQueryOptions", Nullable: true},
		{Name: "notificationUrl"},
		{Name: "notificationUrlAppId", Nullable: true},
		{Name: "resource"},
	}}
	odata.Link(t)
	return t
}()

var subscriptionOptions = odata.Options{Allow: odata.AllowSelect}

// wireSubscription is a subscription in its wire form.
type wireSubscription struct {
	ID            string  `json:"id"`
	ApplicationID *string `json:"applicationId"`
	ChangeType    string  `json:"changeType"`
	State         *string `json:"clientState"`
	CreatorID     *string `json:"creatorId"`
	Certificate   *string `json:"encryptionCertificate"`
	CertificateID *string `json:"encryptionCertificateId"`
	Expires       string  `json:"expirationDateTime"`
	ResourceData  bool    `json:"includeResourceData"`
	TLS           *string `json:"latestSupportedTlsVersion"`
	Lifecycle     *string `json:"lifecycleNotificationUrl"`
	QueryOptions  *string `json:"notificationQueryOptions"`
	URL           string  `json:"notificationUrl"`
	AppID         *string `json:"notificationUrlAppId"`
	Resource      string  `json:"resource"`
}

func subscriptionEntity(sub *store.Subscription) (*entity, error) {
	t, err := notify.TermsOf(sub)
	if err != nil {
		return nil, err
	}
	orNil := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	var b bytes.Buffer
	err = encode(&b, wireSubscription{
		ID: sub.ID, Resource: t.Resource, ApplicationID: orNil(sub.Client), ChangeType: t.ChangeType, State: t.State, URL: t.URL, Lifecycle: orNil(t.Lifecycle),
		Expires: notify.DateTime(sub.Expires), CreatorID: orNil(sub.Client), TLS: t.TLS, Certificate: t.Certificate, CertificateID: t.CertificateID, AppID: t.AppID,
	})
	return &entity{body: b.Bytes()}, err
}

// subscribes makes a handler of one that is about the caller's own subscriptions.
// The permission to read suffices, but who makes one must be somebody: it makes the
// server send, and belongs to whom it was made for. Who is nobody has none.
func (s *Server) subscribes(h handler) handler {
	return func(r *request) (*answer, error) {
		if s.guard != nil && r.who.Anonymous() && r.Method == http.MethodPost {
			f := fail(statusNoToken, codeNoToken, "Access token is empty: subscriptions belong to a client."+tokenHint)
			f.header = http.Header{"Www-Authenticate": {`Bearer realm="dossier"`}}
			return nil, f
		}
		a, err := h(r)
		if errors.Is(err, store.ErrTooMany) {
			return nil, fail(http.StatusForbidden, codeLimit, "Too many subscriptions: "+clip(err.Error())+".")
		}
		if err == nil && s.guard != nil && !safe(r.Method) {
			s.acted(r, "subscription", slog.String("done", r.Method))
		}
		return a, err
	}
}

func listSubscriptions(r *request) (*answer, error) {
	q, err := r.query(subscriptionType, subscriptionOptions)
	if err != nil {
		return nil, err
	}
	list, err := r.s.store.ClientSubscriptions(r.Context(), r.who.ClientID)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteByte('{')
	if r.metadata != odata.MetadataNone {
		b.WriteString(`"@odata.context":`)
		b.Write(quoted(r.subscriptionContext(q, false)))
		b.WriteByte(',')
	}
	b.WriteString(`"value":[`)
	for i, sub := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		e, err := subscriptionEntity(sub)
		if err != nil {
			return nil, err
		}
		if err := r.render(&b, e, q, ""); err != nil {
			return nil, err
		}
	}
	b.WriteString("]}")
	return &answer{contentType: r.contentType(), header: r.header, body: b.Bytes()}, nil
}

func (r *request) subscriptionContext(q *odata.Query, single bool) string {
	s := r.base + "/$metadata#" + subscriptionsPath + contextSelection(q)
	if single {
		s += "/$entity"
	}
	return s
}

func (r *request) subscription(status int, sub *store.Subscription, q *odata.Query) (*answer, error) {
	e, err := subscriptionEntity(sub)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := r.render(&b, e, q, r.subscriptionContext(q, true)); err != nil {
		return nil, err
	}
	return &answer{status: status, contentType: r.contentType(), header: r.header, body: b.Bytes()}, nil
}

func getSubscription(r *request) (*answer, error) {
	q, err := r.query(subscriptionType, subscriptionOptions)
	if err != nil {
		return nil, err
	}
	sub, err := r.s.store.ClientSubscription(r.Context(), r.who.ClientID, r.ids[0])
	if err != nil {
		return nil, err
	}
	return r.subscription(http.StatusOK, sub, q)
}

func createSubscription(r *request) (*answer, error) {
	q, err := r.query(subscriptionType, subscriptionOptions)
	if err != nil {
		return nil, err
	}
	in, err := r.readEntity(subscriptionType)
	if err != nil {
		return nil, err
	}
	if err := in.need("resource", "changeType", "notificationUrl", "expirationDateTime"); err != nil {
		return nil, err
	}
	sub := &store.Subscription{ID: store.NewGUID(), Client: r.who.ClientID, Ceiling: r.ceiling().Ceiling, Created: intel.TimeOf(r.s.now())}
	if sub.Expires, err = r.expiration(in); err != nil {
		return nil, err
	}
	terms, err := r.terms(in)
	if err != nil {
		return nil, err
	}
	if sub.Body, err = json.Marshal(terms); err != nil {
		return nil, err
	}
	if err := r.shakeHands(terms); err != nil {
		return nil, err
	}
	if err := r.s.store.AddSubscription(r.Context(), sub, perClient, maxSubscriptions); err != nil {
		return nil, err
	}
	r.header.Set("Location", r.base+"/"+subscriptionsPath+"/"+sub.ID)
	return r.subscription(http.StatusCreated, sub, q)
}

// expiration reads the end of a subscription: after now, and not too far.
func (r *request) expiration(in *input) (intel.Time, error) {
	const name = "expirationDateTime"
	var at intel.Time
	if err := json.Unmarshal(in.values[name], &at); err != nil {
		return 0, err // it was checked
	}
	switch now := r.s.now(); {
	case !at.Std().After(now):
		return 0, badBody(name, "Property '%s': the subscription would end before it begins.", name)
	case at.Std().After(now.Add(maxSubscriptionLife)):
		return 0, badBody(name, "Property '%s': a subscription lives at most %d minutes.", name, maxSubscriptionLife/time.Minute)
	}
	return at, nil
}

// terms reads what a subscription is about. A profile must exist.
func (r *request) terms(in *input) (*notify.Terms, error) {
	word := func(name string) (s *string) {
		_ = json.Unmarshal(in.values[name], &s) // it was checked
		return s
	}
	or := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	t := &notify.Terms{
		Resource: or(word("resource")), ChangeType: or(word("changeType")), URL: or(word("notificationUrl")), Lifecycle: or(word("lifecycleNotificationUrl")),
		State: word("clientState"), Certificate: word("encryptionCertificate"), CertificateID: word("encryptionCertificateId"),
		TLS: word("latestSupportedTlsVersion"), AppID: word("notificationUrlAppId"),
	}
	var data bool
	_ = json.Unmarshal(in.values["includeResourceData"], &data)
	switch {
	case data:
		return nil, badBody("includeResourceData", "Property 'includeResourceData': notifications never hold the resource's data here; fetch what they name.")
	case word("notificationQueryOptions") != nil:
		return nil, badBody("notificationQueryOptions", "Property 'notificationQueryOptions': no options are served.")
	case t.State != nil && utf8.RuneCountInString(*t.State) > maxClientState:
		return nil, badBody("clientState", "Property 'clientState': at most %d characters.", maxClientState)
	}
	if _, err := notify.ParseChangeType(t.ChangeType); err != nil {
		return nil, badBody("changeType", "Property 'changeType': %s.", clip(err.Error()))
	}
	for name, address := range map[string]string{"notificationUrl": t.URL, "lifecycleNotificationUrl": t.Lifecycle} {
		if address == "" && name == "lifecycleNotificationUrl" {
			continue
		}
		if len(address) > maxAddress {
			return nil, badBody(name, "Property '%s': at most %d bytes.", name, maxAddress)
		}
		if err := fetch.CheckAddress(address); err != nil {
			return nil, badBody(name, "Property '%s': %s.", name, err.Error())
		}
	}
	topic, err := notify.ParseResource(t.Resource)
	if err != nil {
		return nil, badBody("resource", "Property 'resource': %s.", err.Error())
	}
	t.Topic = topic
	switch v := r.ceiling(); {
	case topic.Profile != "":
		t.Topic.Profile, err = r.s.store.CanonicalID(r.Context(), topic.Profile, v)
	case topic.ID != "" && topic.Indicators:
		_, err = r.s.store.Indicator(r.Context(), topic.ID, v)
	case topic.ID != "":
		t.Topic.ID, err = r.s.store.CanonicalID(r.Context(), topic.ID, v)
	}
	return t, err
}

// shakeHands lets the receivers say that they want to be told. It does not keep
// others from their turn.
func (r *request) shakeHands(t *notify.Terms) error {
	had := r.turn
	r.leaveTurn()
	var wrong, wrongLife error
	var both sync.WaitGroup
	both.Go(func() { wrong = r.s.hooks.Validate(r.Context(), t.URL) })
	if t.Lifecycle != "" && t.Lifecycle != t.URL {
		both.Go(func() { wrongLife = r.s.hooks.Validate(r.Context(), t.Lifecycle) })
	}
	both.Wait()
	switch {
	case errors.Is(wrong, notify.ErrBusy), errors.Is(wrongLife, notify.ErrBusy):
		return tooBusy()
	case wrong != nil:
		return r.invalidReceiver("notificationUrl", wrong)
	case wrongLife != nil:
		return r.invalidReceiver("lifecycleNotificationUrl", wrongLife)
	case had:
		return r.takeTurn()
	}
	return nil
}

// invalidReceiver says that a receiver did not pass. What a connection failed of is
// in the log only: a server is not to be asked what there is in its network.
func (r *request) invalidReceiver(name string, why error) error {
	var receiver *notify.ReceiverError
	var refused *fetch.RefusedError
	var slow *fetch.SlowError
	said := "the receiver cannot be reached"
	switch {
	case errors.As(why, &receiver):
		said = receiver.Error()
	case errors.As(why, &refused):
		said = "notifications are not sent to such an address, nor where it redirects to"
	case errors.As(why, &slow):
		said = slow.Error()
	}
	r.s.log.Info("a receiver is not valid", "request-id", r.id, "error", why)
	return badBody(name, "Subscription validation request failed. Property '%s': %s.", name, said)
}

func renewSubscription(r *request) (*answer, error) {
	q, err := r.query(subscriptionType, subscriptionOptions)
	if err != nil {
		return nil, err
	}
	in, err := r.readEntity(subscriptionType)
	if err != nil {
		return nil, err
	}
	if err := in.need("expirationDateTime"); err != nil {
		return nil, err
	}
	sub, err := r.s.store.ClientSubscription(r.Context(), r.who.ClientID, r.ids[0])
	if err != nil {
		return nil, err
	}
	e, err := subscriptionEntity(sub)
	if err != nil {
		return nil, err
	}
	var is map[string]any
	if err := json.Unmarshal(e.body, &is); err != nil {
		return nil, err
	}
	for name, raw := range in.values {
		var wanted any
		if err := json.Unmarshal(raw, &wanted); err != nil {
			return nil, err
		}
		if name != "expirationDateTime" && wanted != is[name] {
			return nil, badBody(name, "Property '%s' cannot be changed: only expirationDateTime can.", name)
		}
	}
	if sub.Expires, err = r.expiration(in); err != nil {
		return nil, err
	}
	if err := r.s.store.RenewSubscription(r.Context(), r.who.ClientID, sub.ID, sub.Expires); err != nil {
		return nil, err
	}
	return r.subscription(http.StatusOK, sub, q)
}

func deleteSubscription(r *request) (*answer, error) {
	if err := r.s.store.DeleteSubscription(r.Context(), r.who.ClientID, r.ids[0]); err != nil {
		return nil, err
	}
	return r.done()
}

// reauthorizeSubscription has nothing to do: who may read is asked at every delivery.
func reauthorizeSubscription(r *request) (*answer, error) {
	if _, err := r.s.store.ClientSubscription(r.Context(), r.who.ClientID, r.ids[0]); err != nil {
		return nil, err
	}
	return r.done()
}

var subscriptionWords = fmt.Sprintf("`resource` is %s, without options. Before the answer both addresses are asked, with POST and `?validationToken=`, for 200, `text/plain` and the decoded token, within 10 seconds. "+
	"Then each change is told in a POST with `{\"value\":[…]}`, for an indicator of a profile that it was linked (`created`) or unlinked (`deleted`). A receiver answers 2xx within 3 seconds; else it is tried again, "+
	"ever less often, for 4 hours; what is dropped then is told as `missed` to `lifecycleNotificationUrl`, and `subscriptionRemoved` if an operator ends it. A notification may come twice; none is left out. "+
	"Addresses must be https and, unless the operator allows it, no private ones; redirects are not followed. A subscription lives at most %d minutes; a client has at most %d.",
	notify.Resources, maxSubscriptionLife/time.Minute, perClient)

// exampleSubscription is the body of one about all profiles.
var exampleSubscription = object[any]{
	{"resource", contextPrefix + profilesPath},
	{"changeType", "created,updated,deleted"},
	{"notificationUrl", "https://receiver.contoso.com/hook"},
	{"expirationDateTime", "2026-01-02T11:00:00Z"},
	{"clientState", "a secret of the client's"},
}

// subscriptionSchema describes what is sent to make or renew a subscription.
func subscriptionSchema(create bool) *schema {
	all := typeSchema(subscriptionType)
	out := &schema{Type: "object", Required: []string{"expirationDateTime"}}
	if create {
		out.Required = []string{"resource", "changeType", "notificationUrl", "expirationDateTime"}
	}
	settable := []string{"resource", "changeType", "notificationUrl", "expirationDateTime", "lifecycleNotificationUrl", "clientState", "latestSupportedTlsVersion"}
	if !create {
		settable = settable[3:4]
	}
	for _, name := range settable {
		if p, ok := all.Properties.get(name); ok {
			out.Properties.put(name, p)
		}
	}
	return out
}
