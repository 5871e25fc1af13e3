package look

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// The gallery shows each component in each state: what the tests of this package
// look at, and what people look at to judge the look.

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

var oslo = time.FixedZone("Oslo", 2*60*60)

// hostile are names that somebody chose to do harm, or that came to be like that.
var hostile = map[string]Name{
	"markup":     `<script>alert(1)</script><img src=x onerror=alert(2)>"'&`,
	"bidi":       "invoice\u202Efdp.exe",
	"zero width": "pay\u200Bpal\u200D admin\uFEFF",
	"nothing":    "\u200B\u2060\u00AD",
	"accents":    Name("Za" + strings.Repeat("\u0335\u0321", 40) + "lgo"),
	"long":       Name(strings.Repeat("Quarterly plan and what became of it ", 270)),
	"unbroken":   Name(strings.Repeat("x", 10_000)),
	"arabic":     "خطة الربع الأول (2026)",
	"emoji":      "👩‍👩‍👧‍👦 Family 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️",
	"controls":   "a\x00b\x1b[31mc\r\nd",
}

func gallery() map[string]Page {
	return map[string]Page{"/": people(), "/forms": forms(), "/migration": migration(), "/live": live(), "/hostile": hostileNames(), "/door": door(), "/delete": question()}
}

func page(title any, body ...any) Page {
	return Page{Title: title, Body: body, Version: "1.4.0",
		Organisation: &Organisation{Name: "Fjordkraft Kommune", Href: "/", Others: []Link{{Text: Name("Nordlys Rådgivning"), Href: "/hostile"}, {Text: Name("Bergen Maritime Museum"), Href: "/forms"}}, All: "/all"},
		Person:       &Person{Name: "Kari Nordmann", Address: "kari@fjordkraft.example", Links: []Link{{Text: "Your account", Href: "/account"}, {Text: "Sign-in and security", Href: "/account/security"}}, SignOut: "/sign-out"},
		Nav: []NavItem{{Title: "Migrations", Href: "/migration", Count: 3}, {Title: "Connections", Href: "/forms"}, {Title: "People", Href: "/"}, {Title: "Audit log", Href: "/live"},
			{Title: "Settings", Href: "/settings"}},
		Footer: []Link{{Text: "Documentation", Href: "https://rialto.example/docs", Away: true}, {Text: "Status", Href: "/status"}, {Text: "Privacy", Href: "/privacy"}}}
}

func at(p Page, place int) Page { p.Nav[place].Current = true; return p }

func people() Page {
	rows := []Row{}
	for i, name := range []Name{"Kari Nordmann", "Ola Lindström", "Chidi Okonkwo", "Mei-Ling Tan", "Sam Reyes"} {
		role := []string{"Owner", "Administrator", "Operator", "Auditor", "Operator"}[i]
		state := []Badge{{Text: "Passkey", Tone: Good}, {Text: "Passkey", Tone: Good}, {Text: "Code app", Tone: Info}, {Text: "No second factor", Tone: Warn}, {Text: "Locked", Tone: Bad, Icon: "lock"}}[i]
		row := Row{Cells: []any{Stacked{Link{Text: name, Href: fmt.Sprintf("/person-%d", i)}, Name(fmt.Sprintf("%s@fjordkraft.example", strings.ToLower(strings.Fields(string(name))[0])))},
			role, state, noon.Add(-time.Duration(i*i*7) * time.Hour).In(oslo), 1204 * (i + 1),
			[]Button{{Text: "Change", Href: "/change", About: name, Small: true}, {Text: "Remove", Href: "/delete", Confirm: true, About: name, Small: true, Kind: Danger}}}}
		if i == 4 {
			row.Tone = Bad
		}
		rows = append(rows, row)
	}
	p := page("People",
		Figures{{Value: "12", Label: "people"}, {Value: "9", Label: "with a passkey", Tone: Good}, {Value: "2", Label: "without a second factor", Tone: Warn}, {Value: "1", Label: "locked", Note: "since yesterday", Tone: Bad}},
		Tabs{Label: "People", Tabs: []Tab{{Title: "Members", Href: "/", Current: true, Count: 12}, {Title: "Invitations", Href: "/invitations", Count: 2, Tone: Warn}, {Title: "Sessions", Href: "/sessions"}}},
		Form{Action: "/", Asks: true, Row: true, Fields: []any{Field{Name: "q", Label: "Search", Kind: "search", Optional: true}, Field{Name: "role", Label: "Role", Kind: Select, Options: []Option{{Value: "", Text: "Any role"}, {Value: "owner", Text: "Owner"}}}},
			Buttons: []Button{{Text: "Show"}}},
		Table{Caption: "Members", Columns: []Column{{Title: "Name", Wide: true, Sort: "/?sort=name", Sorted: "ascending"}, {Title: "Role"}, {Title: "Second factor"}, {Title: "Last here", Sort: "/?sort=seen"}, {Title: "Actions taken", Number: true}, {Title: "Actions", Quiet: true}},
			Rows: rows, Pages: &Pagination{Next: "/?after=5", First: 1, Last: 5, Total: 1212, Word: "members"}},
		Section{Title: "Invitations", Text: "An invitation ends after seven days.", Parts: []any{Table{Caption: "Invitations", Empty: &Empty{Title: "Nobody is invited", Text: "People you invite get a mail with a link, and choose how they sign in.", Actions: []Button{{Text: "Invite somebody", Href: "/invite", Icon: "plus"}}}}}},
		Section{Title: "About this organisation", Card: true, Parts: []any{Facts{{Term: "Data region", Value: "Western Europe", Note: "Chosen at sign-up from the country. It cannot be changed."}, {Term: "Second factor", Value: Badge{Text: "required", Tone: Good}},
			{Term: "Created", Value: noon.In(oslo)}, {Term: "Owner", Value: Link{Text: Name("Kari Nordmann"), Href: "/person-0"}}}}},
	)
	p.Heading = Heading{Lead: "Who may do what in this organisation. Every change is in the audit log.", Actions: []Button{{Text: "Export", Href: "/export"}, {Text: "Invite somebody", Href: "/invite", Kind: Primary, Icon: "plus"}}}
	p.Notices = []Alert{{Tone: Good, Text: Words{Name("Mei-Ling Tan"), " is now an auditor."}}}
	return at(p, 2)
}

func forms() Page {
	p := page("New connection",
		Form{Action: "/forms", Upload: true, Fields: []any{
			Field{Name: "name", Label: "Name", Hint: "What your colleagues will call it.", Value: `Trello of "Kultur & <b>Fritid</b>"`, Autocomplete: "off"},
			Choices{Name: "way", Legend: "How Rialto signs in", Hint: "Each way shows what it may do before it is saved.", Options: []Choice{
				{Value: "consent", Title: "Consent of an administrator", Text: "Opens the cloud's own page. Rialto never sees a password.", State: &Badge{Text: "recommended", Tone: Good}, Chosen: true},
				{Value: "token", Title: "Personal access token", Text: "A token that you make in the cloud's settings and paste here.", Count: "reaches 412 boards"},
				{Value: "password", Title: "User name and password", Text: "For the few calls that accept nothing else.", Locked: "An owner must allow this in Settings first."}}},
			Field{Name: "token", Label: "Token", Kind: Password, Hint: "It is sealed at once and never shown again.", Error: "Trello does not know this token (401). Was it revoked?", Autocomplete: "off"},
			Field{Name: "end", Label: "Ends on", Kind: "date", Value: "2026-04-01", Error: "This day is in the past.", Short: true},
			Field{Name: "rate", Label: "At most", Kind: "number", Value: "40", Unit: "requests a second", Short: true, Min: "1", Max: "100", Optional: true},
			Field{Name: "cloud", Label: "Cloud", Kind: Select, Value: "trello", Options: []Option{{Value: "planner", Text: "Microsoft Planner"}, {Value: "trello", Text: "Trello"}}, Locked: "A connection keeps its cloud."},
			Field{Name: "code", Label: "Code from your app", Kind: OneTime, MaxLength: 6},
			Field{Name: "people", Label: "People, as CSV", Kind: "file", Optional: true},
			Field{Name: "yaml", Label: "Migration", Kind: Long, Mono: true, Rows: 6, Value: "name: boards\nscope:\n  boards: [\"5f\", 7a]\npolicies:\n\tarchived: own-board", Error: "Line 5, column 1: a tab cannot indent. Use spaces."},
			Fieldset{Legend: "When it ends", Hint: "A connection ends by itself.", Fields: []any{
				Field{Name: "mail", Label: "Tell me by mail a week before", Kind: Check, Checked: true, Hint: "To kari@fjordkraft.example."},
				Field{Name: "wipe", Label: "I know that the runs of this connection end with it", Kind: Check, Error: "Please confirm this."},
				Field{Name: "fixed", Label: "Record each use in the audit log", Kind: Check, Checked: true, Locked: "Always on."}}}},
			Buttons: []Button{{Text: "Save connection", Kind: Primary}, {Text: "Test without saving", Name: "test", Value: "yes"}, {Text: "Cancel", Kind: Quiet, Href: "/"}}},
		Section{Title: "Several of them", Parts: []any{Choices{Name: "kinds", Legend: "What moves", Several: true, Error: "Choose at least one.", Options: []Choice{{Value: "tasks", Title: "Tasks", Text: "With checklists, comments and attachments."}, {Value: "files", Title: "Files"}}}}},
		Section{Title: "Buttons", Parts: []any{Form{Action: "/forms", Row: true, Buttons: []Button{{Text: "Primary", Kind: Primary}, {Text: "Plain"}, {Text: "With icon", Icon: "plus"}, {Text: "Danger", Kind: Danger}, {Text: "Quiet", Kind: Quiet}, {Text: "Not now", Locked: true}, {Text: "Small", Small: true}}}}},
	)
	p.Problems = true
	p.Heading.Lead = "The connection is tested before it is saved."
	p.Crumbs = []Link{{Text: "Connections", Href: "/forms"}}
	return at(p, 1)
}

func migration() Page {
	tree := Tree{Name: "scope", Legend: "Boards of Fjordkraft", Hint: "Choosing a workspace chooses all boards in it.", Nodes: []Node{
		{ID: "w1", Label: "Culture and leisure", Kind: "workspace", Count: "14,208 items", Partly: true, Open: true, Nodes: []Node{
			{ID: "b1", Label: "Events 2026", Kind: "board", Count: "1,204 items", Chosen: true},
			{ID: "b2", Label: "Library renovation", Kind: "board", Count: "310 items"},
			{ID: "b3", Label: "Archive of the old swimming hall, with all of its minutes and drawings since 1974", Kind: "board", Count: "12,694 items", Chosen: true, Nodes: []Node{{ID: "l1", Label: "Drawings", Kind: "list", Count: "9,000 items", Chosen: true}}}},
			Further: "/migration?below=w1"},
		{ID: "w2", Label: "Water and roads", Kind: "workspace", Count: "88,120 items", Nodes: []Node{{ID: "b4", Label: "Potholes", Kind: "board", Count: "88,120 items"}}},
		{ID: "w3", Label: "Board of directors", Kind: "workspace", Count: "41 items", Locked: "not shared with this connection"}}}
	p := page("Move Trello to Planner",
		Stepper{Label: "Steps of this migration", Steps: []Step{{Title: "Source", Href: "/1", State: StepDone, Note: "Trello"}, {Title: "Scope", Href: "/2", State: StepCurrent}, {Title: "Target", Href: "/3", State: StepDone, Note: "Planner"},
			{Title: "People", Href: "/4", State: StepWrong, Note: "12 without a match"}, {Title: "Policies"}, {Title: "Forecast"}, {Title: "Run"}}},
		Alert{Tone: Warn, Title: Words{Name("Ola Lindström"), " changed this migration a minute ago"}, Text: "The target is now the group Operations. What you type here is kept.", Actions: []Button{{Text: "Show what changed", Href: "/diff", Small: true}}},
		Form{Action: "/migration", Fields: []any{tree}, Buttons: []Button{{Text: "Save and go on", Kind: Primary}, {Text: "Back", Href: "/1", Kind: Quiet}}},
		Section{Title: "Alerts", Parts: []any{Alert{Tone: Info, Title: "A forecast reads only", Text: "Nothing is written until somebody presses Run."}, Alert{Tone: Bad, Title: "The target refused the last run", Text: "Planner answered 403: the group has no plan. Give the app the permission Tasks.ReadWrite.All, then try again.", Actions: []Button{{Text: "Try again", Post: "/again", Small: true}}}, Alert{Text: "Something neutral, without a title."}}},
		Section{Title: "Token for the API", Parts: []any{Alert{Tone: Warn, Text: "This is shown once. Copy it now."}, Code{ID: "token", Label: "Token", Text: "rialto_9pX2vK4mQ7wN1sT8uY3zB6cD5fG0hJ", Wrap: true}, Code{ID: "sh", Label: "Sign in with the command line", Text: "rialto login --server https://rialto.example --token-file token.txt && rialto run --server https://rialto.example migrations/boards.yaml --wait"}}},
		Section{Title: "Recovery codes", Text: "Each works once, when your passkey is not at hand.", Parts: []any{Codes{ID: "codes", Label: "Keep these where you keep passwords", Codes: []string{"k7f2-9qpd", "x3mv-44tn", "p0zc-81we", "r5yh-7jda", "u2bg-60ks", "w9le-3xfo", "c4ni-25mv", "a8tq-h1ru"}}}},
		Disclosure{ID: "why", Summary: "Why does Planner keep no author?", Parts: []any{Text("Planner writes down who is signed in as the author of a task. Rialto puts the real one into a line of the text.")}},
	)
	p.Crumbs = []Link{{Text: "Migrations", Href: "/migration"}, {Text: Name("Culture and leisure"), Href: "/migration"}}
	p.Heading = Heading{State: &Badge{Text: "draft"}, Actions: []Button{{Text: "Show as YAML", Href: "/yaml"}}}
	return at(p, 0)
}

func live() Page {
	chart := Chart{ID: "rate", Label: "Throughput", Unit: "requests a second", Quota: 50}
	for i := range 120 {
		rate := 38 + 9*math.Sin(float64(i)/9) + 3*math.Sin(float64(i)*1.7)
		if i > 60 && i < 70 {
			rate = math.NaN()
		}
		chart.Points = append(chart.Points, Point{noon.Add(time.Duration(i) * 5 * time.Second).In(oslo), rate})
	}
	few := Tiles{Label: "Boards"}
	for i, s := range []State{Moving, Moving, Waiting, Paused, Failed, Partly, Done, Skipped} {
		few.Tiles = append(few.Tiles, Tile{Name: Name([]string{"Events 2026", "Library renovation", "Potholes", "Archive of the old swimming hall, with all of its minutes", "Parks", "School menus", "Winter roads", "Empty board"}[i]), State: s,
			Text: []string{"40 of 100 items", "1,101 of 1,204 items", "", "by Kari", "Planner refused 3 items", "2 of 310 items failed", "88,120 items", "unchanged"}[i], Href: fmt.Sprintf("/shard-%d", i), Done: []int{40, 1101, 0, 3, 9, 308, 1, 0}[i], Of: []int{100, 1204, 0, 9, 12, 310, 1, 0}[i]})
	}
	many := Tiles{Label: "Mailboxes"}
	for i := range 400 {
		s := Done
		switch {
		case i > 320:
			s = Waiting
		case i > 290:
			s = Moving
		case i%97 == 40:
			s = Failed
		case i%53 == 9:
			s = Partly
		case i%71 == 3:
			s = Paused
		case i%83 == 11:
			s = Skipped
		}
		many.Tiles = append(many.Tiles, Tile{Name: Name(fmt.Sprintf("Mailbox %d", i)), State: s, Href: fmt.Sprintf("/shard-%d", i)})
	}
	log := Log{ID: "log", Label: "What happens", Filter: true}
	for i, l := range []LogLine{{Text: "Pass 2 began", Tone: Info}, {Text: "Listed 412 tasks", Shard: "Events 2026"}, {Text: "Wrote 100 items", Shard: "Events 2026", Tone: Good}, {Text: "Trello asks to wait for 10 s (429)", Tone: Warn},
		{Text: "Planner refused an attachment (413): it is larger than 250 MB. Choose a policy for large files.", Shard: "Parks", Tone: Bad}, {Text: "Wrote 100 items", Shard: "Library renovation", Tone: Good}} {
		l.At = noon.Add(time.Duration(i*7) * time.Second).In(oslo)
		log.Lines = append(log.Lines, l)
	}
	p := page("Pass 2 of Trello to Planner",
		Tabs{Label: "This run", Tabs: []Tab{{Title: "Live", Href: "/live", Current: true}, {Title: "Failures", Href: "/failures", Count: 5, Tone: Bad}, {Title: "Report", Href: "/report"}}},
		Region{ID: "state", Parts: []any{
			Section{Parts: []any{Progress{Label: "Items", Done: 48_211, Of: 102_369, Note: "About 12 minutes left"}, Progress{Label: "Listing", Done: 310}, Progress{Label: "Verified", Done: 100, Of: 100}}},
			Section{Card: true, Parts: []any{chart}},
			Section{Card: true, Title: "Quotas", Parts: []any{Meter{Label: "Trello", Value: 38, Max: 50, High: 45, Text: "38 of 50 requests a second"}, Meter{Label: "Planner", Value: 48, Max: 50, High: 45, Text: "48 of 50 requests a second"}}}}},
		Section{Title: "Boards", Parts: []any{few}},
		Section{Title: "Mailboxes", Parts: []any{many}},
		Section{Title: "Failures by reason", Parts: []any{Table{Caption: "Failures by reason", Columns: []Column{{Title: "Reason", Wide: true}, {Title: "Items", Number: true}, {Title: "Retry", Quiet: true}},
			Rows: []Row{{Cells: []any{Stacked{"Too large for the target", "Planner takes files of up to 250 MB. Choose a policy for large files."}, 3, Button{Text: "Choose a policy", Href: "/policy", Small: true}}},
				{Cells: []any{Stacked{"The target asked to wait", "It passes by itself; the items come again in the next pass."}, 2, Button{Text: "Try again now", Post: "/again", Small: true}}}}}}},
		Section{Title: "Log", Parts: []any{log}},
		Section{Title: "States", Parts: []any{Table{Caption: "States", Captioned: true, Columns: []Column{{Title: "Badge"}, {Title: "Meaning"}}, Rows: states()}, Chart{ID: "none", Label: "Before the first event"}, Log{ID: "quiet", Label: "A log without lines"}}},
	)
	p.Wide = true
	p.Heading = Heading{State: &Badge{Text: "moving", Tone: Info, Icon: "moving"}, Actions: []Button{{Text: "Pause", Post: "/pause"}, {Text: "Stop", Href: "/delete", Confirm: true, Kind: Danger}}}
	return at(p, 0)
}

func states() []Row {
	var rows []Row
	for _, s := range []State{Waiting, Moving, Done, Partly, Failed, Paused, Skipped} {
		rows = append(rows, Row{Cells: []any{s.Badge(), "A shard that is " + s.Words() + "."}})
	}
	return rows
}

func hostileNames() Page {
	var rows []Row
	tiles, tree, choices, facts := Tiles{Label: "Hostile"}, Tree{Name: "hostile", Legend: "Hostile"}, Choices{Name: "pick", Legend: "Hostile"}, Facts{}
	sel := Field{Name: "sel", Label: "Hostile", Kind: Select}
	for what, name := range hostile {
		rows = append(rows, Row{Cells: []any{what, name, Link{Text: name, Href: "/x"}}})
		tiles.Tiles = append(tiles.Tiles, Tile{Name: name, State: Done, Href: "/x"})
		tree.Nodes = append(tree.Nodes, Node{ID: what, Label: name, Count: "3 items", Nodes: []Node{{ID: what + "-below", Label: name}}})
		choices.Options = append(choices.Options, Choice{Value: what, Title: name, Text: "A choice."})
		facts = append(facts, Fact{Term: what, Value: name})
		sel.Options = append(sel.Options, Option{Value: what, Text: name})
	}
	p := page("Hostile names",
		Table{Caption: "Hostile names", Columns: []Column{{Title: "What"}, {Title: "As text", Wide: true}, {Title: "As a link"}}, Rows: rows}, tiles, tree, choices, facts,
		Form{Action: "/hostile", Fields: []any{sel, Field{Name: "typed", Label: "Typed", Value: string(hostile["markup"] + hostile["bidi"])}}},
		Log{ID: "log", Label: "Log", Lines: []LogLine{{At: noon, Text: "Wrote 3 items", Shard: hostile["unbroken"]}, {At: noon, Text: "Wrote 3 items", Shard: hostile["bidi"]}}})
	p.Organisation.Name = hostile["unbroken"]
	p.Organisation.Others = append(p.Organisation.Others, Link{Text: hostile["markup"], Href: "/x"}, Link{Text: hostile["long"], Href: "/x"})
	p.Person.Name = hostile["long"]
	p.Heading.Title = hostile["long"]
	p.Notices = []Alert{{Text: Words{hostile["bidi"], " is gone, and so is ", hostile["markup"], "."}}}
	p.Crumbs = []Link{{Text: hostile["bidi"], Href: "/x"}}
	return p
}

func door() Page {
	picture, err := NewQR("The key as a picture", "otpauth://totp/Rialto:kari@fjordkraft.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Rialto")
	if err != nil {
		panic(err)
	}
	return Page{Title: "Sign in", Heading: Heading{Lead: "Welcome back."}, Version: "1.4.0", Body: []any{
		Form{Action: "/sign-in", Fields: []any{Field{Name: "address", Label: "E-mail", Kind: "email", Autocomplete: "username", First: true}, Field{Name: "password", Label: "Password", Kind: Password, Autocomplete: "current-password"}},
			Buttons: []Button{{Text: "Sign in", Kind: Primary}}},
		Passkey{ID: "passkey", Text: "Sign in with a passkey", Options: "/passkey/options", Action: "/passkey", Hidden: []Hidden{{"to", "/"}}, Without: "Passkeys need a browser that knows them."}, picture,
		Link{Text: "I forgot my password", Href: "/reset"}}}
}

func question() Page {
	p := page(Words{"Remove ", Name("Sam Reyes")}, Confirm{Text: "Sam loses access to this organisation at once.", Follows: []any{"2 sessions end.", "1 token for the API stops working.", "What Sam did stays in the audit log."},
		Action: "/delete", Hidden: []Hidden{{"person", "4"}}, Fields: []any{Field{Name: "word", Label: "Type Sam to go on", Short: true, Autocomplete: "off"}}, Button: "Remove", Danger: true, Back: "/"})
	return at(p, 2)
}

// own is a page of another package, with a template of its own.
type own struct{ Told Name }

// served serves the gallery.
func served(t *testing.T) (*Look, http.Handler) {
	t.Helper()
	l, err := New(Pages{Files: fstest.MapFS{"own.html": {Data: []byte(`<p class="own">{{show .Told}}</p>`)}}, Bodies: map[string]any{"own.html": own{}}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/static/", l.Static())
	for path, p := range gallery() {
		pattern := "GET " + path
		if path == "/" {
			pattern = "GET /{$}"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			if err := l.Render(w, http.StatusOK, p); err != nil {
				t.Error(err)
			}
		})
	}
	return l, mux
}
