package pace

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests' machine may have no zones of its own
)

// plan makes a plan of windows and shares: "Mon-Fri 08:00-18:00 Europe/Oslo", 0.3.
func plan(t testing.TB, other float64, windows ...any) *Plan {
	t.Helper()
	p := &Plan{Else: other}
	for i := 0; i < len(windows); i += 2 {
		w, err := ReadWindow(windows[i].(string), "UTC")
		if err != nil {
			t.Fatal(err)
		}
		w.Share = windows[i+1].(float64)
		p.Windows = append(p.Windows, w)
	}
	return p
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAt walks from change to change.
func TestAt(t *testing.T) {
	for _, c := range []struct {
		name  string
		plan  *Plan
		from  string
		share float64
		then  []any // when, and the share that holds from then on
	}{
		{"no plan", nil, "2026-03-02T00:00:00Z", 1, nil},
		{"no windows", plan(t, 0.97), "2026-03-02T00:00:00Z", 0.97, nil},
		{"office hours", plan(t, 0.97, "Mon-Fri 08:00-18:00 Europe/Oslo", 0.3), "2026-03-06T06:00:00Z", 0.97, []any{
			"2026-03-06T07:00:00Z", 0.3, "2026-03-06T17:00:00Z", 0.97, "2026-03-09T07:00:00Z", 0.3}},
		{"a window of the same share changes nothing", plan(t, 0.5, "Mon-Fri 08:00-18:00", 0.5), "2026-03-06T06:00:00Z", 0.5, nil},
		{"over midnight, of the day on which it begins", plan(t, 0, "Fri 22:00-06:00", 1.0), "2026-03-06T12:00:00Z", 0, []any{
			"2026-03-06T22:00:00Z", 1.0, "2026-03-07T06:00:00Z", 0.0, "2026-03-13T22:00:00Z", 1.0}},
		{"whole days over the end of the week", plan(t, 0.1, "Sat-Sun", 1.0), "2026-03-06T12:00:00Z", 0.1, []any{
			"2026-03-07T00:00:00Z", 1.0, "2026-03-09T00:00:00Z", 0.1}},
		{"one window ends as the next begins", plan(t, 0, "08:00-12:00", 0.2, "12:00-24:00", 0.4), "2026-03-06T08:00:00Z", 0.2, []any{
			"2026-03-06T12:00:00Z", 0.4, "2026-03-07T00:00:00Z", 0.0}},
		{"two offices: the smaller share counts", plan(t, 1, "08:00-18:00 Europe/Oslo", 0.5, "08:00-18:00 America/New_York", 0.2), "2026-01-06T00:00:00Z", 1, []any{
			"2026-01-06T07:00:00Z", 0.5, "2026-01-06T13:00:00Z", 0.2, "2026-01-06T23:00:00Z", 1.0}},
		// In Oslo the clock goes from 02:00 to 03:00 on 29 March 2026, and from
		// 03:00 back to 02:00 on 25 October.
		{"the night of 23 hours is short", plan(t, 0, "Sat 22:00-06:00 Europe/Oslo", 1.0), "2026-03-28T12:00:00Z", 0, []any{
			"2026-03-28T21:00:00Z", 1.0, "2026-03-29T04:00:00Z", 0.0}},
		{"the night of 25 hours is long", plan(t, 0, "Sat 22:00-06:00 Europe/Oslo", 1.0), "2026-10-24T12:00:00Z", 0, []any{
			"2026-10-24T20:00:00Z", 1.0, "2026-10-25T05:00:00Z", 0.0}},
		{"a window in the hour that is left out does not come", plan(t, 0, "Sun 02:00-02:30 Europe/Oslo", 1.0), "2026-03-28T12:00:00Z", 0, []any{
			"2026-04-05T00:00:00Z", 1.0}},
		{"one that ends in it ends when the clock jumps", plan(t, 0, "Sun 01:00-02:30 Europe/Oslo", 1.0), "2026-03-28T12:00:00Z", 0, []any{
			"2026-03-29T00:00:00Z", 1.0, "2026-03-29T01:00:00Z", 0.0}},
		{"one that begins in it begins when the clock jumps", plan(t, 0, "Sun 02:30-04:00 Europe/Oslo", 1.0), "2026-03-28T12:00:00Z", 0, []any{
			"2026-03-29T01:00:00Z", 1.0, "2026-03-29T02:00:00Z", 0.0}},
		{"one in the hour that comes twice comes twice", plan(t, 0, "Sun 02:00-02:30 Europe/Oslo", 1.0), "2026-10-24T12:00:00Z", 0, []any{
			"2026-10-25T00:00:00Z", 1.0, "2026-10-25T00:30:00Z", 0.0, "2026-10-25T01:00:00Z", 1.0, "2026-10-25T01:30:00Z", 0.0}},
		{"a clock that changes by half an hour", plan(t, 0, "Sun 01:30-03:00 Australia/Lord_Howe", 1.0), "2026-04-04T00:00:00Z", 0, []any{
			"2026-04-04T14:30:00Z", 1.0, "2026-04-04T16:30:00Z", 0.0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			share, until := c.plan.At(at(t, c.from))
			if share != c.share {
				t.Errorf("the share is %v, want %v", share, c.share)
			}
			if c.then == nil && !until.IsZero() {
				t.Errorf("it changes at %v, and should never", until)
			}
			for i := 0; i < len(c.then); i += 2 {
				if want := at(t, c.then[i].(string)); !until.Equal(want) {
					t.Fatalf("change %d is at %v, want %v", i/2, until.UTC(), want)
				}
				share, until = c.plan.At(until)
				if want := c.then[i+1].(float64); share != want {
					t.Errorf("after change %d the share is %v, want %v", i/2, share, want)
				}
			}
		})
	}
}

// TestAtMinuteByMinute: the changes that At tells are those that somebody sees
// who looks at the clocks each minute.
func TestAtMinuteByMinute(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	zones := []string{"Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "America/Sao_Paulo", "Pacific/Apia"}
	pick := func(of []string) string { return of[dice.IntN(len(of))] }
	begin := []time.Time{at(t, "2026-03-27T00:00:00Z"), at(t, "2026-10-22T00:00:00Z"), at(t, "2026-04-02T00:00:00Z"), at(t, "2011-12-28T00:00:00Z")}
	for range 60 {
		texts := []any{}
		for i := range 1 + dice.IntN(3) {
			from, to := dice.IntN(24), dice.IntN(24)
			if from == to {
				to++
			}
			clock := func(h int) string { return time.Date(2000, 1, 1, h, 30*dice.IntN(2), 0, 0, time.UTC).Format("15:04") }
			hours := clock(from) + "-" + clock(to)
			if hours[:5] == hours[6:] {
				continue
			}
			texts = append(texts, pick([]string{"Mon-Fri ", "Sat,Sun ", "Sun ", ""})+hours+" "+pick(zones), float64(i)/4)
		}
		p := plan(t, 1, texts...)
		now := begin[dice.IntN(len(begin))].Add(time.Duration(dice.IntN(24*60)) * time.Minute)
		for range 6 {
			share, until := p.At(now)
			for minute := now.Add(time.Minute); minute.Before(until) || until.IsZero() && minute.Before(now.AddDate(0, 0, 15)); minute = minute.Add(time.Minute) {
				if got := p.share(minute); got != share {
					t.Fatalf("%v: from %v to %v it should be %v, and is %v at %v", texts, now, until, share, got, minute)
				}
			}
			if until.IsZero() {
				break
			}
			if p.share(until) == share {
				t.Fatalf("%v: nothing changes at %v", texts, until)
			}
			now = until
		}
	}
}

func TestReadWindowRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "a window of time is missing",
		"Mon-Fri 08:00-18:00 Europe/Osslo":  `no time zone "Europe/Osslo"`,
		"Mon-Fri 08:00-18:00 Local":         `no time zone "Local"`,
		"Mon-Fri 08:00-18:00 +02:00":        `"+02:00" has no place`,
		"Mo-Fr 08:00-18:00":                 `"Mo-Fr" are no days`,
		"Mon-Fri, 08:00-18:00":              "are no days",
		"Mon-Fri 8-18":                      `"8-18" are no hours`,
		"Mon-Fri 08:00":                     "are no hours",
		"Mon-Fri 08:00-25:00":               "are no hours",
		"Mon-Fri 08:60-18:00":               "are no hours",
		"Mon-Fri 24:00-06:00":               "are no hours",
		"Mon-Fri 08:00-08:00":               "the same time",
		"Mon-Fri 08:00-10:00 12:00-14:00":   "has no place",
		"Mon-Fri 08:00-18:00 Oslo Oslo":     "has no place",
		"Mon-Fri 08:00-18:00 ../etc/passwd": "has no place",
	} {
		if _, err := ReadWindow(text, "UTC"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestOverlaps(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"Mon-Fri 08:00-18:00", "Fri 12:00-24:00", true},
		{"Mon-Fri 08:00-18:00", "Mon-Fri 18:00-22:00", false},
		{"Mon-Fri 08:00-18:00", "Sat,Sun", false},
		{"Fri 22:00-06:00", "Sat 05:00-07:00", true},
		{"Sat 22:00-06:00", "Sun 05:59-07:00", true},
		{"Sat 22:00-06:00", "Sun 06:00-07:00", false},
		{"22:00-06:00", "23:00-24:00", true},
		{"Fri-Mon", "Tue-Thu", false},
		{"Mon 08:00-18:00 Europe/Oslo", "Mon 08:00-18:00 America/New_York", false},
	} {
		p := plan(t, 1, c.a, 0.1, c.b, 0.2)
		if got := p.Windows[0].Overlaps(&p.Windows[1]); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
		if got := p.Windows[1].Overlaps(&p.Windows[0]); got != c.want {
			t.Errorf("%s and %s the other way round: %v", c.a, c.b, got)
		}
	}
}

func TestReadNumbers(t *testing.T) {
	for _, c := range []struct {
		read func(string) (float64, error)
		text string
		want float64 // -1: refused
	}{
		{ReadShare, "30%", 0.3}, {ReadShare, "0%", 0}, {ReadShare, " 97.5 % ", 0.975}, {ReadShare, "100%", 1},
		{ReadShare, "30", -1}, {ReadShare, "0.3", -1}, {ReadShare, "101%", -1}, {ReadShare, "-1%", -1}, {ReadShare, "NaN%", -1}, {ReadShare, "%", -1},
		{ReadRequests, "5/s", 5}, {ReadRequests, "30 / min", 0.5}, {ReadRequests, "3600/h", 1}, {ReadRequests, "0.5/s", 0.5},
		{ReadRequests, "5", -1}, {ReadRequests, "0/s", -1}, {ReadRequests, "-5/s", -1}, {ReadRequests, "5/d", -1}, {ReadRequests, "NaN/s", -1}, {ReadRequests, "Inf/s", -1},
		{ReadBytes, "2MB/s", 2e6}, {ReadBytes, "500 kB/s", 5e5}, {ReadBytes, "16Mbit/s", 2e6}, {ReadBytes, "1.5MiB/s", 1.5 * (1 << 20)},
		{ReadBytes, "2MB", -1}, {ReadBytes, "2Mb/s", -1}, {ReadBytes, "10", -1}, {ReadBytes, "", -1}, {ReadBytes, "MB/s", -1}, {ReadBytes, "0.1kB/s", -1}, {ReadBytes, "-2MB/s", -1},
	} {
		got, err := c.read(c.text)
		if c.want < 0 && err == nil || c.want >= 0 && (err != nil || math.Abs(got-c.want) > 1e-9) {
			t.Errorf("%q: got %v, %v, want %v", c.text, got, err, c.want)
		}
	}
}

// TestElapse: the time that work takes is counted through the shares.
func TestElapse(t *testing.T) {
	office := plan(t, 1, "Mon-Fri 08:00-18:00", 0.5)
	never := plan(t, 0)
	night := plan(t, 0, "22:00-06:00", 1.0)
	for _, c := range []struct {
		name string
		plan *Plan
		from string
		work time.Duration // at full speed
		want time.Duration
		ok   bool
	}{
		{"no plan", nil, "2026-03-06T00:00:00Z", 5 * time.Hour, 5 * time.Hour, true},
		{"within the slow hours", office, "2026-03-06T09:00:00Z", 2 * time.Hour, 4 * time.Hour, true},
		{"over their end", office, "2026-03-06T16:00:00Z", 3 * time.Hour, 4 * time.Hour, true},
		{"over a week", office, "2026-03-02T00:00:00Z", (7*24 - 25) * time.Hour, 7 * 24 * time.Hour, true},
		{"it waits for the night", night, "2026-03-06T12:00:00Z", 9 * time.Hour, (10 + 24 + 1) * time.Hour, true},
		{"it never comes", never, "2026-03-06T12:00:00Z", time.Second, 0, false},
		{"nothing to do", night, "2026-03-06T23:00:00Z", time.Nanosecond, time.Nanosecond, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := c.plan.Elapse(at(t, c.from), func(share float64) float64 { return share / c.work.Seconds() })
			if ok != c.ok || ok && (got-c.want).Abs() > time.Millisecond {
				t.Errorf("got %v, %v, want %v, %v", got, ok, c.want, c.ok)
			}
		})
	}
}

func TestWeek(t *testing.T) {
	p := plan(t, 0.97, "Mon-Fri 08:00-18:00 Europe/Oslo", 0.3)
	for from, office := range map[string]float64{
		"2026-03-02T13:00:00Z":      50,
		"2026-03-23T12:00:00+01:00": 51, // its second Monday came an hour sooner
	} {
		got := p.Week(at(t, from))
		if len(got) != 2 || got[0] != (Hours{0.3, office}) || got[1] != (Hours{0.97, 168 - office}) {
			t.Errorf("%s: %v", from, got)
		}
	}
	if got := plan(t, 0.5).Week(at(t, "2026-03-02T13:00:00Z")); got != nil {
		t.Errorf("one share: %v", got)
	}
}

// TestCrosses: a plan that crossed to another process is the same.
func TestCrosses(t *testing.T) {
	p := plan(t, 0.97, "Mon-Fri 08:00-18:00 Europe/Oslo", 0.3)
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var far Plan
	if err := json.Unmarshal(b, &far); err != nil {
		t.Fatal(err)
	}
	if err := far.Ready(); err != nil {
		t.Fatal(err)
	}
	now := at(t, "2026-03-06T12:00:00Z")
	share, until := far.At(now)
	if want, then := p.At(now); share != want || !until.Equal(then) {
		t.Errorf("got %v until %v, want %v until %v", share, until, want, then)
	}
	far.Windows[0].Zone = "Europe/Nowhere"
	if err := far.Ready(); err == nil {
		t.Error("a zone that is not there was taken")
	}
}

func FuzzReadWindow(f *testing.F) {
	for _, text := range []string{"Mon-Fri 08:00-18:00 Europe/Oslo", "Sat,Sun", "22:00-06:00 UTC", "Fri-Mon –"} {
		f.Add(text)
	}
	now := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ReadWindow(text, "UTC")
		if err != nil {
			return
		}
		p := &Plan{Windows: []Window{w}, Else: 1}
		share, until := p.At(now)
		if share != p.share(now) || !until.IsZero() && (!until.After(now) || p.share(until) == share) {
			t.Errorf("%q: share %v until %v", text, share, until)
		}
	})
}
