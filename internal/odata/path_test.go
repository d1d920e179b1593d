package odata

import (
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	for _, tt := range []struct {
		path string
		want string // segments: name, or name[key], or name(), each followed by the position
	}{
		{"", ""},
		{"/", ""},
		{"//", ""},
		{"/v1.0/security/threatIntelligence/intelProfiles", "v1.0@2 security@7 threatIntelligence@16 intelProfiles@35"},
		{"/v1.0//security/", "v1.0@2 security@8"}, // Netskope's // and a trailing /
		{"/intelProfiles/$count", "intelProfiles@2 $count@16"},
		{"/hosts('contoso.com')/reputation", "hosts[contoso.com]@2 reputation@23"},
		{"/hosts(%27contoso.com%27)", "hosts[contoso.com]@2"},
		{"/hosts(id='x')", "hosts[x]@2"},
		{"/hosts(ID='x')", "hosts[x]@2"},
		{"/hosts('O''Brien')", "hosts[O'Brien]@2"},
		{"/hosts('a%2Fb')", "hosts[a/b]@2"},
		{"/hosts('')", "hosts[]@2"},
		{"/hosts('x=y')", "hosts[x=y]@2"},
		{"/hosts('(x)')", "hosts[(x)]@2"},
		{"/hosts('a/b')", "hosts('a@2 b')@11"}, // a raw / always splits
		{"/hosts('a'b')", "hosts('a'b')@2"},
		{"/hosts(''')", "hosts(''')@2"},
		{"/hosts(x)", "hosts(x)@2"},
		{"/hosts('x'", "hosts('x'@2"},
		{"/hosts('x')y", "hosts('x')y@2"},
		{"/hosts(key='x')", "hosts(key='x')@2"},
		{"/('x')", "('x')@2"},
		{"/delta()", "delta()@2"},
		{"/microsoft.graph.delta()", "microsoft.graph.delta()@2"},
		{"/articleIndicators/ZmFrZQ==", "articleIndicators@2 ZmFrZQ==@20"},
		{"/x/a%2Fb%2Bc%3D%24%20%27q", "x@2 a/b+c=$ 'q@4"},
		{"/x/a+b", "x@2 a+b@4"}, // a plus in a path is a plus
		{"/x/w%2541", "x@2 w%41@4"},
		{"/x/%C3%A9é", "x@2 éé@4"},
		{"/x/%e2%82%ac", "x@2 €@4"},
		{"/./../x", ".@2 ..@4 x@7"},
		{"/x y;z&?", "x y;z&?@2"},

		{"/x/%", "error at 4: Invalid path: invalid escape '%' at position 4."},
		{"/x/a%2", "error at 5: Invalid path: invalid escape '%2' at position 5."},
		{"/x/%zz", "error at 4: Invalid path: invalid escape '%zz' at position 4."},
		{"/é/a%+1", "error at 5: Invalid path: invalid escape '%+1' at position 5."},
		{"/x/ab%ff", "error at 6: Invalid path: bytes that are not UTF-8 at position 6."},
		{"/x/%C3%A9%C3", "error at 10: Invalid path: bytes that are not UTF-8 at position 10."},
		{"/x/%00", "error at 4: Invalid path: a NUL character at position 4."},
		{"/x/%ed%a0%80", "error at 4: Invalid path: bytes that are not UTF-8 at position 4."},
		{strings.Repeat("x", MaxPathLength+1), "error at 0: The path is longer than 16384 bytes."},
	} {
		segments, err := ParsePath(tt.path)
		if got := describePath(t, segments, err); got != tt.want {
			t.Errorf("ParsePath(%.60q)\n\t= %s\n\twant %s", tt.path, got, tt.want)
		}
	}
}
