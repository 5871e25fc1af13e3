//go:build linux

package pairs_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft/onedrive"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// tenant is a Microsoft 365 with two people, a site and a server.
type tenant struct {
	*microsoft.Server
	url, site string
	drives    map[string]string // by person
}

func newTenant(t *testing.T, seed uint64) tenant {
	t.Helper()
	srv := microsoft.New(microsoft.Options{Seed: seed, ProvisioningDelay: -1, Users: []microsoft.User{{Name: "Ann Lee", Mail: "ann@contoso.test"}, {Name: "Bob Berg", Mail: "bob@contoso.test"}}})
	web := httptest.NewServer(srv)
	t.Cleanup(web.Close)
	out := tenant{Server: srv, url: web.URL, site: srv.AddSite("Team"), drives: map[string]string{}}
	for _, u := range srv.Users() {
		id, err := srv.DriveOf(u.ID)
		must(t, err)
		out.drives[u.Mail] = id
	}
	return out
}

func (n tenant) shelf(place string) shelf {
	return shelf{con: onedrive.New(), set: n.Settings(n.url), place: place}
}

// standingFiles reads a container whose ids are the cloud's own, by the path of names
// below it.
func (s shelf) standingFiles(t *testing.T, container string) map[string]string {
	t.Helper()
	src, err := s.side(t).Cloud.Source(t.Context())
	must(t, err)
	out := map[string]string{}
	paths := map[item.Ref]string{{Kind: item.Drive, ID: container}: ""}
	for page, err := range src.List(t.Context(), connector.Shard{Ref: item.Ref{Kind: item.Drive, ID: container}}, "") {
		must(t, err)
		for _, b := range page.Bundles {
			at := paths[b.Item.Parent] + item.FileName.Get(b.Item)
			switch b.Item.Kind {
			case item.Folder:
				paths[b.Item.Ref] = at + "/"
				out[at] = "/"
			case item.File:
				r, err := src.Open(t.Context(), *b.Item.Blob, 0, -1)
				must(t, err)
				text, err := io.ReadAll(r)
				r.Close()
				must(t, err)
				out[at] = string(text)
			}
		}
	}
	return out
}

// standing is the container that a place of the site's library is.
func (n tenant) standing(t *testing.T, folder string) string {
	t.Helper()
	_, d := n.Do("", "GET", "sites/"+n.site+"/drive", nil)
	drive := fmt.Sprint(d["id"])
	status, it := n.Do("", "GET", "drives/"+drive+"/root:/"+folder, nil)
	if status != 200 {
		return ""
	}
	return drive + "/" + fmt.Sprint(it["id"])
}

// TestTreesToOneDrive takes a folder of this machine into a library of SharePoint
// through the whole life of a migration.
func TestTreesToOneDrive(t *testing.T) {
	n := newTenant(t, 1)
	dir := hoard(t)
	from, to := onDisk(dir), n.shelf("site:"+n.url+"/sites/team/Documents/Archive")
	h := newHaul(t, from, to)
	f, err := h.engine().Forecast(t.Context())
	if err != nil || f.Kinds[item.File].Create != 129 {
		t.Fatalf("forecast: %v, %+v", err, f)
	}
	h.run()
	at := n.standing(t, "Archive")
	renamed := func(all map[string]string) map[string]string { // "odd names/…" holds what SharePoint refuses
		out := map[string]string{}
		for name, text := range all {
			if !strings.ContainsAny(name, `"<>?`) {
				out[name] = text
			}
		}
		return out
	}
	same := func() {
		t.Helper()
		have := to.standingFiles(t, at)
		for name := range have {
			if strings.HasPrefix(name, "odd names/") {
				delete(have, name)
			}
		}
		compareFiles(t, renamed(from.files(t, dir)), have)
	}
	same()
	lost := h.verify()
	var forecast []string
	for _, l := range f.Losses {
		forecast = append(forecast, fmt.Sprintf("%s.%s %s", l.Kind, l.Field, l.Policy))
	}
	if !slices.Equal(lost, forecast) {
		t.Errorf("verify finds the losses %v, forecast were %v", lost, forecast)
	}
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
	writeFile(t, filepath.Join(dir, "many/3/file 003.bin"), "edited")
	writeFile(t, filepath.Join(dir, "new/one.txt"), "new")
	must(t, os.Rename(filepath.Join(dir, "deep"), filepath.Join(dir, "moved")))
	must(t, os.RemoveAll(filepath.Join(dir, "many/5")))
	h.run()
	same()
	h.verify()
	u, err := h.engine().Undo(context.WithoutCancel(t.Context()), false)
	if err != nil || u.Status != "undone" {
		t.Fatalf("undo: %v, %+v", err, u)
	}
	if at := n.standing(t, "Archive"); at != "" {
		if left := to.standingFiles(t, at); len(left) > 0 {
			t.Errorf("an undo left %v", slices.Collect(maps.Keys(left)))
		}
	}
}

// TestTreesBetweenOneDrives takes somebody's OneDrive into a library of another tenant:
// what was renamed and put elsewhere follows by its id, and who was let at a file is
// let at it there.
func TestTreesBetweenOneDrives(t *testing.T) {
	here, there := newTenant(t, 1), newTenant(t, 2)
	mine := here.drives["ann@contoso.test"]
	put := func(at, text string) string {
		t.Helper()
		id, err := here.Put(mine, at, []byte(text))
		must(t, err)
		return id
	}
	ids := map[string]string{}
	for i := range 40 {
		ids[fmt.Sprint(i)] = put(fmt.Sprintf("Folder %d/file %d.txt", i%4, i), strings.Repeat("x", i*100))
	}
	put("large.bin", strings.Repeat("large", 5<<20))
	plan := put("Plans/plan.txt", "a plan")
	bob := here.userID(t, "bob@contoso.test")
	here.Share(mine, plan, bob, "write")
	_, err := here.AddPackage(mine, "Notebook")
	must(t, err)
	from, to := here.shelf(""), there.shelf("site:"+there.url+"/sites/team/Documents/From Ann")
	from.scope = mine
	h := newHaul(t, from, to)
	h.run()
	container := func() string { return there.standing(t, "From%20Ann/Ann%20Lee") }
	same := func() {
		t.Helper()
		compareFiles(t, from.standingFiles(t, mine), to.standingFiles(t, container()))
	}
	same()
	if got := there.grants(t, container(), "Plans/plan.txt"); !slices.Equal(got, []string{there.userID(t, "bob@contoso.test") + " write"}) {
		t.Errorf("at the target %v were let at the plan, want Bob alone", got)
	}
	if told := there.Notices(); len(told) > 0 {
		t.Errorf("people were told by mail: %+v", told)
	}
	t.Logf("lost: %v", h.verify())
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
	for path, body := range map[string]map[string]any{
		"items/" + ids["3"]:                           {"name": "another name.txt"},
		"items/" + ids["7"]:                           {"parentReference": map[string]string{"id": here.itemID(t, mine, "Folder%200")}},
		"items/" + here.itemID(t, mine, "Folder%202"): {"name": "Folder two"},
	} {
		if status, _ := here.Do("", "PATCH", "drives/"+mine+"/"+path, body); status != 200 {
			t.Fatalf("PATCH: %d", status)
		}
	}
	put("Folder 1/file 1.txt", "edited")
	if status, _ := here.Do("", "DELETE", "drives/"+mine+"/items/"+ids["5"], nil); status != 204 {
		t.Fatalf("DELETE: %d", status)
	}
	before := there.Requests()["PUT /drives/{}/items/{}/{}/content"]
	h.run()
	same()
	h.verify()
	if n := there.Requests()["PUT /drives/{}/items/{}/{}/content"] - before; n != 0 {
		t.Errorf("%d files were sent anew, want those that moved to move", n)
	}
	u, err := h.engine().Undo(context.WithoutCancel(t.Context()), false)
	if err != nil || u.Status != "undone" {
		t.Fatalf("undo: %v, %+v", err, u)
	}
	if at := container(); at != "" {
		t.Errorf("an undo left %v", to.standingFiles(t, at))
	}
}

func (n tenant) userID(t *testing.T, mail string) string {
	t.Helper()
	for _, u := range n.Users() {
		if u.Mail == mail {
			return u.ID
		}
	}
	t.Fatalf("there is no %s", mail)
	return ""
}

func (n tenant) itemID(t *testing.T, drive, path string) string {
	t.Helper()
	status, it := n.Do("", "GET", "drives/"+drive+"/root:/"+path, nil)
	if status != 200 {
		t.Fatalf("GET: %d", status)
	}
	return fmt.Sprint(it["id"])
}

// grants are who was let at a file below a container, by id and role.
func (n tenant) grants(t *testing.T, container, path string) (out []string) {
	t.Helper()
	drive, folder, _ := strings.Cut(container, "/")
	status, told := n.Do("", "GET", "drives/"+drive+"/items/"+folder+":/"+path+":/permissions", nil)
	all, ok := told["value"].([]any)
	if status != 200 || !ok {
		t.Fatalf("permissions: %d", status)
	}
	for _, p := range all {
		p := p.(map[string]any)
		if p["inheritedFrom"] != nil {
			continue
		}
		to := p["grantedToV2"].(map[string]any)["user"].(map[string]any)["id"]
		out = append(out, fmt.Sprint(to, " ", p["roles"].([]any)[0]))
	}
	return out
}

// TestOneDriveLosesAnswers cuts the answers of many writes, which were carried out: in
// the end everything is there once, and an undo finds all of it.
func TestOneDriveLosesAnswers(t *testing.T) {
	n := newTenant(t, 3)
	var writes atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "oauth2") && !strings.HasSuffix(r.URL.Path, "$batch") && writes.Add(1)%7 == 0 {
			n.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		n.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	n.url = web.URL
	dir := t.TempDir()
	for i := range 60 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("folder %d", i%9), fmt.Sprintf("%d.txt", i)), strings.Repeat("text ", i))
	}
	writeFile(t, filepath.Join(dir, "large.bin"), strings.Repeat("large", 6<<20))
	from, to := onDisk(dir), n.shelf("site:"+n.url+"/sites/team/Documents/Archive")
	to.set["settle-delay"] = "100ms"
	h := newHaul(t, from, to)
	for pass := 1; ; pass++ {
		r, err := h.engine().Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Status == "complete" {
			break
		}
		if pass == 10 {
			t.Fatalf("after ten passes: %+v", r)
		}
	}
	compareFiles(t, from.files(t, dir), to.standingFiles(t, n.standing(t, "Archive")))
	h.verify()
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
	u, err := h.engine().Undo(context.WithoutCancel(t.Context()), false)
	if err != nil || u.Status != "undone" {
		t.Fatalf("undo: %v, %+v", err, u)
	}
	if at := n.standing(t, "Archive"); at != "" {
		if left := to.standingFiles(t, at); len(left) > 0 {
			t.Errorf("an undo left %v", slices.Collect(maps.Keys(left)))
		}
	}
}
