package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
	"github.com/rialto-migrate/rialto/item"
)

// A lister answers as a server does that has another one's listings, and counts them.
type lister struct {
	*s3test.Memory
	wide *s3test.Memory // answers where a delimiter is asked for; nil for the same
	// other changes a request before it is answered; false refuses it.
	other func(r *http.Request) bool

	mu                      sync.Mutex
	pages, folders, stretch int
}

func (l *lister) RoundTrip(r *http.Request) (*http.Response, error) {
	if q := r.URL.Query(); q.Has("list-type") {
		l.mu.Lock()
		switch {
		case q.Has("delimiter"):
			l.folders++
		case q.Has("start-after"):
			l.stretch++
			l.pages++
		default:
			l.pages++
		}
		l.mu.Unlock()
	}
	if l.other != nil && !l.other(r) {
		return &http.Response{StatusCode: http.StatusNotImplemented, Request: r, Header: http.Header{}, Body: io.NopCloser(&bytes.Buffer{})}, nil
	}
	if l.wide != nil && r.URL.Query().Has("delimiter") {
		return l.wide.RoundTrip(r)
	}
	return l.Memory.RoundTrip(r)
}

// without is a server that does not know a parameter, or takes it for another value.
func without(name string, as func(string) string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		if q := r.URL.Query(); q.Has(name) {
			if v := as(q.Get(name)); v != "" {
				q.Set(name, v)
			} else {
				q.Del(name)
			}
			r.URL.RawQuery = q.Encode()
		}
		return true
	}
}

func refusing(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return !r.URL.Query().Has(name) }
}

// told is what a listing says of each item, in its order.
func told(t *testing.T, cloud connector.Cloud, container string, from connector.Cursor) (all []string, pages []connector.Page) {
	t.Helper()
	source, err := cloud.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for p, err := range source.List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: container}}, from) {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			all = append(all, fmt.Sprint(b.Item.Ref, " in ", b.Item.Parent.ID, " empty ", item.Empty.Get(b.Item)))
		}
		pages = append(pages, p)
	}
	return all, pages
}

// However a listing is parted, it says the same in the same order, and goes on from each
// of its cursors.
func TestStretches(t *testing.T) {
	layouts := map[string]func(put func(string)){
		"many folders": func(put func(string)) {
			for n := range 2000 {
				put(fmt.Sprintf("d%03d/f%04d", n/7, n))
			}
		},
		"below one folder": func(put func(string)) {
			for n := range 1000 {
				put(fmt.Sprintf("a/b c/ü/d%03d/f%04d", n/7, n))
			}
		},
		"flat": func(put func(string)) {
			for n := range 500 {
				put(fmt.Sprintf("f%04d", n))
			}
		},
		"large folders": func(put func(string)) {
			for n := range 2000 {
				put(fmt.Sprintf("d%02d/f%04d", n/150, n))
			}
		},
		"folders in folders": func(put func(string)) {
			for n := range 1500 {
				put(fmt.Sprintf("d%d/e%02d/f%d/%04d", n/500, n/60, n/20, n))
			}
		},
		"folders as objects": func(put func(string)) {
			for n := range 300 {
				put(fmt.Sprintf("d%03d/", n))
				if n%3 > 0 {
					put(fmt.Sprintf("d%03d/f", n))
				}
			}
		},
		"names around the slash": func(put func(string)) {
			for n := range 200 {
				for _, after := range []string{"", "!", "-x/y", ".", ".txt", "./z", "/a", "/b/c", "0", "0/1"} {
					put(fmt.Sprintf("d%03d%s", n, after))
				}
			}
		},
	}
	servers := map[string]struct {
		other func(*http.Request) bool
		whole bool // nothing is read side by side
	}{
		"as it should be":               {},
		"no start-after":                {without("start-after", func(string) string { return "" }), true},
		"start-after is refused":        {refusing("start-after"), true},
		"start-after is taken too far":  {without("start-after", func(v string) string { return strings.TrimSuffix(v, ".") + "/~" }), true},
		"start-after leads to nothing":  {without("start-after", func(string) string { return "~" }), true},
		"no delimiter":                  {without("delimiter", func(string) string { return "" }), true},
		"delimiters are refused":        {refusing("delimiter"), true},
		"start-after is taken too near": {without("start-after", func(v string) string { return v[:len(v)/2] }), true},
	}
	for layout, fill := range layouts {
		one := &s3test.Memory{Page: 1 << 20}
		fill(func(key string) {
			content := []byte("x")
			if strings.HasSuffix(key, "/") {
				content = nil
			}
			one.Put("b", key, content, nil)
		})
		want, _ := told(t, openMemory(t, one), "/b", "")
		one.Page = 100
		for server, s := range servers {
			t.Run(layout+", "+server, func(t *testing.T) {
				l := &lister{Memory: &s3test.Memory{Page: 10}, wide: one, other: s.other}
				for key, content := range one.Keys("b") {
					l.Put("b", key, []byte(content), nil)
				}
				cloud := openMemory(t, l)
				got, pages := told(t, cloud, "/b", "")
				if !slices.Equal(got, want) {
					t.Fatalf("%d items are told of, %d are there, or in another order", len(got), len(want))
				}
				least := (len(one.Keys("b")) + 9) / 10
				most := least + least/5 + 10
				if s.whole { // until it shows, stretches are read for nothing
					most = 2*least + 10
				}
				if l.pages+l.folders > most {
					t.Errorf("%d requests were made, and %d for folders; %d are the least", l.pages, l.folders, least)
				}
				if !s.whole && layout != "flat" && l.stretch == 0 {
					t.Error("it was read in one")
				}
				if s.whole {
					return
				}
				for i := 0; i < len(pages)-1; i += 1 + len(pages)/20 {
					p := pages[i]
					rest, _ := told(t, cloud, "/b", p.Next)
					last := slices.Index(want, rest[len(rest)-1])
					if last != len(want)-1 {
						t.Fatalf("from %q on, the last item is not told of", p.Next)
					}
					have := map[string]bool{}
					for _, one := range rest {
						have[one] = true
					}
					seen := 0
					for _, one := range want {
						if have[one] {
							seen++
						}
					}
					if seen != len(rest) || !slices.Equal(filesOf(want)[len(filesOf(want))-len(filesOf(rest)):], filesOf(rest)) {
						t.Fatalf("from %q on, %d of %d items are those of the whole listing", p.Next, seen, len(rest))
					}
				}
			})
		}
	}
}

func filesOf(all []string) (out []string) {
	for _, one := range all {
		if strings.HasPrefix(one, "file") {
			out = append(out, one)
		}
	}
	return out
}

// A small bucket costs no request more than it has pages.
func TestSmallBucketsAreReadInOne(t *testing.T) {
	l := &lister{Memory: &s3test.Memory{Page: 10}}
	for n := range 40 {
		l.Put("b", fmt.Sprintf("d%d/f%d", n/2, n), []byte("x"), nil)
	}
	told(t, openMemory(t, l), "/b", "")
	if l.pages != 4 || l.folders != 0 {
		t.Errorf("%d pages were asked for, and %d times the folders; 4 were there", l.pages, l.folders)
	}
}
