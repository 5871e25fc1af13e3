package standin

import (
	"net/http"
	"strings"
	"testing"
)

// Drives have an address by whom they belong to, and one of their own.
func TestWhoseDrives(t *testing.T) {
	n := start(t, Options{})
	site := n.AddSite("Team")
	plans, err := n.AddLibrary(site, "Plans")
	if err != nil {
		t.Fatal(err)
	}
	ann := n.Users()[0]
	own := n.do("GET", "/users/"+ann.ID+"/drive", nil).want(200)
	if own.str("driveType") != "business" {
		t.Errorf("somebody's drive is %s", own.raw)
	}
	n.do("GET", "/drives/"+own.str("id")+"/root", nil).want(200)
	if g := n.do("GET", "/sites/"+site+"/drives", nil).want(200); len(g.body["value"].([]any)) != 2 {
		t.Errorf("the site has the drives %s", g.raw)
	}
	if g := n.do("GET", "/drives/"+plans, nil).want(200); !strings.HasSuffix(g.str("webUrl"), "/sites/team/Plans") {
		t.Errorf("the second library is %s", g.raw)
	}
	n.do("GET", "/sites?search=*", nil).want(200)
	n.do("GET", "/sites", nil).refused(400, "invalidRequest", "search")
	n.do("GET", "/me/drive", nil).refused(400, "BadRequest", "delegated")
	n.do("GET", "/sites/none/drive", nil).refused(404, "itemNotFound", "")
	long := n.do("POST", "/drives/"+plans+"/root/children", object{"name": strings.Repeat("p", 200), "folder": object{}}).want(201)
	n.do("POST", "/drives/"+plans+"/items/"+long.str("id")+"/children", object{"name": strings.Repeat("p", 200), "folder": object{}}).refused(400, "pathIsTooLong", "too long")
	n.do("PATCH", "/drives/"+plans+"/items/"+long.str("id"), object{"parentReference": object{"id": long.str("id")}}).refused(400, "invalidRequest", "into itself")
}

// Delta tells what changed since its token, deletions included, and a fresh start where
// a token has ended.
func TestDelta(t *testing.T) {
	n := start(t, Options{Limits: func() *Limits { l := DefaultLimits(); l.DrivePage = 2; return &l }()})
	drive, err := n.DriveOf(n.Users()[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	first, err := n.Put(drive, "folder/deep/one.txt", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	at := "/drives/" + drive + "/root/delta"
	read := func(path string) (names []string, link string) {
		t.Helper()
		for path != "" {
			g := n.do("GET", path, nil).want(200)
			for _, v := range g.body["value"].([]any) {
				o := v.(map[string]any)
				if o["cTag"] != nil {
					t.Error("delta tells a cTag outside of consumers' drives")
				}
				if o["deleted"] != nil {
					names = append(names, "deleted")
					continue
				}
				names = append(names, o["name"].(string))
			}
			next, _ := g.body["@odata.nextLink"].(string)
			link, _ = g.body["@odata.deltaLink"].(string)
			_, path, _ = strings.Cut(next, "/v1.0")
		}
		_, link, _ = strings.Cut(link, "/v1.0")
		return names, link
	}
	names, link := read(at)
	if got := strings.Join(names, " "); got != "root folder deep one.txt" {
		t.Errorf("a whole drive is %s", got)
	}
	if names, _ := read(link); len(names) != 0 {
		t.Errorf("nothing changed, and %q are told", names)
	}
	if _, err := n.Put(drive, "folder/two.txt", []byte("two")); err != nil {
		t.Fatal(err)
	}
	n.do("DELETE", "/drives/"+drive+"/items/"+first, nil).want(204)
	if names, _ := read(link); strings.Join(names, " ") != "root folder two.txt deleted" {
		t.Errorf("since then %q changed", names)
	}
	g := n.do("GET", at+"?token=ended", nil).refused(410, "resyncRequired", "")
	if g.header.Get("Location") == "" {
		t.Error("a token that has ended names no new beginning")
	}
}

// Permissions are inherited, invited to without a mail unless one is asked for, and
// taken away where they were given.
func TestPermissions(t *testing.T) {
	n := start(t, Options{})
	people := n.Users()
	drive, err := n.DriveOf(people[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	one, err := n.Put(drive, "folder/one.txt", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := n.Put(drive, "folder/", nil)
	if err != nil {
		t.Fatal(err)
	}
	other := n.AddUser(User{Name: "Somebody Else", Mail: "else@contoso.invalid"})
	at := "/drives/" + drive + "/items/"
	invite := object{"recipients": []object{{"objectId": other}}, "requireSignIn": true, "sendInvitation": false, "roles": []string{"read"}}
	n.do("POST", at+folder+"/invite", invite).want(200)
	if told := n.Notices(); len(told) > 0 {
		t.Errorf("who was invited without a mail got one: %+v", told)
	}
	invite["sendInvitation"] = true
	n.do("POST", at+folder+"/invite", invite).want(200)
	if told := n.Notices(); len(told) != 1 || told[0].To != other {
		t.Errorf("an invitation by mail reached %+v", told)
	}
	all := n.do("GET", at+one+"/permissions", nil).want(200).body["value"].([]any)
	id := ""
	for _, v := range all {
		p := v.(map[string]any)
		if p["inheritedFrom"] == nil {
			t.Errorf("a permission of the folder is not inherited: %v", p)
		}
		if p["roles"].([]any)[0] == "read" {
			id = p["id"].(string)
		}
	}
	if len(all) != 2 || id == "" {
		t.Fatalf("the file has the permissions %v", all)
	}
	n.do("DELETE", at+one+"/permissions/"+id, nil).refused(404, "itemNotFound", "")
	n.do("PATCH", at+folder+"/permissions/"+id, object{"roles": []string{"write"}}).want(200)
	n.do("DELETE", at+folder+"/permissions/"+id, nil).want(204)
	if g := n.do("GET", at+one, nil).want(200); g.body["shared"] != nil {
		t.Errorf("nobody is let at it any more: %s", g.raw)
	}
	invite["recipients"] = []object{{"objectId": "nobody"}}
	n.do("POST", at+folder+"/invite", invite).refused(http.StatusBadRequest, "noResolvedUsers", "")
}

// A session with deferCommit shows nothing before it is completed.
func TestDeferredCommit(t *testing.T) {
	for _, consumer := range []bool{false, true} {
		n := start(t, Options{Consumer: consumer})
		drive, err := n.DriveOf(n.Users()[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		at := "/drives/" + drive + "/root:/late.bin:"
		g := n.do("POST", at+"/createUploadSession", object{"item": object{"@microsoft.graph.conflictBehavior": "fail"}, "deferCommit": true}).want(200)
		url := g.str("uploadUrl")
		n.raw("PUT", url, http.Header{"Content-Range": {"bytes 0-3/4"}}, strings.NewReader("late")).want(202)
		n.do("GET", at, nil).refused(404, "itemNotFound", "")
		if !consumer {
			n.raw("POST", url, nil, nil).want(201)
		} else {
			n.raw("POST", url, nil, nil).want(405)
			root := n.do("GET", "/drives/"+drive+"/root", nil).want(200).str("id")
			n.do("PUT", "/drives/"+drive+"/items/"+root, object{"name": "late.bin", "@microsoft.graph.conflictBehavior": "fail", "@microsoft.graph.sourceUrl": url}).want(201)
		}
		n.do("GET", at, nil).want(200)
		n.raw("GET", url, nil, nil).want(404)
	}
}
