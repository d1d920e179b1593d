package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// labels say what a request asked for, in few values. The zero
// value stands for what no route answers.
type labels struct {
	route string // as registered: "/…/intelProfiles/{}", or "pages"
	query string // the costliest option: search, filter, expand, orderby, count, plain
}

// queryClass names the option of a query that decides how it is answered.
func queryClass(q *odata.Query) string {
	switch {
	case q.Search != nil:
		return "search"
	case q.Filter != nil:
		return "filter"
	case len(q.Expand) > 0:
		return "expand"
	case len(q.OrderBy) > 0:
		return "orderby"
	case q.Count:
		return "count"
	}
	return "plain"
}

// metrics are what /metrics tells of a server, in the format of Prometheus. Those of
// the database are read when they are asked for.
type metrics struct {
	registry         *prometheus.Registry
	requests         *prometheus.CounterVec
	took             *prometheus.HistogramVec
	remembered, made prometheus.Counter
}

// buckets are bounds in seconds: from what memory answers to what is ended.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dossier_requests_total", Help: "Requests that were answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dossier_request_duration_seconds", Help: "How long answers took, by route and costliest query option.", Buckets: buckets,
		}, []string{"route", "query"}),
	}
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dossier_answers_total", Help: "Answers of the Graph API to reads, from memory or made from the database.",
	}, []string{"from"})
	m.remembered, m.made = answers.WithLabelValues("memory"), answers.WithLabelValues("database")
	m.registry.MustRegister(
		m.requests, m.took, answers, stateOf{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "dossier_build_info", Help: "1; the version is a label.", ConstLabels: prometheus.Labels{"version": s.version}}, func() float64 { return 1 }),
	)
	return m
}

// methods are those that are told apart: strangers may send any word.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func (m *metrics) observe(c labels, method string, status int, took time.Duration) {
	if c.route == "" {
		c.route = "none"
	}
	m.requests.WithLabelValues(c.route, methodLabel(method), strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(c.route, c.query).Observe(took.Seconds())
}

// exposition answers GET /metrics.
func exposition(r *request) (*answer, error) {
	// What is read from the database is bound to who asks.
	scoped := prometheus.NewRegistry()
	if err := scoped.Register(dataOf{r}); err != nil {
		return nil, err
	}
	families, err := prometheus.Gatherers{r.s.metrics.registry, scoped}.Gather()
	if err != nil {
		return nil, err
	}
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
	var b bytes.Buffer
	enc := expfmt.NewEncoder(&b, format)
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			return nil, err
		}
	}
	if c, ok := enc.(expfmt.Closer); ok {
		if err := c.Close(); err != nil {
			return nil, err
		}
	}
	return &answer{contentType: string(format), body: b.Bytes()}, nil
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("dossier_"+name, help, labels, nil)
}

// stateOf collects what a server has in memory.
type stateOf struct{ s *Server }

var (
	memoryBytes   = gauge("memory_bytes", "Bytes of answers that are remembered.")
	memoryAnswers = gauge("memory_answers", "Answers that are remembered.")
	connectionsIs = gauge("connections", "Connections that are open.")
	heldBytes     = gauge("held_bytes", "Bytes of answers that are being made or taken.")
	makingIs      = gauge("making", "Answers that are being made.")
	makingMax     = gauge("making_max", "Answers that are made at a time; others wait.")
	poolOpen      = gauge("pool_open", "Connections to the database, by use.", "use", "state")
	poolMax       = gauge("pool_max", "The most connections to the database.", "use")
	poolWaits     = gauge("pool_waits_total", "How often a connection was waited for.", "use")
	poolWaited    = gauge("pool_wait_seconds_total", "How long connections were waited for.", "use")
)

// Describe says nothing: what is collected is not checked against it.
func (c stateOf) Describe(chan<- *prometheus.Desc) {}

func (c stateOf) Collect(ch chan<- prometheus.Metric) {
	set := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	answers, size := c.s.memory.stats()
	set(memoryAnswers, float64(answers))
	set(memoryBytes, float64(size))
	open, held := c.s.conns.stats()
	set(connectionsIs, float64(open))
	set(heldBytes, float64(held))
	set(makingIs, float64(c.s.making.count()))
	set(makingMax, float64(c.s.making.max))
	for _, p := range c.s.store.Pools() {
		set(poolOpen, float64(p.InUse), p.Use, "used")
		set(poolOpen, float64(p.Idle), p.Use, "idle")
		set(poolMax, float64(p.Max), p.Use)
		ch <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(p.Waits), p.Use)
		ch <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, p.Waited.Seconds(), p.Use)
	}
}

// dataOf collects what the database knows of itself and of its sources.
type dataOf struct{ r *request }

var (
	databaseUp    = gauge("database_up", "1 if the database could be read.")
	position      = gauge("position", "The position of the last change.")
	stale         = gauge("stale", "1 if an import was broken off before everything was computed.")
	dataTime      = gauge("data_timestamp_seconds", "When the data of a publisher was released, or imported if it has no date.", "publisher")
	feedDue       = gauge("feed_due_timestamp_seconds", "When the next run of a feed is due.", "feed")
	feedFailures  = gauge("feed_failures", "Runs of a feed in a row that failed.", "feed")
	feedRunning   = gauge("feed_running", "1 if a run of the feed is under way.", "feed")
	feedFinished  = gauge("feed_last_run_timestamp_seconds", "When the last run of a feed ended.", "feed")
	feedTook      = gauge("feed_last_run_seconds", "How long the last run of a feed took.", "feed")
	feedItems     = gauge("feed_last_run_items", "What became of what the last run of a feed read.", "feed", "what", "outcome")
	importEnded   = gauge("import_timestamp_seconds", "When the newest import or run ended, by outcome.", "outcome")
	importRecent  = gauge("imports", "Imports and runs among the newest hundred, by outcome.", "outcome")
	importsLooked = 100
)

// Describe says nothing, as that of stateOf.
func (c dataOf) Describe(chan<- *prometheus.Desc) {}

// metricsWait is how long the database may take to tell.
const metricsWait = 5 * time.Second

func (c dataOf) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(c.r.Context(), metricsWait)
	defer cancel()
	set := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	err := c.collect(ctx, set)
	if err != nil {
		c.r.s.log.Warn("metrics of the database", "error", c.r.s.store.Explain(err), "request-id", c.r.id)
	}
	set(databaseUp, truth(err == nil))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (c dataOf) collect(ctx context.Context, set func(*prometheus.Desc, float64, ...string)) error {
	st := c.r.s.store
	head, err := st.Head(ctx)
	if err != nil {
		return err
	}
	isStale, err := st.Stale(ctx)
	if err != nil {
		return err
	}
	set(position, float64(head))
	set(stale, truth(isStale))
	ages, err := st.Ages(ctx, c.r.ceiling())
	if err != nil {
		return err
	}
	for _, a := range ages {
		set(dataTime, float64(a.As)/1000, a.Publisher)
	}
	recent, err := st.Runs(ctx, "", importsLooked)
	if err != nil {
		return err
	}
	counts, last := map[string]int{}, map[string]float64{}
	for _, r := range recent {
		outcome := outcomeOf(r)
		counts[outcome]++
		last[outcome] = max(last[outcome], float64(r.Finished)/1000)
	}
	for outcome, n := range counts {
		set(importRecent, float64(n), outcome)
		if last[outcome] > 0 {
			set(importEnded, last[outcome], outcome)
		}
	}
	return c.feeds(ctx, st, set)
}

// outcomeOf says in a word how a run went.
func outcomeOf(r *intel.Run) string {
	switch {
	case r.Finished == 0:
		return "running"
	case r.Broken:
		return "broken"
	case r.Error != "":
		return "failed"
	}
	return "ok"
}

// feeds tells of the feeds that are enabled.
func (c dataOf) feeds(ctx context.Context, st *store.Store, set func(*prometheus.Desc, float64, ...string)) error {
	feeds, err := st.Feeds(ctx)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		var config struct {
			Disabled bool `json:"disabled"`
		}
		if err := json.Unmarshal(f.Config, &config); err != nil || config.Disabled {
			continue
		}
		set(feedDue, float64(f.Due)/1000, f.Name)
		set(feedFailures, float64(f.Failures), f.Name)
		set(feedRunning, truth(f.Run != ""), f.Name)
		last, err := st.Runs(ctx, f.Name, 2)
		if err != nil {
			return err
		}
		for _, r := range last {
			if r.ID != f.LastRun || r.Finished == 0 {
				continue
			}
			set(feedFinished, float64(r.Finished)/1000, f.Name)
			set(feedTook, float64(r.Finished-r.Started)/1000, f.Name)
			for what, t := range map[string]intel.Tally{"records": r.Counts.Records, "indicators": r.Counts.Indicators} {
				for outcome, n := range map[string]int{"new": t.New, "changed": t.Changed, "unchanged": t.Unchanged, "rejected": t.Rejected} {
					set(feedItems, float64(n), f.Name, what, outcome)
				}
			}
		}
	}
	return nil
}
