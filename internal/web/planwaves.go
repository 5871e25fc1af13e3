package web

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// wavesStep says in which order containers go, each where, and what it is called.
func wavesStep() step {
	return step{path: "waves", title: "Waves", lead: "What goes when. Without a map all goes at once, to one place.", form: (*visit).wavesForm, take: (*visit).takeWaves}
}

func (v *visit) wavesForm(m app.Plan) (f planForm, err error) {
	f.above, f.live = v.scanning(m, "waves")
	in, known := v.sightOf(m.File.From)
	f.form.Upload = true
	by := map[string]job.Shard{}
	for _, s := range in.Shards {
		by[s.ID] = s
	}
	if len(m.File.Map) > 0 {
		from, to, pages := v.window(len(m.File.Map), v.planAt(m.Name, "/waves"), "containers")
		t := look.Table{Caption: "The map", Columns: []look.Column{{Title: "Container", Wide: true}, {Title: "Wave"}, {Title: "Place"}, {Title: "Called there"}}}
		for i, r := range m.File.Map[from:to] {
			s, there := by[r.Source]
			title, below := look.Name(r.Source), ""
			if there {
				title, below = look.Name(s.Name), counts(s)
			} else if known {
				below = "no longer at the source"
			}
			wave := "-"
			switch {
			case !r.Out && r.Wave > 0:
				wave = strconv.Itoa(r.Wave)
			case !r.Out:
				wave = ""
			}
			cell := func(what, label, kept string) look.Field {
				name := fmt.Sprint(what, "-", from+i)
				return look.Field{Name: name, Label: look.Words{label, " of ", title}, Quiet: true, Optional: true, Short: what == "wave", Value: v.was(name, kept)}
			}
			t.Rows = append(t.Rows, look.Row{Cells: []any{look.Stacked{Top: title, Below: below}, cell("wave", "Wave", wave), cell("place", "Place", r.Place), cell("target", "Name at the target", r.Target)}})
			f.form.Hidden = append(f.form.Hidden, look.Hidden{Name: fmt.Sprint("row-", from+i), Value: r.Source})
		}
		f.form.Hidden = append(f.form.Hidden, look.Hidden{Name: "page", Value: fmt.Sprint(v.page(len(m.File.Map)))})
		f.form.Fields = append(f.form.Fields, t, look.Text("A hyphen as the wave keeps a container where it is. An empty place is that of the migration, and an empty name the container's own."))
		if pages != nil {
			f.form.Fields = append(f.form.Fields, *pages)
		}
	}
	if known {
		f.form.Fields = append(f.form.Fields, look.Field{Name: "waves", Label: "Spread over waves", Kind: "number", Min: "1", Max: "99", Short: true, Optional: true, Value: v.was("waves", ""),
			Hint: "Gives each container that has none a wave, so that all are of like size."})
	}
	f.form.Fields = append(f.form.Fields, look.Field{Name: "table", Label: "The map as a table", Kind: "file", Optional: true, Hint: "As CSV, from any spreadsheet. It takes the place of the map."})
	if len(m.File.Map) > 0 {
		f.form.Fields = append(f.form.Fields, look.Field{Name: "without", Label: "Do without a map: all goes at once", Kind: look.Check})
	}
	f.below = append(f.below, look.Section{ID: "csv", Title: "Plan in a spreadsheet", Text: "Download the table, edit wave, place and target, and bring it back.",
		Actions: []look.Button{{Text: "Download the table", Href: v.planAt(m.Name, "/map.csv")}}})
	return f, nil
}

func (v *visit) takeWaves(f *migrate.File) error {
	raw, err := v.uploaded("table")
	if err != nil {
		return err
	}
	if v.typed("without") != "" {
		f.Map = nil
		return nil
	}
	f.Map = append([]migrate.MapRow{}, f.Map...)
	at := map[string]int{}
	for i, r := range f.Map {
		at[r.Source] = i
	}
	for key := range v.r.PostForm {
		n, is := strings.CutPrefix(key, "row-")
		i, has := at[v.typed(key)]
		if !is || !has {
			continue
		}
		wave := strings.TrimSpace(v.typed("wave-" + n))
		row := &f.Map[i]
		row.Place, row.Target, row.Out, row.Wave = strings.TrimSpace(v.typed("place-"+n)), strings.TrimSpace(v.typed("target-"+n)), wave == "-", 0
		if wave != "" && wave != "-" {
			if row.Wave, err = strconv.Atoi(wave); err != nil || row.Wave < 1 || row.Wave > 9999 {
				return &account.Refusal{Field: "wave-" + n, Reason: "a wave is a whole number from 1, or a hyphen for what stays"}
			}
		}
	}
	if len(raw) == 0 {
		waves, err := strconv.Atoi(strings.TrimSpace(v.typed("waves")))
		in, known := v.sightOf(f.From)
		if v.typed("waves") != "" {
			switch {
			case err != nil || waves < 1 || waves > 99:
				return &account.Refusal{Field: "waves", Reason: "give a whole number from 1 to 99"}
			case !known:
				return errNotRead
			}
			if raw, err = app.MapCSV(f, in.Shards, waves); err != nil {
				return &account.Refusal{Field: "waves", Reason: err.Error()}
			}
		} else if len(f.Map) > 0 {
			if raw, err = app.MapCSV(f, nil, 0); err != nil {
				return err
			}
		}
	}
	if len(raw) == 0 {
		return nil
	}
	if err := app.TakeMap(f, raw); err != nil {
		return &account.Refusal{Field: "table", Reason: err.Error()}
	}
	return nil
}

func (v *visit) mapCSV() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	in, _ := v.sightOf(m.File.From)
	raw, err := app.MapCSV(m.File, in.Shards, 0)
	if err != nil {
		return err
	}
	return v.download("map.csv", "text/csv; charset=utf-8", raw)
}
