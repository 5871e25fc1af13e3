package look

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Progress is how much of something is done. Of is 0 while nobody knows.
type Progress struct {
	Label any
	Done  int
	Of    int
	Note  string // as "about 12 minutes left"
}

// Share is the percentage in whole numbers; it says 100 only when all is done.
func (p Progress) Share() int {
	if p.Of <= 0 || p.Done <= 0 {
		return 0
	}
	if p.Done >= p.Of {
		return 100
	}
	return int(int64(p.Done) * 100 / int64(p.Of))
}

// A Meter is how much of a limit is used. From High it is too much.
type Meter struct {
	Label      any
	Value, Max float64
	High       float64
	Text       string // as "38 of 50 requests a second"
}

// Much reports whether it is too much.
func (m Meter) Much() bool { return m.High > 0 && m.Value >= m.High }

// Percent is the part of the limit that is used, at most all of it.
func (m Meter) Percent() string {
	if m.Max <= 0 || m.Value <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.1f", min(100*m.Value/m.Max, 100))
}

// A State is how a shard, a pass or an item stands.
type State string

// The states; each has a colour, a shape and a word.
const (
	Waiting State = "waiting"
	Moving  State = "moving"
	Done    State = "done"
	Partly  State = "partly"
	Failed  State = "failed"
	Paused  State = "paused"
	Skipped State = "skipped"
)

// Words say a state on pages.
func (s State) Words() string {
	if s == Partly {
		return "done in part"
	}
	return string(s)
}

// Icon is the drawing of a state.
func (s State) Icon() string { return string(s) }

// Badge is the state as a badge.
func (s State) Badge() Badge {
	b := Badge{Text: s.Words(), Icon: s.Icon()}
	switch s {
	case Moving:
		b.Tone = Info
	case Done:
		b.Tone = Good
	case Partly:
		b.Tone = Warn
	case Failed:
		b.Tone = Bad
	}
	return b
}

// Tiles are the shards of a run as a field. Few are cards with their words; many are
// small squares whose words are heard, or shown when pointed at.
type Tiles struct {
	Label string
	Tiles []Tile
}

// A Tile is one shard.
type Tile struct {
	Name  Name
	State State
	Text  string // as "40 of 100 items"
	Href  string
	Done  int // of Of, drawn while it moves
	Of    int
}

// Percent is how much of the tile is done.
func (t Tile) Percent() int { return Progress{Done: t.Done, Of: t.Of}.Share() }

// Says is all of a tile in one line.
func (t Tile) Says() string {
	says := plain(t.Name) + ": " + t.State.Words()
	if t.Text != "" {
		says += ", " + t.Text
	}
	return says
}

const fewTiles = 40

// Dense reports whether the tiles are too many to be cards.
func (t Tiles) Dense() bool { return len(t.Tiles) > fewTiles }

// A Legend is a state with how many tiles are in it.
type Legend struct {
	State State
	Count int
}

// Legends are the states in use.
func (t Tiles) Legends() []Legend {
	var all []Legend
	for _, s := range []State{Moving, Waiting, Paused, Failed, Partly, Done, Skipped} {
		l := Legend{State: s}
		for _, tile := range t.Tiles {
			if tile.State == s {
				l.Count++
			}
		}
		if l.Count > 0 {
			all = append(all, l)
		}
	}
	return all
}

// A Chart is throughput over time against the quota, drawn here.
type Chart struct {
	ID     string // unlike any other of the page
	Label  string
	Unit   string // as "requests a second"
	Quota  float64
	Points []Point // in the order of their times
}

// A Point is the rate at a time; NaN where nothing was measured.
type Point struct {
	At   time.Time
	Rate float64
}

const chartWidth, chartHeight = 600, 120

// top is the value at the upper edge.
func (c Chart) top() float64 {
	highest := c.Quota
	for _, p := range c.Points {
		if p.Rate > highest {
			highest = p.Rate
		}
	}
	if highest <= 0 {
		return 1
	}
	return highest * 1.1
}

func (c Chart) x(i int) float64 {
	from, to := c.Points[0].At, c.Points[len(c.Points)-1].At
	whole := to.Sub(from)
	if whole <= 0 {
		return chartWidth
	}
	return float64(c.Points[i].At.Sub(from)) / float64(whole) * chartWidth
}

func (c Chart) y(rate float64) float64 { return chartHeight - rate/c.top()*chartHeight }

// stretches are the runs of points that were measured.
func (c Chart) stretches() [][2]int {
	var all [][2]int
	start := -1
	for i, p := range c.Points {
		gap := math.IsNaN(p.Rate) || math.IsInf(p.Rate, 0)
		if !gap && start < 0 {
			start = i
		}
		if gap && start >= 0 {
			all, start = append(all, [2]int{start, i}), -1
		}
	}
	if start >= 0 {
		all = append(all, [2]int{start, len(c.Points)})
	}
	return all
}

// Line is the path of the rates.
func (c Chart) Line() string {
	var b strings.Builder
	for _, s := range c.stretches() {
		for i := s[0]; i < s[1]; i++ {
			step := "L"
			if i == s[0] {
				step = "M"
			}
			fmt.Fprintf(&b, "%s%.1f %.1f", step, c.x(i), c.y(c.Points[i].Rate))
		}
	}
	return b.String()
}

// Area is the path of what lies below the rates.
func (c Chart) Area() string {
	var b strings.Builder
	for _, s := range c.stretches() {
		fmt.Fprintf(&b, "M%.1f %d", c.x(s[0]), chartHeight)
		for i := s[0]; i < s[1]; i++ {
			fmt.Fprintf(&b, "L%.1f %.1f", c.x(i), c.y(c.Points[i].Rate))
		}
		fmt.Fprintf(&b, "L%.1f %dZ", c.x(s[1]-1), chartHeight)
	}
	return b.String()
}

// QuotaY is the height of the quota's line.
func (c Chart) QuotaY() string { return fmt.Sprintf("%.1f", c.y(c.Quota)) }

// Now is the last rate that was measured.
func (c Chart) Now() string {
	for i := len(c.Points) - 1; i >= 0; i-- {
		if r := c.Points[i].Rate; !math.IsNaN(r) {
			return rate(r)
		}
	}
	return "0"
}

// Highest is the most that was measured.
func (c Chart) Highest() string {
	most := 0.0
	for _, p := range c.Points {
		if p.Rate > most {
			most = p.Rate
		}
	}
	return rate(most)
}

// QuotaText is the quota in digits.
func (c Chart) QuotaText() string { return rate(c.Quota) }

// First is the time of the oldest point.
func (c Chart) First() time.Time { return c.Points[0].At }

// Last is the time of the newest point.
func (c Chart) Last() time.Time { return c.Points[len(c.Points)-1].At }

// Figures are at most twelve of the points, for who reads instead of looking.
func (c Chart) Figures() Table {
	t := Table{Caption: c.Label, Columns: []Column{{Title: "Time"}, {Title: c.Unit, Number: true}}}
	step := (len(c.Points) + 11) / 12
	for i := 0; i < len(c.Points); i += step {
		shown := "not measured"
		if !math.IsNaN(c.Points[i].Rate) {
			shown = rate(c.Points[i].Rate)
		}
		t.Rows = append(t.Rows, Row{Cells: []any{c.Points[i].At, shown}})
	}
	return t
}

// rate writes a rate with as many digits as help.
func rate(r float64) string {
	if r < 10 && r != math.Trunc(r) {
		return fmt.Sprintf("%.1f", r)
	}
	return Number(int(math.Round(r)))
}

// A Log is what happened, newest last.
type Log struct {
	ID     string // unlike any other of the page; events append to it
	Label  string
	Lines  []LogLine
	Filter bool // offers to hide lines and to hold the log, where scripts run
}

// A LogLine is one thing that happened.
type LogLine struct {
	At    time.Time
	Tone  Tone
	Text  string
	Shard Name // "" if it is about none
}

// Clock is the time of day.
func (l LogLine) Clock() string { return l.At.Format("15:04:05") }

// UTC is the whole time, in UTC.
func (l LogLine) UTC() string { return l.At.UTC().Format("2006-01-02 15:04:05 UTC") }

// Machine is the time for programs.
func (l LogLine) Machine() string { return l.At.UTC().Format(time.RFC3339) }

// InUTC reports whether no zone of a reader is known.
func (l LogLine) InUTC() bool { return l.At.Location() == time.UTC }
