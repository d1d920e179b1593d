package ingest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/resolve"
	"dossier/internal/store"
)

// A BadDecision is one that cannot be taken, with what to try.
type BadDecision struct{ Msg, Hint string }

func (b *BadDecision) Error() string { return b.Msg }

func badDecision(hint, format string, args ...any) error {
	return &BadDecision{fmt.Sprintf(format, args...), hint}
}

// Limits of what people write in a decision, in bytes.
const (
	maxReason   = 2000
	maxDecided  = 200
	maxFileLine = 64 << 10
)

// Split is the verdict of [Proposal] by which a record is kept apart from the
// profile that it is part of. It is kept as [intel.KeepApart].
const Split intel.Verdict = "split"

// A Proposal is a decision as a person puts it. A and B are names, ids of
// profiles, or records as publisher:key or publisher:title. A profile stands for
// the record that it was founded on.
type Proposal struct {
	Verdict intel.Verdict
	A, B    string
	Name    string // for [intel.NameMeans]
	Reason  string
}

// Decide keeps a decision and computes everything anew. A decision that holds
// already is returned, with isNew false. The error is a [BadDecision] where the
// proposal cannot be followed, or wraps [intel.ErrNotFound].
func (e Editor) Decide(ctx context.Context, by Author, p Proposal) (d *intel.Decision, isNew bool, err error) {
	if d, err = e.decision(ctx, by, p); err != nil {
		return nil, false, err
	}
	standing, err := e.Store.Decisions(ctx, false, by.View)
	if err != nil {
		return nil, false, err
	}
	// Of contradicting ones the last holds: only a later one makes it news.
	for i := len(standing) - 1; i >= 0; i-- {
		o := standing[i]
		if d.Same(&o) {
			return &o, false, nil
		}
		if contradicts(d, &o) {
			break
		}
	}
	c, err := d.Claim(resolve.ProfileID(d.A.Ref))
	if err != nil {
		return nil, false, err
	}
	c.Owner = by.Owner
	b, err := e.begin(ctx)
	if err != nil {
		return nil, false, err
	}
	whole := true
	defer e.settle(ctx, b, &whole, &err)
	return d, true, b.Claim(ctx, c)
}

// contradicts reports whether two decisions are about the same pair or name.
func contradicts(d, o *intel.Decision) bool {
	if d.Verdict == intel.NameMeans || o.Verdict == intel.NameMeans {
		return d.Verdict == o.Verdict && intel.NameKey(d.Name) == intel.NameKey(o.Name)
	}
	same := *o
	same.Verdict = d.Verdict
	return d.Same(&same)
}

// decision makes a decision of a proposal: it finds what is meant.
func (e Editor) decision(ctx context.Context, by Author, p Proposal) (*intel.Decision, error) {
	if err := checkWords(p); err != nil {
		return nil, err
	}
	as, err := e.things(ctx, p.A, by.View)
	if err != nil {
		return nil, err
	}
	bs := []store.RecordInfo{{}}
	if p.Verdict == intel.Merge || p.Verdict == intel.KeepApart {
		if bs, err = e.things(ctx, p.B, by.View); err != nil {
			return nil, err
		}
		as, bs = ofOneKind(as, bs), ofOneKind(bs, as)
	}
	for text, list := range map[string][]store.RecordInfo{p.A: as, p.B: bs} {
		if len(list) > 1 {
			return nil, ambiguous(text, list)
		}
	}
	a, b := as[0], bs[0]
	d := &intel.Decision{
		ID: store.NewGUID(), Verdict: p.Verdict, A: a.RecordRef, Reason: strings.TrimSpace(p.Reason),
		By: by.Name, Client: by.Client, TLP: max(by.TLP, a.TLP), Made: intel.TimeOf(e.Store.Now()),
	}
	switch p.Verdict {
	case intel.NameMeans:
		d.Name = strings.TrimSpace(p.Name)
		return d, nil
	case Split:
		d.Verdict = intel.KeepApart
		if b, err = e.founderOf(ctx, a, by.View); err != nil {
			return nil, err
		}
	}
	switch {
	case a.Ref == b.Ref && p.Verdict == Split:
		return nil, badDecision("split out the other records, or name them in: dossier names apart", "%s is the record that its profile is founded on", a.Title)
	case a.Ref == b.Ref:
		return nil, badDecision("dossier show --why lists the records of a profile, which can be split out or kept apart", "%q and %q are one profile already", p.A, p.B)
	case a.Kind != b.Kind:
		return nil, badDecision("an actor may use a tool of its name: that needs no decision", "%s is a profile of kind %s and %s of kind %s: they are never one", a.Title, a.Kind, b.Title, b.Kind)
	}
	d.B = &b.RecordRef
	d.TLP = max(d.TLP, b.TLP)
	return d, nil
}

// checkWords collects what is wrong with the words of a proposal.
func checkWords(p Proposal) error {
	var problems []string
	switch p.Verdict {
	case intel.Merge, intel.KeepApart:
		if strings.TrimSpace(p.B) == "" {
			problems = append(problems, "the second profile or record is missing")
		}
	case Split:
	case intel.NameMeans:
		if n := strings.TrimSpace(p.Name); intel.NameKey(n) == "" || intel.Placeholder(n) || len(n) > maxDecided || strings.ContainsAny(n, "\r\n\t") {
			problems = append(problems, fmt.Sprintf("the name must be one line of 1 to %d bytes with a letter or digit, and no placeholder", maxDecided))
		}
	default:
		problems = append(problems, fmt.Sprintf("verdict %q: want merge, apart, split or means", p.Verdict))
	}
	if strings.TrimSpace(p.A) == "" {
		problems = append(problems, "the profile or record is missing")
	}
	if r := strings.TrimSpace(p.Reason); r == "" || len(r) > maxReason {
		problems = append(problems, fmt.Sprintf("a decision needs a reason, of at most %d bytes", maxReason))
	}
	if problems != nil {
		return badDecision("", "%s", strings.Join(problems, "; "))
	}
	return nil
}

// things returns the records that a text may stand for, at least one.
func (e Editor) things(ctx context.Context, text string, v store.View) ([]store.RecordInfo, error) {
	text = strings.TrimSpace(text)
	if publisher, rest, ok := strings.Cut(text, ":"); ok {
		found, err := e.Store.FindRecords(ctx, publisher, rest, v)
		if err != nil || len(found) > 0 { // else it is a name with a colon
			return found, err
		}
	}
	hits, err := e.Store.ProfilesByName(ctx, text, v)
	if err != nil {
		return nil, err
	}
	var out []store.RecordInfo
	for _, h := range hits {
		if h.Match != hits[0].Match {
			break // the title, before those that only use the name
		}
		r, err := e.founder(ctx, h.ID, v)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("profile or record %q: %w", text, intel.ErrNotFound)
	}
	return out, nil
}

// ofOneKind keeps those of list that are of a kind that others has too; all of
// them if none is.
func ofOneKind(list, others []store.RecordInfo) []store.RecordInfo {
	var out []store.RecordInfo
	for _, r := range list {
		if slices.ContainsFunc(others, func(o store.RecordInfo) bool { return o.Kind == r.Kind }) {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return list
	}
	return out
}

func ambiguous(text string, list []store.RecordInfo) error {
	var ways []string
	for _, r := range list {
		ways = append(ways, fmt.Sprintf("%s (%s, %s)", r.Ref, r.Kind, r.Title))
	}
	return badDecision("name one of them: "+strings.Join(ways, ", "), "%q may mean %d profiles or records", text, len(list))
}

// founderOf returns the record that the profile of a record is founded on.
func (e Editor) founderOf(ctx context.Context, r store.RecordInfo, v store.View) (store.RecordInfo, error) {
	id, err := e.Store.MemberOf(ctx, r.Ref, v)
	if errors.Is(err, intel.ErrNotFound) {
		return store.RecordInfo{}, badDecision("", "record %s is part of no profile", r.Ref)
	}
	if err != nil {
		return store.RecordInfo{}, err
	}
	return e.founder(ctx, id, v)
}

// founder returns the record that stands for a profile: the one that its id was
// computed from, or the first live one.
func (e Editor) founder(ctx context.Context, id string, v store.View) (store.RecordInfo, error) {
	d, err := e.Store.Dossier(ctx, id, v)
	if err != nil {
		return store.RecordInfo{}, err
	}
	if len(d.Records) == 0 {
		return store.RecordInfo{}, badDecision("", "%s was made by people and has no records: such a profile is never merged", d.Profile.Title)
	}
	at := slices.IndexFunc(d.Records, func(r intel.RecordUse) bool { return resolve.ProfileID(r.Ref) == d.Profile.ID })
	if at < 0 {
		at = max(0, slices.IndexFunc(d.Records, func(r intel.RecordUse) bool { return !r.Withdrawn && !r.Mention }))
	}
	r := d.Records[at]
	return store.RecordInfo{RecordRef: intel.RecordRef{Ref: r.Ref, Title: r.Title}, Kind: d.Profile.Kind, TLP: r.TLP}, nil
}

// Undo withdraws a decision and computes everything anew: what is served is as if
// it had never been made. The error wraps [intel.ErrNotFound] if the author sees
// no such decision, or it was undone before.
func (e Editor) Undo(ctx context.Context, by Author, id string) (*intel.Decision, error) {
	c, err := e.Store.Claim(ctx, id, by.View)
	if err != nil {
		return nil, notDecision(id, err)
	}
	d, ok := c.Decision()
	if !ok || d.Withdrawn != 0 {
		return nil, notDecision(id, intel.ErrNotFound)
	}
	return &d, e.Withdraw(ctx, by, id)
}

func notDecision(id string, err error) error {
	if errors.Is(err, intel.ErrNotFound) {
		return fmt.Errorf("decision %q: %w", id, intel.ErrNotFound)
	}
	return err
}

// A Standing is a decision with what has become of it.
type Standing struct {
	intel.Decision
	Effect string `json:"effect"` // "holds", "undone", or why it has no effect
}

// Decisions returns what people decided, in the order in which they did, with
// what became of each; with all, also what was undone.
func Decisions(ctx context.Context, s *store.Store, all bool, v store.View) ([]Standing, error) {
	list, err := s.Decisions(ctx, all, v)
	if err != nil {
		return nil, err
	}
	out := make([]Standing, len(list))
	for i := range list {
		d := &list[i]
		out[i].Decision = *d
		if out[i].Effect, err = effect(ctx, s, d, list[i+1:], v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// DecisionOf returns one decision; the error wraps [intel.ErrNotFound] if the view
// shows none with the id.
func DecisionOf(ctx context.Context, s *store.Store, id string, v store.View) (*Standing, error) {
	list, err := Decisions(ctx, s, true, v)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	return nil, notDecision(id, intel.ErrNotFound)
}

// effect says what has become of a decision.
func effect(ctx context.Context, s *store.Store, d *intel.Decision, later []intel.Decision, v store.View) (string, error) {
	if d.Withdrawn != 0 {
		return "undone", nil
	}
	for i := range later {
		if o := &later[i]; o.Withdrawn == 0 && contradicts(d, o) {
			if d.Same(o) {
				continue
			}
			return "replaced by the later decision " + o.ID, nil
		}
	}
	var ids [2]string
	for i, r := range []*intel.RecordRef{&d.A, d.B} {
		if r == nil {
			continue
		}
		id, err := s.MemberOf(ctx, r.Ref, v)
		if errors.Is(err, intel.ErrNotFound) {
			return "waits: " + r.Ref.String() + " is in no profile here", nil
		}
		if err != nil {
			return "", err
		}
		ids[i] = id
	}
	switch {
	case d.Verdict == intel.Merge && ids[0] != ids[1]:
		return "without effect: others of their records are kept apart, or a lower marking shows them as two profiles", nil
	case d.Verdict == intel.KeepApart && ids[0] == ids[1]:
		return "without effect: a lower marking shows them as one profile", nil
	}
	return "holds", nil
}

// rulings are the decisions of a level in the form that resolution takes.
func rulings(list []intel.Decision, level intel.TLP) []resolve.Decision {
	var out []resolve.Decision
	for _, d := range list {
		if d.TLP > level {
			continue
		}
		r := resolve.Decision{ID: d.ID, A: d.A.Ref, Name: d.Name, By: d.By, At: d.Made}
		switch d.Verdict {
		case intel.Merge:
			r.Verdict = resolve.Join
		case intel.KeepApart:
			r.Verdict = resolve.Part
		case intel.NameMeans:
			r.Verdict = resolve.Means
		default:
			continue
		}
		if d.B != nil {
			r.B = d.B.Ref
		}
		out = append(out, r)
	}
	return out
}

// ExportDecisions writes all decisions, those that were undone included, as
// NDJSON: a decision a line, in the order in which they were made. A decision
// names records by publisher and key, so that every installation understands it.
func ExportDecisions(ctx context.Context, s *store.Store, w io.Writer, v store.View) (n int, err error) {
	list, err := s.Decisions(ctx, true, v)
	if err != nil {
		return 0, err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, d := range list {
		if err := enc.Encode(d); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// ImportedDecisions counts what became of the decisions of a file.
type ImportedDecisions struct {
	New       int `json:"new"`
	Undone    int `json:"undone"` // held here, and the file says that they were undone
	Unchanged int `json:"unchanged"`
}

// ImportDecisions reads what [ExportDecisions] writes, all of it or nothing, and
// computes everything anew if anything changed. Reading a file again changes
// nothing: a decision is known by its id; one without, as written by hand, has an
// id computed from what it states. One that was undone here stays undone. Empty
// lines, and those that begin with #, are passed over. The error names every bad
// line.
func (e Editor) ImportDecisions(ctx context.Context, by Author, r io.Reader) (n ImportedDecisions, err error) {
	list, err := readDecisions(r)
	if err != nil {
		return n, err
	}
	b, err := e.begin(ctx)
	if err != nil {
		return n, err
	}
	changed := false
	defer e.settle(ctx, b, &changed, &err)
	now := intel.TimeOf(e.Store.Now())
	for i := range list {
		d := &list[i]
		if d.Made == 0 || d.Made > now {
			d.Made = now
		}
		if err := e.raise(ctx, by, d); err != nil {
			return n, err
		}
		have, err := b.ClaimByID(ctx, d.ID)
		switch {
		case errors.Is(err, intel.ErrNotFound):
			c, err := d.Claim(resolve.ProfileID(d.A.Ref))
			if err != nil {
				return n, err
			}
			c.Owner = by.Owner
			if err := b.Claim(ctx, c); err != nil {
				return n, err
			}
			n.New++
			changed = changed || d.Withdrawn == 0
			continue
		case err != nil:
			return n, err
		}
		old, ok := have.Decision()
		switch {
		case !ok:
			return n, badDecision("remove its id", "decision %s: the id is that of a claim of another kind", d.ID)
		case d.Withdrawn != 0 && old.Withdrawn == 0:
			if err := b.Withdraw(ctx, have); err != nil {
				return n, err
			}
			n.Undone++
			changed = true
		default:
			n.Unchanged++
		}
	}
	return n, nil
}

// raise lifts a decision's marking to that of the records that it names.
func (e Editor) raise(ctx context.Context, by Author, d *intel.Decision) error {
	for _, r := range []*intel.RecordRef{&d.A, d.B} {
		if r == nil {
			continue
		}
		found, err := e.Store.FindRecords(ctx, r.Publisher, r.Key, by.View)
		if err != nil {
			return err
		}
		if len(found) == 1 && found[0].Ref == r.Ref {
			d.TLP = max(d.TLP, found[0].TLP)
		}
	}
	return nil
}

var claimID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// readDecisions reads and checks every line of a file.
func readDecisions(r io.Reader) ([]intel.Decision, error) {
	var out []intel.Decision
	var problems []string
	seen := map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxFileLine)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		d, err := readDecision(line)
		if err == nil && seen[d.ID] != 0 {
			err = fmt.Errorf("it has the id of line %d", seen[d.ID])
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("line %d: %v", n, err))
			continue
		}
		seen[d.ID] = n
		out = append(out, d)
	}
	if err := lines.Err(); err != nil {
		problems = append(problems, fmt.Sprintf("line %d: %v", n+1, err))
	}
	if problems != nil {
		const most = 10
		if more := len(problems) - most; more > 0 {
			problems = append(problems[:most], fmt.Sprintf("and %d more", more))
		}
		return nil, badDecision("each line is a decision as dossier names export writes it", "%s", strings.Join(problems, "; "))
	}
	return out, nil
}

func readDecision(line string) (d intel.Decision, err error) {
	dec := json.NewDecoder(strings.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return d, fmt.Errorf("not a decision: %w", err)
	}
	if err := checkWords(Proposal{d.Verdict, d.A.Key, refKey(d.B), d.Name, d.Reason}); err != nil {
		return d, err
	}
	switch {
	case d.Verdict == Split:
		return d, errors.New("split is kept as apart: name the record and the one to keep it apart from")
	case d.A.Publisher == "" || d.B != nil && d.B.Publisher == "":
		return d, errors.New("a record needs publisher and key")
	case d.B != nil && d.B.Ref == d.A.Ref:
		return d, errors.New("both are one record")
	case d.Verdict == intel.NameMeans && d.B != nil:
		return d, errors.New("a name means one record: b is too much")
	case d.ID == "":
		d.ID = contentID(&d)
	case !claimID.MatchString(d.ID):
		return d, fmt.Errorf("id %q is no GUID", d.ID)
	}
	if d.Client == "" {
		d.Client = "file"
	}
	return d, nil
}

func refKey(r *intel.RecordRef) string {
	if r == nil {
		return ""
	}
	return r.Key
}

// contentID is the id of a decision that was written without one.
func contentID(d *intel.Decision) string {
	refs := []string{d.A.Ref.String(), ""}
	if d.B != nil {
		refs[1] = d.B.Ref.String()
		slices.Sort(refs)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{string(d.Verdict), refs[0], refs[1], intel.NameKey(d.Name), d.By}, "\x00")))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // a GUID of version 8
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
