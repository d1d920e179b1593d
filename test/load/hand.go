package main

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"strings"

	_ "modernc.org/sqlite" // the same driver as Dossier's
)

// A row is a profile as somebody writes it down who needs these requests only.
type row struct {
	Type        string            `json:"@odata.type"`
	ID          string            `json:"id"`
	Kind        string            `json:"kind"`
	Title       string            `json:"title"`
	FirstActive string            `json:"firstActiveDateTime"`
	Aliases     []string          `json:"aliases"`
	Targets     []string          `json:"targets"`
	Origins     []json.RawMessage `json:"countriesOrRegionsOfOrigin"`
	Summary     text              `json:"summary"`
	Description text              `json:"description"`
	Tradecraft  *text             `json:"tradecraft"`
}

type text struct {
	Type    string `json:"@odata.type"`
	Content string `json:"content"`
	Format  string `json:"format"`
}

const columns = "id, kind, title, first_active, aliases, targets, origins, summary, description, tradecraft"

// openHand makes the tables of the hand-written handler and fills them.
func openHand(path string, rows []row) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=cache_size(-65536)")
	if err != nil {
		return nil, err
	}
	for _, stmt := range []string{
		"CREATE TABLE profile (id TEXT PRIMARY KEY, kind TEXT, title TEXT, title_fold TEXT, first_active TEXT, aliases TEXT, targets TEXT, origins TEXT, summary TEXT, description TEXT, tradecraft TEXT)",
		"CREATE INDEX by_title ON profile (title_fold, id)", "CREATE INDEX by_kind ON profile (kind, id)",
	} {
		if _, err := db.Exec(stmt); err != nil {
			return nil, err
		}
	}
	tx, err := db.Begin()
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		var tradecraft any
		if r.Tradecraft != nil {
			tradecraft = r.Tradecraft.Content
		}
		if _, err := tx.Exec("INSERT INTO profile VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", r.ID, r.Kind, r.Title, strings.ToUpper(r.Title), r.FirstActive,
			encoded(r.Aliases), encoded(r.Targets), encoded(r.Origins), r.Summary.Content, r.Description.Content, tradecraft); err != nil {
			return nil, err
		}
	}
	return db, tx.Commit()
}

func encoded(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// hand answers the requests of the measurement, each with a statement of its own.
func hand(db *sql.DB) http.Handler {
	list := func(w http.ResponseWriter, where string, args ...any) {
		rows, err := db.Query("SELECT "+columns+" FROM profile "+where, args...)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer rows.Close()
		out := []row{}
		for rows.Next() {
			r := row{Type: "#microsoft.graph.security.intelligenceProfile"}
			var aliases, targets, origins string
			var tradecraft *string
			if err := rows.Scan(&r.ID, &r.Kind, &r.Title, &r.FirstActive, &aliases, &targets, &origins, &r.Summary.Content, &r.Description.Content, &tradecraft); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_ = json.Unmarshal([]byte(aliases), &r.Aliases) // written above
			_ = json.Unmarshal([]byte(targets), &r.Targets)
			_ = json.Unmarshal([]byte(origins), &r.Origins)
			r.Summary.Format, r.Description.Format = "text", "markdown"
			if tradecraft != nil {
				r.Tradecraft = &text{Content: *tradecraft, Format: "markdown"}
			}
			out = append(out, r)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"value": out})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		list(w, "WHERE id > ? ORDER BY id LIMIT 100", r.URL.Query().Get("after"))
	})
	mux.HandleFunc("/get", func(w http.ResponseWriter, r *http.Request) { list(w, "WHERE id = ?", r.URL.Query().Get("id")) })
	mux.HandleFunc("/equal", func(w http.ResponseWriter, r *http.Request) {
		list(w, "WHERE title_fold = ? ORDER BY id LIMIT 100", strings.ToUpper(r.URL.Query().Get("title")))
	})
	mux.HandleFunc("/begins", func(w http.ResponseWriter, r *http.Request) {
		list(w, "WHERE title_fold LIKE ? ORDER BY id LIMIT 100", strings.ToUpper(r.URL.Query().Get("title"))+"%")
	})
	mux.HandleFunc("/contains", func(w http.ResponseWriter, r *http.Request) {
		list(w, "WHERE summary LIKE ? ORDER BY id LIMIT 100", "%"+r.URL.Query().Get("part")+"%")
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		var n int
		query, args := "SELECT COUNT(*) FROM profile WHERE kind = ?", []any{r.URL.Query().Get("kind")}
		if not := r.URL.Query().Get("not"); not != "" {
			query, args = query+" AND title_fold <> ?", append(args, not)
		}
		if err := db.QueryRow(query, args...).Scan(&n); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(n)
	})
	return mux
}
