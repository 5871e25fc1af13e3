package standin

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A tombstone is what a drive remembers of an item that was deleted.
type tombstone struct {
	id     string
	folder bool
	seq    uint64
}

// touch notes that an item changed.
func (d *drive) touch(it *driveItem) {
	d.seq++
	it.seq = d.seq
}

// EndDeltas ends all tokens of a drive's deltas.
func (s *Server) EndDeltas(driveID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.drives[driveID]
	d.seq++
	d.ended = d.seq
}

// Discard deletes an item, as somebody does behind a client's back.
func (s *Server) Discard(driveID, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.drives[driveID]
	s.discard(d, d.items[id])
}

// Restore takes an item out of the bin again, with all that lay in it.
func (s *Server) Restore(driveID, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.drives[driveID]
	for n, it := range d.bin[id] {
		seq := it.seq
		d.link(it)
		d.used += it.data.size
		if n > 0 && s.opts.SparseDelta {
			it.seq = seq
		}
		d.gone = slices.DeleteFunc(d.gone, func(g tombstone) bool { return g.id == it.id })
	}
	delete(d.bin, id)
}

func (d *drive) bury(it *driveItem) {
	d.seq++
	d.gone = append(d.gone, tombstone{it.id, it.folder, d.seq})
}

func (d *drive) depth(it *driveItem) int {
	n := 0
	for ; it.parent != ""; it = d.items[it.parent] {
		n++
	}
	return n
}

// A place in a delta listing: what comes after it, of the changes since one.
type deltaToken struct {
	since, until uint64
	depth        int
	id           string
}

func (t deltaToken) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d;%d;%d;%s", t.since, t.until, t.depth, t.id))
}

func readDeltaToken(in string) (t deltaToken, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(in)
	parts := strings.Split(string(b), ";")
	if err != nil || len(parts) != 4 {
		return t, false
	}
	var errs [3]error
	t.since, errs[0] = strconv.ParseUint(parts[0], 10, 64)
	t.until, errs[1] = strconv.ParseUint(parts[1], 10, 64)
	t.depth, errs[2] = strconv.Atoi(parts[2])
	t.id = parts[3]
	return t, errs == [3]error{}
}

// delta lists what changed in a drive since a token, all without one: a folder
// before what lies in it, by its depth, a page at a time (docs: driveitem-delta).
func (s *Server) delta(c *call) (answer, error) {
	d, err := s.drive(c)
	if err != nil {
		return answer{}, err
	}
	at := deltaToken{until: d.seq}
	switch in := c.query.Get("token"); in {
	case "":
	case "latest":
		at.since = d.seq
	default:
		var ok bool
		if at, ok = readDeltaToken(in); !ok {
			r := refuse(http.StatusGone, "resyncRequired", "Resync required. Replace any local items with the server's version.")
			r.header = http.Header{"Location": {c.base + "/v1.0/" + c.path}}
			r.inner = object{"code": "resyncChangesApplyDifferences"}
			return answer{}, r
		}
		if at.since > 0 && at.since < d.ended {
			r := refuse(http.StatusGone, "resyncRequired", "Resync required. Replace any local items with the server's version.")
			r.header = http.Header{"Location": {c.base + "/v1.0/" + c.path}}
			r.inner = object{"code": "resyncChangesUploadDifferences"}
			return answer{}, r
		}
		if at.depth == 0 && at.id == "" {
			at.until = d.seq
		}
	}
	type entry struct {
		depth int
		id    string
		o     object
	}
	hierarchical := strings.Contains(c.header.Get("Prefer"), "hierarchicalsharing")
	changed := map[string]bool{}
	for _, it := range d.items {
		if it.seq <= at.since && at.since > 0 {
			continue
		}
		for up := it; up != nil && !changed[up.id]; up = d.items[up.parent] { // with the folders above it
			changed[up.id] = true
		}
	}
	var all []entry
	for id := range changed {
		all = append(all, entry{depth: d.depth(d.items[id]), id: id})
	}
	for _, g := range d.gone {
		if g.seq > at.since && at.since > 0 {
			o := object{"id": g.id, "deleted": object{"state": "deleted"}}
			if g.folder {
				o["folder"] = object{}
			} else {
				o["file"] = object{}
			}
			all = append(all, entry{depth: 1 << 30, id: g.id, o: o})
		}
	}
	order := func(a, b entry) int { return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.id, b.id)) }
	if s.opts.SparseDelta && at.since > 0 {
		order = func(a, b entry) int { return cmp.Or(cmp.Compare(b.depth, a.depth), cmp.Compare(a.id, b.id)) }
	}
	slices.SortFunc(all, order)
	from := 0
	if at.depth != 0 || at.id != "" {
		met := false
		if from, met = slices.BinarySearchFunc(all, entry{depth: at.depth, id: at.id}, order); met {
			from++
		}
	}
	all = all[from:]
	size, err := top(c, s.limits.DrivePage, 1000)
	if err != nil {
		return answer{}, err
	}
	body := object{"@odata.context": c.base + "/v1.0/$metadata#Collection(driveItem)"}
	link := func(t deltaToken) string {
		q := url.Values{"token": {t.String()}}
		if n := c.query.Get("$top"); n != "" {
			q.Set("$top", n)
		}
		return c.base + "/v1.0/" + c.path + "?" + strings.ReplaceAll(q.Encode(), "%24", "$")
	}
	if size > 0 && len(all) > size {
		all = all[:size]
		last := all[size-1]
		body["@odata.nextLink"] = link(deltaToken{at.since, at.until, last.depth, last.id})
	} else {
		body["@odata.deltaLink"] = link(deltaToken{since: at.until})
	}
	value := make([]object, 0, len(all))
	for _, e := range all {
		if e.o == nil {
			e.o = s.deltaObject(c, d, d.items[e.id], hierarchical)
		}
		shown, err := selected(c, e.o)
		if err != nil {
			return answer{}, err
		}
		value = append(value, shown)
	}
	body["value"] = value
	return ok(body)
}

// deltaObject leaves away what delta does not tell: cTag outside of consumers'
// drives, and paths. With Prefer: hierarchicalsharing it tells of sharing only
// where it was given (docs: driveitem-delta).
func (s *Server) deltaObject(c *call, d *drive, it *driveItem, hierarchical bool) object {
	o := s.itemObject(c, d, it)
	if s.driveType(d) != personal {
		delete(o, "cTag")
	}
	if ref, ok := o["parentReference"].(object); ok {
		delete(ref, "path")
	}
	if hierarchical && len(it.grants) == 0 {
		delete(o, "shared")
	}
	return o
}
