package portal

import (
	"fmt"
	"time"

	"dossier/internal/store"
)

// A timeline is how many indicators of a profile sources first saw in each month,
// or year if that is many months. It is drawn as SVG, and told as a table.
type timeline struct {
	Width, Height int
	Bars          []bar
	Ticks         []tick
	Unit          string // month, year
	Most          int
}

// A bar is a month or year with what was seen in it.
type bar struct {
	Name                string
	Count               int
	X, Y, Width, Height float64
}

type tick struct {
	X    float64
	Name string
}

// Sizes of the drawing, in its own units.
const (
	timelineWidth  = 720
	timelineHeight = 110
	timelineFoot   = 18 // for the years
	monthsShown    = 96 // more are shown as years
)

// newTimeline returns nil if there is nothing to draw: a single bar says less than
// its number.
func newTimeline(months []store.Month) *timeline {
	if len(months) < 2 {
		return nil
	}
	first, last := months[0], months[len(months)-1]
	index := func(m store.Month) int { return (m.Year-first.Year)*12 + int(m.Month-first.Month) }
	t := &timeline{Width: timelineWidth, Height: timelineHeight, Unit: "month"}
	n, slot := index(last)+1, index
	name := func(i int) string {
		return time.Date(first.Year, first.Month+time.Month(i), 1, 0, 0, 0, 0, time.UTC).Format("January 2006")
	}
	if n > monthsShown {
		t.Unit, n = "year", last.Year-first.Year+1
		slot = func(m store.Month) int { return m.Year - first.Year }
		name = func(i int) string { return fmt.Sprint(first.Year + i) }
	}
	counts := make([]int, n)
	for _, m := range months {
		counts[slot(m)] += m.Count
		t.Most = max(t.Most, counts[slot(m)])
	}
	width := float64(timelineWidth) / float64(n)
	room := float64(timelineHeight - timelineFoot)
	for i, c := range counts {
		if c == 0 {
			continue
		}
		h := max(2, room*float64(c)/float64(t.Most))
		t.Bars = append(t.Bars, bar{name(i), c, float64(i)*width + width*.1, room - h, width * .8, h})
	}
	every := max(1, (last.Year-first.Year)/8+1)
	for year := first.Year; year <= last.Year; year += every {
		i := year - first.Year
		if t.Unit == "month" {
			i = max(0, index(store.Month{Year: year, Month: time.January}))
		}
		t.Ticks = append(t.Ticks, tick{min(float64(i)*width, timelineWidth-30), fmt.Sprint(year)})
	}
	return t
}
