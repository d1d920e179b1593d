package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/user"

	"dossier/internal/auth"
	"dossier/internal/store"
)

// audit opens the audit of an installation. The error says that it cannot be
// written.
func (a *app) audit(s *store.Store) (*auth.Audit, error) {
	if a.auditLog == "-" {
		return auth.NewAudit(a.err), nil
	}
	path := a.auditLog
	if path == "" {
		path = s.Beside(".audit.jsonl")
	}
	if _, err := auth.AuditFile(path).Write(nil); err != nil {
		return nil, hinted{err, "choose another file with --audit-log"}
	}
	return auth.NewAudit(auditWriter{auth.AuditFile(path), a.err}), nil
}

// An auditWriter writes to the second where it cannot write to the first.
type auditWriter struct{ file, fallback io.Writer }

func (w auditWriter) Write(p []byte) (int, error) {
	if _, err := w.file.Write(p); err != nil {
		_, second := fmt.Fprintf(w.fallback, "%v\n%s", err, p)
		return len(p), second
	}
	return len(p), nil
}

// openToAct opens the database for a command that changes it. act writes down
// what was done, and by whom; that it can is found out first.
func (a *app) openToAct(ctx context.Context) (s *store.Store, act func(what string, attrs ...slog.Attr), err error) {
	if s, err = a.open(ctx); err != nil {
		return nil, nil, err
	}
	audit, err := a.audit(s)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	who := "unknown"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	return s, func(what string, attrs ...slog.Attr) {
		audit.Act(ctx, what, append([]slog.Attr{slog.String("user", who)}, attrs...)...)
	}, nil
}
