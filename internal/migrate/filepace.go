package migrate

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rialto-migrate/rialto/internal/pace"
)

// pace reads the key pace: windows of time with the share of the quotas that is
// used in them, the share for the rest, and limits. zone is the migration's, for
// windows that name none. It is called when the rest of the file is read.
func (r *reader) pace(n *yaml.Node, zone string) *pace.Plan {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.fail(n, "expected a pace here, such as {\"Mon-Fri 08:00-18:00 Europe/Oslo\": 30%%, else: 97%%}")
		return nil
	}
	p := &pace.Plan{Else: 1}
	keys := map[string]func(*yaml.Node){
		"else":     func(v *yaml.Node) { p.Else = number(r, v, pace.ReadShare) },
		"requests": func(v *yaml.Node) { p.Requests = number(r, v, pace.ReadRequests) },
		"bytes":    func(v *yaml.Node) { p.Bytes = number(r, v, pace.ReadBytes) },
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if keys[k.Value] != nil {
			continue
		}
		keys[k.Value] = func(v *yaml.Node) {
			w, err := pace.ReadWindow(r.text(k), zone)
			if err != nil {
				r.fail(k, "%v; besides windows of time, the keys here are bytes, else and requests", err)
				return
			}
			w.Share = number(r, v, pace.ReadShare)
			for j := range p.Windows {
				if p.Windows[j].Overlaps(&w) {
					r.fail(k, "%q and %q hold at the same time; cut one of them short", p.Windows[j].Text, w.Text)
				}
			}
			p.Windows = append(p.Windows, w)
		}
	}
	r.mapping(n, keys)
	if r.err == nil && p.Idle(time.Now()) {
		r.fail(n, "the share is 0%% at all times, so nothing would ever move; to hold a migration, use rialto pause")
	}
	return p
}

// number reads a text as a number of some unit.
func number(r *reader, n *yaml.Node, read func(string) (float64, error)) float64 {
	if n.Tag == "!!null" {
		r.fail(n, "a value is missing here; a window that has a comma needs quotes around it")
	}
	text := r.text(n)
	if r.err != nil {
		return 0
	}
	v, err := read(text)
	if err != nil {
		r.fail(n, "%v", err)
	}
	return v
}
