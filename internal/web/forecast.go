package web

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/audit"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/report"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// forecastWithin is how long a forecast may take: it reads all that moves.
const forecastWithin = 12 * time.Hour

// forecasts tell what a run would do, before it does anything.
func (s *Site) forecasts() {
	s.page("GET /o/{org}/migrations/{id}/forecast", access.ReadForecasts, (*visit).forecast)
	s.page("POST /o/{org}/migrations/{id}/forecast", access.MakeForecasts, (*visit).forecasted)
	s.page("GET /o/{org}/migrations/{id}/forecast/events", access.ReadForecasts, (*visit).forecastEvents)
	s.page("GET /o/{org}/migrations/{id}/forecasts/{num}", access.ReadForecasts, (*visit).oneForecast)
	s.page("GET /o/{org}/migrations/{id}/forecasts/{num}/pdf", access.ReadForecasts, (*visit).forecastPDF)
	s.page("POST /o/{org}/migrations/{id}/forecasts/{num}/sign", access.MakeForecasts, (*visit).sign)
}

func forecastOf(migration string) string { return "forecast:" + migration }

func (v *visit) forecast() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	p := v.planPage(m.Name, "Forecast")
	p.Heading.Lead = "What a run would do, and what would be lost. It only reads."
	body := []any{v.stepper(m.Name, "forecast")}
	if d := v.deeds.current(v.org.ID, forecastOf(m.Name)); d != nil {
		now := v.soon(d)
		if !now.done {
			p.Live = v.planAt(m.Name, "/forecast/events")
		}
		body = append(body, v.forecastRegion(m.Name, now))
	}
	if p.Live == "" && v.may(access.MakeForecasts) {
		body = append(body, look.Form{Action: v.planAt(m.Name, "/forecast"), Buttons: []look.Button{{Text: "Make a forecast", Kind: look.Primary}}})
	}
	all, err := v.own().Forecasts(v.ctx(), m.Name)
	if err != nil {
		return err
	}
	t := look.Table{Caption: "Forecasts", Captioned: true, Columns: []look.Column{{Title: "Number"}, {Title: "Made", Wide: true}, {Title: "Open", Quiet: true}},
		Empty: &look.Empty{Title: "No forecast yet", Text: "It reads the source and the target, and writes to neither."}}
	for _, r := range all {
		t.Rows = append(t.Rows, look.Row{Cells: []any{fmt.Sprint(r.Num), r.Made,
			look.Button{Text: "Open", Small: true, Kind: look.Quiet, Href: v.planAt(m.Name, fmt.Sprint("/forecasts/", r.Num)), About: fmt.Sprint("forecast ", r.Num)}}})
	}
	body = append(body, t)
	p.Body = body
	return v.show(p)
}

// readSoFar is how far a forecast is.
type readSoFar struct{ items, total int }

func (v *visit) forecasted() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	own := v.own()
	_, err = v.deeds.start(v.org.ID, forecastOf(m.Name), forecastWithin, nil, func(ctx context.Context, d *deed) (any, error) {
		return own.MakeForecast(ctx, m, func(ev migrate.Event) {
			if ev.Counts != nil {
				d.tell(readSoFar{ev.Counts.Items, ev.Counts.Total})
			}
		})
	})
	if err != nil {
		return err
	}
	return v.to(v.planAt(m.Name, "/forecast"))
}

func (v *visit) forecastEvents() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	d := v.deeds.current(v.org.ID, forecastOf(m.Name))
	if d == nil {
		return errNotFound
	}
	return v.stream(d, func(now sight) look.Region { return v.forecastRegion(m.Name, now) })
}

func (v *visit) forecastRegion(name string, now sight) look.Region {
	r := look.Region{ID: "forecast"}
	far, _ := now.told.(readSoFar)
	num, _ := now.result.(int64)
	switch {
	case !now.done:
		r.Parts = []any{look.Progress{Label: "Reading both clouds", Done: far.items, Of: far.total, Note: counted(far.items, "item read", "items read")},
			look.Button{Text: "Look again", Href: v.planAt(name, "/forecast")}}
	case now.err != nil:
		r.Parts = []any{look.Alert{Tone: look.Bad, Title: "The forecast could not be made", Text: why(now.err)}}
	default:
		r.Parts = []any{look.Alert{Tone: look.Good, Title: "The forecast is made", Actions: []look.Button{{Text: "Read it", Kind: look.Primary, Href: v.planAt(name, fmt.Sprint("/forecasts/", num))}}}}
	}
	return r
}

// theForecast is the one that the address names, with its plan and what it says in
// short. Containers have their names where a scan of the source is in memory.
func (v *visit) theForecast() (m app.Plan, f app.Forecast, b report.Brief, err error) {
	num, err := strconv.ParseInt(v.r.PathValue("num"), 10, 64)
	if err != nil {
		return m, f, b, errNotFound
	}
	if m, err = v.plan(); err != nil {
		return m, f, b, err
	}
	if f, err = v.own().Forecast(v.ctx(), m.Name, num); err != nil {
		return m, f, b, err
	}
	names := map[string]string{}
	if v.may(access.ReadConnections) {
		in, _ := v.sightOf(m.File.From)
		for _, s := range in.Shards {
			names[s.ID] = s.Name
		}
	}
	return m, f, report.Briefly(f.Says, func(id string) string { return orNone(names[id], id) }), nil
}

func (v *visit) oneForecast() error {
	m, f, b, err := v.theForecast()
	if err != nil {
		return err
	}
	p := v.planPage(m.Name, "Forecast")
	p.Crumbs = append(p.Crumbs, look.Link{Text: "Forecasts", Href: v.planAt(m.Name, "/forecast")})
	p.Heading.Title, p.Heading.Lead, p.Wide = look.Words{"Forecast of ", look.Name(m.Name)}, b.Sentence, true
	at := v.planAt(m.Name, fmt.Sprint("/forecasts/", f.Num))
	p.Heading.Actions = []look.Button{{Text: "As PDF", Href: at + "/pdf"}}
	if v.may(access.StartRuns) && f.Version == m.Version {
		p.Heading.Actions = append(p.Heading.Actions, look.Button{Text: "Run now", Kind: look.Primary, Post: v.planAt(m.Name, "/run")})
	}
	var figures look.Figures
	for _, one := range b.Figures {
		figures = append(figures, look.Figure{Value: one[0], Label: one[1]})
	}
	var body []any
	if f.Version != m.Version {
		body = append(body, look.Alert{Tone: look.Warn, Title: "The plan was changed after this forecast", Text: "It is kept as it was. Make a new one before you sign."})
	}
	body = append(body, look.Facts{{Term: "Made", Value: f.Made}, {Term: "From", Value: look.Name(m.File.From)}, {Term: "To", Value: look.Name(m.File.To)}}, figures)
	for _, n := range b.Notices {
		body = append(body, look.Alert{Tone: look.Warn, More: look.Text(n)})
	}
	for _, t := range b.Tables {
		body = append(body, briefTable(t))
	}
	signed := look.Section{ID: "signed", Title: "Agreed", Card: true, Text: "Whoever signs says that this is what is to happen. It is kept in the audit log, with the hash of all that stands here."}
	mine := false
	for _, s := range f.Signed {
		who, err := v.nameOf(s.By)
		if err != nil {
			return err
		}
		mine = mine || s.By == v.signed.Person.ID
		signed.Parts = append(signed.Parts, look.Facts{{Term: "Signed by", Value: who}, {Term: "At", Value: s.At}})
	}
	signed.Parts = append(signed.Parts, look.Code{ID: "hash", Label: "SHA-256", Text: f.Hash, Wrap: true})
	if v.may(access.MakeForecasts) && f.Version == m.Version && !mine {
		signed.Parts = append(signed.Parts, look.Form{Action: at + "/sign", Hidden: []look.Hidden{{Name: "hash", Value: f.Hash}}, Buttons: []look.Button{{Text: "Sign"}}})
	}
	body = append(body, signed)
	p.Body = body
	return v.show(p)
}

func briefTable(t report.BriefTable) look.Table {
	out := look.Table{Caption: t.Title, Captioned: true}
	for i, c := range t.Columns {
		out.Columns = append(out.Columns, look.Column{Title: c, Wide: i == 0})
	}
	for _, r := range t.Rows {
		var row look.Row
		for _, cell := range r {
			if cell == "" {
				cell = "–"
			}
			row.Cells = append(row.Cells, look.Name(cell))
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func (v *visit) forecastPDF() error {
	m, f, b, err := v.theForecast()
	if err != nil {
		return err
	}
	p := report.Paper{Title: "Forecast of " + m.Name, From: m.File.From, To: m.File.To, Made: f.Made, Hash: f.Hash, Brief: b}
	for _, s := range f.Signed {
		who, err := v.nameOf(s.By)
		if err != nil {
			return err
		}
		if s.By == v.signed.Person.ID {
			who = v.signed.Person.Name
		}
		p.Signed = append(p.Signed, fmt.Sprint(who, ", ", s.At.UTC().Format("2 January 2006, 15:04 UTC")))
	}
	var out bytes.Buffer
	if err := p.PDF(&out); err != nil {
		return err
	}
	return v.download("forecast.pdf", "application/pdf", out.Bytes())
}

// sign keeps who agrees to a forecast, and says in the audit log to which.
func (v *visit) sign() error {
	m, f, _, err := v.theForecast()
	if err != nil {
		return err
	}
	e := v.entry()
	e.Action = "sign forecast"
	e.Object = audit.Object{Kind: "forecasts", ID: fmt.Sprint(m.Name, "/", f.Num)}
	e.Details = map[string]string{"sha256": v.typed("hash")}
	err = v.Audit.Doing(v.ctx(), e, func() error {
		return v.own().SignForecast(v.ctx(), m.Name, f.Num, v.typed("hash"), v.signed.Person.ID)
	})
	if err != nil {
		return err
	}
	return v.to(v.planAt(m.Name, fmt.Sprint("/forecasts/", f.Num, "?done=signed")))
}
