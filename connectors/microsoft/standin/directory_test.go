package standin

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestUsers(t *testing.T) {
	var more []User
	for i := range 10 {
		more = append(more, User{Name: fmt.Sprintf("Person %d", i), UPN: fmt.Sprintf("p%d@contoso.invalid", i)})
	}
	more = append(more, User{Name: "O'Hara Quinn", Mail: "quinn@contoso.invalid"})
	n := start(t, Options{Users: more})
	users, pages := n.all("/users?$top=4&$select=id,displayName,mail,userPrincipalName")
	ids := map[any]bool{}
	for _, u := range users {
		ids[u["id"]] = true
	}
	if len(users) != 13 || len(ids) != 13 || pages != 4 {
		t.Errorf("%d users, %d different, on %d pages", len(users), len(ids), pages)
	}
	for filter, want := range map[string]int{
		"mail eq 'ADA@contoso.invalid'":                                                        1,
		"userPrincipalName eq 'p3@contoso.invalid'":                                            1,
		"displayName eq 'O''Hara Quinn'":                                                       1,
		"startswith(displayName,'Person')":                                                     10,
		"startswith(mail,'ada') or startswith(mail,'b')":                                       2,
		"startswith(displayName,'Person') and not (userPrincipalName eq 'p3@contoso.invalid')": 9,
		"mail ne null":           3,
		"accountEnabled eq true": 13,
	} {
		got := n.do("GET", "/users?$filter="+url.QueryEscape(filter), nil).want(200).list()
		if len(got) != want {
			t.Errorf("%s finds %d, want %d", filter, len(got), want)
		}
	}
	for _, filter := range []string{"mail", "mail eq", "mail eq 'x", "mail eq x", "(mail eq 'x'", "startswith(mail 'x')", "mail eq 'x' xor", "not", strings.Repeat("(", 1000)} {
		n.do("GET", "/users?$filter="+url.QueryEscape(filter), nil).refused(400, "BadRequest", "Invalid filter clause")
	}
	n.do("GET", "/users?$top=0", nil).refused(400, "Request_BadRequest", "$top")
	n.do("GET", "/users?$top=1000", nil).refused(400, "Request_UnsupportedQuery", "1000")
	n.do("GET", "/users?$select=id,shoeSize", nil).refused(400, "BadRequest", "shoeSize")
	if g := n.do("GET", "/users/ada@contoso.invalid?$select=id,accountEnabled", nil).want(200); g.str("id") != n.ada || g.body["accountEnabled"] != true || g.body["mail"] != nil {
		t.Errorf("selected %s", g.raw)
	}
	if g := n.do("GET", "/users/"+n.ada, nil).want(200); g.body["accountEnabled"] != nil {
		t.Error("accountEnabled comes unasked")
	}
	n.do("GET", "/users/nobody", nil).refused(404, "Request_ResourceNotFound", "nobody")
	if g := n.do("GET", "/organization", nil).want(200); g.list()[0]["id"] != n.Server.tenant {
		t.Errorf("the organization is %s", g.raw)
	}
}

func FuzzFilter(f *testing.F) {
	for _, in := range []string{"mail eq 'x'", "groupTypes/any(c:c eq 'Unified')", "not (a ne null) or b eq true", "startswith(a,'b')"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		keep, err := filter(in)
		if err == nil {
			keep(object{"mail": "x", "groupTypes": []string{"Unified"}})
		}
	})
}

func unified(name, nick string) object {
	return object{"displayName": name, "mailNickname": nick, "mailEnabled": true, "securityEnabled": false, "groupTypes": []string{"Unified"}}
}

func TestGroups(t *testing.T) {
	n := start(t, Options{})
	in := unified("Library Assist", "library")
	in["description"] = "Self help"
	in["owners@odata.bind"] = []string{n.at + "/v1.0/users/" + n.ada}
	in["members@odata.bind"] = []string{n.at + "/v1.0/users/" + n.ada, n.at + "/v1.0/directoryObjects/" + n.bob}
	g := n.do("POST", "/groups", in).want(201)
	id := g.str("id")
	if g.str("mail") != "library@contoso.invalid" || g.str("displayName") != "Library Assist" {
		t.Errorf("the group is %s", g.raw)
	}
	if got := n.do("GET", "/groups?$filter="+url.QueryEscape("groupTypes/any(c:c eq 'Unified') and displayName eq 'Library Assist'"), nil).want(200).list(); len(got) != 1 {
		t.Errorf("found %d groups", len(got))
	}
	members := n.do("GET", "/groups/"+id+"/members", nil).want(200).list()
	if len(members) != 2 || members[0]["@odata.type"] != "#microsoft.graph.user" {
		t.Errorf("the members are %v", members)
	}
	if owners := n.do("GET", "/groups/"+id+"/owners?$select=id", nil).want(200).list(); len(owners) != 1 || owners[0]["id"] != n.ada {
		t.Errorf("the owners are %v", owners)
	}
	n.do("PATCH", "/groups/"+id, object{"displayName": "Library", "description": nil}).want(204)
	if g := n.do("GET", "/groups/"+id, nil).want(200); g.str("displayName") != "Library" || g.body["description"] != nil {
		t.Errorf("after the change it is %s", g.raw)
	}
	ref := object{"@odata.id": n.at + "/v1.0/directoryObjects/" + n.bob}
	n.do("POST", "/groups/"+id+"/members/$ref", ref).refused(400, "Request_BadRequest", "already exist")
	n.do("DELETE", "/groups/"+id+"/members/"+n.bob+"/$ref", nil).want(204)
	n.do("DELETE", "/groups/"+id+"/members/"+n.bob+"/$ref", nil).refused(404, "Request_ResourceNotFound", n.bob)
	n.do("POST", "/groups/"+id+"/members/$ref", ref).want(204)
	n.do("DELETE", "/groups/"+id+"/owners/"+n.ada+"/$ref", nil).refused(400, "Request_BadRequest", "at least one owner")
	n.do("POST", "/groups/"+id+"/members/$ref", object{"@odata.id": "https://x/users/nobody"}).refused(404, "Request_ResourceNotFound", "nobody")
	n.do("POST", "/groups/"+id+"/members/$ref", object{}).refused(400, "BadRequest", "@odata.id")

	n.do("POST", "/groups", unified("Other", "library")).refused(400, "Request_BadRequest", "mailNickname already exists")
	n.do("POST", "/groups", object{"displayName": "x"}).refused(400, "Request_BadRequest", "mailEnabled")
	n.do("POST", "/groups", unified("x", "no spaces")).refused(400, "Request_BadRequest", "mailNickname")
	n.do("POST", "/groups", unified(strings.Repeat("x", 257), "long")).refused(400, "Request_BadRequest", "displayName")
	bad := unified("x", "y")
	bad["colour"] = "red"
	n.do("POST", "/groups", bad).refused(400, "Request_BadRequest", "colour")

	// A person owns what they make, but is no member of it.
	mine := n.as(n.token, "POST", "/groups", unified("Mine", "mine")).want(201).str("id")
	if got := n.do("GET", "/groups/"+mine+"/owners", nil).want(200).list(); len(got) != 1 {
		t.Errorf("the owners are %v", got)
	}
	if got := n.do("GET", "/groups/"+mine+"/members", nil).want(200).list(); len(got) != 0 {
		t.Errorf("the members are %v", got)
	}
	n.as(n.token, "POST", "/planner/plans", planIn(n, mine, "x")).refused(403, "", "permissions")
	n.as(n.token, "POST", "/groups/"+mine+"/members/$ref", object{"@odata.id": n.at + "/v1.0/users/" + n.ada}).want(204)
	plan := n.as(n.token, "POST", "/planner/plans", planIn(n, mine, "x")).want(201).str("id")

	n.do("DELETE", "/groups/"+mine, nil).want(204)
	n.do("GET", "/groups/"+mine, nil).refused(404, "Request_ResourceNotFound", mine)
	n.do("GET", "/planner/plans/"+plan, nil).refused(404, "", "not found")
}

func planIn(n *tenant, group, title string) object {
	return object{"title": title, "container": object{"url": n.at + "/v1.0/groups/" + group}}
}

func TestANewDriveIsProvisioned(t *testing.T) {
	n := start(t, Options{ProvisioningDelay: time.Minute})
	id := n.do("POST", "/groups", unified("New", "new")).want(201).str("id")
	n.do("GET", "/groups/"+id+"/drive", nil).refused(404, "ResourceNotFound", "Resource provisioning is in progress. Please try again.")
	n.do("GET", "/groups/"+id+"/drive/root/children", nil).want(404)
	n.clock.move(time.Minute)
	d := n.do("GET", "/groups/"+id+"/drive", nil).want(200)
	if again := n.do("GET", "/groups/"+id+"/drive?$select=id,webUrl", nil).want(200); again.str("id") != d.str("id") {
		t.Error("the drive changes")
	}
	two := n.do("POST", "/groups", unified("Two", "two")).want(201).str("id")
	n.ProvisionDrives()
	n.do("GET", "/groups/"+two+"/drive", nil).want(200)
	none := start(t, Options{ProvisioningDelay: -1})
	id = none.do("POST", "/groups", unified("New", "new")).want(201).str("id")
	none.do("GET", "/groups/"+id+"/drive", nil).want(200)
}

func TestLoad(t *testing.T) {
	s := New(Options{})
	if err := s.Load("people.json", strings.NewReader(`{"users":[{"name":"Kim","mail":"kim@example.com"},{"name":"李 雷"}],"groups":[{"name":"Team","members":["kim@example.com"]}]}`)); err != nil {
		t.Fatal(err)
	}
	if err := s.Load("more.json", strings.NewReader(` [{"name":"李 雷","upn":"lei@contoso.invalid"}]`)); err != nil {
		t.Fatal(err)
	}
	var upns []string
	for _, u := range s.Users() {
		upns = append(upns, u.UPN)
	}
	slices.Sort(upns)
	if fmt.Sprint(upns) != "[admin@contoso.invalid kim@example.com lei@contoso.invalid user@contoso.invalid]" {
		t.Errorf("the people are %v", upns)
	}
	for name, in := range map[string]string{
		"empty":     "",
		"not json":  "users",
		"cut":       `{"users":[{"name":"secret"`,
		"unknown":   `{"people":[]}`,
		"typed":     `{"users":[{"name":7}]}`,
		"nameless":  `[{"mail":"x@example.com"}]`,
		"twice":     `[{"name":"a","mail":"x@example.com"},{"name":"b","mail":"X@example.com"}]`,
		"known":     `[{"name":"a","mail":"kim@example.com"}]`,
		"bad id":    `[{"name":"a","id":"7"}]`,
		"groupless": `{"groups":[{"members":[]}]}`,
	} {
		err := s.Load("people.json", strings.NewReader(in))
		if err == nil || !strings.HasPrefix(err.Error(), "people.json") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.Users()) != 4 {
		t.Error("a refused file left people behind")
	}
}
