package connector

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// A guarded client sends what reads, what is declared to read, and the one deed
// that its guard permits; anything else never leaves it.
func TestGuard(t *testing.T) {
	guard, other := &Guard{}, &Guard{}
	for _, c := range []struct {
		name  string
		q     Request
		ctx   func(context.Context) context.Context
		sends bool
	}{
		{"a read", Request{Method: "GET"}, nil, true},
		{"a head", Request{Method: "HEAD"}, nil, true},
		{"a token", Request{Method: "POST", Reads: true}, nil, true},
		{"a create", Request{Method: "POST"}, nil, false},
		{"an update", Request{Method: "PUT"}, nil, false},
		{"a patch", Request{Method: "PATCH"}, nil, false},
		{"a delete", Request{Method: "DELETE"}, nil, false},
		{"a method nobody knows", Request{Method: "PURGE"}, nil, false},
		{"lower case", Request{Method: "post"}, nil, false},
		{"a deed without a permit", Request{Method: "PUT", Deed: Closing}, nil, false},
		{"the permitted deed", Request{Method: "PUT", Deed: Closing}, func(ctx context.Context) context.Context { return guard.Permit(ctx, Closing) }, true},
		{"another deed", Request{Method: "PUT", Deed: Reopening}, func(ctx context.Context) context.Context { return guard.Permit(ctx, Closing) }, false},
		{"no deed", Request{Method: "PUT"}, func(ctx context.Context) context.Context { return guard.Permit(ctx, Closing) }, false},
		{"a permit of no deed", Request{Method: "PUT"}, func(ctx context.Context) context.Context { return guard.Permit(ctx, "") }, false},
		{"another guard's permit", Request{Method: "PUT", Deed: Closing}, func(ctx context.Context) context.Context { return other.Permit(ctx, Closing) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, count := script(t, status(http.StatusOK))
			ctx := t.Context()
			if c.ctx != nil {
				ctx = c.ctx(ctx)
			}
			c.q.URL = base + "/things"
			resp, err := quick(ClientOptions{Guard: guard}).With(Dialect{}).Do(ctx, c.q)
			if err == nil {
				resp.Body.Close()
			}
			if sent := count() == 1; sent != c.sends || sent != (err == nil) {
				t.Fatalf("%d requests were sent, %v", count(), err)
			}
			if !c.sends && (ClassOf(err) != Forbidden || InDoubt(err) || !strings.Contains(err.Error(), "a source is only read")) {
				t.Errorf("refused with %v", err)
			}
		})
	}
}

// A note is taken out of a text exactly as it was put in, whatever people wrote
// around it since and however the cloud ends its lines.
func TestNote(t *testing.T) {
	note := Note{Link: "https://new.example/plan_1?a=b&c=d#e"}
	for _, text := range []string{"", "one line", "two\n\nparagraphs\n", "\n\nempty lines first", "Moved to Oslo\n\nlast year", "日本 · Moved to x"} {
		with := note.Before(text)
		for _, c := range [][2]string{{with, text}, {strings.ReplaceAll(with, "\n", "\r\n"), strings.ReplaceAll(text, "\n", "\r\n")}, {"on top\n" + with, "on top\n" + text}} {
			if rest, had := WithoutNote(c[0]); !had || rest != c[1] {
				t.Errorf("%q without its note is %q (%v), want %q", c[0], rest, had, c[1])
			}
		}
		if rest, had := WithoutNote(text); had || rest != text {
			t.Errorf("a text without a note: %q", rest)
		}
		if rest, had := WithoutTitle(note.Title(text)); !had || rest != text {
			t.Errorf("the name %q without its note is %q (%v)", note.Title(text), rest, had)
		}
		if rest, had := WithoutTitle(text); had || rest != text {
			t.Errorf("a name without a note: %q", rest)
		}
	}
}
