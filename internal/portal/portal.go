// Package portal shows profiles to people: pages made on the server, readable
// without scripts, under a strict Content-Security-Policy. It asks the store
// the same questions as the API does.
//
// Text from sources is a stranger's: templates escape it, Markdown is rendered
// without HTML of its own and then sanitised, and indicators are shown
// defanged.
package portal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Config says what the pages show. Store is required.
type Config struct {
	Store     *store.Store
	Ceiling   intel.TLP    // highest marking that is shown
	Version   string       // of the program
	PublicURL string       // base of the API in the curl lines; "" takes it from the request
	Logger    *slog.Logger // nil: the default
	Now       func() time.Time
}

type portal struct {
	Config
	pages     map[string]*template.Template
	style     string // address of the style sheet; another one when it changes
	script    string // and of the script
	catalogue catalogue
	mux       *http.ServeMux

	counted struct { // what there is, as of a position in the order of changes; 0: not counted yet
		sync.Mutex
		at      int64
		when    time.Time
		totals  store.Totals
		sources []source
	}
}

// New returns the handler of all pages. It is safe for concurrent use.
func New(c Config) http.Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	p := &portal{Config: c, pages: map[string]*template.Template{}, mux: http.NewServeMux()}
	for _, name := range []string{"home", "list", "profile", "lookup", "indicator", "compare", "changes", "articles", "article", "missing"} {
		p.pages[name] = template.Must(template.New("layout.html").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html"))
	}
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	p.style, p.script = versioned(static, "style.css"), versioned(static, "app.js")
	p.mux.Handle("GET /static/", http.StripPrefix("/static/", cached(http.FileServerFS(static))))
	p.mux.HandleFunc("GET /{$}", p.handle(p.home))
	p.mux.HandleFunc("GET /profiles", p.handle(p.list))
	p.mux.HandleFunc("GET /profiles/{id}", p.handle(p.profile))
	p.mux.HandleFunc("GET /lookup", p.handle(p.lookup))
	p.mux.HandleFunc("POST /lookup", p.handle(p.lookup))
	p.mux.HandleFunc("GET /indicator", p.handle(p.indicator))
	p.mux.HandleFunc("GET /indicators/{id}", p.handle(p.indicator))
	p.mux.HandleFunc("GET /compare", p.handle(p.compare))
	p.mux.HandleFunc("GET /changes", p.handle(p.changes))
	p.mux.HandleFunc("GET /articles", p.handle(p.articles))
	p.mux.HandleFunc("GET /articles/{id}", p.handle(p.article))
	p.mux.HandleFunc("GET /", p.handle(func(*http.Request) (*page, error) { return nil, intel.ErrNotFound }))
	return p
}

// versioned is the address of a static file with a part that changes when it does.
func versioned(static fs.FS, name string) string {
	content, err := fs.ReadFile(static, name)
	if err != nil {
		panic(err) // the file is embedded
	}
	sum := sha256.Sum256(content)
	return fmt.Sprintf("/static/%s?%x", name, sum[:6])
}

// policy lets the pages load nothing but their own style sheet, script and icon.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (p *portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	p.mux.ServeHTTP(w, r)
}

func cached(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") || r.URL.Path == "" {
			http.NotFound(w, r) // no list of the folder
			return
		}
		w.Header().Set("Cache-Control", "max-age=3600")
		h.ServeHTTP(w, r)
	})
}

// A page is a template with its data.
type page struct {
	Template string
	Title    string
	Query    string // in the search box
	Version  string
	Style    string
	Script   string
	Feeds    []feedLink
	Data     any
}

// A feedLink is a feed of what changes on the page, for feed readers to find.
type feedLink struct{ Type, Title, Address string }

// feedsOf are the feeds with the parameters, in both forms.
func feedsOf(title string, params url.Values) []feedLink {
	var out []feedLink
	for _, form := range [][2]string{{"atom", "application/atom+xml"}, {"json", "application/feed+json"}} {
		address := "/api/changes." + form[0]
		if len(params) > 0 {
			address += "?" + params.Encode()
		}
		out = append(out, feedLink{form[1], title, address})
	}
	return out
}

// handle makes a handler of a function that makes a page; its errors become
// pages too.
func (p *portal) handle(f func(*http.Request) (*page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		pg, err := f(r)
		var bad *odata.Error
		var moved *movedError
		var found *foundError
		var not *notValueError
		var long *tooLongError
		switch {
		case err == nil:
		case errors.As(err, &moved):
			http.Redirect(w, r, address(moved.to), http.StatusMovedPermanently)
			return
		case errors.As(err, &found):
			http.Redirect(w, r, found.at, http.StatusSeeOther)
			return
		case errors.As(err, &not):
			status, pg = http.StatusBadRequest, &page{Template: "missing", Title: "Not a value", Data: not.Error()}
		case errors.As(err, &long):
			status, pg = http.StatusRequestEntityTooLarge, &page{Template: "missing", Title: "Too long", Data: long.Error()}
		case errors.Is(err, intel.ErrNotFound):
			status, pg = http.StatusNotFound, &page{Template: "missing", Title: "Not found", Data: "There is nothing here under this address."}
		case errors.As(err, &bad):
			status, pg = http.StatusBadRequest, &page{Template: "missing", Title: "Not understood", Data: bad.Message}
		case errors.Is(err, context.Canceled):
			return
		default:
			p.Logger.Error("page", "path", r.URL.Path, "err", err)
			status, pg = http.StatusInternalServerError, &page{Template: "missing", Title: "Something failed", Data: "The log of the server has the cause."}
		}
		pg.Version, pg.Style, pg.Script = p.Version, p.style, p.script
		var b bytes.Buffer
		if err := p.pages[pg.Template].Execute(&b, pg); err != nil {
			p.Logger.Error("template", "path", r.URL.Path, "err", err)
			http.Error(w, "the page could not be made; the log of the server has the cause", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		w.WriteHeader(status)
		_, _ = visible.WriteString(w, b.String()) // the reader is gone if it fails
	}
}

// foundError leads from what was typed to the one page that answers it.
type foundError struct{ at string }

func (f *foundError) Error() string { return "found at " + f.at }

// movedError leads from a superseded id to the one in use.
type movedError struct{ to string }

func (m *movedError) Error() string { return "moved to " + m.to }

func (p *portal) view() store.View { return store.View{Ceiling: p.Ceiling} }

// base is the address of the API for the curl lines.
func (p *portal) base(r *http.Request) string {
	if p.PublicURL != "" {
		return p.PublicURL
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

const apiPath = "/v1.0/security/threatIntelligence"

// curl returns a command line that asks the API the same.
func curl(base, path string, params ...string) string {
	if len(params) == 0 {
		return "curl " + shellQuote(base+apiPath+path)
	}
	line := "curl -G " + shellQuote(base+apiPath+path)
	for _, param := range params {
		line += " --data-urlencode " + shellQuote(param)
	}
	return line
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
