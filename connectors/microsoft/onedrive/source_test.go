package onedrive

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// A person sees their own drive, those of their groups, and the libraries of sites; an
// app sees everybody's.
func TestShards(t *testing.T) {
	for mail, want := range map[string][]string{
		"":                 {"Ann Lee", "Bob Øst", "Zoë Zander", "marketing", "sales", "team", "team Plans", "田中"},
		"ann@contoso.test": {"Ann Lee", "marketing", "team", "team Plans"},
	} {
		r := as(t, standin.Options{}, mail)
		r.srv.AddGroup("Marketing", "ann@contoso.test")
		r.srv.AddGroup("Sales", "bob@contoso.test")
		_, err := r.srv.AddLibrary(r.srv.AddSite("Team"), "Plans")
		r.no(err)
		r.srv.AddUser(standin.User{Name: "Without a licence", Unlicensed: true})
		var names []string
		seen := map[string]bool{}
		for _, s := range collect(t, r.source().Shards(t.Context())) {
			names = append(names, s.Name)
			if seen[s.Ref.ID] || s.URL == "" || s.Bytes != 0 || s.Ref.Kind != item.Drive {
				t.Errorf("a shard is %+v", s)
			}
			seen[s.Ref.ID] = true
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("as %q the drives %q are in sight, want %q", mail, names, want)
		}
	}
	r := as(t, standin.Options{Consumer: true}, "ann@contoso.test")
	id, err := r.cloud.Check(t.Context())
	if err != nil || id.Settings[setKind] != kindPersonal {
		t.Fatalf("%+v, %v", id, err)
	}
	r.set[setKind] = kindPersonal
	r.open()
	all := collect(t, r.source().Shards(t.Context()))
	if len(all) != 1 || all[0].Ref.ID != r.driveOf("ann@contoso.test") {
		t.Errorf("a private person has the drives %+v", all)
	}
	if r.srv.Requests()["GET /sites"] > 0 || r.srv.Requests()["GET /groups"] > 0 {
		t.Error("a private person was asked for sites or groups")
	}
}

// Grants come with those who have them; what is inherited, the owner's, and what
// cannot be named do not.
func TestGrants(t *testing.T) {
	r := as(t, standin.Options{}, "")
	d := r.driveOf("ann@contoso.test")
	plan := r.put(d, "Plans/plan.txt", "a plan")
	r.put(d, "Plans/other.txt", "another")
	marketing := r.srv.AddGroup("Marketing", "bob@contoso.test")
	bob, tanaka := r.user("bob@contoso.test"), r.user("tanaka@contoso.test")
	all := bundles(r.list(d, ""))
	plans := listedAs(t, all, item.Folder, "Plans").Item.ID
	r.srv.Share(d, plans, marketing, "read")
	r.srv.Share(d, plan, bob, "write")
	r.srv.Share(d, plan, tanaka, "read")
	r.srv.Share(d, plan, "link:anonymous", "read")
	r.srv.Share(d, plan, "link:organization", "write")
	all = bundles(r.list(d, ""))
	want := []item.Grant{{To: bob, Role: item.Writes}, {To: tanaka, Role: item.Reads}, {Link: connector.ForEverybody, Role: item.Reads}, {Link: connector.ForOrganisation, Role: item.Writes}}
	check := func(what string, b item.Bundle, want []item.Grant) {
		t.Helper()
		have := item.Permissions.Get(b.Item)
		if len(have) != len(want) || slices.ContainsFunc(want, func(g item.Grant) bool { return !slices.Contains(have, g) }) {
			t.Errorf("%s: %+v, want %+v", what, have, want)
		}
	}
	check("the plan", listedAs(t, all, item.File, "plan.txt"), want)
	check("what lies beside it", listedAs(t, all, item.File, "other.txt"), nil)
	check("its folder", listedAs(t, all, item.Folder, "Plans"), []item.Grant{{To: marketing, Role: item.Reads}})
	fetched := collect(t, r.source().Fetch(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: d}}, []item.Ref{{Kind: item.File, ID: plan}}))
	check("the plan, fetched", fetched[0], want)
	members := map[string]item.Item{}
	for _, b := range all {
		for _, g := range item.Permissions.Get(b.Item) {
			if _, ok := members[g.To]; !ok && g.To != "" {
				t.Errorf("a %s names a member before it was given", b.Item.Kind)
			}
		}
		if b.Item.Kind == item.Member {
			members[b.Item.ID] = b.Item
		}
	}
	if m := members[bob]; item.Email.Get(m) != "bob@contoso.test" || item.UserName.Get(m) == "" {
		t.Errorf("Bob is %+v", m)
	}
	if m := members[marketing]; item.Standing.Get(m) != item.Group || item.Email.Get(m) == "" {
		t.Errorf("the group is %+v", m)
	}
	if n := r.srv.Requests()["GET /drives/{}/items/{}/permissions"]; n != 3 { // two that are listed, one that is fetched
		t.Errorf("permissions were asked for %d times, want that of what was shared itself", n)
	}
}

// Notebooks are told of and not read; shortcuts lead to where they lead.
func TestPackagesAndShortcuts(t *testing.T) {
	r := as(t, standin.Options{Limits: limits(func(l *standin.Limits) { l.DrivePage = 2 })}, "")
	d, far := r.driveOf("ann@contoso.test"), r.driveOf("bob@contoso.test")
	_, err := r.srv.AddPackage(d, "Notebook")
	r.no(err)
	there := r.put(far, "Shared/", "")
	_, err = r.srv.AddShortcut(d, "Bob's folder", far, there)
	r.no(err)
	for i := range 5 {
		r.put(d, fmt.Sprintf("deep/er/%d.txt", i), "x")
	}
	pages := r.list(d, "")
	all := bundles(pages)
	unknown := 0
	for _, b := range all {
		unknown += len(b.Unknown)
		if strings.Contains(item.FileName.Get(b.Item), "Section") || item.FileName.Get(b.Item) == "Notebook" {
			t.Errorf("a part of a notebook is listed as a %s", b.Item.Kind)
		}
	}
	if unknown != 1 {
		t.Errorf("%d things are told to be left out, want the notebook", unknown)
	}
	short := listedAs(t, all, item.Shortcut, "Bob's folder")
	to := item.LeadsTo.Get(short.Item)
	folder := listedAs(t, bundles(r.list(far, "")), item.Folder, "Shared").Item
	if at, ok := r.source().Locate(strings.Replace(to, "http://stand-in.invalid", base, 1)); !ok || !slices.Contains(folder.Aliases, at) {
		t.Errorf("a shortcut leads to %s, which is %s: not the folder %v", to, at, folder.Aliases)
	}
	if _, ok := r.source().Locate("https://example.org/sites/team"); ok {
		t.Error("an address of another cloud is taken for one of this")
	}
}

func limits(set func(*standin.Limits)) *standin.Limits {
	l := standin.DefaultLimits()
	set(&l)
	return &l
}

// A listing that goes on in another process gives the folders again that its files lie
// in; one whose token has ended begins anew.
func TestCursor(t *testing.T) {
	r := as(t, standin.Options{Limits: limits(func(l *standin.Limits) { l.DrivePage = 3 })}, "")
	r.wire = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { // the server's own pages
		if v := q.URL.Query(); v.Has("$top") {
			v.Del("$top")
			q.URL.RawQuery = strings.ReplaceAll(v.Encode(), "%24", "$")
		}
		r.srv.ServeHTTP(w, q)
	})
	d := r.driveOf("ann@contoso.test")
	r.put(d, "gone/", "")
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("%d.txt", i)
		r.put(d, "a/b/"+name, name)
		want = append(want, name)
	}
	files := func(pages []connector.Page) (out []string) {
		known := map[item.Ref]bool{{Kind: item.Drive, ID: d}: true}
		for _, b := range bundles(pages) {
			if b.Item.Kind != item.Drive && !known[b.Item.Parent] {
				t.Errorf("a %s comes before what it lies in", b.Item.Kind)
			}
			known[b.Item.Ref] = true
			if b.Item.Kind == item.File {
				out = append(out, item.FileName.Get(b.Item))
			}
		}
		slices.Sort(out)
		return out
	}
	pages := r.list(d, "")
	if len(pages) < 4 || !slices.Equal(files(pages), want) {
		t.Fatalf("%d pages list %q", len(pages), files(pages))
	}
	last := pages[len(pages)-1]
	if !slices.Contains(last.Whole, item.File) || len(pages[0].Whole) > 0 || last.Next != "" {
		t.Errorf("the last page is whole of %v, the first of %v", last.Whole, pages[0].Whole)
	}
	r.open()
	rest := r.list(d, pages[len(pages)-3].Next)
	if got := files(rest); len(got) == 0 || len(got) > 6 {
		t.Errorf("from the third last page on %q are listed", got)
	}
	again := r.list(d, connector.Cursor(strings.Replace(string(pages[0].Next), "token=", "token=ended", 1)))
	if !slices.Equal(files(again), want) || again[0].Bundles[0].Item.Kind != item.Drive {
		t.Errorf("after its token ended, a listing gives %q", files(again))
	}
	for _, from := range []connector.Cursor{"nonsense", "/drives/other/root/delta?token=1"} {
		for _, err := range r.source().List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: d}}, from) {
			fails(t, "a cursor of nobody's", err, connector.Permanent, "begins anew")
		}
	}
}

// A next page on another server is not asked for: the token would go there.
func TestStrangeNextPage(t *testing.T) {
	r := as(t, standin.Options{}, "")
	d := r.driveOf("ann@contoso.test")
	r.wire = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.Path, "/delta") {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"value":[],"@odata.nextLink":"https://evil.example/v1.0/drives/x"}`)
			return
		}
		if q.Host == "evil.example" {
			t.Error("the other server was asked")
		}
		r.srv.ServeHTTP(w, q)
	})
	for _, err := range r.source().List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: d}}, "") {
		fails(t, "a next page elsewhere", err, connector.Malformed, "proxy")
	}
}

// A sign-in whose access tokens end every minute is renewed, and what is new is sealed.
func TestTokensThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := as(t, standin.Options{TokenLife: time.Minute}, "ann@contoso.test")
		was := r.set["refresh-token"]
		d := r.driveOf("ann@contoso.test")
		to := r.target("me/In")
		in := r.drive(to)
		for i := range 5 {
			r.made(to, connector.Change{Op: connector.Create, Item: file(in, fmt.Sprintf("%d.txt", i), "text")})
			time.Sleep(50 * time.Second)
			if len(r.list(d, "")) == 0 {
				t.Error("nothing is listed")
			}
		}
		r.srv.ExpireTokens()
		if len(r.list(d, "")) == 0 {
			t.Error("nothing is listed after all tokens were ended")
		}
		if now := r.sealed["refresh-token"]; now == "" || now == was {
			t.Error("no renewed sign-in was handed back to be sealed")
		}
		for _, secret := range []string{was, r.sealed["refresh-token"]} {
			if strings.Contains(r.logs.String(), secret) {
				t.Error("a secret is in the log")
			}
		}
	})
}

// A listing of many pages keeps to the resource units of the tenant, and is hardly
// ever refused.
func TestThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quota := standin.Quota{Class: standin.Files, Window: shared.Window{Max: 100, Per: time.Minute}}
		r := as(t, standin.Options{Quotas: []standin.Quota{quota}}, "")
		r.set[setUnits] = "100"
		r.open()
		d := r.driveOf("ann@contoso.test")
		for i := range 120 {
			r.put(d, fmt.Sprintf("%d.txt", i), "x")
		}
		src := r.source()
		began := time.Now()
		for _, b := range bundles(r.list(d, "")) {
			if b.Item.Kind != item.File {
				continue
			}
			in, err := src.Open(t.Context(), *b.Item.Blob, 0, -1)
			r.no(err)
			in.Close()
		}
		if refused := r.stats.Refused.Load(); refused > 3 {
			t.Errorf("%d of %d requests were refused", refused, r.stats.Requests.Load())
		}
		if took := time.Since(began); took < time.Minute || took > 6*time.Minute {
			t.Errorf("240 calls at 100 units a minute took %s", took)
		}
	})
}

// What a page tells twice is given once, as it is now; who may not know whom an item is
// shared with reads it all the same.
func TestOddPages(t *testing.T) {
	r := as(t, standin.Options{}, "")
	d := r.driveOf("ann@contoso.test")
	id := r.put(d, "a/one.txt", "one")
	r.srv.Share(d, id, r.user("bob@contoso.test"), "read")
	r.wire = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		rec := httptest.NewRecorder()
		r.srv.ServeHTTP(rec, q)
		body := rec.Body.String()
		switch {
		case strings.HasSuffix(q.URL.Path, "/delta"):
			var told map[string]any
			r.no(json.Unmarshal(rec.Body.Bytes(), &told))
			all := told["value"].([]any)
			old := maps.Clone(all[len(all)-1].(map[string]any))
			old["name"] = "as it was called before"
			told["value"] = append([]any{old}, all...)
			b, err := json.Marshal(told)
			r.no(err)
			body = string(b)
		case strings.HasSuffix(q.URL.Path, "/$batch") && strings.Contains(body, "grantedToV2"):
			body = `{"responses":[{"id":"0","status":403,"headers":{"Content-Type":"application/json"},"body":{"error":{"code":"accessDenied","message":"no"}}}]}`
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = io.WriteString(w, body)
	})
	all := bundles(r.list(d, ""))
	if len(all) != 3 {
		t.Errorf("%d items are listed, want a drive, a folder and a file", len(all))
	}
	if b := listedAs(t, all, item.File, "one.txt"); !slices.Equal(b.Unknown, []string{"file.permissions"}) {
		t.Errorf("of a file whose permissions are not told %v is unknown", b.Unknown)
	}
}
