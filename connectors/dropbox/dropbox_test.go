package dropbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	kit "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/dropbox/standin"
	"github.com/rialto-migrate/rialto/item"
)

// A token that ends every minute is renewed, before it ends and when it was refused.
func TestTokenEndsEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Seed: 1, TokenLife: time.Minute})
		s.Put("/a", []byte("x"))
		r := newRig(t, s, nil)
		for range 20 {
			if all, _ := r.list(r.home()); named(all, "a").Item.ID == "" {
				t.Fatal("the file is not listed")
			}
			time.Sleep(35 * time.Second)
		}
		if n := s.Counts()["oauth2/token"]; n < 10 || n > 25 {
			t.Errorf("%d tokens were fetched in twelve minutes, want about one a minute", n)
		}
		s.Revoke()
		err := r.cloud.api.rpc(t.Context(), view{}, "users/get_current_account", nil, nil, read)
		if connector.ClassOf(err) != connector.Auth {
			t.Errorf("after the app was unlinked: %v", err)
		}
	})
}

// A refresh token that Dropbox replaces goes back to the vault.
func TestRenewed(t *testing.T) {
	answers := roundTrip(func(q *http.Request) (int, string) {
		if q.URL.Path == "/oauth2/token" {
			return 200, `{"access_token":"sl.1","expires_in":14400,"refresh_token":"another"}`
		}
		return 200, `{"account_id":"dbid:1","name":{"display_name":"A"},"root_info":{"root_namespace_id":"1","home_namespace_id":"1"}}`
	})
	kept := ""
	c, err := New().Open(t.Context(), connector.Env{Settings: connector.Settings{setKey: "k", setRefresh: "old", "url": base}, Now: time.Now,
		HTTP: connector.NewClient(connector.ClientOptions{Transport: answers}), Renewed: func(name, value string) error { kept = name + "=" + value; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.(*cloud).whoami(t.Context()); err != nil || kept != "refresh-token=another" {
		t.Errorf("%v, kept %q", err, kept)
	}
}

type roundTrip func(*http.Request) (int, string)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	status, body := f(r)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
}

// Settings that cannot do are refused with a hint, before anything is sent.
func TestSettings(t *testing.T) {
	for what, set := range map[string]connector.Settings{
		"nothing":                 {},
		"a token without its app": {setRefresh: "x"},
		"http to a far host":      {setAccess: "x", "url": "http://example.org"},
		"no address":              {setAccess: "x", "url": "::"},
		"no time":                 {setAccess: "x", setSettle: "soon"},
	} {
		_, err := New().Open(t.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{})})
		if e, ok := err.(*connector.Error); !ok || e.Hint == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for text, want := range map[string]string{"": "", "home": "", "home/a/b": "[a b]", "team-folder:Sales": "Sales", "team-folder:Sales/x": "Sales[x]", "elsewhere": "!", "home//x": "!", "home/..": "!", "team-folder:": "!"} {
		p, err := parsePlace(text)
		got := p.team
		if len(p.below) > 0 {
			got += fmt.Sprint(p.below)
		}
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("place %q: %q, want %q", text, got, want)
		}
	}
}

// What Dropbox refuses has a class and, where somebody can do something, a hint.
func TestErrors(t *testing.T) {
	for body, want := range map[string]connector.Class{
		`{"error":{".tag":"path","path":{".tag":"not_found"}}}`:                                               connector.Gone,
		`{"error":{".tag":"path","reason":{".tag":"conflict","conflict":{".tag":"file"}}}}`:                   connector.Conflict,
		`{"error":{".tag":"path","reason":{".tag":"insufficient_space"},"upload_session_id":"x"}}`:            connector.Full,
		`{"error":{".tag":"path","path":{".tag":"disallowed_name"}}}`:                                         connector.Permanent,
		`{"error":{".tag":"path","path":{".tag":"malformed_path","malformed_path":"secret"}}}`:                connector.Permanent,
		`{"error":{".tag":"path","path":{".tag":"restricted_content"}}}`:                                      connector.Permanent,
		`{"error":{".tag":"to","to":{".tag":"no_write_permission"}}}`:                                         connector.Forbidden,
		`{"error":{".tag":"unsupported_file"}}`:                                                               connector.Unsupported,
		`{"error":{".tag":"path_write","path_write":{".tag":"too_many_write_operations"}}}`:                   connector.Throttled,
		`{"error":{".tag":"bad_path","bad_path":{".tag":"inside_shared_folder"}}}`:                            connector.Unsupported,
		`{"error":{".tag":"bad_member","bad_member":{".tag":"invalid_dropbox_id","invalid_dropbox_id":"x"}}}`: connector.Permanent,
		`{"error":{".tag":"something_new"}}`:                                                                  connector.Permanent,
	} {
		e := refuse(http.StatusConflict, nil, []byte(body))
		if e.Class != want || strings.Contains(e.Error(), "secret") {
			t.Errorf("%s: %s %v, want %s", body, e.Class, e, want)
		}
		if e.Hint == "" && want != connector.Gone && want != connector.Throttled && !strings.Contains(body, "new") {
			t.Errorf("%s: no hint", body)
		}
	}
	for status, t2 := range map[int]struct {
		body string
		want connector.Class
	}{
		401: {`{"error":{".tag":"missing_scope","required_scope":"files.content.read"}}`, connector.Forbidden},
		429: {`{"error":{"reason":{".tag":"too_many_requests"},"retry_after":7}}`, connector.Throttled},
		422: {`{"error":{".tag":"invalid_root","invalid_root":{".tag":"user"}}}`, connector.Conflict},
		503: {``, connector.Transient},
	} {
		e := refuse(status, nil, []byte(t2.body))
		if e.Class != t2.want || status == 429 && e.RetryAfter != 7*time.Second || status == 401 && !strings.Contains(e.Hint, "files.content.read") {
			t.Errorf("%d: %s %v after %s, want %s", status, e.Class, e, e.RetryAfter, t2.want)
		}
	}
	if e := refuse(401, nil, []byte(`{"error":{".tag":"expired_access_token"}}`)); e.Class != connector.Auth {
		t.Errorf("an expired token: %s", e.Class)
	}
}

// Headers hold ASCII alone, and JSON reads them as they were.
func TestArgumentsAreASCII(t *testing.T) {
	for _, name := range []string{"plain", "Ünïcödé", "日本語", "👩‍👩‍👧‍👦", "del\x7f", "quote\"\\"} {
		raw, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		got := ascii(raw)
		for _, b := range []byte(got) {
			if b >= 0x7f {
				t.Errorf("%q: %q", name, got)
			}
		}
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil || back != name {
			t.Errorf("%q comes back as %q, %v", name, back, err)
		}
	}
}

// A cursor that Dropbox forgot lets the folder be read anew.
func TestForgottenCursor(t *testing.T) {
	s := standin.New(standin.Options{Seed: 1})
	for i := range 4500 {
		s.Put(fmt.Sprintf("/%04d", i), []byte("x"))
	}
	r := newRig(t, s, nil)
	seen, pages := map[string]bool{}, 0
	var whole []item.Kind
	for p, err := range r.source().List(t.Context(), connector.Shard{Ref: r.home()}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			seen[b.Item.ID] = true
		}
		if pages++; pages == 3 {
			s.ForgetCursors()
		}
		whole = p.Whole
	}
	if len(seen) != 4501 || len(whole) == 0 {
		t.Errorf("%d items, whole %v", len(seen), whole)
	}
}

// What comes and goes while a folder is listed is told, or not, but never wrongly.
func TestChangesWhileListing(t *testing.T) {
	s := standin.New(standin.Options{Seed: 1})
	for i := range 2500 {
		s.Put(fmt.Sprintf("/%04d", i), []byte("x"))
	}
	r := newRig(t, s, nil)
	first := true
	seen := map[string]int{}
	for p, err := range r.source().List(t.Context(), connector.Shard{Ref: r.home()}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			seen[item.FileName.Get(b.Item)]++
		}
		if first {
			s.Remove("/2400")
			s.Put("/new", []byte("x"))
		}
		first = false
	}
	if seen["2400"] != 0 || seen["0001"] != 1 {
		t.Errorf("a file that was deleted came %d times, another %d", seen["2400"], seen["0001"])
	}
}

// Folders are asked for before their turn comes, in flat trees and in deep ones.
func TestListingLooksAhead(t *testing.T) {
	for what, path := range map[string]string{"flat": "/%[1]d/x", "deep": "/%[3]d/%[2]d/%[1]d/x"} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := standin.New(standin.Options{Seed: 1, Faults: kit.Faults{Slow: 100 * time.Millisecond}})
				for i := range 400 {
					s.Put(strings.NewReplacer("%[3]d", fmt.Sprint(i%5), "%[2]d", fmt.Sprint(i%20), "%[1]d", fmt.Sprint(i)).Replace(path), nil)
				}
				r := newRig(t, s, nil)
				home := r.home()
				began := time.Now()
				all, _ := r.list(home)
				if took := time.Since(began); len(all) < 801 || took > 15*time.Second {
					t.Errorf("%d items took %s", len(all), took)
				}
			})
		})
	}
}

// A file that Dropbox refuses to serve fails with a reason; a document that cannot be
// downloaded comes as its export.
func TestWhatCannotBeDownloaded(t *testing.T) {
	s := standin.New(standin.Options{Seed: 1})
	s.Put("/song.mp3", []byte("la la la"))
	s.Restrict("/song.mp3")
	s.Put("/Notes.paper", []byte("<p>notes</p>"))
	s.Paper("/Notes.paper")
	r := newRig(t, s, nil)
	all, _ := r.list(r.home())
	_, err := r.cloud.Open(t.Context(), *named(all, "song.mp3").Item.Blob, 0, -1)
	if e, ok := err.(*connector.Error); !ok || e.Class != connector.Permanent || !strings.Contains(e.Reason, "restricted_content") || e.Hint == "" {
		t.Errorf("restricted content: %v", err)
	}
	notes := named(all, "Notes.html").Item
	if notes.Blob == nil || notes.Blob.Bytes != -1 || len(notes.Blob.Sums) > 0 {
		t.Fatalf("a document of Paper is listed as %+v", notes)
	}
	for _, c := range []struct {
		offset, n int64
		want      string
	}{{0, -1, "<p>notes</p>"}, {3, 5, "notes"}} {
		in, err := r.cloud.Open(t.Context(), *notes.Blob, c.offset, c.n)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		in.Close()
		if err != nil || string(text) != c.want {
			t.Errorf("the export reads %q, %v", text, err)
		}
	}
	s.Put("/Notes.paper", []byte("<p>others</p>"))
	if _, err := r.cloud.Open(t.Context(), *notes.Blob, 0, -1); connector.ClassOf(err) != connector.Conflict {
		t.Errorf("an export of what changed: %v", err)
	}
}

// A full account, and names that Dropbox keeps no files of, say what to do.
func TestRefusedWrites(t *testing.T) {
	s := standin.New(standin.Options{Seed: 1})
	s.Fill(1 << 20)
	r := newRig(t, s, nil)
	w, c := r.target("home"), contents{}
	ref := r.home()
	for what, try := range map[string]struct {
		changes []connector.Change
		want    connector.Class
	}{
		"a file too large for the account":  {[]connector.Change{c.file(ref, "large", make([]byte, 900<<10)), c.file(ref, "larger", make([]byte, 900<<10))}, connector.Full},
		"a lock of an office program":       {[]connector.Change{c.file(ref, "ok", []byte("x")), c.file(ref, "~$plan.docx", []byte("x"))}, connector.Permanent},
		"a name with a backslash":           {[]connector.Change{c.file(ref, "a\\b", []byte("x"))}, connector.Permanent},
		"a file into what is gone":          {[]connector.Change{c.file(item.Ref{Kind: item.Folder, ID: "id:goneaaaaaaaa"}, "x", []byte("x"))}, connector.Permanent},
		"a folder into what is gone":        {[]connector.Change{folderChange(item.Ref{Kind: item.Folder, ID: "id:goneaaaaaaaa"}, "x")}, connector.Gone},
		"a folder where a file stands":      {[]connector.Change{folderChange(ref, "ok")}, connector.Conflict},
		"a file of another case stands":     {[]connector.Change{c.file(ref, "OK", []byte("another"))}, connector.Conflict},
		"a folder of a name that is taken":  {[]connector.Change{folderChange(ref, "Thumbs.db")}, connector.Permanent},
		"a name that leads somewhere else":  {[]connector.Change{c.file(ref, "a/b", []byte("x"))}, connector.Permanent},
		"a name of the folder above itself": {[]connector.Change{c.file(ref, "..", []byte("x"))}, connector.Permanent},
	} {
		if what == "a folder where a file stands" || what == "a file of another case stands" {
			s.Put("/ok", []byte("x"))
		}
		results := r.write(w, c, try.changes...)
		e, ok := results[len(results)-1].Err.(*connector.Error)
		if !ok || e.Class != try.want || e.Hint == "" && e.Class != connector.Gone || e.InDoubt {
			t.Errorf("%s: %v, want class %s", what, results[len(results)-1].Err, try.want)
		}
	}
}

// Small files share their requests, and a commit locks the namespace once: one by one,
// Dropbox would refuse most of them.
func TestManySmallFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Seed: 1, CommitTime: 200 * time.Millisecond})
		r := newRig(t, s, nil)
		w, c := r.target("home"), contents{}
		var changes []connector.Change
		for i := range batch {
			changes = append(changes, c.file(r.home(), fmt.Sprint("file ", i), []byte(strings.Repeat("x", i))))
		}
		for i := range 3 {
			changes = append(changes, c.file(r.home(), fmt.Sprint("large ", i), bytes.Repeat([]byte("large"), 1<<20)))
		}
		began := time.Now()
		for range 4 {
			r.must(w, c, changes...)
			for i := range changes {
				name := "again " + item.FileName.Get(changes[i].Item)
				item.FileName.Set(&changes[i].Item, name)
			}
		}
		n := s.Counts()
		if calls := n["files/upload_session/start_batch"] + n["files/upload_session/append_batch"] + n["files/upload_session/finish_batch_v2"]; calls > 70 {
			t.Errorf("2,000 small files took %d requests", calls)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("2,012 files took %s", took)
		}
		if got := s.Bytes("/large 2"); len(got) != 5<<20 {
			t.Errorf("a large file holds %d bytes", len(got))
		}
	})
}

// Deletes and moves that come side by side share requests: none waits for the lock of
// another.
func TestDeletesAndMovesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Seed: 1, CommitTime: 100 * time.Millisecond})
		const n = 300
		for i := range n {
			s.Put(fmt.Sprintf("/from/%d", i), []byte("x"))
		}
		s.Folder("/to")
		r := newRig(t, s, nil)
		w := r.target("home")
		all, _ := r.list(r.home())
		to := named(all, "to").Item.Ref
		var changes []connector.Change
		for _, b := range all {
			if b.Item.Blob != nil {
				it := b.Item.Clone()
				it.Parent = to
				changes = append(changes, connector.Change{Op: connector.Update, Item: it, Prev: &b, Moved: true, Dirty: []string{connector.DirtyParent}})
			}
		}
		began := time.Now()
		moved := r.must(w, contents{}, changes...)
		if got := len(s.Files("/to")); got != n {
			t.Errorf("%d of %d files were moved", got, n)
		}
		var beside sync.WaitGroup
		limit := make(chan struct{}, 32)
		for _, b := range moved {
			beside.Go(func() {
				limit <- struct{}{}
				defer func() { <-limit }()
				if removed, err := w.Delete(t.Context(), r.home(), b.Item.Ref, func(item.Bundle) bool { return true }); err != nil || !removed {
					t.Errorf("a delete: %v, %v", removed, err)
				}
			})
		}
		beside.Wait()
		if got := len(s.Files("/to")); got != 0 {
			t.Errorf("%d files are left", got)
		}
		c := s.Counts()
		if calls := c["files/move_v2"] + c["files/move_batch_v2"] + c["files/delete_v2"] + c["files/delete_batch"]; calls > 80 {
			t.Errorf("600 changes took %d requests", calls)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("they took %s", took)
		}
		t.Logf("%s, %v", time.Since(began), c)
	})
}

// What Dropbox says of too many calls is kept: nothing fails.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Seed: 1, Rate: kit.Window{Kind: kit.Sliding, Max: 20, Per: 10 * time.Second}})
		for i := range 60 {
			s.Put(fmt.Sprintf("/%d/x", i), []byte("x"))
		}
		r := newRig(t, s, nil)
		if all, _ := r.list(r.home()); len(all) != 121 {
			t.Errorf("%d items are listed, want 121", len(all))
		}
	})
}

// A change of case alone, which Dropbox does not carry out, goes by way of another name.
func TestCaseAlone(t *testing.T) {
	s := standin.New(standin.Options{Seed: 1})
	id := s.Put("/dir/readme", []byte("x"))
	r := newRig(t, s, nil)
	w := r.target("home")
	all, _ := r.list(r.home())
	it := named(all, "readme").Item
	item.FileName.Set(&it, "README")
	prev := named(all, "readme")
	got := r.must(w, contents{}, connector.Change{Op: connector.Update, Item: it, Prev: &prev, Moved: true, Dirty: []string{item.FileName.Name}})[0].Item
	if got.ID != id || item.FileName.Get(got) != "README" {
		t.Errorf("%s is called %q", got.ID, item.FileName.Get(got))
	}
	if _, ok := s.Files("/dir")["README"]; !ok {
		t.Errorf("there is %v", s.Files("/dir"))
	}
}

// Several runs of one create make one file: an answer that is lost is looked for.
func TestUpdateKeepsOthersWork(t *testing.T) {
	s := standin.New(standin.Options{Seed: 1})
	r := newRig(t, s, nil)
	w, c := r.target("home"), contents{}
	made := r.must(w, c, c.file(r.home(), "plan", []byte("mine")))[0]
	s.Put("/plan", []byte("somebody's"))
	next := c.file(r.home(), "plan", []byte("mine again"))
	next.Op, next.Item.ID, next.Prev = connector.Update, made.Item.ID, &made
	if res := r.write(w, c, next)[0]; connector.ClassOf(res.Err) != connector.Conflict {
		t.Errorf("an update over somebody's: %v", res.Err)
	}
	if got := string(s.Bytes("/plan")); got != "somebody's" {
		t.Errorf("the file holds %q", got)
	}
	removed, err := w.Delete(t.Context(), r.home(), made.Item.Ref, func(b item.Bundle) bool { return b.Item.Blob.Version == made.Item.Blob.Version })
	if removed || err != nil {
		t.Errorf("a delete of what somebody changed: %v, %v", removed, err)
	}
}
