package web

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/web/look"
	"github.com/rialto-migrate/rialto/item"
)

// How long reading a whole source may take, and how many containers one page of a
// plan shows.
const (
	scanWithin = 30 * time.Minute
	onAPage    = 200
)

// scopeStep chooses what moves.
func scopeStep() step {
	return step{path: "scope", title: "Scope", lead: "What moves. What stays is not touched.", form: (*visit).scopeForm, take: (*visit).takeScope}
}

func (v *visit) scopeForm(m app.Plan) (f planForm, err error) {
	all := slices.Contains(m.File.Scope, "*")
	choice := look.Choices{Name: "what", Legend: "What moves", Options: []look.Choice{
		{Value: "all", Title: "Everything that the connection sees", Text: "Also what is added there before a run.", Chosen: v.was("what", map[bool]string{true: "all"}[all]) == "all"},
		{Value: "some", Title: "Only what is chosen below", Chosen: v.was("what", map[bool]string{false: "some"}[all]) == "some"},
	}}
	f.form.Fields = []any{choice}
	f.above, f.live = v.scanning(m, "scope")
	in, known := v.sightOf(m.File.From)
	if !known {
		return f, nil
	}
	shards, pages := v.paged(in.Shards, v.planAt(m.Name, "/scope"), "containers")
	tree := look.Tree{Name: "scope", Legend: "What the connection sees", Nodes: nodes(shards, func(s job.Shard) bool { return all || slices.Contains(m.File.Scope, s.ID) })}
	f.form.Hidden = append(f.form.Hidden, look.Hidden{Name: "page", Value: strconv.Itoa(v.page(len(in.Shards)))})
	for _, s := range shards {
		f.form.Hidden = append(f.form.Hidden, look.Hidden{Name: "shown", Value: s.ID})
	}
	f.form.Fields = append(f.form.Fields, tree)
	if pages != nil {
		f.form.Fields = append(f.form.Fields, *pages)
	}
	if len(in.Unseen) > 0 {
		t := look.Table{Caption: "What the connection does not see", Captioned: true, Columns: []look.Column{{Title: "What", Wide: true}, {Title: "How to get there"}}}
		for _, u := range in.Unseen {
			t.Rows = append(t.Rows, look.Row{Cells: []any{look.Name(strings.TrimSpace(u.What + " " + u.Where)), look.Name(u.How)}})
		}
		f.below = append(f.below, t)
	}
	return f, nil
}

// nodes are containers under those that own them, by name.
func nodes(shards []job.Shard, chosen func(job.Shard) bool) (out []look.Node) {
	by := map[string]int{}
	for _, s := range shards {
		n := look.Node{ID: s.ID, Label: look.Name(s.Name), Kind: string(s.Kind), Count: counts(s), Chosen: chosen(s)}
		if s.Owner == "" {
			out = append(out, n)
			continue
		}
		i, has := by[s.Owner]
		if !has {
			i = len(out)
			by[s.Owner] = i
			out = append(out, look.Node{ID: "of:" + s.Owner, Label: look.Name(s.Owner), Open: true})
		}
		out[i].Nodes = append(out[i].Nodes, n)
	}
	for i, n := range out {
		if n.Nodes == nil {
			continue
		}
		some := 0
		for _, c := range n.Nodes {
			if c.Chosen {
				some++
			}
		}
		out[i].Count = counted(len(n.Nodes), "container", "containers")
		out[i].Chosen, out[i].Partly = some == len(n.Nodes), some > 0 && some < len(n.Nodes)
	}
	return out
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return look.Number(n) + " " + many
}

// counts says what is in a container.
func counts(s job.Shard) string {
	n := 0
	for k, c := range s.Counts {
		if k != item.Member {
			n += c
		}
	}
	says := counted(n, "item", "items")
	if s.Counts == nil {
		says = "not counted"
	}
	if s.Bytes > 0 {
		says += ", " + size(s.Bytes)
	}
	if s.Closed {
		says += ", closed"
	}
	return says
}

// size is a number of bytes in the unit that people know.
func size(n int64) string {
	for _, u := range []struct {
		of   float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if float64(n) >= u.of {
			return fmt.Sprintf("%.1f %s", float64(n)/u.of, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// page is the number of the page of a long list that is asked for, from 1.
func (v *visit) page(of int) int {
	n, err := strconv.Atoi(cmp.Or(v.r.PostFormValue("page"), v.r.URL.Query().Get("page")))
	if err != nil || n < 1 || (n-1)*onAPage >= max(of, 1) {
		return 1
	}
	return n
}

// paged are the lines of the page that is asked for, with the way to the others; nil
// where there are none.
func (v *visit) paged(all []job.Shard, at, word string) ([]job.Shard, *look.Pagination) {
	from, to, pages := v.window(len(all), at, word)
	return all[from:to], pages
}

func (v *visit) window(n int, at, word string) (from, to int, pages *look.Pagination) {
	page := v.page(n)
	from, to = (page-1)*onAPage, min(page*onAPage, n)
	if n <= onAPage {
		return from, to, nil
	}
	pages = &look.Pagination{First: from + 1, Last: to, Total: n, Word: word}
	if page > 1 {
		pages.Previous = fmt.Sprintf("%s?page=%d", at, page-1)
	}
	if to < n {
		pages.Next = fmt.Sprintf("%s?page=%d", at, page+1)
	}
	return from, to, pages
}

// takeScope takes what is chosen on this page of the tree and leaves the other pages
// as they are.
func (v *visit) takeScope(f *migrate.File) error {
	if v.typed("what") != "some" {
		f.Scope = []string{"*"}
		return nil
	}
	shown, chosen := v.r.PostForm["shown"], v.r.PostForm["scope"]
	var owners []string
	for _, c := range chosen {
		if o, is := strings.CutPrefix(c, "of:"); is {
			owners = append(owners, o)
		}
	}
	in, known := v.sightOf(f.From)
	if len(owners) > 0 && known {
		for _, s := range in.Shards {
			if slices.Contains(shown, s.ID) && slices.Contains(owners, s.Owner) {
				chosen = append(chosen, s.ID)
			}
		}
	}
	var scope []string
	if slices.Contains(f.Scope, "*") && known {
		for _, s := range in.Shards { // what other pages show stays chosen
			if !slices.Contains(shown, s.ID) {
				scope = append(scope, s.ID)
			}
		}
	}
	for _, s := range f.Scope {
		if s != "*" && !slices.Contains(shown, s) {
			scope = append(scope, s)
		}
	}
	for _, s := range shown {
		if slices.Contains(chosen, s) {
			scope = append(scope, s)
		}
	}
	if len(scope) == 0 {
		return &account.Refusal{Field: "what", Reason: "choose at least one container, or everything"}
	}
	f.Scope = scope
	return nil
}

// placeStep says where it goes.
func placeStep() step {
	return step{path: "place", title: "Place", lead: "Where it goes at the target.",
		form: func(v *visit, m app.Plan) (f planForm, err error) {
			f.form.Fields = []any{
				look.Field{Name: "place", Label: "Place", Value: v.was("place", m.File.Place), Optional: true, MaxLength: 500,
					Hint: "A group, a workspace or a folder of the target, as “group:Marketing” or “workspace:Acme”. Left empty, the target's own place is taken, where it has one."},
			}
			return f, nil
		},
		take: func(v *visit, f *migrate.File) error {
			f.Place = strings.TrimSpace(v.typed("place"))
			return nil
		}}
}

// errNotRead says that what is needed was read too long ago.
var errNotRead = connector.Errorf(connector.Conflict, "the source was read too long ago; read it again")
