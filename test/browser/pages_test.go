package browser

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const titles = "table.profiles tbody th a"

// TestList: the home page shows profiles in pages, by kind and by letter.
func TestList(t *testing.T) {
	b := open(t)
	b.size(1300, 900)
	if status := b.visit("/"); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	first := b.texts(titles)
	if len(first) != 50 {
		t.Errorf("the list has %d rows", len(first))
	}
	if text := b.texts("aside")[0]; !strings.Contains(text, "MITRE Corporation") || !strings.Contains(text, "months") {
		t.Errorf("the sources are not shown with credit and age: %s", text)
	}
	got := list(t, curlAddress(t, b.texts(".curl code")[0]))
	for i := range min(len(first), len(got)) {
		if first[i] != got[i].Title {
			t.Errorf("row %d is %s, the API of the curl line says %s", i, first[i], got[i].Title)
		}
	}

	// Nothing is repeated on the next pages, and the way back is there.
	seen := map[string]bool{}
	for range 3 {
		for _, address := range eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.href)`, titles)) {
			if seen[address] {
				t.Errorf("%s comes twice", address)
			}
			seen[address] = true
		}
		b.do("next page", chromedp.Click(chromedp.CSS(`.pages a[rel=next]`)), chromedp.WaitVisible(chromedp.CSS(`.pages a[href="/"]`)))
	}
	if len(seen) != 150 {
		t.Errorf("three pages have %d rows", len(seen))
	}
	b.do("first page", chromedp.Click(chromedp.CSS(`.pages a[href="/"]`)), chromedp.WaitVisible(chromedp.CSS(`.intro`)))

	for _, kind := range []string{"actor", "tool"} {
		b.do(kind, chromedp.Click(chromedp.CSS(`nav.kinds a[href="/?kind=`+kind+`"]`)), chromedp.WaitVisible(chromedp.CSS(`nav.kinds a[aria-current][href="/?kind=`+kind+`"]`)))
		kinds := b.texts("table.profiles tbody .kind")
		if len(kinds) != 50 || slices.ContainsFunc(kinds, func(k string) bool { return k != kind }) {
			t.Errorf("the tab of kind %s shows %q", kind, kinds)
		}
	}
	b.do("letter", chromedp.Click(chromedp.CSS(`nav.letters a[href="/?from=K&kind=tool"]`)), chromedp.WaitVisible(chromedp.CSS(`nav.letters a[aria-current]`)))
	rows := b.texts(titles)
	if len(rows) == 0 || !strings.HasPrefix(strings.ToUpper(rows[0]), "K") {
		t.Fatalf("the list from K starts with %q", rows)
	}
	if got := list(t, curlAddress(t, b.texts(".curl code")[0])); len(got) != len(rows) || got[0].Title != rows[0] {
		t.Errorf("the list from K starts with %s, the API of its curl line with %v", rows[0], got)
	}
}

// TestSearch: the search box finds a profile by any of its names, says which,
// and its curl line asks the same.
func TestSearch(t *testing.T) {
	b := open(t)
	b.size(1300, 900)
	b.visit("/")
	b.do("search", chromedp.SendKeys(chromedp.CSS(`input[name=q]`), "fancy bear\r"), chromedp.WaitVisible(chromedp.CSS(`nav.kinds a[href*="q=fancy"]`)))
	found := b.texts(titles)
	if len(found) == 0 || found[0] != "APT28" {
		t.Fatalf("fancy bear finds %q", found)
	}
	if marked := b.texts("table.profiles mark"); len(marked) == 0 || marked[0] != "Fancy Bear" {
		t.Errorf("the name that was looked for is not marked: %q", marked)
	}
	if got := list(t, curlAddress(t, b.texts(".curl code")[0])); !slices.ContainsFunc(got, func(p profile) bool { return p.Title == "APT28" }) {
		t.Error("the curl line does not find APT28")
	}
	b.do("only tools", chromedp.Click(chromedp.CSS(`nav.kinds a[href*="kind=tool"]`)), chromedp.WaitVisible(chromedp.CSS(`nav.kinds a[aria-current][href*="kind=tool"]`)))
	if rows := b.texts(titles); slices.Contains(rows, "APT28") {
		t.Errorf("APT28 is among the tools: %q", rows)
	}
	b.visit("/?q=no+such+words+anywhere")
	if text := b.texts("main")[0]; !strings.Contains(text, "No profile holds these words") {
		t.Errorf("a search without hits says %s", text)
	}
}

// TestProfile: a profile shows its names, facts and sources, indicators are
// defanged and lead nowhere, and the curl lines ask the same.
func TestProfile(t *testing.T) {
	b := open(t)
	b.size(1300, 900)
	apt28 := profileOf(t, "APT28")
	if status := b.visit("/profiles/" + apt28.ID); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	page := b.texts("article")[0]
	for _, part := range []string{"Fancy Bear", "Forest Blizzard", "Russia", "CrowdStrike", "since at least 2004", "MITRE ATT&CK", "T1", apt28.ID} {
		if !strings.Contains(page, part) {
			t.Errorf("the profile lacks %q", part)
		}
	}
	if chips := b.texts(".head .chips li"); !slices.Equal(chips, apt28.Aliases) {
		t.Errorf("the page has the names %q, the API %q", chips, apt28.Aliases)
	}
	for _, section := range []string{"overview", "tradecraft", "tools", "indicators", "names", "sources"} {
		if n := eval[int](b, fmt.Sprintf(`document.querySelectorAll("section#%s > h2").length`, section)); n != 1 {
			t.Errorf("there are %d sections %s", n, section)
		}
		if n := eval[int](b, fmt.Sprintf(`document.querySelectorAll("nav.tabs a[href='#%s']").length`, section)); n != 1 {
			t.Errorf("the tabs have %d links to %s", n, section)
		}
	}
	if coined := b.texts("table.names tbody tr"); !slices.ContainsFunc(coined, func(row string) bool {
		return strings.Contains(row, "Fancy Bear") && strings.Contains(row, "CrowdStrike")
	}) {
		t.Error("nobody says who coined Fancy Bear")
	}

	var indicators struct {
		Count int64 `json:"@odata.count"`
		Value []struct {
			Artifact struct{ ID, Value string }
		}
	}
	answer(t, curlAddress(t, b.texts("#indicators .curl code")[0]), &indicators)
	if indicators.Count == 0 || !strings.Contains(strings.ReplaceAll(b.texts("#indicators h2")[0], "\u202f", ""), fmt.Sprint(indicators.Count)) {
		t.Errorf("the API counts %d indicators, the page says %q", indicators.Count, b.texts("#indicators h2"))
	}
	shown := b.texts("#indicators .value")
	refang := strings.NewReplacer("[.]", ".", "[:]", ":", "hxxp", "http", "[@]", "@")
	for i := range shown {
		a := indicators.Value[i].Artifact
		if value := max(a.Value, a.ID); a.Value == "" && refang.Replace(shown[i]) != value || a.Value != "" && refang.Replace(shown[i]) != a.Value {
			t.Errorf("indicator %d is %s on the page and %v in the API", i, shown[i], a)
		}
	}
	markup := eval[string](b, `document.documentElement.outerHTML`)
	for _, i := range indicators.Value {
		if strings.Contains(i.Artifact.ID, ".") && strings.Contains(markup, i.Artifact.ID) {
			t.Errorf("%s stands on the page as it is", i.Artifact.ID)
		}
	}
	if links := eval[int](b, `[...document.querySelectorAll("#indicators tbody a")].filter(a => !a.getAttribute("href").startsWith("/indicators/")).length`); links > 0 {
		t.Errorf("%d indicators are links to elsewhere", links)
	}

	var one profile
	answer(t, curlAddress(t, b.texts("#json .curl code")[0]), &one)
	if one.ID != apt28.ID {
		t.Errorf("the curl line leads to %s", one.ID)
	}
	// A tool leads to its own page, and that one back to its users.
	b.do("tool", chromedp.Click(chromedp.CSS(`#tools a`)), chromedp.WaitVisible(chromedp.CSS(`#users a[href="/profiles/`+apt28.ID+`"]`)))
}

// TestIndicatorPages: the indicators of a profile come in pages that repeat
// nothing.
func TestIndicatorPages(t *testing.T) {
	b := open(t)
	b.size(1300, 900)
	id := profileOf(t, "APT28").ID
	b.visit("/profiles/" + id)
	first := b.texts("#indicators .value")
	b.do("next page", chromedp.Click(chromedp.CSS(`#indicators .pages a[rel=next]`)), chromedp.WaitVisible(chromedp.CSS(`#indicators .pages a[href="/profiles/`+id+`#indicators"]`)))
	second := b.texts("#indicators .value")
	if len(first) != 50 || len(second) == 0 {
		t.Fatalf("pages of %d and %d", len(first), len(second))
	}
	for _, v := range second {
		if slices.Contains(first, v) {
			t.Errorf("%s is on both pages", v)
		}
	}
}

// TestElsewhere: what is not there has a page of its own, and former ids lead
// to the profile.
func TestElsewhere(t *testing.T) {
	b := open(t)
	for path, want := range map[string]int{
		"/profiles/nothing": 404, "/nowhere": 404, "/profiles/%E2%80%AE%2F..%2F'%22%3Cb%3E": 404, "/?after=garbage": 400,
	} {
		if status := b.visit(path); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
		if links := b.texts(`main a[href="/"]`); len(links) != 1 {
			t.Errorf("%s shows no way back", path)
		}
	}
	apt28 := profileOf(t, "APT28")
	// The id that the profile would have if Microsoft's record had founded it.
	other := fmt.Sprintf("%x", sha256.Sum256([]byte("microsoft-naming\x00Forest Blizzard")))
	if other == apt28.ID {
		t.Fatal("the profile is founded by that record")
	}
	b.visit("/profiles/" + other)
	if at := eval[string](b, `location.pathname`); at != "/profiles/"+apt28.ID {
		t.Errorf("the id of another record leads to %s", at)
	}
}

// TestWithoutScripts: the pages need none, and hold none of their own.
func TestWithoutScripts(t *testing.T) {
	b := open(t)
	b.noScripts()
	b.size(1300, 900)
	b.visit("/")
	b.do("search", chromedp.SendKeys(chromedp.CSS(`input[name=q]`), "mimikatz\r"), chromedp.WaitVisible(chromedp.CSS(`nav.kinds a[href*="q=mimikatz"]`)))
	b.do("profile", chromedp.Click(chromedp.CSS(titles)), chromedp.WaitVisible(chromedp.CSS(`article.profile`)))
	if at := b.texts("h1")[0]; at != "Mimikatz" {
		t.Fatalf("the search for mimikatz leads to %s", at)
	}
	b.do("unfold", chromedp.Click(chromedp.CSS(`details:not([open]) > summary`)), chromedp.WaitVisible(chromedp.CSS(`details[open]`)))
	b.visit("/profiles")
	b.do("facet", chromedp.Click(chromedp.CSS(`.facet a[href="/profiles?origin=RU"]`)), chromedp.WaitVisible(chromedp.CSS(`.chosen a`)))
	b.do("part of a name", chromedp.SendKeys(chromedp.CSS(`input[name=text]`), "bear\r"), chromedp.WaitVisible(chromedp.CSS(`.chosen a[href="/profiles?origin=RU"]`)))
	if rows := b.texts(titles); len(rows) == 0 || len(rows) > 40 {
		t.Errorf("%d bears from Russia", len(rows))
	}
	b.visit("/lookup")
	b.do("paste", chromedp.SendKeys(chromedp.CSS(`textarea`), "seen 198.51.100[.]7 and hxxp://contoso[.]com/x"), chromedp.Click(chromedp.CSS(`.paste button`)), chromedp.WaitVisible(chromedp.CSS(`table.values`)))
	if rows := b.texts("table.values tbody .value"); len(rows) != 1 { // 198.51.100.0/24 is for documentation
		t.Errorf("the look-up has rows %q", rows)
	}
	for _, path := range []string{"/", "/?q=bear", "/profiles", "/lookup", "/compare?a=turla&b=apt29", "/changes", "/profiles/" + profileOf(t, "APT28").ID} {
		b.visit(path)
		if active := eval[[]string](b, `[...document.querySelectorAll("*")].filter(e => e.localName === "script" && !/^\/static\/app\.js\?[0-9a-f]+$/.test(e.getAttribute("src")) || e.localName === "style" || [...e.attributes].some(a => /^on|^style$/.test(a.name))).map(e => e.outerHTML)`); len(active) > 0 {
			t.Errorf("%s has scripts or styles of its own: %q", path, active)
		}
	}
}

// TestKeys: what the help of the keys says is what they do.
func TestKeys(t *testing.T) {
	b := open(t)
	b.size(1300, 900)
	b.visit("/profiles")
	b.do("slash", chromedp.KeyEvent("/"))
	if at := eval[string](b, `document.activeElement.name`); at != "q" {
		t.Errorf("/ leads to %q", at)
	}
	b.do("leave", chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	b.do("down", chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("k"), chromedp.KeyEvent("j"))
	rows := b.texts(titles)
	if on := b.texts("tr.on th"); len(on) != 1 || on[0] != rows[1] {
		t.Errorf("j j k j selects %q, want %q", on, rows[1])
	}
	b.do("enter", chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.CSS(`article.profile`)))
	if h1 := b.texts("h1")[0]; h1 != rows[1] {
		t.Errorf("Enter opens %q, want %q", h1, rows[1])
	}
	b.do("help", chromedp.KeyEvent("?"), chromedp.WaitVisible(chromedp.CSS(`dialog#keys`)))
	b.do("close", chromedp.Click(chromedp.CSS(`dialog#keys button`)), chromedp.WaitNotPresent(chromedp.CSS(`dialog#keys`)))
	b.do("go", chromedp.KeyEvent("g"), chromedp.KeyEvent("l"), chromedp.WaitVisible(chromedp.CSS(`form.paste`)))
}

// TestValues: a value that is typed leads to its page, and that one to whose it is.
func TestValues(t *testing.T) {
	b := open(t)
	b.size(1300, 900)
	apt28 := profileOf(t, "APT28")
	b.visit("/profiles/" + apt28.ID)
	value := b.texts("#indicators .value")[0]
	b.visit("/")
	b.do("type", chromedp.SendKeys(chromedp.CSS(`input[name=q]`), value+"\r"), chromedp.WaitVisible(chromedp.CSS(`article.indicator`)))
	if h1 := b.texts("h1")[0]; h1 != value {
		t.Errorf("%s leads to %s", value, h1)
	}
	b.do("whose", chromedp.Click(chromedp.CSS(`article.indicator a.kind[href="/profiles/`+apt28.ID+`"]`)), chromedp.WaitVisible(chromedp.CSS(`article.profile`)))
}
