package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"dossier/internal/api"
	"dossier/internal/auth"
	"dossier/internal/feed"
	"dossier/internal/fetch"
	"dossier/internal/intel"
	"dossier/internal/notify"
	"dossier/internal/portal"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

type serveFlags struct {
	listen, publicURL, ceiling string
	auth, tlsCert, tlsKey      string
	audiences, proxies         []string
	selfSigned, verbose        bool
	noFeeds, logJSON           bool
	privateHooks               bool
	hookCA                     string
	keepChanges                string
	issuers                    string
	perAddress, connections    int
	sightings                  string // how long they are kept
	hunts                      api.HuntLimits
}

// shutdownGrace is how long requests under way may take when the server stops.
const shutdownGrace = 10 * time.Second

func (a *app) serveCommand() *cobra.Command {
	var o serveFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "Answer the API and serve the pages",
		Long: `Serve answers the API under /v1.0 and /beta, Dossier's own resources under /api,
and shows pages at /. A new database is filled from the embedded catalogue first.
Feeds that are enabled (dossier feed --help) are read on their schedule.

Who may read: with --auth auto (the default) everybody on this machine when the
address is a loopback one, and only clients with a token on any other; with
--auth required only clients with a token; with --auth none everybody who can
reach it. Clients are made with "dossier client add"; they get tokens from this
server at /{tenant}/oauth2/v2.0/token, as from Microsoft. --issuers names identity
providers (Entra ID, Keycloak, …) whose tokens are accepted too.`,
		Example: "  dossier serve\n  dossier serve --listen 127.0.0.1:9000 --db /var/lib/dossier/dossier.db\n  curl http://127.0.0.1:8080/v1.0/security/threatIntelligence/intelProfiles?$top=1",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address and port; port 0 takes a free one")
	f.StringVar(&o.publicURL, "public-url", "", "base of the links in answers, as https://intel.example.org; by default what the request names")
	f.StringVar(&o.ceiling, "tlp", "red", "highest TLP marking that is shown: clear, green, amber, amber+strict, red")
	f.StringVar(&o.auth, "auth", "auto", "who may read without a token: auto, none, required")
	f.StringVar(&o.tlsCert, "tls-cert", "", "certificate file (PEM); read again when it changes")
	f.StringVar(&o.tlsKey, "tls-key", "", "its key")
	f.BoolVar(&o.selfSigned, "tls-self-signed", false, "TLS with a certificate of a local authority, kept beside the database")
	f.StringSliceVar(&o.audiences, "audience", []string{auth.GraphAudience}, "resources that tokens may be for")
	f.StringVar(&o.issuers, "issuers", "", "YAML file of foreign identity providers and of what their claims allow")
	f.StringSliceVar(&o.proxies, "trusted-proxy", nil, "networks of proxies whose X-Forwarded-For is believed")
	f.IntVar(&o.perAddress, "max-connections-per-address", api.MaxPerAddress, "connections of one address (IPv6: a network of 64 bits), and requests under way on them; trusted proxies have no such limit")
	f.IntVar(&o.connections, "max-connections", api.MaxConnections, "the same for all addresses together")
	f.BoolVar(&o.noFeeds, "no-feeds", false, "do not run the feeds' schedule; another server of the same database may")
	f.StringVar(&o.keepChanges, "keep-changes", "", "how long changes are kept, for delta and \"dossier changes\": 90d, 1y; it is kept in the database, where 30d is the default")
	f.StringVar(&o.sightings, "sightings-retention", "", `how long sightings are kept: 90d, 36h, off; sets what "dossier sightings retention" sets`)
	f.IntVar(&o.hunts.Streams, "max-hunts", 32, "streams of POST /api/hunt at once; of one client a quarter of them")
	f.Int64Var(&o.hunts.Bytes, "max-hunt-bytes", 16<<30, "bytes of one such stream, decompressed")
	f.Int64Var(&o.hunts.Rate, "max-hunt-rate", 0, "bytes a second of one such stream, decompressed; 0: no limit")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log every request, with its request-id")
	f.BoolVar(&o.logJSON, "log-json", false, "log in JSON, an object a line")
	f.BoolVar(&o.privateHooks, "webhooks-private", false, "let clients subscribe with receivers at private and loopback addresses")
	f.StringVar(&o.hookCA, "webhooks-ca", "", "certificates (PEM) that receivers' certificates may come from, beside the system's")
	return cmd
}

func (a *app) serve(ctx context.Context, o serveFlags) (err error) {
	ceiling, err := intel.ParseTLP(o.ceiling)
	if err != nil {
		return fmt.Errorf("--tlp: %w", err)
	}
	if o.publicURL != "" {
		if u, err := url.Parse(o.publicURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
			return fmt.Errorf("--public-url %q: want http:// or https:// and a host", o.publicURL)
		}
	}
	mode, err := auth.ParseMode(o.auth)
	if err != nil {
		return fmt.Errorf("--auth: %w", err)
	}
	if mode, err = exposed(o, mode); err != nil {
		return err
	}
	if o.perAddress < 1 || o.connections < 1 {
		return errors.New("--max-connections-per-address and --max-connections: want at least 1")
	}
	if o.hunts.Streams < 1 || o.hunts.Bytes < 1 || o.hunts.Rate < 0 {
		return errors.New("--max-hunts and --max-hunt-bytes: want at least 1; --max-hunt-rate: at least 0")
	}
	if o.sightings != "" {
		if _, err := age(o.sightings); err != nil {
			return fmt.Errorf("--sightings-retention: %w", err)
		}
	}
	guard := &auth.Guard{Mode: mode, Ceiling: ceiling}
	for _, p := range o.proxies {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return fmt.Errorf("--trusted-proxy %q: want a network, as 10.0.0.0/8", p)
		}
		guard.Proxies = append(guard.Proxies, prefix)
	}
	log := slog.New(a.logHandler(o))
	if o.issuers != "" {
		if guard.Providers, err = readProviders(o.issuers, log); err != nil {
			return err
		}
	}
	// The port first: nobody wants to wait for a catalogue to learn that it is taken.
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return hinted{fmt.Errorf("cannot listen on %s: %w", o.listen, cause(err)), "choose another address with --listen, or port 0 for any free one"}
	}
	defer l.Close()
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.Waiting = nil // its own writers wait for each other

	if o.keepChanges != "" {
		if err := a.keepChanges(ctx, s, o.keepChanges); err != nil {
			return err
		}
	}
	sealer, err := auth.SealerFromFile(a.sealKey(s))
	if err != nil {
		return hinted{err, "the key file lies beside the database and is made at the first start"}
	}
	guard.Issuer, guard.Logger = &auth.Issuer{Store: s, Sealer: sealer, Audiences: o.audiences}, log
	audit, err := a.audit(s)
	if err != nil {
		return err
	}
	defer audit.Close()
	tlsConfig, err := a.tls(o, s.Beside(""), log)
	if err != nil {
		return err
	}
	poster, err := newPoster(o)
	if err != nil {
		return err
	}
	hooks := &notify.Hooks{Poster: poster}
	srv := api.New(api.Config{
		Hooks: hooks,
		Guard: guard, Audit: audit, Store: s, PublicURL: strings.TrimSuffix(o.publicURL, "/"), Version: buildVersion(), Ceiling: ceiling, Logger: log,
		MaxPerAddress: o.perAddress, MaxConnections: o.connections, Hunts: o.hunts,
		Home: portal.New(portal.Config{Store: s, Ceiling: ceiling, Version: buildVersion(), Logger: log, PublicURL: strings.TrimSuffix(o.publicURL, "/")}),
	})
	h := srv.HTTPServer(l.Addr().String())
	base := "http://" + l.Addr().String()
	if tlsConfig != nil {
		base = "https://" + l.Addr().String()
		h.TLSConfig = tlsConfig
	}
	fmt.Fprintf(a.err, "listening on %s\n", base)
	if a.err.isTerm {
		fmt.Fprintf(a.err, "\n  pages   %s/\n  API     %s/v1.0/security/threatIntelligence/intelProfiles\n  stop    Ctrl-C\n\n", base, base)
	}
	if err := a.printAges(ctx, s, ceiling); err != nil {
		return s.Explain(err)
	}
	if o.sightings != "" {
		keep, _ := age(o.sightings) // checked above
		if err := s.SetSightingRetention(ctx, keep); err != nil {
			return s.Explain(err)
		}
		audit.Act(ctx, "sightings-retention", slog.String("age", o.sightings))
	}
	defer inBackground(ctx, func(ctx context.Context) { a.pruneSightings(ctx, s, log) })() // before the database is closed
	if !o.noFeeds {
		feeds, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			(&feed.Schedule{Runner: &feed.Runner{Store: s, Agent: agent()}, Log: log}).Serve(feeds)
		}()
		defer func() { stop(); <-done }() // before the database is closed
	}
	told, silence := context.WithCancel(ctx)
	silent := make(chan struct{})
	go func() {
		defer close(silent)
		(&notify.Deliverer{Store: s, Hooks: hooks, Log: log, Ceiling: ceiling}).Serve(told)
	}()
	defer func() { silence(); <-silent }()
	failed := make(chan error, 1)
	go func() {
		if tlsConfig != nil {
			failed <- h.ServeTLS(l, "", "")
			return
		}
		failed <- h.Serve(l)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := h.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// keepChanges sets how long changes are kept, unless that is so already: a start
// does not wait for whoever writes.
func (a *app) keepChanges(ctx context.Context, s *store.Store, text string) error {
	d, err := lifetime(text)
	if err != nil {
		return fmt.Errorf("--keep-changes: %w", err)
	}
	is, err := s.Retention(ctx)
	if err == nil && is != d {
		if d < store.LeastRetention {
			return fmt.Errorf("--keep-changes %s: want at least a day", text)
		}
		err = s.SetRetention(ctx, d)
	}
	return s.Explain(err)
}

// newPoster returns what sends to receivers.
func newPoster(o serveFlags) (*fetch.Poster, error) {
	p := &fetch.Poster{AllowPrivate: o.privateHooks, UserAgent: agent()}
	if o.hookCA == "" {
		return p, nil
	}
	pem, err := os.ReadFile(o.hookCA)
	if err != nil {
		return nil, fmt.Errorf("--webhooks-ca: %w", err)
	}
	if p.Roots, err = x509.SystemCertPool(); err != nil {
		p.Roots = x509.NewCertPool()
	}
	if !p.Roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--webhooks-ca %s: holds no certificate in PEM", o.hookCA)
	}
	return p, nil
}

// agesShown is how many publishers' data is dated at start.
const agesShown = 6

// printAges tells how old the data is that is about to be served, on one line.
func (a *app) printAges(ctx context.Context, s *store.Store, ceiling intel.TLP) error {
	ages, err := s.Ages(ctx, store.View{Ceiling: ceiling})
	if err != nil {
		return err
	}
	var words []string
	for _, x := range ages {
		words = append(words, clean(x.Title)+" "+ago(s.Now().Sub(x.As.Std())))
	}
	if len(words) > 0 {
		fmt.Fprintf(a.err, "data as of: %s\n", few(words, agesShown))
	}
	return nil
}

// exposed settles the mode for the address: away from loopback, auto requires
// tokens, and none must be meant.
func exposed(o serveFlags, mode auth.Mode) (auth.Mode, error) {
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return mode, hinted{fmt.Errorf("--listen %q: want an address and a port, as 127.0.0.1:8080", o.listen), "an IPv6 address stands in brackets: [::1]:8080"}
	}
	local := host != "" && auth.LoopbackHost(host)
	encrypted := o.tlsCert != "" || o.selfSigned
	switch {
	case local:
		return mode, nil
	case mode == auth.None:
		return mode, hinted{
			fmt.Errorf("--listen %s with --auth none would show everything to anybody who can reach that address", o.listen),
			"use --auth required, or listen on 127.0.0.1 behind a proxy that asks who is there",
		}
	case !encrypted:
		return mode, hinted{
			fmt.Errorf("--listen %s without TLS would send secrets and tokens in the clear", o.listen),
			"give --tls-cert and --tls-key, or --tls-self-signed; or listen on 127.0.0.1 behind a proxy that speaks TLS",
		}
	}
	return auth.Required, nil
}

// tls returns how to encrypt, nil for not at all.
func (a *app) tls(o serveFlags, db string, log *slog.Logger) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case o.selfSigned && o.tlsCert != "":
		return nil, errors.New("--tls-self-signed and --tls-cert exclude each other")
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return nil, errors.New("--tls-cert and --tls-key belong together")
	case o.selfSigned:
		hosts := []string{"localhost", "127.0.0.1", "::1"}
		if host, _, err := net.SplitHostPort(o.listen); err == nil {
			hosts = append(hosts, host)
		}
		if u, err := url.Parse(o.publicURL); err == nil {
			hosts = append(hosts, u.Hostname())
		}
		if name, err := os.Hostname(); err == nil {
			hosts = append(hosts, name)
		}
		own := &ownCerts{base: db, hosts: hosts, log: log}
		fingerprint, err := own.renew(time.Now())
		if err != nil {
			return nil, err
		}
		config.GetCertificate = own.certificate
		fmt.Fprintf(a.err, "clients must trust %s.ca.pem (SHA-256 %s)\n", db, fingerprint)
		return config, nil
	case o.tlsCert != "":
		files, err := newCertFiles(o.tlsCert, o.tlsKey, log)
		if err != nil {
			return nil, err
		}
		config.GetCertificate = files.certificate
		return config, nil
	}
	return nil, nil
}

func (a *app) logHandler(o serveFlags) slog.Handler {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if o.verbose {
		options.Level = slog.LevelDebug
	}
	if o.logJSON {
		return slog.NewJSONHandler(a.err, options)
	}
	return slog.NewTextHandler(a.err, options)
}

func readProviders(file string, log *slog.Logger) ([]*auth.Provider, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("--issuers: %w", err)
	}
	defer f.Close()
	list, err := auth.ReadProviders(f, log)
	if err != nil {
		return nil, hinted{fmt.Errorf("--issuers %s: %w", file, err), "docs/access.md describes the file"}
	}
	return list, nil
}

// cause is the innermost error, without the address that is named already.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
