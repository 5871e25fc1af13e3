package onedrive

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

func TestPlaces(t *testing.T) {
	app, ann := as(t, standin.Options{}, ""), as(t, standin.Options{}, "ann@contoso.test")
	for _, r := range []*rig{app, ann} {
		r.srv.AddGroup("Marketing/EU", "ann@contoso.test")
		group := r.srv.AddGroup("Marketing", "ann@contoso.test")
		plans, err := r.srv.AddLibrary(r.srv.AddSite("Team"), "Plans")
		r.no(err)
		_, d := r.srv.Do("", "GET", "groups/"+group+"/drive", nil)
		own, _ := d["id"].(string)
		for place, want := range map[string]struct {
			drive   string
			folders []string
			owns    string
		}{
			"user:ann@contoso.test":                      {r.driveOf("ann@contoso.test"), nil, r.user("ann@contoso.test")},
			"user:ann@contoso.test/In/Deep er/":          {r.driveOf("ann@contoso.test"), []string{"In", "Deep er"}, r.user("ann@contoso.test")},
			"group:Marketing/Files":                      {own, []string{"Files"}, r.user("ann@contoso.test")},
			"group:marketing@contoso.invalid":            {own, nil, group},
			"group:" + group:                             {own, nil, group},
			"site:http://graph.test/sites/team/Plans":    {plans, nil, ""},
			"site:http://graph.test/sites/team/plans/a/": {plans, []string{"a"}, ""},
		} {
			to := r.target(place)
			if to.tree.drive != want.drive || !slices.Equal(to.folders, want.folders) || want.owns != "" && !to.owns[want.owns] {
				t.Errorf("%s is %+v, %q, owned by %v", place, to.tree, to.folders, to.owns)
			}
		}
	}
	if to := ann.target("me/In"); to.tree.drive != ann.driveOf("ann@contoso.test") || !slices.Equal(to.folders, []string{"In"}) {
		t.Errorf("me/In is %+v", to.tree)
	}
	for place, hint := range map[string]string{"": "me", "me": "user:", "mine": "me", "team:x": "group:", "user:nobody@contoso.test": "check its name", "group:None": "the id",
		"site:http://graph.test/sites/none": "check its name", "site:http://graph.test/sites/team/None": "site:https", "site:team": "site:https"} {
		_, err := app.cloud.Target(t.Context(), place)
		fails(t, "the place "+place, err, connector.Permanent, hint)
	}
	if n := app.srv.Requests()["POST /drives/{}/items/{}/children"]; n > 0 {
		t.Errorf("naming a place made %d folders", n)
	}
}

// What is put elsewhere or renamed keeps its id and its bytes; where something stands,
// it is refused.
func TestMoves(t *testing.T) {
	r := as(t, standin.Options{}, "")
	to := r.target("user:ann@contoso.test/In")
	root := r.drive(to)
	folder := func(in item.Ref, name string) item.Item {
		it := item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: in}
		item.FileName.Set(&it, name)
		return r.made(to, connector.Change{Op: connector.Create, Item: it})
	}
	a, b := folder(root, "a"), folder(root, "b")
	f := r.made(to, connector.Change{Op: connector.Create, Item: file(a.Ref, "one.txt", "one")})
	r.made(to, connector.Change{Op: connector.Create, Item: file(b.Ref, "taken.txt", "taken")})
	move := func(it item.Item, in item.Ref, name string) connector.Result {
		prev := bundle(it)
		it = it.Clone()
		it.Parent = in
		item.FileName.Set(&it, name)
		return r.write(to, connector.Change{Op: connector.Update, Item: it, Prev: &prev, Moved: true, Dirty: []string{item.FileName.Name}})
	}
	fails(t, "a move to a name that is taken", move(f, b.Ref, "taken.txt").Err, connector.Conflict, "in the way")
	res := move(f, b.Ref, "two.txt")
	r.no(res.Err)
	if got := res.Stored.Item; got.Ref != f.Ref || got.Parent != b.Ref || item.FileName.Get(got) != "two.txt" || got.Blob.Version != f.Blob.Version {
		t.Errorf("after a move it is %+v", got)
	}
	res = move(a, b.Ref, "inner")
	r.no(res.Err)
	res = move(res.Stored.Item, root, "a")
	r.no(res.Err)
	if got := res.Stored.Item; got.Parent != root || got.Ref != a.Ref {
		t.Errorf("a folder that came back is %+v", got)
	}
	fails(t, "a folder into itself", move(b, b.Ref, "b").Err, connector.Permanent, "")
	have := collect(t, to.Fetch(t.Context(), root, []item.Ref{f.Ref}))
	if len(have) != 1 || have[0].Item.Parent != b.Ref {
		t.Errorf("fetched %+v", have)
	}
}

// Who is let at a file is brought to what is wanted, and nobody is told by mail; links,
// and what was given above, stay.
func TestSharing(t *testing.T) {
	r := as(t, standin.Options{}, "ann@contoso.test")
	to := r.target("me/In")
	root := r.drive(to)
	bob, tanaka := r.user("bob@contoso.test"), r.user("tanaka@contoso.test")
	marketing := r.srv.AddGroup("Marketing", "bob@contoso.test")
	it := file(root, "plan.txt", "a plan")
	item.Permissions.Set(&it, []item.Grant{{To: bob, Role: item.Reads}, {To: marketing, Role: item.Writes}})
	stored := r.made(to, connector.Change{Op: connector.Create, Item: it})
	same := func(what string, got, want []item.Grant) {
		t.Helper()
		if len(got) != len(want) || slices.ContainsFunc(want, func(g item.Grant) bool { return !slices.Contains(got, g) }) {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	same("a new file", item.Permissions.Get(stored), item.Permissions.Get(it))
	r.srv.Share(to.tree.drive, stored.ID, "link:organization", "read")
	_, folder, _ := strings.Cut(root.ID, "/")
	r.srv.Share(to.tree.drive, folder, tanaka, "write")
	link := item.Grant{Link: connector.ForOrganisation, Role: item.Reads}
	for _, want := range [][]item.Grant{{{To: bob, Role: item.Writes}, {To: tanaka, Role: item.Reads}}, {{To: tanaka, Role: item.Reads}}, nil, {{To: marketing, Role: item.Reads}}} {
		it.ID = stored.ID
		item.Permissions.Set(&it, want)
		got := r.made(to, connector.Change{Op: connector.Update, Item: it, Dirty: []string{item.Permissions.Name}})
		same("an update", item.Permissions.Get(got), append(slices.Clone(want), link))
		back := collect(t, to.Fetch(t.Context(), root, []item.Ref{stored.Ref}))
		same("fetched", item.Permissions.Get(back[0].Item), append(slices.Clone(want), link))
	}
	if told := r.srv.Notices(); len(told) > 0 {
		t.Errorf("people were told by mail: %+v", told)
	}
	of := map[string]item.Item{}
	for _, m := range collect(t, to.Members(t.Context())) {
		of[m.ID] = m
	}
	if m := of[bob]; item.Email.Get(m) != "bob@contoso.test" || item.OwnsPlace.Get(m) || item.Standing.Get(m) != item.Active {
		t.Errorf("Bob is %+v", m)
	}
	if m := of[marketing]; item.Standing.Get(m) != item.Group || item.Email.Get(m) == "" {
		t.Errorf("the group is %+v", m)
	}
	if !item.OwnsPlace.Get(of[r.user("ann@contoso.test")]) {
		t.Error("Ann's drive does not belong to her")
	}
}

func TestRefusals(t *testing.T) {
	refuse := func(match string, status int, code string) func(*rig) {
		return func(r *rig) {
			r.wire = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if strings.HasPrefix(q.Method+" "+q.URL.Path, match) && strings.Contains(q.URL.Path, "stone") {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(status)
					_, _ = io.WriteString(w, `{"error":{"code":"`+code+`","message":"canary"}}`)
					return
				}
				r.srv.ServeHTTP(w, q)
			})
		}
	}
	for _, c := range []struct {
		what    string
		options standin.Options
		name    string
		before  func(*rig)
		class   connector.Class
		hint    string
	}{
		{"a name with _vti_", standin.Options{}, "a_vti_b", nil, connector.Permanent, "_vti_"},
		{"a path that is too long", standin.Options{}, strings.Repeat("n", 255), nil, connector.Permanent, "shorten"},
		{"a drive that is full", standin.Options{Limits: limits(func(l *standin.Limits) { l.DriveBytes = 3 })}, "full", nil, connector.Full, "free space"},
		{"a file that is checked out", standin.Options{}, "stone", refuse("PUT ", http.StatusLocked, "resourceLocked"), connector.Transient, "closed"},
		{"a right that was lost", standin.Options{}, "stone", refuse("PUT ", http.StatusForbidden, "accessDenied"), connector.Forbidden, "right"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := as(t, c.options, "")
			place := "user:ann@contoso.test/In"
			if len(c.name) == 255 {
				place += "/" + strings.Repeat("p", 120)
			}
			to := r.target(place)
			root := r.drive(to)
			if c.before != nil {
				c.before(r)
			}
			res := r.write(to, connector.Change{Op: connector.Create, Item: file(root, c.name, "some text")})
			fails(t, c.what, res.Err, c.class, c.hint)
			if connector.InDoubt(res.Err) {
				t.Errorf("%s is in doubt", c.what)
			}
			if strings.Contains(r.logs.String(), "canary") || res.Err != nil && strings.Contains(res.Err.Error(), "canary") {
				t.Errorf("%s: what the service says is repeated", c.what)
			}
		})
	}
}

// lying answers writes of files with a hash that is not that of their bytes.
func lying(next http.Handler, path string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !strings.HasSuffix(q.URL.Path, path) || q.Method == http.MethodGet {
			next.ServeHTTP(w, q)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, q)
		var told map[string]any
		if json.Unmarshal(rec.Body.Bytes(), &told) == nil && told["file"] != nil {
			told["file"].(map[string]any)["hashes"] = map[string]any{"quickXorHash": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}
			b, err := json.Marshal(told)
			if err != nil {
				panic(err)
			}
			rec.Body = bytes.NewBuffer(b)
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = io.Copy(w, rec.Body)
	})
}

// A file that the drive stored with other bytes does not stay.
func TestOtherBytes(t *testing.T) {
	r := as(t, standin.Options{}, "")
	to := r.target("user:ann@contoso.test/In")
	root := r.drive(to)
	r.wire = lying(r.srv, "/content")
	res := r.write(to, connector.Change{Op: connector.Create, Item: file(root, "lied.txt", "some text")})
	fails(t, "a hash that lies", res.Err, connector.Transient, "")
	for _, b := range bundles(r.list(root.ID, "")) {
		if b.Item.Kind == item.File {
			t.Error("a file with other bytes stands under its name")
		}
	}
	r.wire = r.srv
	r.made(to, connector.Change{Op: connector.Create, Item: file(root, "lied.txt", "some text")})
}

// SharePoint writes a library's properties into Office files: such a file is not taken
// for the one that was sent, and the error says what helps. In a OneDrive it is.
func TestOfficeFiles(t *testing.T) {
	r := as(t, standin.Options{Promotes: true}, "")
	r.srv.AddSite("Team")
	to := r.target("site:http://graph.test/sites/team/Documents/In")
	root := r.drive(to)
	for name, refused := range map[string]bool{"text.txt": false, "report.docx": true} {
		res := r.write(to, connector.Change{Op: connector.Create, Item: file(root, name, "some text")})
		if refused {
			fails(t, name, res.Err, connector.Permanent, "ParserEnabled")
		} else if res.Err != nil {
			t.Errorf("%s: %v", name, res.Err)
		}
	}
	if n := len(bundles(r.list(root.ID, ""))); n != 2 {
		t.Errorf("%d items are listed, want the container and the text", n)
	}
	to = r.target("user:ann@contoso.test/In")
	r.made(to, connector.Change{Op: connector.Create, Item: file(r.drive(to), "report.docx", "some text")})
}

func sumOf(text string) [xorBytes]byte {
	q := quickXorAt(0)
	_, _ = io.WriteString(q, text) // it takes all
	return q.sum()
}

// Another process goes on with an upload, and knows the hash of what the first one
// sent; a drive that stored other bytes is found out.
func TestLyingUpload(t *testing.T) {
	r := as(t, standin.Options{}, "")
	to := r.target("user:ann@contoso.test/In")
	root := r.drive(to)
	text := strings.Repeat("0123456789abcdef", partBytes/8)
	ch := connector.Change{Op: connector.Create, Item: file(root, "large.bin", text)}
	session, err := to.Begin(t.Context(), ch)
	r.no(err)
	for n := range 2 {
		r.open()
		to = r.target("user:ann@contoso.test/In")
		p := connector.UploadPart{Number: n + 1, Offset: int64(n) * partBytes, Bytes: partBytes}
		other := "X" + text[p.Offset+1:p.Offset+p.Bytes]
		r.wire = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method == http.MethodPut && n == 0 { // the wire damages the first part
				q.Body = io.NopCloser(io.MultiReader(drained(q.Body), strings.NewReader(other)))
			}
			r.srv.ServeHTTP(w, q)
		})
		p, err = to.Put(t.Context(), session, p, strings.NewReader(text[p.Offset:p.Offset+p.Bytes]))
		r.no(err)
		session = p.Session
	}
	res := to.Commit(t.Context(), session, ch, nil)
	fails(t, "an upload of which other bytes arrived", res.Err, connector.Transient, "")
	for _, b := range bundles(r.list(root.ID, "")) {
		if b.Item.Kind == item.File {
			t.Error("a file with other bytes stands under its name")
		}
	}
}

// drained reads a body to its end, and gives nothing of it.
func drained(in io.Reader) io.Reader {
	_, _ = io.Copy(io.Discard, in) // what it fails with, the sender has
	return strings.NewReader("")
}

// An upload whose first parts another process sent is committed, though nobody knows
// their hash; a folder that holds what people put there is not deleted.
func TestResumedUpload(t *testing.T) {
	r := as(t, standin.Options{}, "")
	to := r.target("user:ann@contoso.test/In")
	root := r.drive(to)
	text := strings.Repeat("0123456789abcdef", partBytes/8) // two parts
	ch := connector.Change{Op: connector.Create, Item: file(root, "large.bin", text)}
	session, err := to.Begin(t.Context(), ch)
	r.no(err)
	if strings.Contains(r.logs.String(), "tempauth") {
		t.Error("the address of an upload, which is a secret, is in the log")
	}
	part := func(n int) connector.UploadPart {
		p := connector.UploadPart{Number: n, Offset: int64(n-1) * partBytes, Bytes: partBytes}
		done, err := to.Put(t.Context(), session, p, strings.NewReader(text[p.Offset:p.Offset+p.Bytes]))
		r.no(err)
		return done
	}
	began := session
	first := part(1)
	again := part(1) // its answer was lost
	if first != again {
		t.Errorf("a part that was sent twice is %+v and %+v", first, again)
	}
	session = first.Session
	r.open()
	to = r.target("user:ann@contoso.test/In")
	held, err := to.Held(t.Context(), session)
	if err != nil || len(held) != 1 || held[0].Bytes != partBytes {
		t.Fatalf("%+v are held, %v", held, err)
	}
	second := part(2)
	if s, err := sessionOf(second.Session); err != nil || s.Sent != int64(len(text)) || s.hash().sum() != sumOf(text) {
		t.Errorf("in another process the hash of a file is %+v", s)
	}
	if s, err := sessionOf(part(2).Session); err != nil || s.Sent != int64(len(text)) {
		t.Errorf("a part that was sent twice leaves %+v", s)
	}
	session = began // the state of the hash was lost: the file is committed all the same
	res := to.Commit(t.Context(), session, ch, []connector.UploadPart{held[0], second})
	r.no(res.Err)
	if got := res.Stored.Item; got.Blob.Bytes != int64(len(text)) || !item.Modified.Get(got).Equal(item.Modified.Get(ch.Item)) || got.Parent != root {
		t.Errorf("stored %+v", got)
	}
	if n := r.srv.Requests()["PATCH /drives/{}/items/{}"]; n > 0 {
		t.Errorf("an upload that carries its time was patched %d times", n)
	}
	removed, err := to.Delete(t.Context(), root, root, func(item.Bundle) bool { return true })
	if err != nil || removed {
		t.Errorf("a container with a file in it: removed %v, %v", removed, err)
	}
}

// New files in a folder that is shared cost no request for permissions.
func TestInheritedCostsNothing(t *testing.T) {
	r := as(t, standin.Options{}, "")
	to := r.target("user:ann@contoso.test/In")
	root := r.drive(to)
	_, folder, _ := strings.Cut(root.ID, "/")
	r.srv.Share(to.tree.drive, folder, r.user("bob@contoso.test"), "write")
	got := r.made(to, connector.Change{Op: connector.Create, Item: file(root, "a.txt", "text")})
	if n := r.srv.Requests()["GET /drives/{}/items/{}/permissions"]; n != 0 || len(item.Permissions.Get(got)) > 0 {
		t.Errorf("permissions were asked for %d times, and are %v", n, item.Permissions.Get(got))
	}
}
