package odata_test

import (
	"errors"
	"fmt"

	"dossier/internal/odata"
)

var actor = &odata.Type{
	Name: "example.actor", Kind: odata.EntityType, Key: "id",
	Properties: []odata.Property{
		{Name: "id", Exact: true},
		{Name: "title", Searchable: true},
		{Name: "aliases", Collection: true},
		{Name: "since", Prim: odata.DateTimeOffset},
	},
}

func Example() {
	const raw = "$filter=aliases/any(a:a%20eq%20'ACTINIUM')+and+since+lt+2021-01-01&orderBy=title+desc&$top=2"
	q, err := odata.ParseQuery(raw, actor, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(q.Filter)
	fmt.Println(q.OrderBy[0], q.Top)
	fmt.Println(q.NextLink("https://intel.example.org/actors", "opaque"))

	row := odata.MapRow{Of: actor, Values: map[string]any{
		"title": "Aqua Blizzard", "aliases": []string{"Actinium"}, "since": int64(1582502400000),
	}}
	match, err := odata.Eval(q.Filter, row)
	fmt.Println(match == odata.True, err)
	// Output:
	// aliases/any(a:a eq 'ACTINIUM') and since lt 2021-01-01T00:00:00Z
	// title desc 2
	// https://intel.example.org/actors?$filter=aliases/any%28a:a%20eq%20%27ACTINIUM%27%29%20and%20since%20lt%202021-01-01&$orderby=title%20desc&$top=2&$skiptoken=opaque
	// true <nil>
}

func ExampleError() {
	_, err := odata.ParseFilter("title = 'x'", actor)
	var bad *odata.Error
	if errors.As(err, &bad) {
		fmt.Println(bad.Code, bad.Target, bad.Pos)
		fmt.Println(bad)
	}
	// Output:
	// BadRequest $filter 7
	// Invalid filter clause: expected an operator at position 7, found '=': use eq
}
