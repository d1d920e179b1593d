package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"

	"github.com/jackc/pgx/v5"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	promodel "github.com/prometheus/common/model"
)

// scrape reads /metrics as Prometheus does.
func scrape(t *testing.T, s http.Handler) map[string]*dto.MetricFamily {
	t.Helper()
	w := ask(s, "GET", "/metrics")
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	parser := expfmt.NewTextParser(promodel.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value returns the sample with the labels, given as name, value, …
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		have := map[string]string{}
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		same := len(have) == len(labels)/2
		for i := 0; i+1 < len(labels); i += 2 {
			same = same && have[labels[i]] == labels[i+1]
		}
		switch {
		case !same:
		case m.Counter != nil:
			return m.Counter.GetValue()
		case m.Histogram != nil:
			return float64(m.Histogram.GetSampleCount())
		default:
			return m.Gauge.GetValue()
		}
	}
	return -1
}

func TestMetrics(t *testing.T) {
	st := fixtureStore(t, 5)
	run := &intel.Run{ID: "r1", Feed: "heron", Started: intel.TimeOf(fixtureNow), Finished: intel.TimeOf(fixtureNow.Add(3 * time.Second))}
	run.Counts.Indicators = intel.Tally{Read: 5, New: 2, Rejected: 3}
	err := st.SetFeeds(t.Context(), func([]*store.Feed) ([]*store.Feed, []string, error) {
		return []*store.Feed{
			{Name: "heron", Config: []byte(`{}`), Due: intel.TimeOf(fixtureNow.Add(time.Hour))},
			{Name: "off", Config: []byte(`{"disabled":true}`)},
		}, nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.BeginFeed(t.Context(), "heron", run); err != nil {
		t.Fatal(err)
	}
	if err := st.EndFeed(t.Context(), "heron", run, intel.TimeOf(fixtureNow.Add(time.Hour)), 2); err != nil {
		t.Fatal(err)
	}
	s := fixtureServer(st)
	for _, target := range []string{
		ti + "/intelProfiles?$filter=kind%20eq%20'actor'", ti + "/intelProfiles?$filter=kind%20eq%20'actor'", ti + "/intelProfiles?$search=blizzard",
		ti + "/intelProfiles/" + aquaID, ti + "/intelProfiles/" + snakeID, ti + "/intelProfiles/" + strings.Repeat("00", 32), "/nothing",
	} {
		ask(s, "GET", target)
	}
	ask(s, "BREW", ti+"/intelProfiles")
	m := scrape(t, s)
	const list, one = "/security/threatIntelligence/intelProfiles", "/security/threatIntelligence/intelProfiles/{}"
	for _, tt := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{3, "dossier_requests_total", []string{"route", list, "method", "GET", "status", "200"}},
		{2, "dossier_requests_total", []string{"route", one, "method", "GET", "status", "200"}},
		{1, "dossier_requests_total", []string{"route", one, "method", "GET", "status", "404"}},
		{1, "dossier_requests_total", []string{"route", "none", "method", "GET", "status", "404"}},
		{1, "dossier_requests_total", []string{"route", "none", "method", "other", "status", "405"}},
		{2, "dossier_request_duration_seconds", []string{"route", list, "query", "filter"}},
		{1, "dossier_request_duration_seconds", []string{"route", list, "query", "search"}},
		{1, "dossier_answers_total", []string{"from", "memory"}},
		{5, "dossier_answers_total", []string{"from", "database"}},
		{4, "dossier_memory_answers", nil},
		{1, "dossier_database_up", nil},
		{0, "dossier_stale", nil},
		{2, "dossier_feed_failures", []string{"feed", "heron"}},
		{-1, "dossier_feed_failures", []string{"feed", "off"}},
		{3, "dossier_feed_last_run_seconds", []string{"feed", "heron"}},
		{3, "dossier_feed_last_run_items", []string{"feed", "heron", "what", "indicators", "outcome", "rejected"}},
		{float64(fixtureNow.Unix()) + 3, "dossier_feed_last_run_timestamp_seconds", []string{"feed", "heron"}},
		{float64(fixtureNow.Unix()) + 3600, "dossier_feed_due_timestamp_seconds", []string{"feed", "heron"}},
		{1, "dossier_imports", []string{"outcome", "ok"}},
		{float64(fixtureNow.AddDate(0, 0, -10).Unix()), "dossier_data_timestamp_seconds", []string{"publisher", intel.MitreAttack}},
	} {
		if got := value(t, m, tt.name, tt.labels...); got != tt.want {
			t.Errorf("%s%v is %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	if w := ask(s, "GET", "/metrics", "Accept", "application/openmetrics-text;version=1.0.0"); !strings.HasSuffix(w.Body.String(), "# EOF\n") {
		t.Errorf("no OpenMetrics: %s", w.Header().Get("Content-Type"))
	}
}

// TestDatabaseRestarts: while all connections to the database are cut again and
// again, reads succeed or say that they should come back, and then all is well.
func TestDatabaseRestarts(t *testing.T) {
	if !testdb.Postgres() {
		t.Skip("needs PostgreSQL: set " + testdb.Variable)
	}
	path := testdb.Path(t)
	u, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	name := "restart" + q.Get("search_path")
	q.Set("application_name", name)
	u.RawQuery = q.Encode()
	st, _, err := store.Open(t.Context(), u.String(), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	write(t, st, nil, fixtureProfiles(20))
	s := fixtureServer(st)
	db, err := pgx.Connect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.Background()) })

	targets := []string{
		ti + "/intelProfiles/" + aquaID, ti + "/intelProfiles?$search=group", ti + "/intelProfiles?$orderby=title&$top=5",
		ti + "/intelProfiles/$count", "/api/lookup?value=a.example", "/api/names?name=Shuckworm", "/readyz",
	}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for n := range 4 {
		clients.Go(func() {
			for i := n; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				w := ask(s, "GET", targets[i%len(targets)], "Cache-Control", "no-cache")
				mu.Lock()
				codes[w.Code]++
				mu.Unlock()
				if w.Code != http.StatusOK && (w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "") {
					t.Errorf("%s: %d %s", targets[i%len(targets)], w.Code, w.Body)
				}
			}
		})
	}
	// Until many were cut while many were answered: how fast that is depends on the machine.
	cut, answered := 0, 0
	for end := time.Now().Add(time.Minute); (cut < 30 || answered < 30) && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var n int
		if err := db.QueryRow(t.Context(), "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1", name).Scan(&n); err != nil {
			t.Error(err)
		}
		cut += n
		mu.Lock()
		answered = codes[http.StatusOK]
		mu.Unlock()
	}
	close(stop)
	clients.Wait()
	if cut < 30 || codes[http.StatusOK] < 30 {
		t.Errorf("%d connections were cut, answers %v", cut, codes)
	}
	for _, target := range targets {
		if w := ask(s, "GET", target); w.Code != http.StatusOK {
			t.Errorf("afterwards %s: %d %s", target, w.Code, w.Body)
		}
	}
	// Writes, too, need no help.
	write(t, st, nil, fixtureProfiles(21))
	t.Logf("%d connections cut, answers %v", cut, codes)
}
