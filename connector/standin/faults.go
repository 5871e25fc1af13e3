package standin

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults say what goes wrong, and how often. The zero value lets everything
// pass. Chances are between 0 and 1, per request.
type Faults struct {
	// Status is the chance of a refusal by status: 429, 500, 502, 503. A refused
	// request is not carried out.
	Status map[int]float64
	// Cut is the chance that the connection breaks without an answer: half of
	// the time before the request was carried out, else after.
	Cut float64
	// Truncate is the chance that the request is carried out and its answer's
	// body ends in the middle.
	Truncate float64
	// HTML is the chance that a web page is answered with 200, as a proxy or a
	// sign-in page would. The request is not carried out.
	HTML float64
	// Slow delays every request.
	Slow time.Duration
	// Late is how long a late request is held, LateChance how often that
	// happens. It is carried out afterwards with the body that came, even if the
	// client has gone: the request of a killed client lands after its restart.
	// Only writes (not GET, HEAD, OPTIONS) are late.
	Late       time.Duration
	LateChance float64
	// Expire is how many requests one credential is good for; later ones get
	// 401. 0 means for ever. A credential is the Authorization header, or the
	// query's token; requests without one do not count.
	Expire int
	// Refusal writes the vendor's own form of a refusal with a status (429, 500,
	// 502, 503, and 401 for an expired credential). nil asks the wrapped handler
	// if it is a Refuser, else answers plain text.
	Refusal func(w http.ResponseWriter, r *http.Request, status int)
}

// A Refuser is a handler that knows the vendor's own form of a refusal.
type Refuser interface {
	Refuse(w http.ResponseWriter, r *http.Request, status int)
}

const faultHelp = "429:0.05,500:0.01,502:0.01,503:0.01,cut:0.01,truncate:0.01,html:0.01,slow:200ms,late:5s,late:5s:0.1,expire:100"

// ParseFaults reads a specification such as
// "429:0.05,500:0.01,cut:0.01,slow:200ms,late:5s:0.1,truncate:0.01,html:0.01,expire:100".
// late without a chance means one write in ten. "" means no faults.
func ParseFaults(spec string) (Faults, error) {
	var f Faults
	if strings.TrimSpace(spec) == "" {
		return f, nil
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(spec, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok || value == "" {
			return Faults{}, fmt.Errorf("fault %q has no value: write it as name:value, for example %s", part, faultHelp)
		}
		if seen[name] {
			return Faults{}, fmt.Errorf("fault %q stands twice: leave one away", name)
		}
		seen[name] = true
		if err := f.set(name, value); err != nil {
			return Faults{}, err
		}
	}
	total := f.Cut + f.Truncate + f.HTML
	for _, p := range f.Status {
		total += p
	}
	if total > 1 {
		return Faults{}, fmt.Errorf("the chances of the faults add up to %g: they must not be over 1", total)
	}
	return f, nil
}

func (f *Faults) set(name, value string) (err error) {
	switch name {
	case "429", "500", "502", "503":
		status, _ := strconv.Atoi(name)
		if f.Status == nil {
			f.Status = map[int]float64{}
		}
		f.Status[status], err = chance(name, value)
	case "cut":
		f.Cut, err = chance(name, value)
	case "truncate":
		f.Truncate, err = chance(name, value)
	case "html":
		f.HTML, err = chance(name, value)
	case "slow":
		f.Slow, err = span(name, value)
	case "late":
		held, p, given := strings.Cut(value, ":")
		f.LateChance = 0.1
		if given {
			if f.LateChance, err = chance(name, p); err != nil {
				return err
			}
		}
		f.Late, err = span(name, held)
	case "expire":
		f.Expire, err = strconv.Atoi(value)
		if err != nil || f.Expire < 1 {
			return fmt.Errorf("fault expire:%s: write a whole number of requests from 1 up, for example expire:100", value)
		}
	default:
		return fmt.Errorf("there is no fault %q: known are 429, 500, 502, 503, cut, truncate, html, slow, late and expire, for example %s", name, faultHelp)
	}
	return err
}

func chance(name, value string) (float64, error) {
	p, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(p) || p < 0 || p > 1 {
		return 0, fmt.Errorf("fault %s: %q is no chance: write a number from 0 to 1, for example 0.05", name, value)
	}
	return p, nil
}

func span(name, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("fault %s: %q is no time: write a number with a unit, for example 200ms or 5s", name, value)
	}
	return d, nil
}

// String is the specification that ParseFaults reads.
func (f Faults) String() string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(f.Status)) {
		parts = append(parts, fmt.Sprintf("%d:%g", status, f.Status[status]))
	}
	for _, p := range []struct {
		name string
		p    float64
	}{{"cut", f.Cut}, {"truncate", f.Truncate}, {"html", f.HTML}} {
		if p.p > 0 {
			parts = append(parts, fmt.Sprintf("%s:%g", p.name, p.p))
		}
	}
	if f.Slow > 0 {
		parts = append(parts, "slow:"+f.Slow.String())
	}
	if f.Late > 0 {
		parts = append(parts, fmt.Sprintf("late:%s:%g", f.Late, f.LateChance))
	}
	if f.Expire > 0 {
		parts = append(parts, fmt.Sprintf("expire:%d", f.Expire))
	}
	return strings.Join(parts, ",")
}

// none reports whether everything passes.
func (f Faults) none() bool {
	return len(f.Status) == 0 && f.Cut == 0 && f.Truncate == 0 && f.HTML == 0 && f.Slow == 0 && f.Late == 0 && f.Expire == 0
}
