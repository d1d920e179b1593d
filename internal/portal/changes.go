package portal

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/profile"
)

// changesShown is how many changes of each sort are on a page.
const changesShown = 200

// usualSince is how far back changes are shown if nothing else is asked.
const usualSince = "7d"

// A changesView is what is new, changed and gone.
type changesView struct {
	Since      string // as asked
	From       string // the day
	KnownSince string // if changes are not known from then on
	Wrong      string // why what was asked is no time
	Spans      []choice
	Profiles   []profileChange
	Indicators []indicatorChange
	More       bool
	Curl       string
}

type profileChange struct {
	ingest.ProfileReport
	Fields []fieldChange
}

type indicatorChange struct {
	Shown, Link, Kind, Change string
	Fields                    []fieldChange
}

// A fieldChange is a field before and after.
type fieldChange struct {
	Field         string
	Before, After string
	Sources       []string
}

func (p *portal) changes(r *http.Request) (*page, error) {
	v := &changesView{Since: strings.TrimSpace(r.URL.Query().Get("since"))}
	if v.Since == "" {
		v.Since = usualSince
	}
	for _, s := range []struct{ since, name string }{{"24h", "a day"}, {"7d", "a week"}, {"30d", "a month"}} {
		v.Spans = append(v.Spans, choice{Name: s.name, Link: "/changes?since=" + s.since, On: s.since == v.Since})
	}
	since, err := ingest.ParseSince(v.Since, p.Now())
	if err != nil {
		v.Wrong = err.Error()
		return &page{Template: "changes", Title: "Changes – Dossier", Data: v}, nil
	}
	v.From = since.Day()
	if err := p.report(r.Context(), v, "", since); err != nil {
		return nil, err
	}
	v.Curl = curlOf(p.base(r)+"/api/changes", "since="+v.Since)
	return &page{
		Template: "changes", Title: "Changes – Dossier", Data: v,
		Feeds: append(feedsOf("What changes in profiles", nil), feedsOf("What changes in indicators", url.Values{"of": {"indicators"}})...),
	}, nil
}

// report fills what changed, of one profile or of all.
func (p *portal) report(ctx context.Context, v *changesView, id string, since intel.Time) error {
	report, err := ingest.ReportChanges(ctx, p.Store, id, since, changesShown, p.view())
	if err != nil {
		return err
	}
	v.More = report.More
	if report.KnownSince != 0 {
		v.KnownSince = report.KnownSince.Day()
	}
	for _, c := range report.Profiles {
		v.Profiles = append(v.Profiles, profileChange{c, fieldChanges(c.Fields)})
	}
	for _, c := range report.Indicators {
		o := observable.Observable{Kind: observable.Kind(c.Kind), Value: c.Value}
		v.Indicators = append(v.Indicators, indicatorChange{observable.Defang(o), indicatorLink(o), c.Kind, c.Change, fieldChanges(c.Fields)})
	}
	return nil
}

func fieldChanges(list []profile.FieldChange) (out []fieldChange) {
	for _, f := range list {
		c := fieldChange{Field: f.Field, Before: valuesShown(f.Before), After: valuesShown(f.After)}
		for _, id := range f.Sources {
			c.Sources = append(c.Sources, intel.PublisherOf(id).Title)
		}
		out = append(out, c)
	}
	return out
}

// valuesShown is a field's values for one line.
func valuesShown(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	return brief(300, strings.Join(values, ", "))
}

// profileSince is how far back the page of a profile shows its changes.
const profileSince = 30 * 24 * time.Hour
