package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// The wire forms of Graph's changeNotificationCollection.

type envelope struct {
	Value []any `json:"value"`
}

type notification struct {
	ID           string       `json:"id"`
	Subscription string       `json:"subscriptionId"`
	Expires      string       `json:"subscriptionExpirationDateTime"`
	State        *string      `json:"clientState"`
	ChangeType   store.Op     `json:"changeType"`
	Resource     string       `json:"resource"`
	Tenant       string       `json:"tenantId"`
	Data         resourceData `json:"resourceData"`
}

type resourceData struct {
	Type string `json:"@odata.type"`
	Path string `json:"@odata.id"`
	ETag string `json:"@odata.etag,omitempty"` // what is gone has none
	ID   string `json:"id"`
}

type lifecycleNotification struct {
	Subscription string  `json:"subscriptionId"`
	Expires      string  `json:"subscriptionExpirationDateTime"`
	Tenant       string  `json:"tenantId"`
	State        *string `json:"clientState"`
	Event        string  `json:"lifecycleEvent"`
}

// The events of lifecycle notifications that are sent.
const (
	eventRemoved = "subscriptionRemoved"
	eventMissed  = "missed"
)

// DateTime is the form of times in notifications, with seven digits.
func DateTime(t intel.Time) string { return t.Std().Format("2006-01-02T15:04:05.0000000Z") }

func encoded(list ...any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(envelope{list})
	return bytes.TrimSpace(b.Bytes()), err
}

// notificationOf makes a notification. Its id is the same whenever the same is told
// again.
func notificationOf(sub *store.Subscription, t *Terms, tenant string, n store.Notice) (notification, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", sub.ID, n.Position, n.ID))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // a UUID of version 8 (RFC 9562)
	h := hex.EncodeToString(sum[:16])
	path := resourceOf(t.Topic, n.ID)
	data := resourceData{Type: intel.ProfileType, Path: path, ETag: n.ETag, ID: n.ID}
	if t.Topic.Indicators {
		data.Type = intel.IndicatorType
		if n.Item != nil {
			tag, err := n.Item.ETag()
			if err != nil {
				return notification{}, err
			}
			data.ETag = tag
		}
	}
	if data.ETag != "" {
		data.ETag = `W/"` + data.ETag + `"`
	}
	return notification{
		ID: h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], Subscription: sub.ID, Expires: DateTime(sub.Expires), State: t.State,
		ChangeType: n.Op, Resource: path, Tenant: tenant, Data: data,
	}, nil
}
