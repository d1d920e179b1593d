package api

import "testing"

func BenchmarkServe(b *testing.B) {
	s := fixtureServer(fixtureStore(b, 3000))
	for name, path := range map[string]string{
		"list100":       ti + "/intelProfiles?$top=100",
		"list100select": ti + "/intelProfiles?$top=100&$select=id,title",
		"list100title":  ti + "/intelProfiles?$top=100&$orderby=title%20desc",
		"filter100":     ti + "/intelProfiles?$top=100&$filter=kind%20eq%20'tool'",
		"get":           ti + "/intelProfiles/" + aquaID,
		"indicators100": ti + "/intelProfiles/" + aquaID + "/indicators?$top=100",
		"lookup":        "/api/lookup?value=shared.example.com",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if w := ask(s, "GET", path); w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
