package migrate

import (
	"strings"
	"testing"
	"time"
)

const paceHead = "name: x\nfrom: {connection: a, scope: [\"*\"]}\nto: {connection: b}\n"

// TestFilePace reads the key pace in the forms that people write.
func TestFilePace(t *testing.T) {
	monday := time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)
	sunday := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name            string
		text            string
		monday, sunday  float64
		requests, bytes float64
	}{
		{"none", "", 1, 1, 0, 0},
		{"the example", `pace: {"Mon-Fri 08:00-18:00 Europe/Oslo": 30%, else: 97%}`, 0.3, 0.97, 0, 0},
		{"limits alone", "pace: {requests: 5/s, bytes: 2MB/s}", 1, 1, 5, 2e6},
		{"no else is all", "pace:\n  Mon-Fri 08:00-18:00 Europe/Oslo: 0%", 0, 1, 0, 0},
		{"the migration's zone, wherever it stands", "pace: {\"Mon 20:00-23:59\": 10%}\ntimezone: Asia/Tokyo", 0.1, 1, 0, 0},
		{"a zone of its own before the migration's", "pace: {\"Mon 20:00-23:59 UTC\": 10%}\ntimezone: Asia/Tokyo", 1, 1, 0, 0},
		{"several", "pace: {Mon-Fri: 20%, \"Sun 11:00-12:00\": 50%, bytes: 16Mbit/s}", 0.2, 0.5, 0, 2e6},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _, err := parse("m.yaml", []byte(paceHead+c.text+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Validate(); err != nil {
				t.Fatal(err)
			}
			for at, want := range map[time.Time]float64{monday: c.monday, sunday: c.sunday} {
				if got, _ := f.Pace.At(at); got != want {
					t.Errorf("on %s the share is %v, want %v", at.Weekday(), got, want)
				}
			}
			if p := f.Pace; p != nil && (p.Requests != c.requests || p.Bytes != c.bytes) {
				t.Errorf("the limits are %v and %v", p.Requests, p.Bytes)
			}
		})
	}
}

// TestFilePaceRefuses: what is wrong is told with its line and column, and what
// may stand there.
func TestFilePaceRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a zone that is not there", `pace: {"Mon-Fri 08:00-18:00 Europe/Olso": 30%}`, `m.yaml:4:8: there is no time zone "Europe/Olso"; zones are named by a city of theirs, as in Europe/Oslo`},
		{"a share without its unit", `pace: {"Mon-Fri 08:00-18:00": 0.3}`, `m.yaml:4:31: "0.3" is no share; write it between 0% (wait) and 100%`},
		{"an else that cannot be", `pace: {else: 130%}`, `m.yaml:4:14: "130%" is no share`},
		{"a limit without its time", `pace: {requests: 5}`, `m.yaml:4:18: "5" is no limit of requests; write it as 5/s`},
		{"bits or bytes", `pace: {bytes: 2Mb/s}`, `m.yaml:4:15: "2Mb/s" is no limit of bytes; write it as 500kB/s, 2MB/s or 16Mbit/s`},
		{"an overlap", "pace:\n  Mon-Fri 08:00-18:00: 30%\n  Fri 12:00-24:00: 97%", `m.yaml:6:3: "Mon-Fri 08:00-18:00" and "Fri 12:00-24:00" hold at the same time; cut one of them short`},
		{"an overlap over midnight", "pace: {Sun 22:00-06:00: 30%, Mon 05:00-07:00: 97%}", "hold at the same time"},
		{"one window twice", "pace: {Mon 08:00-09:00: 30%, Mon 08:00-09:00: 97%}", `m.yaml:4:30: the key "Mon 08:00-09:00" stands here twice`},
		{"a key that is none", `pace: {speed: 30%}`, `m.yaml:4:8: there is no time zone "speed"`},
		{"what may stand there", `pace: {speed: 30%}`, `besides windows of time, the keys here are bytes, else and requests`},
		{"a comma without quotes", `pace: {Mon,Wed 08:00-09:00: 30%}`, `m.yaml:4:11: a value is missing here; a window that has a comma needs quotes around it`},
		{"a list", `pace: [30%]`, `m.yaml:4:7: expected a pace here, such as {"Mon-Fri`},
		{"a share alone", `pace: 30%`, `m.yaml:4:7: expected a pace here`},
		{"nothing", `pace:`, `m.yaml:4:6: expected a pace here`},
		{"a window of lists", `pace: {Mon: [30%]}`, `m.yaml:4:13: expected one text here`},
		{"never, for the smaller share counts", `pace: {Mon-Sun Europe/Oslo: 0%, Mon-Sun UTC: 50%}`, `m.yaml:4:7: the share is 0% at all times`},
		{"never", `pace: {Mon-Fri: 0%, else: 0%}`, `m.yaml:4:7: the share is 0% at all times`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := parse("m.yaml", []byte(paceHead+c.text+"\n"))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
