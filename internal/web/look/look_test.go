package look

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/net/html"
)

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestPages reads each page of the gallery as a browser would and holds it to what
// the policy and people who hear pages need.
func TestPages(t *testing.T) {
	_, h := served(t)
	for path := range gallery() {
		w := get(t, h, path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Security-Policy") != ContentSecurityPolicy {
			t.Fatalf("%s: %d %v", path, w.Code, w.Header())
		}
		for _, problem := range examine(t, w.Body.String()) {
			t.Errorf("%s: %s", path, problem)
		}
	}
}

// TestExamine holds examine itself to what it is to find.
func TestExamine(t *testing.T) {
	for in, want := range map[string]string{
		`<p style="color:red">`:                     "style",
		`<p onclick="x()">`:                         "onclick",
		`<script>x()</script>`:                      "script",
		`<a href="javascript:x()">`:                 "javascript",
		`<p id="a"><p id="a">`:                      "twice",
		`<input id="b" name="b">`:                   "no label",
		`<p id="a" aria-describedby="nowhere"></p>`: "nowhere",
		`<img src=x>`:                               "img",
		"<p>a\u202Eb</p>":                           "turns",
	} {
		if found := strings.Join(examine(t, in), "; "); !strings.Contains(found, want) {
			t.Errorf("%s: %q lacks %q", in, found, want)
		}
	}
}

// examine lists what is wrong with a page's markup.
func examine(t *testing.T, page string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ids, labels := map[string]int{}, map[string]bool{}
	var refers, inputs []string
	for n := range root.Descendants() {
		if n.Type == html.TextNode && strings.ContainsRune(n.Data, '\u202E') {
			found = append(found, "a text turns the direction of writing: "+n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		of := map[string]string{}
		for _, a := range n.Attr {
			of[a.Key] = a.Val
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				found = append(found, "the policy forbids "+a.Key)
			}
			if strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") && slices.Contains([]string{"href", "src", "action", "formaction"}, a.Key) {
				found = append(found, a.Key+" is javascript")
			}
		}
		if n.Data == "img" || n.Data == "iframe" || n.Data == "style" || n.Data == "script" && !strings.HasPrefix(of["src"], "/static/") {
			found = append(found, "an element that nobody wrote here: "+n.Data)
		}
		if id, ok := of["id"]; ok {
			if ids[id]++; id == "" || ids[id] > 1 {
				found = append(found, fmt.Sprintf("the id %q stands twice, or says nothing", id))
			}
		}
		if n.Data == "label" {
			labels[of["for"]] = true
		}
		if (n.Data == "input" && of["type"] != "hidden") || n.Data == "select" || n.Data == "textarea" {
			inputs = append(inputs, of["id"])
		}
		refers = append(refers, strings.Fields(of["aria-describedby"]+" "+of["aria-labelledby"]+" "+of["for"]+" "+of["data-copy"]+" "+of["data-reveal"])...)
	}
	for _, id := range inputs {
		if !labels[id] {
			found = append(found, fmt.Sprintf("the field %q has no label", id))
		}
	}
	for _, id := range refers {
		if ids[id] == 0 {
			found = append(found, fmt.Sprintf("what describes it is %s", id))
		}
	}
	return found
}

// TestHostile fills every field of every component with text that is to do harm, and
// looks for what came through.
func TestHostile(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []any{Heading{}, Link{}, Form{}, Fieldset{}, Field{}, Field{Kind: Select}, Field{Kind: Long}, Field{Kind: Check}, Field{Kind: Password}, Field{Kind: OneTime}, Choices{}, Button{}, Button{Href: "/x"}, Button{Post: "/x"}, Confirm{},
		Badge{}, Alert{}, Section{}, Text(""), Facts{}, Figures{}, Table{}, Stacked{}, Pagination{}, Tabs{}, Empty{}, Stepper{}, Tree{}, Code{}, Codes{}, Disclosure{}, Passkey{}, QR{},
		Progress{}, Meter{}, Tiles{}, Chart{}, Log{}, Region{}, Page{}} {
		t.Run(fmt.Sprintf("%T", c), func(t *testing.T) {
			v := reflect.New(reflect.TypeOf(c)).Elem()
			v.Set(reflect.ValueOf(c))
			fill(v, 0)
			if _, ok := c.(Heading); ok { // it is part of a page
				c = Page{Title: "x", Heading: v.Interface().(Heading)}
			} else {
				c = v.Interface()
			}
			text, err := l.show(c)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "<b>harm") || !strings.Contains(string(text), "harm") {
				t.Errorf("what came of it: %s", text)
			}
			for _, problem := range examine(t, string(text)) {
				if !strings.Contains(problem, "stands twice") && !strings.Contains(problem, "what describes it") { // all ids are one text here
					t.Errorf("%s in %s", problem, text)
				}
			}
		})
	}
}

const harm = `javascript:alert(1)//"'><b>harm</b><script>harm()</script><img src=x onerror=harm()>`

// fill puts harm into every text of a value, three levels deep.
func fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[Tone]() || v.Type() == reflect.TypeFor[State]() || v.String() == "" {
			v.SetString(harm)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(Name(harm)))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Kind" || v.Type() == reflect.TypeFor[Button]() {
				fill(v.Field(i), depth+1)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Slice:
		if depth > 6 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), depth+2)
		}
	}
}

func TestName(t *testing.T) {
	for _, c := range []struct{ what, in, shown, plain string }{
		{"plain", "Events 2026", `<bdi class="name">Events 2026</bdi>`, "Events 2026"},
		{"empty", "", `<bdi class="name"><span class="soft">(no visible name)</span></bdi>`, "(no visible name)"},
		{"markup", "<b>&", `<bdi class="name">&lt;b&gt;&amp;</bdi>`, "<b>&"},
		{"override", "a\u202Eb", `<bdi class="name">a<span class="odd" title="an invisible character">U&#43;202E</span>b</bdi>`, "ab"},
		{"joined Latin", "a\u200Db", `a<span class="odd"`, "ab"},
		{"joined emoji", "👩\u200D👧", "<bdi class=\"name\">👩\u200D👧</bdi>", "👩\u200D👧"},
		{"Persian", "می\u200Cخواهم", "می\u200Cخواهم", "می\u200Cخواهم"},
		{"lines", "a\nb", "a b", "a b"},
		{"nul", "a\x00b", "0000", "ab"},
		{"not UTF-8", "a\xffb", "a\uFFFDb", "a\uFFFDb"},
		{"invisible", "\u200B\u2060", "(no visible name)", "(no visible name)"},
		{"accents", "a" + strings.Repeat("\u0301", 50), "a\u0301\u0301\u0301\u0301<span", "a\u0301\u0301\u0301\u0301"},
	} {
		shown := strings.ReplaceAll(string(phrase(Name(c.in))), "U+", "U&#43;")
		if !strings.Contains(shown, c.shown) {
			t.Errorf("%s: %q lacks %q", c.what, shown, c.shown)
		}
		if p := plain(Name(c.in)); p != c.plain {
			t.Errorf("%s, plain: %q, want %q", c.what, p, c.plain)
		}
	}
	if got := phrase(Words{Name("a\u202Eb"), " & ", Name("c")}); got != `<bdi class="name">a<span class="odd" title="an invisible character">U+202E</span>b</bdi> &amp; <bdi class="name">c</bdi>` {
		t.Errorf("words: %s", got)
	}
	long := Name(strings.Repeat("ab", 5000))
	if shown := string(long.html()); !strings.Contains(shown, strings.Repeat("ab", 60)+"…</bdi>") || !strings.Contains(shown, "All 10,000 characters") || !strings.Contains(shown, string(long)) {
		t.Errorf("a long name: %.300s", shown)
	}
	if shown := string(Name(strings.Repeat("x", most)).html()); strings.Contains(shown, "…") || strings.Contains(shown, "details") {
		t.Errorf("a name that just fits: %s", shown)
	}
	if short, cut := head("a" + strings.Repeat("\u0301", 100_000)); !cut || len(short) > 1000 {
		t.Errorf("nothing but accents: %d bytes", len(short))
	}
}

// TestRenderWhole shows that an error leaves nothing behind: no header, no status, no
// half of a page.
func TestRenderWhole(t *testing.T) {
	l, _ := served(t)
	for name, body := range map[string]any{"unknown": struct{ A int }{1}, "deep": []any{Text("a"), Section{Parts: []any{&http.Request{}}}}, "markup": []any{template.HTML("<b>")}} {
		w := httptest.NewRecorder()
		if err := l.Render(w, http.StatusOK, Page{Title: "x", Body: body}); err == nil || w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%s: %v, %d bytes, %v", name, err, w.Body.Len(), w.Header())
		}
	}
	w := httptest.NewRecorder()
	if err := l.Render(w, http.StatusNotFound, Page{Title: "x", Body: own{"<b>"}}); err != nil || w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `<p class="own"><bdi class="name">&lt;b&gt;</bdi></p>`) {
		t.Errorf("a page of another package: %v %d %s", err, w.Code, w.Body)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("a page may be kept: %v", w.Header())
	}
}

func TestNewRefuses(t *testing.T) {
	file := func(text string) fs.FS { return fstest.MapFS{"a.html": {Data: []byte(text)}} }
	for what, p := range map[string][]Pages{
		"no body is shown": {{Files: file("x")}},
		"a.html":           {{Files: fstest.MapFS{}, Bodies: map[string]any{"a.html": own{}}}},
		"two templates":    {{Files: file("x"), Bodies: map[string]any{"a.html": own{}}}, {Files: file("y"), Bodies: map[string]any{"a.html": own{}}}},
		"not a struct":     {{Files: file("x"), Bodies: map[string]any{"a.html": 3}}},
		"not defined":      {{Files: file("{{nothing .}}"), Bodies: map[string]any{"a.html": own{}}}},
	} {
		if _, err := New(p...); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestStatic(t *testing.T) {
	l, h := served(t)
	page := get(t, h, "/").Body.String()
	for _, file := range []string{"rialto.css", "live.js", "mark.svg"} {
		address, err := l.address(file)
		if err != nil || !strings.Contains(page, `"`+address+`"`) {
			t.Fatalf("%s: %s %v", file, address, err)
		}
		plainly, packed := get(t, h, address), get(t, h, address, "Accept-Encoding", "br, gzip")
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil || !bytes.Equal(text, plainly.Body.Bytes()) || plainly.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: packed and plain differ: %v", file, err)
		}
		if c := plainly.Header().Get("Cache-Control"); !strings.Contains(c, "immutable") || plainly.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %v", file, plainly.Header())
		}
		if file != "mark.svg" && get(t, h, "/static/"+file).Code != http.StatusNotFound {
			t.Errorf("%s is served without its hash", file)
		}
	}
	if _, err := l.address("nothing"); err == nil {
		t.Error("a file that is not there has an address")
	}
}

func TestEvents(t *testing.T) {
	l, _ := served(t)
	var b bytes.Buffer
	err := errors.Join(l.Replace(&b, "7", Region{ID: "state", Parts: []any{Text("a\r\nevent: x\n\nb")}}), l.Append(&b, "8", "log", LogLine{At: noon, Text: "<b>"}), l.End(&b, "9"))
	if err != nil {
		t.Fatal(err)
	}
	events := strings.Split(strings.TrimSuffix(b.String(), "\n\n"), "\n\n")
	if len(events) != 3 || !strings.HasPrefix(events[0], "id: 7\nevent: replace\ndata: state\n") || !strings.HasPrefix(events[1], "id: 8\nevent: append\ndata: log\n") || !strings.HasPrefix(events[2], "id: 9\nevent: end\n") {
		t.Fatalf("%q", events)
	}
	for _, e := range events {
		for i, line := range strings.Split(e, "\n") {
			if i > 1 && !strings.HasPrefix(line, "data: ") {
				t.Errorf("a line that is no data: %q in %q", line, e)
			}
		}
	}
	if !strings.Contains(events[1], "&lt;b&gt;") {
		t.Errorf("a line of the log: %q", events[1])
	}
	if err := l.End(&b, "1\nevent: replace"); err == nil {
		t.Error("an id of two lines was written")
	}
}

func TestWhen(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{noon.In(oslo), `<time datetime="2026-05-04T12:00:00Z" title="2026-05-04 12:00:00 UTC">4 May 2026, 14:00</time>`},
		{noon, `<time datetime="2026-05-04T12:00:00Z" title="2026-05-04 12:00:00 UTC" data-local="">4 May 2026, 12:00 UTC</time>`},
		{time.Time{}, `<span class="soft">never</span>`},
	} {
		if got := string(when(c.at)); got != c.want {
			t.Errorf("%v: %s", c.at, got)
		}
	}
}

func TestProgress(t *testing.T) {
	for _, c := range []struct{ done, of, want int }{{0, 0, 0}, {-1, 5, 0}, {1, 3, 33}, {999, 1000, 99}, {1000, 1000, 100}, {7, 5, 100}, {1 << 62, 1 << 62, 100}} {
		if got := (Progress{Done: c.done, Of: c.of}).Share(); got != c.want {
			t.Errorf("%d of %d: %d %%, want %d", c.done, c.of, got, c.want)
		}
	}
}

func TestMeter(t *testing.T) {
	for _, c := range []struct {
		m       Meter
		percent string
		much    bool
	}{{Meter{}, "0", false}, {Meter{Value: 1, Max: 3}, "33.3", false}, {Meter{Value: 9, Max: 10, High: 9}, "90.0", true}, {Meter{Value: 12, Max: 10}, "100.0", false}, {Meter{Value: -1, Max: 1}, "0", false}} {
		if c.m.Percent() != c.percent || c.m.Much() != c.much {
			t.Errorf("%+v: %s %v", c.m, c.m.Percent(), c.m.Much())
		}
	}
}

func TestChart(t *testing.T) {
	one := Chart{Points: []Point{{noon, 5}}}
	gap := Chart{Quota: 10, Points: []Point{{noon, 0}, {noon.Add(time.Second), 10}, {noon.Add(2 * time.Second), math.NaN()}, {noon.Add(3 * time.Second), 4.25}, {noon.Add(4 * time.Second), math.NaN()}}}
	for what, c := range map[string][2]string{
		"one point":   {one.Line(), "M600.0 10.9"},
		"a gap":       {gap.Line(), "M0.0 120.0L150.0 10.9M450.0 73.6"},
		"below":       {gap.Area(), "M0.0 120L0.0 120.0L150.0 10.9L150.0 120ZM450.0 120L450.0 73.6L450.0 120Z"},
		"the quota":   {gap.QuotaY(), "10.9"},
		"now":         {gap.Now(), "4.2"},
		"the highest": {gap.Highest(), "10"},
		"nothing":     {Chart{}.Now() + Chart{}.Line(), "0"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %s, want %s", what, c[0], c[1])
		}
	}
	if rows := gap.Figures().Rows; len(rows) != 5 || rows[2].Cells[1] != "not measured" {
		t.Errorf("figures: %v", rows)
	}
}

func TestFormTellsProblems(t *testing.T) {
	f := Form{Fields: []any{Field{Name: "a"}, Field{Name: "b c", Label: "B", Error: "no"}, Fieldset{Fields: []any{Choices{Name: "d", Legend: "D", Error: "none"}, Tree{Name: "e", Legend: "E", Error: "none"}}}}}
	if got := f.Problems(); !reflect.DeepEqual(got, []Problem{{"f-b_20_c", "B", "no"}, {"f-d", "D", "none"}, {"f-e", "E", "none"}}) {
		t.Errorf("%v", got)
	}
	l, _ := served(t)
	for _, kind := range []string{"", "email", Long, Select, Password} {
		text, err := l.show(Field{Name: "a", Label: "A", Kind: kind, Value: "typed", Error: "no", Hint: "h", Options: []Option{{Value: "typed", Text: "x"}}})
		if err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(string(text), "typed"); has == (kind == Password) {
			t.Errorf("%q: what was typed: %s", kind, text)
		}
		if !strings.Contains(string(text), `aria-describedby="f-a-hint f-a-error" aria-invalid="true"`) {
			t.Errorf("%q: what describes it: %s", kind, text)
		}
	}
}

// TestMany shows one long list to several visitors at once; the race detector looks on.
func TestMany(t *testing.T) {
	l, _ := served(t)
	table := Table{Caption: "People", Columns: []Column{{Title: "Name"}, {Title: "Role"}, {Title: "State"}, {Title: "Seen"}}}
	for range 200 {
		table.Rows = append(table.Rows, Row{Cells: []any{Link{Text: Name("Kari"), Href: "/x"}, "Owner", Badge{Text: "here", Tone: Good}, noon}})
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := l.Render(httptest.NewRecorder(), http.StatusOK, Page{Title: "Many", Body: table}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func BenchmarkPage(b *testing.B) {
	l, err := New()
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range []Page{people(), live()} {
		b.Run(plain(p.Title), func(b *testing.B) {
			for b.Loop() {
				if err := l.Render(httptest.NewRecorder(), http.StatusOK, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
