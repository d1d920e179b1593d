package hunt

import "testing"

func TestDirection(t *testing.T) {
	for _, tt := range []struct {
		source, destination, indicator string
		direction                      Direction
		host                           string
	}{
		{"10.0.0.5", "203.0.113.9", "203.0.113.9", Out, "10.0.0.5"},
		{"10.0.0.5", "10.0.0.1", "evil.example", Out, "10.0.0.5"}, // asks the resolver
		{"203.0.113.9", "10.0.0.80", "203.0.113.9", In, "10.0.0.80"},
		{"203.0.113.9", "", "203.0.113.9", In, ""},
		{"198.51.100.1", "10.0.0.80", "evil.example", In, "10.0.0.80"}, // a referrer
		{"198.51.100.1", "203.0.113.9", "evil.example", "", ""},        // both outside
		{"ws-17", "", "evil.example", Out, "ws-17"},
		{"fd00::5", "2001:db8::1", "2001:db8::1", Out, "fd00::5"},
		{"", "10.0.0.80", "evil.example", "", "10.0.0.80"},
		{"", "", "evil.example", "", ""},
		{"evil.example", "", "evil.example", In, ""}, // a name in the place of the source
	} {
		e := Event{Source: tt.source, Destination: tt.destination}
		if d, h := e.Direction(tt.indicator), e.Host(tt.indicator); d != tt.direction || h != tt.host {
			t.Errorf("%s to %s, %s: %q, host %q; want %q, %q", tt.source, tt.destination, tt.indicator, d, h, tt.direction, tt.host)
		}
	}
}
