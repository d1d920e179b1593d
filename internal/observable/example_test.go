package observable_test

import (
	"errors"
	"fmt"

	"dossier/internal/observable"
)

func Example() {
	text := []byte("It fetches hxxps://evil[.]com/gate.php from 8.8.8[.]8 and runs setup.sh.")
	observable.Find(text, func(o observable.Observable, start, end int) bool {
		fmt.Printf("%s %s, written %s\n", o.Kind, o.Value, text[start:end])
		return true
	})
	// Output:
	// url https://evil.com/gate.php, written hxxps://evil[.]com/gate.php
	// ipAddress 8.8.8.8, written 8.8.8[.]8
}

func ExampleParse() {
	for _, s := range []string{"WWW.Contoso[.]com.", "::ffff:8.8.8.8", "HTTP://contoso.com:80/%7Ea/../b#c"} {
		o, err := observable.Parse(s)
		fmt.Println(o.Kind, o.Value, err)
	}
	_, err := observable.Parse("10.0.0.1")
	fmt.Println(err)
	var e *observable.Error
	fmt.Println(errors.As(err, &e) && e.Reason == observable.Private)
	// Output:
	// domain www.contoso.com <nil>
	// ipAddress 8.8.8.8 <nil>
	// url http://contoso.com/b <nil>
	// observable "10.0.0.1": private: RFC 1918
	// true
}

func ExampleObservable_ID() {
	o, _ := observable.ParseAs(observable.Domain, "Contoso.com")
	fmt.Println(o.ID())
	// Output: d64e4857-e1d4-59a2-84ac-4d6e850595d2
}

func ExampleDefang() {
	fmt.Println(observable.Defang(observable.Observable{Kind: observable.URL, Value: "https://evil.com/x"}))
	// Output: hxxps://evil[.]com/x
}
