package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sound = `<!doctype html><html lang="en"><head><title>Sound</title><link rel="icon" href="data:,"></head><body><main><h1>Sound</h1>%s</main></body></html>`

func serve(t *testing.T, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprintf(w, sound, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A witness keeps what a page reports instead of failing.
type witness struct {
	testing.TB
	said []string
	ends []func()
}

func (w *witness) Helper() {}
func (w *witness) Errorf(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}
func (w *witness) Cleanup(f func()) { w.ends = append(w.ends, f) }
func (w *witness) end() string {
	for _, f := range w.ends {
		f()
	}
	return strings.Join(w.said, "\n")
}

// TestFindings holds the harness to what it must not overlook.
func TestFindings(t *testing.T) {
	b := Start(t)
	for _, c := range []struct {
		what, body, allowed string
		look                func(*Page)
		want                string
	}{
		{"nothing", `<p>Well.</p>`, "", func(p *Page) { p.Axe(); p.Fits() }, ""},
		{"a word on the console", `<script>console.error("broken", 7)</script>`, "", nil, `"broken" 7`},
		{"an exception", `<script>throw new Error("thrown")</script>`, "", nil, "thrown"},
		{"a file that is missing", `<script src="/missing.js"></script>`, "", nil, "404"},
		{"one that is allowed", `<script>fetch("/missing")</script>`, "status of 404", nil, ""},
		{"what the policy forbids", `<meta http-equiv="Content-Security-Policy" content="script-src 'none'"><script>x()</script>`, "", nil, "Content Security Policy"},
		{"too wide", `<p style="width:2000px;background:#eee">wide</p>`, "", func(p *Page) { p.Fits() }, "wider than the window"},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := &witness{TB: t}
			p := b.Page(w)
			if c.allowed != "" {
				p.Allow(c.allowed)
			}
			p.Open(serve(t, c.body))
			if c.look != nil {
				c.look(p)
			}
			if said := w.end(); c.want == "" && said != "" || !strings.Contains(said, c.want) {
				t.Errorf("it said %q, not %q", said, c.want)
			}
		})
	}
}

// TestAxe holds axe to a page with a field without a label, and pale words that are
// pale in the dark alone.
func TestAxe(t *testing.T) {
	if _, err := axe(); err != nil {
		t.Skipf("axe-core is missing: %v; scripts/setup fetches it", err)
	}
	w := &witness{TB: t}
	p := Start(t).Page(w)
	p.Open(serve(t, `<input name="x"><style>@media (prefers-color-scheme: dark) { p { color: #eee; background: #fff } }</style><p>pale</p>`))
	p.Axe()
	said := w.end()
	for _, want := range []string{"at 390 pixels, dark false: label:", "at 1280 pixels, dark true: color-contrast:"} {
		if !strings.Contains(said, want) {
			t.Errorf("axe did not say %q: %s", want, said)
		}
	}
	if strings.Contains(said, "dark false: color-contrast") {
		t.Errorf("axe saw the dark in the light: %s", said)
	}
}

func TestActs(t *testing.T) {
	p := Start(t).Page(t)
	p.Open(serve(t, `<form action="/"><label for="a">A</label><input id="a" name="a" value="old"><button>Go</button></form><p id="out" hidden>later</p>
		<script>setTimeout(() => { document.getElementById("out").hidden = false }, 50)</script>`))
	p.Wait("#out")
	p.WaitText("p", "later")
	if got := p.Text("#out"); got != "later" {
		t.Errorf("the text: %q", got)
	}
	p.Fill("#a", "new")
	p.Submit("button")
	if got := p.Address(); got != "/?a=new" {
		t.Errorf("the address: %q", got)
	}
	p.WithoutScripts(true)
	p.Open(serve(t, `<noscript><p id="off">off</p></noscript>`))
	p.Wait("#off")
}

func TestPasskey(t *testing.T) {
	p := Start(t).Page(t)
	p.Open(Local(serve(t, "")))
	k := p.Passkey()
	make := `navigator.credentials.create({publicKey: {rp: {name: "Rialto"}, user: {id: new Uint8Array([7]), name: "kari", displayName: "Kari"}, challenge: new Uint8Array(32),
		pubKeyCredParams: [{type: "public-key", alg: -7}], authenticatorSelection: {residentKey: "required", userVerification: "required"}}})`
	if kind := Eval[string](p, make+`.then((c) => c.type)`); kind != "public-key" || k.Keys() != 1 {
		t.Fatalf("made %q, %d keys", kind, k.Keys())
	}
	use := `navigator.credentials.get({publicKey: {challenge: new Uint8Array(32), userVerification: "required", timeout: 3000}}).then((c) => new Uint8Array(c.response.userHandle)[0], (e) => -1)`
	if got := Eval[int](p, use); got != 7 {
		t.Errorf("signed in as %d", got)
	}
	k.Verifies(false)
	if got := Eval[int](p, use); got != -1 {
		t.Errorf("somebody else signed in as %d", got)
	}
	k.Lose()
}

func TestPictures(t *testing.T) {
	p := Start(t).Page(t)
	p.Open(serve(t, ""))
	was := *pictures
	*pictures = filepath.Join(t.TempDir(), "new")
	defer func() { *pictures = was }()
	p.Pictures("page")
	for _, name := range []string{"page-390-light.png", "page-390-dark.png", "page-1280-light.png", "page-1280-dark.png"} {
		if png, err := os.ReadFile(filepath.Join(*pictures, name)); err != nil || !strings.HasPrefix(string(png), "\x89PNG") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
