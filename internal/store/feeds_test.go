package store

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
)

// TestBreakRuns holds whose runs are taken for dead, and that a feed is free
// again whose run is.
func TestBreakRuns(t *testing.T) {
	s, now := testStore(t)
	ctx := t.Context()
	host, self, _ := strings.Cut(thisProcess(), "/")
	pid, _, _ := strings.Cut(self, "/")
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct {
		name, owner string
		silent      time.Duration
		broken      bool
	}{
		{"this process", thisProcess(), 24 * time.Hour, false}, // on SQLite it may be silent for long
		{"the process before this one, with its number", host + "/" + pid + "/other", 0, true},
		{"a process that goes on", host + "/" + strconv.Itoa(os.Getppid()) + "/x", 24 * time.Hour, false},
		{"a process that is no more", host + "/" + strconv.Itoa(gone.Process.Pid) + "/x", 0, true},
		{"another machine", "elsewhere/7/x", time.Minute, false},
		{"another machine, silent", "elsewhere/7/x", 3 * time.Minute, true},
		{"of an older release", "", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := "f"
			if err := s.SetFeeds(ctx, func([]*Feed) ([]*Feed, []string, error) {
				return []*Feed{{Name: name, Config: json.RawMessage("{}")}}, nil, nil
			}); err != nil {
				t.Fatal(err)
			}
			r := &intel.Run{ID: "r-" + tt.name, Feed: name, Started: intel.TimeOf(*now)}
			if _, err := s.BeginFeed(ctx, name, r); err != nil {
				t.Fatal(err)
			}
			if _, err := s.write.ExecContext(ctx, "UPDATE run SET owner = ?, alive = ? WHERE id = ?", tt.owner, now.Add(-tt.silent).UnixMilli(), r.ID); err != nil {
				t.Fatal(err)
			}
			broken, err := s.BreakRuns(ctx)
			if err != nil || (len(broken) == 1) != tt.broken {
				t.Fatalf("%d runs are broken, %v", len(broken), err)
			}
			next := &intel.Run{ID: "next-" + tt.name, Feed: name, Started: intel.TimeOf(*now)}
			_, err = s.BeginFeed(ctx, name, next)
			if tt.broken != (err == nil) || err != nil && !errors.Is(err, ErrBusy) {
				t.Errorf("the next run: %v", err)
			}
			if tt.broken {
				if list, err := s.Runs(ctx, name, 100); err != nil || !hasBroken(list, r.ID) {
					t.Errorf("it is not marked: %v", err)
				}
				// Who was taken for dead has lost the feed, and keeps no state.
				if err := s.KeepFeed(ctx, name, r, json.RawMessage(`{"x":1}`)); !errors.Is(err, errLost) {
					t.Error(err)
				}
				r = next
			}
			r.Finished = intel.TimeOf(*now)
			if err := s.EndFeed(ctx, name, r, 5, 0); err != nil {
				t.Fatal(err)
			}
			if f, err := s.Feed(ctx, name); err != nil || f.Run != "" || f.LastRun != r.ID || string(f.State) != "{}" || f.Due != 5 {
				t.Errorf("%+v, %v", f, err)
			}
		})
	}
}

func hasBroken(list []*intel.Run, id string) bool {
	for _, r := range list {
		if r.ID == id {
			return r.Broken && r.Error != "" && r.Finished != 0
		}
	}
	return false
}

func TestAges(t *testing.T) {
	s, _ := testStore(t)
	ages, err := s.Ages(t.Context(), View{Ceiling: intel.Red})
	if err != nil || len(ages) != 0 {
		t.Fatal(ages, err)
	}
	for _, stmt := range []string{
		"INSERT INTO publisher (id, rank, body, tlp, first) VALUES ('a', 1, '{\"id\":\"a\",\"title\":\"A\"}', 0, 0), ('b', 2, '{\"id\":\"b\",\"title\":\"B\"}', 2, 0), ('c', 3, '{\"id\":\"c\",\"title\":\"C\"}', 0, 0)",
		"INSERT INTO dataset (publisher, name, version, released, snapshot, layer, imported) VALUES ('a', 'x', '', 100, 1, 1, 900), ('a', 'y', '', 300, 1, 1, 900), ('b', 'z', '', 0, 1, 1, 700)",
	} {
		if _, err := s.write.ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	ages, err = s.Ages(t.Context(), View{Ceiling: intel.Red})
	if err != nil || len(ages) != 2 || ages[0] != (Age{"a", "A", 300, true}) || ages[1] != (Age{"b", "B", 700, false}) {
		t.Errorf("%+v, %v", ages, err)
	}
	if ages, err = s.Ages(t.Context(), View{Ceiling: intel.Clear}); err != nil || len(ages) != 1 {
		t.Errorf("everybody learns of %+v, %v", ages, err)
	}
}
