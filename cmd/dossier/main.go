// Command dossier serves threat-intelligence profiles over the wire format of
// Microsoft Graph, and answers the same questions on the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// Exit statuses, as grep has them.
const (
	exitDone    = 0
	exitNothing = 1
	exitError   = 2
)

func main() { os.Exit(run()) }

// run is main with an exit status, so that scripts can run it in tests.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app := &app{in: os.Stdin, out: newTerminal(os.Stdout), err: newTerminal(os.Stderr)}
	cmd := app.root()
	cmd.SetArgs(os.Args[1:])
	err := cmd.ExecuteContext(ctx)
	app.err.clearProgress()
	return app.report(err)
}

// app is what every command has at hand.
type app struct {
	in       io.Reader
	out, err *terminal

	db        string // flags that every command has
	noCatalog bool
	allowPath string
	keyFile   string // "": beside the database
	auditLog  string // "": beside the database; "-": stderr
	json      bool
}

// errNothing ends a command that found nothing: status 1 and no message of its own.
var errNothing = errors.New("nothing found")

// A hinted error says what to try.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// report prints an error and returns the exit status.
func (a *app) report(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errNothing):
		return exitNothing
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.err, a.err.bold(red, "error:"), "interrupted; the database is whole, and what was finished is kept")
		return exitError
	}
	fmt.Fprintln(a.err, a.err.bold(red, "error:"), err)
	if hint := hintOf(err); hint != "" {
		fmt.Fprintln(a.err, a.err.bold(yellow, "hint:"), hint)
	}
	return exitError
}

func hintOf(err error) string {
	var h hinted
	if errors.As(err, &h) {
		return h.hint
	}
	var open *store.OpenError
	if errors.As(err, &open) {
		return open.Hint
	}
	if errors.Is(err, intel.ErrNotFound) {
		return "dossier search finds profiles by any word"
	}
	return ""
}
