// Package browsertest drives Debian's Chromium through pages, as a person would: it
// opens, fills in, presses and looks. What the browser complains of fails the test,
// and so does what axe finds. Only tests import it.
package browsertest

import (
	"context"
	"flag"
	"fmt"
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
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var pictures = flag.String("pictures", "", "the folder for pictures of pages, as docs/images; none are taken without it")

// widths are those of a phone and of a common screen, in CSS pixels.
var widths = []int64{390, 1280}

// patience is how long a page may take to show what is waited for.
const patience = 40 * time.Second

// A Browser is one Chromium with a user folder of its own. Start ends it with the
// test.
type Browser struct{ ctx context.Context }

// Start starts Chromium, or skips the test where there is none.
func Start(t testing.TB) *Browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			program = p
			break
		}
	}
	if program == "" {
		t.Skip("Chromium is missing: scripts/setup installs it; what only a browser shows is not tested")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en-GB"),
		chromedp.Env("TZ=UTC"), chromedp.WSURLReadTimeout(time.Minute),
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses its sandbox to root
	}
	allocated, end := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, stop := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until the process has ended
		stop()
		end()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return &Browser{ctx}
}

// A Page is one tab, with cookies of its own. What its console says as an error
// fails the test at its end.
type Page struct {
	t       testing.TB
	ctx     context.Context
	mu      sync.Mutex
	errors  []string
	allowed []string
	media   map[string]string // what the page is told of the system, by the feature's name
}

// Page opens a tab that is 1280 pixels wide, as a new visitor. It is closed at the
// end of t, the test that started the browser or a subtest of it.
func (b *Browser) Page(t testing.TB) *Page {
	t.Helper()
	p := &Page{t: t, media: map[string]string{}}
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.hear))
	p.ctx = ctx
	t.Cleanup(func() {
		stop()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, e := range p.errors {
			t.Errorf("the browser's console: %s", e)
		}
	})
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as this context
		t.Fatalf("a new tab: %v", err)
	}
	p.Width(1280)
	return p
}

// hear keeps what the console says as an error.
func (p *Page) hear(event any) {
	said := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeAssert {
			return
		}
		for _, a := range e.Args {
			said += " " + string(a.Value) + a.Description
		}
	case *runtime.EventExceptionThrown:
		said = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			said += " " + e.ExceptionDetails.Exception.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError {
			return
		}
		said = fmt.Sprintf("%s %s", e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.allowed {
		if strings.Contains(said, a) {
			return
		}
	}
	p.errors = append(p.errors, strings.TrimSpace(said))
}

// Allow names a part of an error that the console may show from now on, as
// "status of 403" on a page that is to be refused.
func (p *Page) Allow(part string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = append(p.allowed, part)
}

// do runs steps and fails the test, with what was being done, if they do not end in
// time.
func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	get(p, what, chromedp.Steps(steps...))
}

// get is do for a step that yields something.
func get[T any](p *Page, what string, step chromedp.Action[T]) T {
	p.t.Helper()
	ctx, done := context.WithTimeout(p.ctx, patience)
	defer done()
	v, err := chromedp.Run(ctx, step)
	if err != nil {
		at, _ := chromedp.Run(p.ctx, chromedp.Location()) // only says more about the failure
		p.t.Fatalf("%s, at %s: %v", what, at, err)
	}
	return v
}

// call sends a command of the DevTools protocol.
func call[P, R any](p *Page, what string, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	return get(p, what, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, command, params) })
}

// Local is the address of a server of net/http/httptest by the name localhost, under
// which browsers allow passkeys.
func Local(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) }

// Open goes to an address and waits until the page and its scripts are loaded.
func (p *Page) Open(address string) {
	p.t.Helper()
	p.do("open "+address, chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("body")))
}

// Fill puts text into a field, key by key, instead of what was in it.
func (p *Page) Fill(selector, text string) {
	p.t.Helper()
	p.do("fill "+selector, chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Clear(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Click presses what the selector finds first, as soon as it is seen.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Submit presses what the selector finds and waits until another page has loaded.
func (p *Page) Submit(selector string) {
	p.t.Helper()
	ctx, done := context.WithTimeout(p.ctx, patience)
	defer done()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		p.t.Fatalf("submit %s: %v", selector, err)
	}
	p.do("the page after "+selector, chromedp.WaitReady(chromedp.CSS("body")))
}

// Press presses keys in what has the focus, as chromedp/kb names them.
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.do("press a key", chromedp.KeyEvent(keys))
}

// Wait waits until what the selector finds is seen.
func (p *Page) Wait(selector string) {
	p.t.Helper()
	p.do("wait for "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// WaitText waits until what the selector finds holds the text.
func (p *Page) WaitText(selector, text string) {
	p.t.Helper()
	get(p, fmt.Sprintf("wait for %q in %s", text, selector), chromedp.PollFunction[bool](`(s, t) => [...document.querySelectorAll(s)].some((e) => e.textContent.includes(t))`,
		chromedp.WithPollingArgs(selector, text), chromedp.WithPollingTimeout(patience)))
}

// Text is what people read in what the selector finds first.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return get(p, "read "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// Eval runs a script in the page and gives its value, or that of its promise.
func Eval[T any](p *Page, script string) T {
	p.t.Helper()
	return get(p, "run a script", chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// Address is the path of the page, with its query.
func (p *Page) Address() string {
	p.t.Helper()
	u, err := url.Parse(get(p, "read the address", chromedp.Location()))
	if err != nil {
		p.t.Fatal(err)
	}
	return u.RequestURI()
}

// Width makes the window as wide as that many CSS pixels.
func (p *Page) Width(px int64) {
	p.t.Helper()
	p.do("set the width", chromedp.EmulateViewport(px, 900))
}

// Dark turns the system's dark colours on or off.
func (p *Page) Dark(on bool) {
	p.t.Helper()
	p.tell("prefers-color-scheme", map[bool]string{true: "dark", false: "light"}[on])
}

// Still turns the wish for less motion on or off.
func (p *Page) Still(on bool) {
	p.t.Helper()
	p.tell("prefers-reduced-motion", map[bool]string{true: "reduce", false: "no-preference"}[on])
}

func (p *Page) tell(feature, value string) {
	p.t.Helper()
	p.media[feature] = value
	var all []*emulation.MediaFeature
	for name, value := range p.media {
		all = append(all, &emulation.MediaFeature{Name: name, Value: value})
	}
	call(p, "set "+feature, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: all})
}

// WithoutScripts turns the page's scripts off or on again; it holds from the next
// Open on.
func (p *Page) WithoutScripts(off bool) {
	p.t.Helper()
	call(p, "turn scripts off or on", emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
}

// Fits fails the test where the page is wider than the window, and says what sticks
// out.
func (p *Page) Fits() {
	p.t.Helper()
	out := Eval[[]string](p, `(() => {
		const wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= wide) return [];
		return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > wide + 1).slice(0, 5).map((e) => e.outerHTML.slice(0, 160));
	})()`)
	if len(out) > 0 {
		p.t.Errorf("the page is wider than the window: %s", strings.Join(out, "\n"))
	}
}

// Pictures takes the whole page at both widths in light and dark, as
// NAME-WIDTH-light.png and so on, into the folder of -pictures; without it, it
// takes none. The page is left at 1280 pixels in the light.
func (p *Page) Pictures(name string) {
	p.t.Helper()
	if *pictures == "" {
		return
	}
	if err := os.MkdirAll(*pictures, 0o755); err != nil {
		p.t.Fatal(err)
	}
	p.Still(true) // a picture of a change of colours is of neither
	for _, width := range widths {
		for _, colours := range []string{"light", "dark"} {
			p.Width(width)
			p.Dark(colours == "dark")
			path := filepath.Join(*pictures, fmt.Sprintf("%s-%d-%s.png", name, width, colours))
			if err := os.WriteFile(path, p.picture(), 0o644); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	p.Width(1280)
	p.Dark(false)
	p.Still(false)
}

func (p *Page) picture() []byte {
	p.t.Helper()
	return get(p, "take a picture", chromedp.FullScreenshot(100))
}
