package dropbox

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/dropbox/standin"
	"github.com/rialto-migrate/rialto/item"
)

// team is a team with two members, a group and two team folders.
func team() (s *standin.Server, ann, group string) {
	s = standin.New(standin.Options{Seed: 5})
	s.AddTeam("Acme")
	ann = s.AddMember("Ann Example", "ann@example.org")
	group = s.AddGroup("Sellers", ann)
	s.AddTeamFolder("Sales")
	s.AddTeamFolder("Legal")
	s.Put("team:Sales/plan.txt", []byte("team's"))
	s.Put("team:Ann Example/own.txt", []byte("ann's"))
	s.Put("/mine.txt", []byte("mine"))
	return s, ann, group
}

// names are the files of a drive with what they hold.
func (r *rig) names(ref item.Ref) (out []string) {
	r.Helper()
	all, _ := r.list(ref)
	for _, b := range all {
		if b.Item.Blob == nil {
			continue
		}
		in, err := r.cloud.Open(r.Context(), *b.Item.Blob, 0, -1)
		r.no(err)
		text, err := io.ReadAll(in)
		in.Close()
		r.no(err)
		out = append(out, item.FileName.Get(b.Item)+"="+string(text))
	}
	return out
}

// A member sees the own home and the team folders; a team's app all homes, too, or
// those of one member.
func TestShards(t *testing.T) {
	s, _, _ := team()
	for what, c := range map[string]struct {
		set  map[string]string
		as   string
		want []string
	}{
		"a member":                   {s.SettingsOf(base, "ann@example.org"), "", []string{"Ann Example: own.txt=ann's", "Legal: ", "Sales: plan.txt=team's"}},
		"a team's app":               {s.TeamSettings(base), "", []string{"Ann Example: own.txt=ann's", "Legal: ", "Olive Owner: mine.txt=mine", "Sales: plan.txt=team's"}},
		"a team's app as one":        {s.TeamSettings(base), "ann@example.org", []string{"Ann Example: own.txt=ann's", "Legal: ", "Sales: plan.txt=team's"}},
		"a team's app as one, by id": {s.TeamSettings(base), s.MemberID("owner@example.org"), []string{"Legal: ", "Olive Owner: mine.txt=mine", "Sales: plan.txt=team's"}},
	} {
		if c.as != "" {
			c.set[setAs] = c.as
		}
		r := newRig(t, s, c.set)
		id, err := r.cloud.Check(t.Context())
		if err != nil || id.ID == "" || len(id.Rights) == 0 {
			t.Errorf("%s: Check tells %+v, %v", what, id, err)
		}
		var got []string
		for shard, err := range r.source().Shards(t.Context()) {
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			got = append(got, shard.Name+": "+strings.Join(r.names(shard.Ref), " "))
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s sees %q, want %q", what, got, c.want)
		}
		// What is read again from its id alone is the same.
		for shard, err := range r.source().Shards(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			all, _ := r.list(shard.Ref)
			for _, b := range all {
				for again, err := range r.source().Fetch(t.Context(), shard, []item.Ref{b.Item.Ref}) {
					if err != nil || again.Item.Parent != b.Item.Parent || item.Name.Get(again.Item) != item.Name.Get(b.Item) {
						t.Errorf("%s: %+v is read again as %+v, %v", what, b.Item, again.Item, err)
					}
				}
			}
		}
	}
}

// A folder that members of a team share comes once, with its owner's home, whoever has
// it in theirs.
func TestSharedOnce(t *testing.T) {
	s, ann, _ := team()
	s.Put("team:Ann Example/from ann/x", []byte("1"))
	s.Share("team:Ann Example/from ann", nil)
	// As if it were mounted in both homes: the owner of the one lies in the other.
	s.Put("/from outside/y", []byte("2"))
	s.Share("/from outside", map[string]string{ann: "owner", s.AccountID("owner@example.org"): "editor"})
	r := newRig(t, s, s.TeamSettings(base))
	var files []string
	unknown := 0
	for shard, err := range r.source().Shards(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all, _ := r.list(shard.Ref)
		for _, b := range all {
			if b.Item.Blob != nil {
				files = append(files, item.FileName.Get(b.Item))
			}
			for _, u := range b.Unknown {
				if u == "folder.shared-by-another-member" {
					unknown++
				}
			}
		}
	}
	if !slices.Contains(files, "x") || slices.Contains(files, "y") || unknown != 1 {
		t.Errorf("the files are %q, and %d folders are told to be with another", files, unknown)
	}
}

// A team's app writes as a member, and says so; one who is not there is told.
func TestTeamTargets(t *testing.T) {
	s, _, _ := team()
	r := newRig(t, s, s.TeamSettings(base))
	if _, err := r.cloud.Target(t.Context(), "home"); connector.ClassOf(err) != connector.Unsupported || err == nil {
		t.Errorf("a target without a member: %v", err)
	}
	set := s.TeamSettings(base)
	set[setAs] = "nobody@example.org"
	if _, err := newRig(t, s, set).cloud.Check(t.Context()); connector.ClassOf(err) != connector.Permanent || err == nil {
		t.Errorf("a member who is not there: %v", err)
	}
	s.Suspend("ann@example.org")
	set[setAs] = s.MemberID("ann@example.org")
	if _, err := newRig(t, s, set).cloud.Check(t.Context()); connector.ClassOf(err) != connector.Forbidden || err == nil {
		t.Errorf("a member who is suspended: %v", err)
	}
	set[setAs] = "owner@example.org"
	r = newRig(t, s, set)
	for _, place := range []string{"team-folder:Nowhere", "team-folder:Olive Owner"} {
		if _, err := r.cloud.Target(t.Context(), place); connector.ClassOf(err) != connector.Permanent || err == nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	w, c := r.target("team-folder:Legal"), contents{}
	d := r.must(w, c, connector.Change{Op: connector.Create, Item: item.Item{Ref: item.Ref{Kind: item.Drive}}})[0].Item
	r.must(w, c, c.file(d.Ref, "contract.txt", []byte("signed")))
	if got := string(s.Bytes("team:Legal/contract.txt")); got != "signed" {
		t.Errorf("the team folder holds %q", got)
	}
	var people []string
	for m, err := range w.Members(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, item.Name.Get(m)+" "+item.Standing.Get(m))
	}
	slices.Sort(people)
	if want := []string{"Ann Example disabled", "Olive Owner active", "Sellers group"}; !slices.Equal(people, want) {
		t.Errorf("the people are %q, want %q", people, want)
	}
}

// Who was let at folders and files is told with the people and groups, each once and
// before they are named; links with their audience; who was invited is listed.
func TestPermissionsAreRead(t *testing.T) {
	s, ann, group := team()
	s.Put("/shared/in it.txt", []byte("x"))
	s.Share("/shared", map[string]string{ann: "viewer", group: "editor", "invited@example.org": "viewer"})
	s.Put("/let.txt", []byte("x"))
	s.Share("/let.txt", map[string]string{ann: "viewer_no_comment"})
	s.Put("/linked.txt", []byte("x"))
	s.AddLink("/linked.txt", "public")
	s.AddLink("/shared", "team")
	r := newRig(t, s, nil)
	all, last := r.list(r.home())
	if len(last.Whole) == 0 {
		t.Error("the listing is not whole")
	}
	for name, want := range map[string][]item.Grant{
		"shared":     {{To: ann, Role: item.Comments}, {To: group, Role: item.Writes}, {Link: "organisation", Role: item.Comments}},
		"in it.txt":  nil,
		"let.txt":    {{To: ann, Role: item.Reads}},
		"linked.txt": {{Link: "everybody", Role: item.Comments}},
	} {
		b := named(all, name)
		got := item.Permissions.Get(b.Item)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if unknown := slices.Contains(b.Unknown, "folder.permissions.invitee"); unknown != (name == "shared") {
			t.Errorf("%s lists as not carried %q", name, b.Unknown)
		}
	}
	told := map[string]int{}
	for _, b := range all {
		if b.Item.Kind == item.Member {
			told[b.Item.ID]++
		}
		for _, g := range item.Permissions.Get(b.Item) {
			if g.To != "" && told[g.To] != 1 {
				t.Errorf("%s is named and was told %d times before", g.To, told[g.To])
			}
		}
	}
}

// What is renamed or gets other bytes keeps who was let at it, and tells so.
func TestPermissionsStay(t *testing.T) {
	s, ann, _ := team()
	s.Put("/let.txt", []byte("x"))
	s.Put("/shared/x", nil)
	for _, path := range []string{"/let.txt", "/shared"} {
		s.Share(path, map[string]string{ann: "editor"})
	}
	r := newRig(t, s, nil)
	all, _ := r.list(r.home())
	w, c := r.target("home"), contents{}
	want := []item.Grant{{To: ann, Role: item.Writes}}
	for _, name := range []string{"let.txt", "shared"} {
		prev := named(all, name)
		it := prev.Item.Clone()
		item.FileName.Set(&it, "another "+name)
		got := r.must(w, c, connector.Change{Op: connector.Update, Item: it, Prev: &prev, Moved: true, Dirty: []string{item.FileName.Name}})[0]
		if !slices.Equal(item.Permissions.Get(got.Item), want) {
			t.Errorf("after a new name: %v, want %v", item.Permissions.Get(got.Item), want)
		}
		if name == "shared" {
			continue
		}
		next := c.file(it.Parent, "another let.txt", []byte("other bytes"))
		next.Op, next.Item.ID, next.Prev, next.Dirty = connector.Update, it.ID, &got, []string{item.Content.Name}
		got = r.must(w, c, next)[0]
		if !slices.Equal(item.Permissions.Get(got.Item), want) {
			t.Errorf("after other bytes: %v, want %v", item.Permissions.Get(got.Item), want)
		}
	}
	if n := len(s.Notices()); n > 0 {
		t.Errorf("%d messages went out", n)
	}
}

// A folder within a shared one cannot be shared: it is there without that, and tells
// so, and what lies in it can be written.
func TestNestedShare(t *testing.T) {
	s, ann, _ := team()
	s.Put("/outer/x", nil)
	s.Share("/outer", map[string]string{ann: "viewer"})
	r := newRig(t, s, nil)
	all, _ := r.list(r.home())
	ch := folderChange(named(all, "outer").Item.Ref, "inner")
	item.Permissions.Set(&ch.Item, []item.Grant{{To: ann, Role: item.Writes}})
	w, c := r.target("home"), contents{}
	inner := r.must(w, c, ch)[0].Item
	if inner.ID == "" || len(item.Permissions.Get(inner)) > 0 {
		t.Errorf("%+v", inner)
	}
	r.must(w, c, c.file(inner.Ref, "y", []byte("x")))
}

// Large batches are carried out by Dropbox while we ask.
func TestFoldersAsJobs(t *testing.T) {
	s := standin.New(standin.Options{Seed: 5, AsyncFrom: 1})
	ann := s.AddMember("Ann Example", "ann@example.org")
	r := newRig(t, s, nil)
	ch := folderChange(r.home(), "made")
	item.Permissions.Set(&ch.Item, []item.Grant{{To: ann, Role: item.Writes}})
	it := r.must(r.target("home"), contents{}, ch)[0].Item
	if got := s.Access("/made")[ann]; it.ID == "" || got != "editor" {
		t.Errorf("%+v, ann is %q", it, got)
	}
	if n := s.Counts()["files/create_folder_batch/check"]; n != 2 {
		t.Errorf("the job was asked for %d times, want 2", n)
	}
}
