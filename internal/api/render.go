package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"dossier/internal/odata"
)

// An entity is one entity of a Graph answer before $select and the metadata
// level are applied.
type entity struct {
	body   []byte   // compact JSON, complete
	home   string   // canonical path under {base}/security/threatIntelligence, "" if it has none
	digest string   // of its own properties, for the ETag; digestOfBody if body has nothing else; "" if it has no tag
	extra  []member // what $expand adds
}

const digestOfBody = "body"

// etag returns the weak tag of the entity, "" if it has none. It takes a hash
// over the body, which lists do not need.
func (e *entity) etag() string {
	switch e.digest {
	case "":
		return ""
	case digestOfBody:
		sum := sha256.Sum256(e.body)
		e.digest = hex.EncodeToString(sum[:16])
	}
	return `W/"` + e.digest + `"`
}

// render appends the entity to b as the query asks for it. context is its own
// @odata.context, "" within a list.
func (r *request) render(b *bytes.Buffer, e *entity, q *odata.Query, context string) error {
	if q.Select == nil && len(e.extra) == 0 && r.metadata == odata.MetadataMinimal {
		if context == "" {
			b.Write(e.body)
			return nil
		}
		b.WriteString(`{"@odata.context":`)
		b.Write(quoted(context))
		b.WriteByte(',')
		b.Write(e.body[1:])
		return nil
	}
	all, err := members(e.body)
	if err != nil {
		return err
	}
	var out []member
	add := func(name, value string) {
		if value != "" {
			out = append(out, member{name, quoted(value)})
		}
	}
	add("@odata.context", context)
	for _, m := range all {
		annotation := strings.HasPrefix(m.name, "@odata.")
		if annotation || printed(q, m.name) {
			out = append(out, m)
		}
		if m.name == "@odata.type" && r.metadata == odata.MetadataFull {
			if e.home != "" {
				add("@odata.id", r.url(e.home))
			}
			add("@odata.etag", e.etag())
		}
	}
	out = append(out, e.extra...)
	if r.metadata != odata.MetadataNone {
		put(b, out)
		return nil
	}
	var full bytes.Buffer
	put(&full, out)
	return strip(b, full.Bytes())
}

// one returns the answer that holds a single entity. path is that of its context.
func (r *request) one(e *entity, path string, q *odata.Query) (*answer, error) {
	if tag := e.etag(); tag != "" {
		r.header.Set("ETag", tag)
		// What is expanded is no part of the tag.
		if len(e.extra) == 0 && r.notModified(tag) {
			return &answer{status: http.StatusNotModified, header: r.header}, nil
		}
	}
	var b bytes.Buffer
	b.Grow(len(e.body) + 256)
	if err := r.render(&b, e, q, contextURL(r.base, path, q, true)); err != nil {
		return nil, err
	}
	return &answer{contentType: r.contentType(), header: r.header, body: b.Bytes()}, nil
}

// many returns the answer that holds a page. path is that of the context and,
// behind {base}/security/threatIntelligence, link that of the collection. count is
// -1 if it was not asked for; token is "" on the last page.
func (r *request) many(n int, entityAt func(i int) (*entity, error), path, link string, q *odata.Query, count int64, token string) (*answer, error) {
	entities := make([]*entity, n)
	size := 1024 // of what comes before the entities, as a rule
	for i := range entities {
		var err error
		if entities[i], err = entityAt(i); err != nil {
			return nil, err
		}
		size += len(entities[i].body) + 1
	}
	var b bytes.Buffer
	b.Grow(size)
	sep := byte('{')
	put := func(name string, value []byte) {
		b.WriteByte(sep)
		sep = ','
		b.WriteString(`"` + name + `":`)
		b.Write(value)
	}
	if r.metadata != odata.MetadataNone {
		put("@odata.context", quoted(contextURL(r.base, path, q, false)))
	}
	if count >= 0 {
		put("@odata.count", strconv.AppendInt(nil, count, 10))
	}
	if token != "" {
		put("@odata.nextLink", quoted(q.NextLink(r.url(link), token)))
	}
	put("value", nil)
	b.WriteByte('[')
	for i, e := range entities {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := r.render(&b, e, q, ""); err != nil {
			return nil, err
		}
	}
	b.WriteString("]}")
	return &answer{contentType: r.contentType(), header: r.header, body: b.Bytes()}, nil
}
