package hunt

// A Direction says who began what a line tells of: a host of ours, or somebody outside.
type Direction string

// The directions; "" where the line does not tell.
const (
	Out Direction = "out"
	In  Direction = "in"
)

// Direction returns which way a line with an indicator goes. Who asks the resolver next door for the indicator's name goes out, although
// both ends of that connection are inside: it is the one who began that counts.
func (e Event) Direction(indicator string) Direction {
	switch {
	case e.Source == "":
		return ""
	case e.Source == indicator:
		return In
	case IsInternal(e.Source):
		return Out
	case e.Destination == "" || IsInternal(e.Destination):
		return In
	}
	return ""
}

// Host returns who of ours had to do with an indicator: who began if that is inside, else who was visited, "" if the line tells neither.
func (e Event) Host(indicator string) string {
	host := e.Source
	if (host == "" || !IsInternal(host)) && e.Destination != "" && IsInternal(e.Destination) {
		host = e.Destination
	}
	if host == indicator || !IsInternal(host) {
		return ""
	}
	return host
}
