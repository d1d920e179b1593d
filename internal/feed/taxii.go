package feed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"dossier/internal/ingest"
	"dossier/internal/taxii"
)

// partSize is how much of a collection is imported at a time. Within a part,
// relationships find what they relate; a poll is one part, unless it is larger.
const partSize = 256 << 20

// taxii reads what is new in every readable collection.
func (x *execution) taxii(ctx context.Context) error {
	c := &taxii.Client{HTTP: x.client, Header: x.header}
	collections, err := c.Locate(ctx, x.f.URLs[0])
	if len(collections) == 0 {
		return err
	}
	failed := []error{err}
	for _, collection := range collections {
		x.fetching, x.got = ingest.URLPath(collection.URL), 0
		if err := x.collection(ctx, c, collection); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			failed = append(failed, fmt.Errorf("collection %q: %w", collection.Title, err))
		}
	}
	return errors.Join(failed...)
}

func (x *execution) collection(ctx context.Context, c *taxii.Client, collection taxii.Collection) error {
	p := &parts{x: x, name: ingest.URLPath(collection.URL) + "objects.json", key: collection.URL}
	defer p.close()
	end, err := c.Poll(ctx, collection.URL, x.state.Cursors[collection.URL], taxii.Options{Filter: taxii.Filter{Types: x.f.Types}}, func(page taxii.Page) error {
		if err := p.add(page); err != nil || p.size < partSize {
			return err
		}
		return p.finish(ctx, page.Cursor)
	})
	if err != nil {
		// The pages that came are whole: they are taken, and the next run goes on.
		if p.size > 0 && !p.failed && ctx.Err() == nil {
			err = errors.Join(err, p.finish(ctx, p.last))
		}
		return err
	}
	return p.finish(ctx, end)
}

// parts gathers pages in a file.
type parts struct {
	x         *execution
	name, key string
	f         *temp
	w         *bufio.Writer
	size      int64
	last      taxii.Cursor
	failed    bool // what was gathered could not be imported
}

func (p *parts) add(page taxii.Page) (err error) {
	if p.f == nil {
		if p.f, err = tempFile(); err != nil {
			return err
		}
		p.w = bufio.NewWriterSize(p.f, 1<<20)
	}
	// An envelope a page; the decoder reads one after the other.
	_, _ = p.w.WriteString(`{"objects":[`)
	for i, raw := range page.Objects {
		if i > 0 {
			_ = p.w.WriteByte(',')
		}
		_, _ = p.w.Write(raw)
		p.size += int64(len(raw)) + 1
	}
	_, err = p.w.WriteString("]}\n") // holds any error before it
	p.last = page.Cursor
	return err
}

// finish imports what was gathered, then keeps the cursor.
func (p *parts) finish(ctx context.Context, cursor taxii.Cursor) error {
	if p.size > 0 {
		if err := p.w.Flush(); err != nil {
			return err
		}
		if _, err := p.f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		res, err := p.x.take(ctx, ingest.Input{Path: p.name, Body: p.f})
		if err == nil {
			err = p.x.understood(p.name, res)
		}
		if err != nil {
			p.failed = true
			return err
		}
		p.close()
	}
	p.x.state.Cursors[p.key] = cursor
	return p.x.keep(ctx)
}

func (p *parts) close() {
	if p.f != nil {
		_ = p.f.Close()
	}
	p.f, p.size = nil, 0
}
