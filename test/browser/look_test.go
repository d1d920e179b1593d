package browser

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// views are the pages that are looked at, by the name of their picture.
func views(t *testing.T) map[string]string {
	return map[string]string{
		"home": "/", "search": "/?q=fancy+bear", "words": "/?q=healthcare+iran", "actors": "/?from=K&kind=actor",
		"actor": "/profiles/" + profileOf(t, "APT28").ID, "tool": "/profiles/" + profileOf(t, "Mimikatz").ID, "sparse": "/profiles/" + profileOf(t, "1877team").ID,
		"list": "/profiles?origin=RU&sort=indicators", "lookup": "/lookup?q=" + url.QueryEscape("seen 8.8.8.8 and hxxp://contoso[.]com/x, never "+strings.Repeat("long", 15)+".example.com"), "value": "/indicator?value=contoso.com",
		"compare": "/compare?a=turla&b=apt29", "changes": "/changes?since=2000-01-01", "articles": "/articles",
		"missing": "/profiles/nothing", "reference": "/reference",
	}
}

// TestWidths: no page scrolls sideways, on a phone or a wide screen, with
// everything unfolded.
func TestWidths(t *testing.T) {
	b := open(t)
	for _, width := range []int64{390, 800, 1300, 1900} {
		b.size(width, 900)
		for name, path := range views(t) {
			b.visit(path)
			b.shot(fmt.Sprintf("%s-%d", name, width))
			eval[bool](b, `document.querySelectorAll("details").forEach(d => d.open = true), true`)
			if wide := eval[int64](b, `document.documentElement.scrollWidth`); wide > width {
				widest := eval[string](b, `[...document.querySelectorAll("main *, header *")].sort((a, b) => b.getBoundingClientRect().right - a.getBoundingClientRect().right)[0].outerHTML.slice(0, 200)`)
				t.Errorf("%s at %d: the page is %d wide for %s", path, width, wide, widest)
			}
		}
	}
}

// TestSections takes pictures of the parts of a profile, and sees that a link
// of the tabs does not leave a heading behind them.
func TestSections(t *testing.T) {
	b := open(t)
	b.size(1300, 900)
	for _, name := range []string{"actor", "tool"} {
		b.visit(views(t)[name])
		for _, link := range eval[[]string](b, `[...document.querySelectorAll("nav.tabs a")].map(a => a.getAttribute("href"))`) {
			b.do(link, chromedp.Click(chromedp.CSS(`nav.tabs a[href="`+link+`"]`)))
			top := eval[float64](b, fmt.Sprintf(`document.querySelector(%q).getBoundingClientRect().top`, link+" h2"))
			if bottom := eval[float64](b, `document.querySelector("nav.tabs").getBoundingClientRect().bottom`); top < bottom {
				t.Errorf("%s: the heading of %s is at %.0f, under the tabs, which end at %.0f", name, link, top, bottom)
			}
			b.shot(name + link)
		}
	}
}

// TestContrast: text is readable in both colour schemes, as WCAG 2 AA asks.
func TestContrast(t *testing.T) {
	b := open(t)
	b.size(1300, 900)
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for name, path := range views(t) {
			b.visit(path)
			b.shot(name + "-" + scheme)
			eval[bool](b, `document.querySelectorAll("details").forEach(d => d.open = true), true`)
			if bad := eval[[]string](b, contrast); len(bad) > 0 {
				t.Errorf("%s, %s: too little contrast: %q", path, scheme, bad[:min(len(bad), 5)])
			}
			if n := eval[int](b, `document.querySelectorAll("main *").length`); n < 3 {
				t.Errorf("%s: %d elements were looked at", path, n)
			}
		}
	}
}

// contrast lists the elements with text of their own whose contrast to the
// nearest background is below 4.5, once for each kind.
const contrast = `(() => {
	const rgb = s => s.match(/[\d.]+/g).map(Number);
	const lum = ([r, g, b]) => { const f = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }; return .2126*f(r) + .7152*f(g) + .0722*f(b); };
	const bad = new Map();
	for (const e of document.querySelectorAll("body *")) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.localName !== "input") continue;
		const ink = lum(rgb(getComputedStyle(e).color));
		let paper = 1;
		for (let p = e; p; p = p.parentElement) { const c = rgb(getComputedStyle(p).backgroundColor); if (c.length < 4 || c[3] > 0) { paper = lum(c); break; } }
		const ratio = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
		if (ratio < 4.5) bad.set(e.localName + "." + e.className, ratio.toFixed(1));
	}
	return [...bad].map(([k, v]) => k + " " + v);
})()`

// TestKeyboard: Tab goes to the content link, the brand, the search, its
// button and on to links, and every stop shows that it is there.
func TestKeyboard(t *testing.T) {
	b := open(t)
	b.size(1300, 900)
	b.visit("/")
	want := []string{"skip", "brand", "q", "Search", "Profiles", "Look up", "Changes", "Articles", "Compare"}
	for i, name := range want {
		b.do("tab", chromedp.KeyEvent("\t"))
		got := eval[string](b, `(e => e.className || e.name || e.firstChild.textContent.trim())(document.activeElement)`)
		if got != name {
			t.Errorf("Tab %d reaches %q, not %q", i+1, got, name)
		}
		if style := eval[string](b, `(s => s.outlineStyle + " " + s.outlineWidth)(getComputedStyle(document.activeElement))`); style == "none 0px" || style[:4] == "none" {
			t.Errorf("the focus is not visible on %s", got)
		}
		if left := eval[float64](b, `document.activeElement.getBoundingClientRect().left`); left < 0 {
			t.Errorf("%s has the focus out of sight", got)
		}
	}
	// On to the first profile, and into it.
	for range 80 {
		b.do("tab", chromedp.KeyEvent("\t"))
		if eval[bool](b, `document.activeElement.matches("table.profiles tbody th a")`) {
			title := eval[string](b, `document.activeElement.textContent`)
			b.do("enter", chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.CSS("article.profile")))
			if h1 := b.texts("h1")[0]; h1 != title {
				t.Errorf("Enter on %s leads to %s", title, h1)
			}
			return
		}
	}
	t.Error("eighty Tabs reach no profile")
}
