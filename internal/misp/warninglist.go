package misp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"dossier/internal/guard"
	"dossier/internal/intel"
)

// maxWarninglist bounds a warning list, in bytes. The largest of MISP's has a million names.
const maxWarninglist = 128 << 20

// SniffWarninglist reports whether a body that begins with head is a warning list.
func SniffWarninglist(head []byte) bool {
	keys := map[string]bool{}
	collectKeys(json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))), keys, "", 0)
	if keys["/objects"] || keys["/namespace"] || keys["/values"] || keys["/Event"] {
		return false
	}
	return keys["/list"] && (keys["/description"] || keys["/matching_attributes"] || keys["/name"]) || keys["/matching_attributes"] && keys["/description"]
}

// Warninglist reads a warning list (https://github.com/MISP/misp-warninglists, schema.json) as a list of guards with the
// policy of [guard.Default]. Its name is that of the folder of a file list.json, else it is made of the list's own.
// Regular expressions are not taken; the list is then without entries, and the error is nil.
func Warninglist(ctx context.Context, r io.Reader, file string, reject func(intel.Reject)) (l guard.List, err error) {
	body, err := io.ReadAll(io.LimitReader(&contextReader{ctx, r}, maxWarninglist+1))
	if err != nil {
		return l, err
	}
	if len(body) > maxWarninglist {
		return l, &intel.SyntaxError{Msg: fmt.Sprintf("a warning list of more than %d MiB", maxWarninglist>>20)}
	}
	var w struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Type        string          `json:"type"`
		Version     json.RawMessage `json:"version"`
		List        []string        `json:"list"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &w); err != nil {
		return l, &intel.SyntaxError{Msg: "warning list: " + err.Error()}
	}
	l = guard.List{Name: listName(file, w.Name), Title: w.Name, Source: "misp-warninglists", Version: padded(w.Version)}
	l.Policy, l.Scope = guard.Default(l.Name)
	for i, entry := range w.List {
		x := intel.Reject{Position: fmt.Sprintf("list[%d]", i), Sample: entry[:min(len(entry), 120)]}
		switch {
		case w.Type == "regex":
			x.Reason = "regular expression"
		case !guard.Valid(entry):
			x.Reason = "no name, address, network, URL or hash"
		default:
			l.Entries = append(l.Entries, strings.TrimSpace(entry))
			continue
		}
		reject(x)
	}
	return l, nil
}

// listName is the folder's name, by which MISP tells its lists apart, or the title in that form.
func listName(file, title string) string {
	if path.Base(file) == "list.json" && path.Dir(file) != "." {
		return path.Base(path.Dir(file))
	}
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

// padded is a version in a form that compares as the number does.
func padded(raw json.RawMessage) string {
	v := strings.Trim(string(raw), `"`)
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return v
	}
	return fmt.Sprintf("%012s", v)
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
