package pace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// days are the names of the days, by time.Weekday.
func days() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// location loads a zone. "Local" is refused, for the file may be read on a
// machine in another one.
func location(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	loc, err := time.LoadLocation(name)
	if err == nil && name != "Local" {
		return loc, nil
	}
	return nil, fmt.Errorf("there is no time zone %q; zones are named by a city of theirs, as in Europe/Oslo or America/New_York, or UTC", name)
}

// ReadWindow reads when a window holds: days, hours and a zone, such as
// "Mon-Fri 08:00-18:00 Europe/Oslo". Without days it holds on every day, without
// hours the whole day, and without a zone by the clock of the zone given.
func ReadWindow(text, zone string) (Window, error) {
	w := Window{Text: text, Zone: zone, To: day}
	const example = "write days, hours and a zone, such as \"Mon-Fri 08:00-18:00 Europe/Oslo\""
	var days, hours, zones bool
	fields := strings.Fields(strings.ReplaceAll(text, "–", "-"))
	if len(fields) == 0 {
		return w, fmt.Errorf("a window of time is missing; %s", example)
	}
	for _, f := range fields {
		var err error
		switch first, _, _ := strings.Cut(f, ","); {
		case unicode.IsDigit(rune(f[0])) && !hours:
			hours = true
			err = w.readHours(f)
		case (isDays(first) || !strings.Contains(f, "/") && strings.ContainsAny(f, "-,")) && !days:
			days = true
			err = w.readDays(f)
		case unicode.IsLetter(rune(f[0])) && !zones:
			zones = true
			w.Zone = f
		default:
			err = fmt.Errorf("%q has no place in %q; %s", f, text, example)
		}
		if err != nil {
			return w, err
		}
	}
	if !days {
		w.Days = [7]bool{true, true, true, true, true, true, true}
	}
	loc, err := location(w.Zone)
	w.at.Location = loc
	return w, err
}

// isDays reports whether a text names a day, or begins with one.
func isDays(text string) bool {
	first, _, _ := strings.Cut(text, "-")
	_, ok := weekday(first)
	return ok
}

func weekday(text string) (int, bool) {
	i := slices.Index(days(), strings.ToLower(text))
	return i, i >= 0
}

func (w *Window) readDays(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, ok1 := weekday(first)
		to, ok2 := weekday(last)
		if !ok1 || !ok2 {
			return fmt.Errorf("%q are no days; the days are Mon, Tue, Wed, Thu, Fri, Sat and Sun, as in Mon-Fri or Mon,Wed,Fri", part)
		}
		for d := from; ; d = (d + 1) % 7 {
			w.Days[d] = true
			if d == to {
				break
			}
		}
	}
	return nil
}

func (w *Window) readHours(text string) error {
	from, to, ok := strings.Cut(text, "-")
	var ok1, ok2 bool
	w.From, ok1 = minutes(from)
	w.To, ok2 = minutes(to)
	switch {
	case !ok || !ok1 || !ok2 || w.From == day:
		return fmt.Errorf("%q are no hours; write them as 08:00-18:00, from 00:00 to 24:00", text)
	case w.From == w.To:
		return fmt.Errorf("%q begins and ends at the same time; leave the hours away for the whole day", text)
	case w.To == 0:
		w.To = day
	}
	return nil
}

// minutes reads a time of day; 24:00 is the end of the day.
func minutes(text string) (int, bool) {
	h, m, ok := strings.Cut(text, ":")
	hour, err1 := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	n := int(hour*60 + minute)
	return n, ok && err1 == nil && err2 == nil && len(m) == 2 && minute < 60 && n <= day
}

// Overlaps reports whether both windows hold at some time of the week by the
// clock of one zone. Windows of different zones never do: where they meet, the
// smaller share counts.
func (w *Window) Overlaps(o *Window) bool {
	if w.at.Location.String() != o.at.Location.String() {
		return false
	}
	a, b := w.week(), o.week()
	for i := range a {
		if a[i] && b[i] {
			return true
		}
	}
	return false
}

// week is which minutes of the week, from Sunday, the window covers.
func (w *Window) week() (out [7 * day]bool) {
	long := w.To - w.From
	if long <= 0 {
		long += day
	}
	for d, on := range w.Days {
		if !on {
			continue
		}
		for m := range long {
			out[(d*day+w.From+m)%len(out)] = true
		}
	}
	return out
}

// ReadShare reads a share of the quotas: "30%".
func ReadShare(text string) (float64, error) {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(n >= 0 && n <= 100) {
		return 0, fmt.Errorf("%q is no share; write it between 0%% (wait) and 100%% (all of the quota), such as 30%%", text)
	}
	return n / 100, nil
}

// ReadRequests reads a limit of requests: "5/s", "100/min" or "1000/h". It
// returns requests a second.
func ReadRequests(text string) (float64, error) {
	number, per, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	unit := map[string]float64{"s": 1, "min": 60, "h": 3600}[strings.TrimSpace(per)]
	if err != nil || !(n > 0 && n <= 1e6) || unit == 0 {
		return 0, fmt.Errorf("%q is no limit of requests; write it as 5/s, 100/min or 1000/h", text)
	}
	return n / unit, nil
}

// ReadBytes reads a limit of bytes: "2MB/s" or "16Mbit/s". It returns bytes a
// second.
func ReadBytes(text string) (float64, error) {
	t := strings.TrimSpace(text)
	i := strings.LastIndexFunc(t, func(r rune) bool { return unicode.IsDigit(r) || r == '.' })
	n, err := strconv.ParseFloat(t[:i+1], 64)
	unit := map[string]float64{
		"kB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9, "KiB/s": 1 << 10, "MiB/s": 1 << 20, "GiB/s": 1 << 30,
		"kbit/s": 1e3 / 8, "Mbit/s": 1e6 / 8, "Gbit/s": 1e9 / 8,
	}[strings.TrimSpace(t[i+1:])]
	switch {
	case err != nil || unit == 0:
		return 0, fmt.Errorf("%q is no limit of bytes; write it as 500kB/s, 2MB/s or 16Mbit/s", text)
	case !(n*unit >= 1e3 && n*unit <= 1e12):
		return 0, fmt.Errorf("%q cannot be; the limit of bytes is at least 1kB/s", text)
	}
	return n * unit, nil
}
