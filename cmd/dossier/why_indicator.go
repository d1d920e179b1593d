package main

import (
	"context"
	"errors"
	"fmt"

	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// whyIndicator prints how much a value is worth and why; known is false if it is no
// indicator.
func (a *app) whyIndicator(ctx context.Context, s *store.Store, value string) (known bool, err error) {
	o, err := observable.Parse(value)
	if err != nil {
		return false, nil // a name of a profile
	}
	k, err := s.Lookup(ctx, o, view())
	if errors.Is(err, intel.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	e, err := s.Why(ctx, k.Indicator, view())
	if err != nil {
		return false, err
	}
	if a.json {
		return true, a.printJSON(struct {
			Value string          `json:"value"`
			Kind  observable.Kind `json:"kind"`
			lifecycle.Explanation
		}{o.Value, o.Kind, e})
	}
	ans := answer{Input: value, Kind: o.Kind, Value: o.Value}
	if err := ans.fill(ctx, s, k); err != nil {
		return false, err
	}
	fmt.Fprintln(a.out, a.out.bold(red, defanged(ans)), a.out.paint(grey, string(o.Kind)))
	fmt.Fprintln(a.out, a.lifeWords(ans))
	fmt.Fprintln(a.out)
	w := a.out.columns()
	for _, t := range e.Terms {
		who := t.Who
		if t.Name != "guard" && who != "" {
			who = intel.PublisherOf(who).Title
		}
		mark := "      "
		if t.Points != 0 {
			mark = fmt.Sprintf("%+6.1f", t.Points)
		}
		head := t.Name
		if who != "" {
			head += "  " + a.out.paint(cyan, clean(who))
		}
		fmt.Fprintln(a.out, mark, head)
		fmt.Fprintln(a.out, "       "+wrap(clean(t.Text), w-7, "       "))
	}
	fmt.Fprintf(a.out, "%6d confidence now; below %d it is not active\n", e.Confidence, e.Floor)
	return true, nil
}
