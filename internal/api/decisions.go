package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"dossier/internal/ingest"
	"dossier/internal/intel"
)

// decisions answers GET /api/decisions?all=true: what people decided about who is
// who, in the order in which they did; with all=true those that were undone too.
func decisions(r *request) (*answer, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	all := false
	if values := p.all("all"); len(values) > 0 {
		switch values[0] {
		case "true":
			all = true
		case "false", "":
		default:
			return nil, badRequest("Invalid value of all: expected true or false, found '"+clip(values[0])+"'.", "all")
		}
	}
	list, err := ingest.Decisions(r.Context(), r.s.store, all, r.ceiling())
	if err != nil {
		return nil, err
	}
	return r.document(decisionList{orEmpty(list)})
}

// decisionList is the body of /api/decisions.
type decisionList struct {
	Decisions []ingest.Standing `json:"decisions"` // never absent
}

// getDecision answers GET /api/decisions/{id}, also of one that was undone.
func getDecision(r *request) (*answer, error) {
	d, err := ingest.DecisionOf(r.Context(), r.s.store, r.ids[0], r.ceiling())
	if err != nil {
		return nil, err
	}
	return r.document(d)
}

// A proposal is the body of POST /api/decisions. A and b are names, ids of
// profiles, or records: publisher:key, publisher:title, or an object with
// publisher and key. Verdict is merge, apart, split (a out of its profile) or
// means (name means the profile of a).
type proposal struct {
	Verdict intel.Verdict `json:"verdict"`
	A       thing         `json:"a"`
	B       thing         `json:"b,omitempty"`    // of merge and apart
	Name    string        `json:"name,omitempty"` // of means
	Reason  string        `json:"reason"`
}

// A thing is a profile or record as a proposal names it.
type thing string

// UnmarshalJSON reads a string, or an object with publisher and key.
func (t *thing) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte("{")) {
		var ref intel.RecordRef
		if err := json.Unmarshal(raw, &ref); err != nil {
			return err
		}
		*t = thing(ref.Ref.String())
		return nil
	}
	return json.Unmarshal(raw, (*string)(t))
}

// decide answers POST /api/decisions: 201 with the decision, or 200 if it holds
// already. What is served follows it before the answer.
func decide(r *request, by ingest.Author) (*answer, error) {
	body, err := r.readBody(maxEntityBody)
	if err != nil {
		return nil, err
	}
	var p proposal
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return nil, badBody("", "Invalid body: %s.", clip(err.Error()))
	}
	d, isNew, err := r.s.editor().Decide(r.Context(), by, ingest.Proposal{Verdict: p.Verdict, A: string(p.A), B: string(p.B), Name: p.Name, Reason: p.Reason})
	var bad *ingest.BadDecision
	if errors.As(err, &bad) {
		message := bad.Msg + "."
		if bad.Hint != "" {
			message += " Hint: " + bad.Hint + "."
		}
		return nil, badRequest(message, "")
	}
	if err != nil {
		return nil, err
	}
	r.header.Set("Location", r.s.publicURL(r.Request)+"/api/decisions/"+d.ID)
	out, err := ingest.DecisionOf(r.Context(), r.s.store, d.ID, by.View)
	if err != nil {
		return nil, err
	}
	a, err := r.document(out)
	if err == nil && isNew {
		a.status = http.StatusCreated
	}
	return a, err
}

// undoDecision answers DELETE /api/decisions/{id}: what is served is as if the
// decision had never been made.
func undoDecision(r *request, by ingest.Author) (*answer, error) {
	if _, err := r.s.editor().Undo(r.Context(), by, r.ids[0]); err != nil {
		return nil, err
	}
	return r.done()
}
