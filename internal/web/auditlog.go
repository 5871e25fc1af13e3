package web

import (
	"fmt"
	"strconv"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/audit"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// auditLog is an organisation's audit log.
func (s *Site) auditLog() {
	s.page("GET /o/{org}/audit", access.ReadAuditLog, (*visit).entries)
	s.page("GET /o/{org}/audit/export", access.ReadAuditLog, (*visit).exportLog)
}

const entriesOnPage = 50

func (v *visit) entries() error {
	head, err := v.Audit.Checkpoint(v.ctx(), v.org.ID)
	if err != nil {
		return err
	}
	last := head.Size
	if before, err := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64); err == nil && before > 0 && before <= last {
		last = before - 1
	}
	first := max(1, last-entriesOnPage+1)
	all, err := v.Audit.Entries(v.ctx(), v.org.ID, first, last+1)
	if err != nil {
		return err
	}
	names, err := v.names()
	if err != nil {
		return err
	}
	p := v.layout("Audit log")
	p.Wide = true
	p.Heading.Lead = "Who did what, and what came of it. Each entry is part of a tree whose root is signed: nobody can change or remove one unseen."
	p.Heading.Actions = []look.Button{{Text: "Export", Href: v.at("/audit/export")}}
	t := look.Table{Caption: "Entries", Columns: []look.Column{{Title: "No.", Number: true}, {Title: "When"}, {Title: "Who"}, {Title: "What", Wide: true}, {Title: "Outcome"}},
		Empty: &look.Empty{Title: "Nothing has happened yet", Text: "Every change appears here, before it is made."}}
	for i := len(all) - 1; i >= 0; i-- {
		e := all[i]
		what := e.Action
		if e.Object.ID != "" {
			what += " (" + e.Object.Kind + " " + e.Object.ID + ")"
		}
		t.Rows = append(t.Rows, look.Row{Cells: []any{fmt.Sprint(e.Num), e.Time, actor(e.Actor, names), look.Name(what), outcome(e)}})
	}
	t.Pages = &look.Pagination{First: int(first), Last: int(last), Total: int(head.Size), Word: "entries"}
	if first > 1 {
		t.Pages.Next = fmt.Sprintf("%s?before=%d", v.at("/audit"), first)
	}
	if last < head.Size {
		t.Pages.Previous = fmt.Sprintf("%s?before=%d", v.at("/audit"), min(head.Size, last+entriesOnPage)+1)
	}
	p.Body = []any{t, look.Disclosure{ID: "checkpoint", Summary: "The newest checkpoint", Parts: []any{
		look.Text("Keep it somewhere else, and you can tell later whether anything that stands here now was changed: rialto audit verify EXPORT --since CHECKPOINT."),
		look.Code{ID: "signed", Label: "Checkpoint", Text: string(head.Signed)}, look.Code{ID: "key", Label: "Key that it is signed with", Text: v.Audit.Key()}}}}
	return v.show(p)
}

// names are those of the organisation's people, where the reader may see them.
func (v *visit) names() (map[string]string, error) {
	out := map[string]string{}
	if !v.may(access.ReadPeople) {
		return out, nil
	}
	members, err := v.App.Store().Members(v.ctx(), v.org.ID)
	for _, m := range members {
		out[m.Person] = m.Name
	}
	return out, err
}

func actor(a audit.Actor, names map[string]string) any {
	switch {
	case a.Kind == audit.Machine:
		return "the service"
	case a.Kind == audit.Nobody:
		return "somebody"
	case names[a.Person] != "":
		return look.Name(names[a.Person])
	}
	return look.Name(a.Person)
}

func outcome(e audit.Entry) look.Badge {
	tone := map[audit.Outcome]look.Tone{audit.Done: look.Good, audit.Refused: look.Warn, audit.Failed: look.Bad}[e.Outcome]
	text := string(e.Outcome)
	if e.Of > 0 {
		text += fmt.Sprintf(" (%d)", e.Of)
	}
	return look.Badge{Text: text, Tone: tone}
}

func (v *visit) exportLog() error {
	h := v.w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("Content-Disposition", `attachment; filename="rialto-audit-`+v.org.ID+`.jsonl"`)
	v.wrote = true
	return v.Audit.Export(v.ctx(), v.org.ID, v.w)
}
