package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"dossier/internal/api"
	"dossier/internal/intel"
	"dossier/internal/portal"

	"github.com/spf13/cobra"
)

type serveFlags struct {
	listen, publicURL, ceiling string
	verbose                    bool
}

// shutdownGrace is how long requests under way may take when the server stops.
const shutdownGrace = 10 * time.Second

func (a *app) serveCommand() *cobra.Command {
	var o serveFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "Answer the API and serve the pages",
		Long: `Serve answers the API under /v1.0 and /beta, Dossier's own resources under /api,
and shows pages at /. A new database is filled from the embedded catalogue first.

This release has no sign-in, so it listens on loopback addresses only.`,
		Example: "  dossier serve\n  dossier serve --listen 127.0.0.1:9000 --db /var/lib/dossier/dossier.db\n  curl http://127.0.0.1:8080/v1.0/security/threatIntelligence/intelProfiles?$top=1",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address and port; port 0 takes a free one")
	f.StringVar(&o.publicURL, "public-url", "", "base of the links in answers, as https://intel.example.org; by default what the request names")
	f.StringVar(&o.ceiling, "tlp", "red", "highest TLP marking that is shown: clear, green, amber, amber+strict, red")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log every request")
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
	if err := loopback(o.listen); err != nil {
		return err
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

	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
	srv := api.New(api.Config{
		Store: s, PublicURL: strings.TrimSuffix(o.publicURL, "/"), Version: buildVersion(), Ceiling: ceiling, Logger: log,
		Home: portal.New(portal.Config{Store: s, Ceiling: ceiling, Version: buildVersion(), Logger: log, PublicURL: strings.TrimSuffix(o.publicURL, "/")}),
	})
	h := srv.HTTPServer(l.Addr().String())
	h.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	base := "http://" + l.Addr().String()
	fmt.Fprintf(a.err, "listening on %s\n", base)
	if a.err.isTerm {
		fmt.Fprintf(a.err, "\n  pages   %s/\n  API     %s/v1.0/security/threatIntelligence/intelProfiles\n  stop    Ctrl-C\n\n", base, base)
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
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

// loopback refuses addresses that others can reach: without sign-in the data
// would be open to them.
func loopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return hinted{fmt.Errorf("--listen %q: want an address and a port, as 127.0.0.1:8080", listen), "an IPv6 address stands in brackets: [::1]:8080"}
	}
	if host == "localhost" {
		return nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsLoopback() {
		return nil
	}
	return hinted{
		fmt.Errorf("--listen %s: this release has no sign-in, so it would show everything to anybody who can reach that address", listen),
		"listen on 127.0.0.1 or [::1], and put a proxy that asks who is there in front of it",
	}
}

// cause is the innermost error, without the address that is named already.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
