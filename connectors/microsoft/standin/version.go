package standin

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// A version keeps the etag of one Planner resource. Planner accepts a change
// against an older etag if it does not conflict with what changed since
// (docs: planner-overview, "Planner resource versioning"), so each field
// remembers the version that set it last.
type version struct {
	kind   string // "Task", "TaskDetails": part of the etag, so those of different resources never match
	now    uint64
	past   []uint64 // oldest first
	fields map[string]uint64
}

// etag looks like Planner's own: W/"JzEtVGFzayAgQEBAQEBAQEBAQEBAQEBAWCc=" is
// '1-Task  @@@@@@@@@@@@@@@X' in base64, a number in digits from '@' up.
func (v *version) etag() string { return etagOf(v.kind, v.now) }

func etagOf(kind string, n uint64) string {
	digits := []byte("@@@@@@@@@@@@@@@@")
	for i := len(digits) - 1; n > 0; i-- {
		digits[i] = byte('@' + n%32)
		n /= 32
	}
	return `W/"` + base64.StdEncoding.EncodeToString([]byte("'1-"+kind+" "+string(digits)+"'")) + `"`
}

// newVersion is that of a resource that is made now.
func (s *Server) newVersion(kind string) version {
	s.versions++
	return version{kind: kind, now: s.versions}
}

// touch notes a change of fields.
func (s *Server) touch(v *version, fields ...string) {
	s.versions++
	v.past = append(v.past, v.now)
	if n := s.limits.EtagMemory; n > 0 && len(v.past) > n {
		v.past = slices.Delete(v.past, 0, len(v.past)-n)
	}
	v.now = s.versions
	if v.fields == nil {
		v.fields = map[string]uint64{}
	}
	for _, f := range fields {
		v.fields[f] = v.now
	}
}

// match finds the version that a request names in If-Match.
func (v *version) match(h http.Header) (uint64, error) {
	in := h.Get("If-Match")
	switch {
	case in == "":
		return 0, plannerRefuse(http.StatusPreconditionFailed, "The If-Match header must be specified for this kind of request.")
	case in == "*":
		// pnp/cli-microsoft365#2877 tried it.
		return 0, plannerRefuse(http.StatusBadRequest, "The given key was not present in the dictionary.")
	case in == v.etag():
		return v.now, nil
	}
	for _, n := range v.past {
		if in == etagOf(v.kind, n) {
			return n, nil
		}
	}
	return 0, plannerRefuse(http.StatusPreconditionFailed, "The If-Match header contains an invalid value.")
}

func conflict() *refusal {
	return plannerRefuse(http.StatusConflict, "The attempted changes conflicted with already accepted changes. Read the latest state and resolve the conflicts.")
}

// mayChange holds a PATCH of fields against If-Match. A field "a/b" is part
// of "a": changing one conflicts with a change of the other.
func (v *version) mayChange(h http.Header, fields []string) error {
	seen, err := v.match(h)
	if err != nil {
		return err
	}
	if seen == v.now {
		return nil
	}
	for changed, at := range v.fields {
		if at <= seen {
			continue
		}
		for _, f := range fields {
			if f == changed || strings.HasPrefix(f, changed+"/") || strings.HasPrefix(changed, f+"/") {
				return conflict()
			}
		}
	}
	return nil
}

// mayDelete holds a DELETE against If-Match: it conflicts with any change since
// (O365/python-o365#1082).
func (v *version) mayDelete(h http.Header) error {
	seen, err := v.match(h)
	if err != nil {
		return err
	}
	if seen != v.now {
		return conflict()
	}
	return nil
}
