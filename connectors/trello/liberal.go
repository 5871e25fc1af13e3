package trello

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// The scalars of Trello's JSON are read liberally: twelve years of exports and
// servers send null, numbers as strings and strings as numbers in the same
// place. None of these types ever fails to decode; what cannot be read is zero.

// text is a string that may come as null, a number or a boolean.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch {
	case len(b) == 0 || b[0] == 'n' || b[0] == '{' || b[0] == '[':
		return nil
	case b[0] == '"':
		var s string
		if json.Unmarshal(b, &s) == nil {
			*t = text(s)
		}
		return nil
	}
	*t = text(b)
	return nil
}

func (t text) String() string { return string(t) }

// number is a float that may come as null, a string or with a stray comma.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	*n = 0
	var t text
	_ = t.UnmarshalJSON(b)
	f, err := strconv.ParseFloat(strings.Trim(string(t), " ,"), 64)
	if err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		*n = number(f)
	}
	return nil
}

// count is a whole number that tells "absent" (-1) from zero.
type count struct {
	n    int64
	told bool
}

func (c *count) UnmarshalJSON(b []byte) error {
	*c = count{}
	var t text
	_ = t.UnmarshalJSON(b)
	if f, err := strconv.ParseFloat(string(t), 64); err == nil && f >= 0 && f < 1<<53 {
		*c = count{n: int64(f), told: true}
	}
	return nil
}

// or returns the number, or def if it was not told.
func (c count) or(def int64) int64 {
	if c.told {
		return c.n
	}
	return def
}

// flag is a boolean that may come as null, a string or a number.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	var t text
	_ = t.UnmarshalJSON(b)
	v, err := strconv.ParseBool(strings.ToLower(string(t)))
	*f = flag(err == nil && v)
	return nil
}

// moment is a time that may come as null, "", ISO 8601, a bare date, or
// milliseconds since 1970. It is always UTC.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(b []byte) error {
	m.Time = time.Time{}
	var t text
	_ = t.UnmarshalJSON(b)
	if at, ok := readTime(string(t)); ok {
		m.Time = at
	}
	return nil
}

// readTime reads the forms in which Trello writes a time.
func readTime(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly, "2006-01-02 15:04:05 MST"} {
		if at, err := time.Parse(layout, s); err == nil {
			return sane(at)
		}
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms > 1e11 && ms < 1e14 {
		return sane(time.UnixMilli(ms))
	}
	return time.Time{}, false
}

// sane refuses years that no JSON encoder writes back.
func sane(at time.Time) (time.Time, bool) {
	at = at.UTC()
	return at, at.Year() >= 1 && at.Year() <= 9999
}

// stamp writes a time as Trello does: UTC with milliseconds.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// list is an array that may come as null, or with elements of a foreign shape,
// which are left out.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	if len(b) == 0 || b[0] != '[' {
		return nil
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(b, &raws); err != nil {
		return err
	}
	out := make(list[T], 0, len(raws))
	for _, raw := range raws {
		var v T
		if bytes.Equal(raw, []byte("null")) || lenient(raw, &v) != nil {
			continue
		}
		out = append(out, v)
	}
	*l = out
	return nil
}

// object is a JSON object that may come as null or in a foreign shape.
type object[T any] struct{ v T }

func (o *object[T]) UnmarshalJSON(b []byte) error {
	var zero T
	o.v = zero
	if len(b) > 0 && b[0] == '{' {
		return lenient(b, &o.v)
	}
	return nil
}

// lenient decodes what has the right type and leaves the rest zero.
func lenient(b []byte, v any) error {
	err := json.Unmarshal(b, v)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && len(b) > 0 && b[0] == '{' {
		return nil
	}
	return err
}

// says reports whether a raw value holds anything: not null, "", false, 0, an
// empty list, or an object without such.
func says(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return false
	}
	switch raw[0] {
	case 'n', 'f':
		return false
	case '[':
		return !bytes.Equal(bytes.TrimSpace(raw[1:len(raw)-1]), nil)
	case '"':
		return len(raw) > 2
	case '{':
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) != nil {
			return true
		}
		for _, v := range m {
			if says(v) {
				return true
			}
		}
		return false
	}
	return string(raw) != "0"
}

// strays returns, sorted, the keys of an object that hold something and that
// known does not name.
func strays(b []byte, known func(string) bool) []string {
	var m map[string]json.RawMessage
	if json.Unmarshal(b, &m) != nil {
		return nil
	}
	var out []string
	for k, v := range m {
		if !known(k) && says(v) {
			out = append(out, fieldName(k))
		}
	}
	return out
}

// fieldName makes a key fit for a report: a foreign file may hold anything
// there, so that only what looks like a name of the API is repeated.
func fieldName(k string) string {
	if len(k) > 40 {
		return "unnamed"
	}
	for _, r := range k {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-') {
			return "unnamed"
		}
	}
	return k
}
