package feed

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dossier/internal/graph"
	"dossier/internal/ingest"
)

// Microsoft Graph, or another Dossier: every profile, then the indicators of each,
// by the client's own credentials (OAuth 2.0, RFC 6749, 4.4).

const (
	threatIntelligence = "v1.0/security/threatIntelligence/"
	microsoftLogin     = "https://login.microsoftonline.com/"
	graphScope         = "https://graph.microsoft.com/.default"
	graphPage          = "100"     // profiles or indicators a page; Microsoft gives no more
	maxGraphPage       = 256 << 20 // bytes of a page
	maxGraphProfiles   = 100_000
	// tokenSpare is how long before its end a token is replaced.
	tokenSpare = 5 * time.Minute
)

// graphClient reads a service page by page.
type graphClient struct {
	x     *execution
	base  *url.URL // of the service, with a slash at the end
	token string
	until time.Time
}

// graph reads a whole service into one file, and imports it as the state of
// things: half of one would take away what the other half has.
func (x *execution) graph(ctx context.Context) error {
	base, err := url.Parse(strings.TrimSuffix(x.f.URLs[0], "/") + "/")
	if err != nil {
		return err
	}
	g := &graphClient{x: x, base: base}
	f, err := tempFile()
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	profiles, err := g.pages(ctx, w, "intelProfiles")
	if err != nil {
		return err
	}
	for _, id := range profiles {
		if _, err := g.pages(ctx, w, "intelProfiles/"+url.PathEscape(id)+"/indicators"); err != nil {
			return fmt.Errorf("profile %s: %w", id, err)
		}
	}
	_, _ = w.WriteString(graph.Complete)
	if err := w.Flush(); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	name := ingest.URLPath(base.String()) + "intelProfiles.json"
	res, err := x.take(ctx, ingest.Input{Path: name, Body: f})
	if err != nil {
		return err
	}
	if err := x.understood(name, res); err != nil {
		return err
	}
	return x.keep(ctx)
}

// pages writes every page of a collection to w and returns the ids in it.
func (g *graphClient) pages(ctx context.Context, w io.Writer, collection string) ([]string, error) {
	at := g.base.JoinPath(threatIntelligence + collection)
	at.RawQuery = "$top=" + graphPage
	first, asked := *at, map[string]bool{}
	var ids []string
	for {
		if asked[at.String()] {
			return nil, errors.New("the server's next page is one that was there before")
		}
		asked[at.String()] = true
		body, err := g.get(ctx, at)
		if err != nil {
			return nil, err
		}
		var page struct {
			Context string `json:"@odata.context"`
			Next    string `json:"@odata.nextLink"`
			Value   []struct {
				ID string `json:"id"`
			} `json:"value"`
		}
		if err := json.Unmarshal(body, &page); err != nil || page.Context == "" {
			return nil, errors.New("the answer is not one of Graph's: no list with an @odata.context")
		}
		for _, v := range page.Value {
			ids = append(ids, v.ID)
		}
		if len(ids) > maxGraphProfiles && !strings.HasSuffix(collection, "/indicators") {
			return nil, fmt.Errorf("more than %d profiles", maxGraphProfiles)
		}
		if _, err := w.Write(append(body, '\n')); err != nil {
			return nil, err
		}
		if page.Next == "" {
			return ids, nil
		}
		if at, err = at.Parse(page.Next); err != nil || at.Scheme != first.Scheme || at.Host != first.Host {
			return nil, errors.New("the server's next page is on another host, which gets no token")
		}
	}
}

func (g *graphClient) get(ctx context.Context, at *url.URL) ([]byte, error) {
	if err := g.signIn(ctx); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if g.token != "" {
		req.Header.Set("Authorization", "Bearer "+g.token)
	}
	g.x.fetching = ingest.URLPath(at.String())
	return g.x.read1(req, maxGraphPage)
}

// signIn gets a token, or a new one before the old one ends. A feed without a
// client asks without one: another Dossier may serve everybody.
func (g *graphClient) signIn(ctx context.Context) error {
	if g.x.f.Client == "" || time.Now().Before(g.until) {
		return nil
	}
	login := g.x.f.Login
	if login == "" && g.base.Host == "graph.microsoft.com" {
		login = microsoftLogin + url.PathEscape(g.x.f.Tenant) + "/oauth2/v2.0/token"
	} else if login == "" {
		tenant := g.x.f.Tenant
		if tenant == "" {
			tenant = "dossier"
		}
		login = g.base.JoinPath(url.PathEscape(tenant), "oauth2/v2.0/token").String()
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {g.x.f.Client}, "client_secret": {g.x.secret}, "scope": {graphScope}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, login, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, err := g.x.read1(req, 1<<20)
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	var t struct {
		Token   string `json:"access_token"`
		Expires int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &t); err != nil || t.Token == "" {
		return errors.New("signing in: the answer holds no token")
	}
	life := time.Duration(min(max(t.Expires, 60), 24*3600)) * time.Second
	g.token, g.until = t.Token, time.Now().Add(max(life-tokenSpare, life/2))
	g.x.client.Secrets = []string{g.x.secret, g.token}
	return nil
}

// read1 sends a request and returns the body, of at most so many bytes.
func (x *execution) read1(req *http.Request, most int64) ([]byte, error) {
	res, err := x.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err == nil && int64(len(body)) > most {
		err = fmt.Errorf("an answer is larger than %d MiB", most>>20)
	}
	return body, err
}
