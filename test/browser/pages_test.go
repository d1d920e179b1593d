package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium returns the browser's path; without one the tests are skipped, or
// fail where everything must be tested.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("chromium is not installed")
	}
	t.Skip("chromium is not installed")
	return ""
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "dossier")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/dossier")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

// serve starts the program over a new database with the catalogue.
func serve(t *testing.T) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "serve", "--listen", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "dossier.db"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if base, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				address <- base
			}
		}
	}()
	select {
	case base := <-address:
		return base
	case <-time.After(2 * time.Minute):
		t.Fatal("the server does not say where it listens")
		return ""
	}
}

// A watcher notes what must not happen: errors in the console, violations of
// the Content-Security-Policy, requests to anywhere else.
type watcher struct {
	mu    sync.Mutex
	wrong []string
}

func (w *watcher) note(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, s)
}

func (w *watcher) listen(base string) func(any) {
	return func(ev any) {
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			if u := ev.Request.URL; !strings.HasPrefix(u, base+"/") && !strings.HasPrefix(u, "data:") {
				w.note("a request went to " + u)
			}
		case *log.EventEntryAdded:
			if ev.Entry.Level == log.EntryLevelError && !strings.Contains(ev.Entry.Text, "404") {
				w.note("console: " + ev.Entry.Text)
			}
		case *cdpruntime.EventExceptionThrown:
			w.note("exception: " + ev.ExceptionDetails.Text)
		}
	}
}

// open starts a browser.
func open(t *testing.T, base string) (context.Context, *watcher) {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	w := &watcher{}
	if err := chromedp.Listen(ctx, w.listen(base)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return ctx, w
}

// do runs actions and names the step that failed.
func do(t *testing.T, ctx context.Context, step string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatalf("%s: %v", step, err)
	}
}

// eval evaluates an expression in the page.
func eval[T any](t *testing.T, ctx context.Context, expr string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expr))
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return v
}

// shot keeps a picture where DOSSIER_SCREENSHOTS says.
func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("DOSSIER_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

const titles = `[...document.querySelectorAll("table.profiles tbody th a")].map(a => a.textContent)`

func TestPages(t *testing.T) {
	chromium(t)
	base := serve(t)
	ctx, w := open(t, base)

	do(t, ctx, "home", chromedp.EmulateViewport(1300, 900), chromedp.Navigate(base+"/"))
	shot(t, ctx, "home")
	first := eval[[]string](t, ctx, titles)
	if len(first) != 50 {
		t.Errorf("the list has %d rows", len(first))
	}
	if text := eval[string](t, ctx, `document.querySelector("aside").textContent`); !strings.Contains(text, "MITRE Corporation") || !strings.Contains(text, "months") {
		t.Errorf("the sources are not shown with credit and age: %s", text)
	}

	// The next page repeats nothing.
	do(t, ctx, "next page", chromedp.Click(chromedp.CSS(`.pages a`)), chromedp.WaitVisible(chromedp.CSS(`.pages a[href="/"]`)))
	second := eval[[]string](t, ctx, titles)
	seen := map[string]bool{}
	for _, title := range first {
		seen[title] = true
	}
	for _, title := range second {
		if seen[title] {
			t.Errorf("%s stands on both pages", title)
		}
	}

	// The search box finds by any name.
	do(t, ctx, "search", chromedp.Navigate(base+"/"), chromedp.SendKeys(chromedp.CSS(`input[name=q]`), "fancy bear\r"), chromedp.WaitVisible(chromedp.CSS(`nav.kinds a[href*="q=fancy"]`)))
	found := eval[[]string](t, ctx, titles)
	if len(found) == 0 || found[0] != "APT28" {
		t.Fatalf("fancy bear finds %q", found)
	}
	shot(t, ctx, "search")
	curlAnswers(t, base, eval[string](t, ctx, `document.querySelector(".curl code").textContent`), "APT28")

	do(t, ctx, "profile", chromedp.Click(chromedp.CSS(`table.profiles tbody th a`)), chromedp.WaitVisible(chromedp.CSS(`article.profile`)))
	shot(t, ctx, "profile")
	page := eval[string](t, ctx, `document.querySelector("article").textContent`)
	for _, part := range []string{"APT28", "Fancy Bear", "Russia", "CrowdStrike", "since at least 2004", "Forest Blizzard", "Who calls it what", "What this profile rests on", "T1"} {
		if !strings.Contains(page, part) {
			t.Errorf("the profile lacks %q", part)
		}
	}
	if raw := eval[[]string](t, ctx, `[...document.querySelectorAll("#indicators td.value")].map(e => e.textContent).filter(v => !v.includes("[.]") && !/^[0-9a-f]{32,}$/.test(v) && !v.includes("@"))`); len(raw) > 5 {
		t.Errorf("indicators that are not defanged: %q", raw)
	}
	if links := eval[int](t, ctx, `document.querySelectorAll("#indicators td a").length`); links > 0 {
		t.Errorf("%d indicators are links", links)
	}
	curlAnswers(t, base, eval[string](t, ctx, `document.querySelector("#sources .curl code").textContent`), "APT28")

	// The keyboard reaches everything, and shows where it is.
	do(t, ctx, "tab", chromedp.Navigate(base+"/"), chromedp.KeyEvent("\t"), chromedp.KeyEvent("\t"))
	if name := eval[string](t, ctx, `document.activeElement.name || document.activeElement.tagName`); name != "q" {
		t.Errorf("the second Tab reaches %s, not the search", name)
	}
	if outline := eval[string](t, ctx, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
		t.Error("the focus is not visible")
	}

	do(t, ctx, "no such page", chromedp.Navigate(base+"/profiles/nothing"))
	if text := eval[string](t, ctx, `document.body.textContent`); !strings.Contains(text, "There is nothing here") {
		t.Errorf("an unknown profile shows %s", text)
	}

	for _, size := range []struct {
		name          string
		width, height int64
	}{{"phone", 390, 800}, {"wide", 1900, 1000}} {
		for _, path := range []string{"/", "/?q=fancy+bear"} {
			do(t, ctx, size.name, chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate(base+path))
			if wide := eval[int](t, ctx, `document.documentElement.scrollWidth`); int64(wide) > size.width {
				t.Errorf("%s at %d: the page is %d wide", path, size.width, wide)
			}
		}
		shot(t, ctx, size.name)
	}
	for _, scheme := range []string{"light", "dark"} {
		do(t, ctx, scheme, chromedp.EmulateViewport(1300, 900),
			chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
				return err
			}),
			chromedp.Navigate(base+"/?q=fancy+bear"))
		for _, selector := range []string{"body", "h2", "table.profiles a", ".also", ".kind.actor", "thead th", ".curl span", "aside small", ".search button"} {
			if ratio := eval[float64](t, ctx, fmt.Sprintf(contrast, selector)); ratio < 4.5 {
				t.Errorf("%s: %s has a contrast of %.1f", scheme, selector, ratio)
			}
		}
		shot(t, ctx, scheme)
	}
	for _, s := range w.wrong {
		t.Error(s)
	}
}

// contrast computes WCAG's contrast ratio of an element's text.
const contrast = `(() => {
	const rgb = s => s.match(/[\d.]+/g).map(Number);
	const lum = ([r, g, b]) => { const f = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }; return .2126*f(r) + .7152*f(g) + .0722*f(b); };
	let e = document.querySelector(%q), bg;
	const ink = lum(rgb(getComputedStyle(e).color));
	for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) { bg = lum(c); break; } }
	if (bg === undefined) bg = lum(rgb(getComputedStyle(document.documentElement).backgroundColor));
	return (Math.max(ink, bg) + .05) / (Math.min(ink, bg) + .05);
})()`

// curlAnswers asks what a curl line of a page asks.
func curlAnswers(t *testing.T, base, line, want string) {
	t.Helper()
	var parts []string
	for _, p := range strings.Split(line, "'") {
		parts = append(parts, strings.TrimSpace(p))
	}
	if len(parts) < 2 || !strings.HasPrefix(parts[1], base+"/v1.0/") {
		t.Fatalf("the curl line is %s", line)
	}
	q := url.Values{}
	for i := 3; i < len(parts); i += 2 {
		name, value, _ := strings.Cut(parts[i], "=")
		q.Set(name, value)
	}
	res, err := http.Get(parts[1] + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body json.RawMessage
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || res.StatusCode != 200 || !strings.Contains(string(body), want) {
		t.Errorf("%s answers %d, %v, %.300s", line, res.StatusCode, err, body)
	}
}
