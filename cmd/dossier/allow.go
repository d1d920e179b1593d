package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dossier/internal/guard"
	"dossier/internal/observable"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

// allowList is the name of the list of guards that the allow-list is.
const allowList = guard.Own

func (a *app) allowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "allow", Short: "Values of your own that are never taken for malicious",
		Long: `Allow keeps your own allow-list: names, addresses, networks, URLs and hashes that no hunt and
no export may bring, whatever the sources say. A name stands for every name under it and
every URL there. The indicators stay, marked with the list "allow".

The list is a text file beside the database (or --allow-list FILE), a value a line, with a
comment after "#", so it can be edited and kept in version control; every command reads it
when it has changed.`,
		Example: "  dossier allow add partner.example 198.51.100.0/24 --reason 'our hosting'\n  dossier allow list\n  dossier allow remove partner.example",
		Args:    cobra.NoArgs,
	}
	var reason string
	add := &cobra.Command{
		Use: "add VALUE…", Short: "Add values", Args: cobra.MinimumNArgs(1),
		Example: "  dossier allow add partner.example --reason 'a customer, ticket 4711'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.editAllowed(cmd.Context(), "allow-add", args, func(list []allowed) ([]allowed, error) {
				for _, arg := range args {
					v, err := allowedValue(arg)
					if err != nil {
						return nil, err
					}
					list = slices.DeleteFunc(list, func(x allowed) bool { return x.value == v })
					list = append(list, allowed{value: v, comment: strings.ReplaceAll(strings.TrimSpace(reason), "\n", " ")})
				}
				return list, nil
			})
		},
	}
	add.Flags().StringVar(&reason, "reason", "", "why, kept as a comment")
	remove := &cobra.Command{
		Use: "remove VALUE…", Short: "Remove values", Args: cobra.MinimumNArgs(1), Example: "  dossier allow remove partner.example",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.editAllowed(cmd.Context(), "allow-remove", args, func(list []allowed) ([]allowed, error) {
				for _, arg := range args {
					v, err := allowedValue(arg)
					if err != nil {
						return nil, err
					}
					n := len(list)
					if list = slices.DeleteFunc(list, func(x allowed) bool { return x.value == v }); len(list) == n {
						return nil, fmt.Errorf("%s is not on the list", clean(arg))
					}
				}
				return list, nil
			})
		},
	}
	show := &cobra.Command{
		Use: "list", Short: "Print the list", Args: cobra.NoArgs, Example: "  dossier allow list",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			list, err := readAllowed(a.allowFile(s))
			if err != nil {
				return err
			}
			values := slices.DeleteFunc(list, func(x allowed) bool { return x.value == "" })
			if len(values) == 0 {
				return errNothing
			}
			for _, x := range values {
				if a.json {
					if err := a.printJSON(map[string]string{"value": x.value, "comment": x.comment}); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintln(a.out, clean(x.value), a.out.paint(grey, clean(x.comment)))
			}
			return nil
		},
	}
	a.jsonFlag(show)
	cmd.AddCommand(add, show, remove)
	return cmd
}

// An allowed is a line of the file: a value, a comment, or both.
type allowed struct{ value, comment string }

// allowedValue is a value as the list has it: an observable in canonical form, or
// a network.
func allowedValue(s string) (string, error) {
	o, err := observable.Parse(s)
	if err == nil {
		return o.Value, nil
	}
	if s = strings.TrimSpace(s); guard.Valid(s) && !strings.ContainsAny(s, "#\n") {
		return s, nil // private networks, which are no observables
	}
	return "", fmt.Errorf("%q: %w", s, err)
}

func (a *app) allowFile(s *store.Store) string {
	if a.allowPath != "" {
		return a.allowPath
	}
	return s.Beside(".allow")
}

// readAllowed reads the file; one that does not exist is empty.
func readAllowed(path string) ([]allowed, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("allow-list: %w", err)
	}
	defer f.Close()
	var list []allowed
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		text, comment, _ := strings.Cut(strings.TrimPrefix(in.Text(), "\ufeff"), "#")
		x := allowed{strings.TrimSpace(text), strings.TrimSpace(comment)}
		if x.value != "" {
			if x.value, err = allowedValue(x.value); err != nil {
				return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
			}
		}
		list = append(list, x)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// writeAllowed replaces the file in one step.
func writeAllowed(path string, list []allowed) error {
	var b strings.Builder
	for _, x := range list {
		line := x.value
		if x.comment != "" {
			line = strings.TrimSpace(line + "  # " + x.comment)
		}
		b.WriteString(line + "\n")
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("allow-list: %w", err)
	}
	_, err = f.WriteString(b.String())
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("allow-list: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

func (a *app) editAllowed(ctx context.Context, action string, args []string, edit func([]allowed) ([]allowed, error)) (err error) {
	s, act, err := a.openToAct(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	path := a.allowFile(s)
	list, err := readAllowed(path)
	if err != nil {
		return err
	}
	if list, err = edit(list); err != nil {
		return err
	}
	if err := writeAllowed(path, list); err != nil {
		return err
	}
	act(action, slog.Any("values", args))
	return a.syncAllowed(ctx, s)
}

// syncAllowed makes the list of guards what the file says, if there is a file.
func (a *app) syncAllowed(ctx context.Context, s *store.Store) error {
	path := a.allowFile(s)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && a.allowPath == "" {
		return nil
	}
	list, err := readAllowed(path)
	if err != nil {
		return err
	}
	l := guard.List{Name: allowList, Title: "Your allow-list", Policy: guard.Exclude, Scope: guard.Under, Source: allowList}
	for _, x := range list {
		if x.value != "" {
			l.Entries = append(l.Entries, x.value)
		}
	}
	_, err = a.importer(s).PutGuards(ctx, l)
	return err
}
