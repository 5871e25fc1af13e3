package runs

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// A hider puts a keyed hash in the place of ids that are paths: they hold names.
// The reasons of what fails there may hold them, too, so they are left out.
type hider struct {
	quota          float64 // requests a second that both ends allow together; 0 if one does not say
	key            []byte
	sources, paths bool // the source's ids are paths, the target's are
}

// hiderOf finds out which ends of a migration have paths for ids.
func hiderOf(ctx context.Context, a *app.App, f *migrate.File) (h hider, err error) {
	if h.key, err = a.Store().ServiceKey(ctx, "paths in runs"); err != nil {
		return h, err
	}
	unknown := false
	for _, end := range []struct {
		name  string
		paths *bool
	}{{f.From, &h.sources}, {f.To, &h.paths}} {
		if end.name == "" { // a scan has one end
			continue
		}
		conn, err := a.Store().Connection(ctx, a.Organisation, end.name)
		if err != nil {
			return h, err
		}
		c, err := a.Connector(conn.Connector)
		if err != nil {
			return h, err
		}
		set := connector.Settings{}
		for k, v := range conn.Settings {
			set[k] = v
		}
		caps := c.Capabilities(set)
		*end.paths = caps.Paths
		least := 0.0
		for _, q := range caps.Quotas {
			if rate := float64(q.Requests) / q.Per.Seconds(); least == 0 || rate < least {
				least = rate
			}
		}
		h.quota += least
		unknown = unknown || least == 0
	}
	if unknown {
		h.quota = 0
	}
	return h, nil
}

func (h hider) source(id string) string { return h.id(id, h.sources) }
func (h hider) target(id string) string { return h.id(id, h.paths) }

func (h hider) id(id string, hide bool) string {
	if !hide || id == "" {
		return id
	}
	m := hmac.New(sha256.New, h.key)
	m.Write([]byte(id))
	return "path-" + hex.EncodeToString(m.Sum(nil)[:8])
}

func (h hider) reason(text string) string {
	if h.sources || h.paths {
		return ""
	}
	return text
}

// outcome is what is kept of an outcome: ids, fields, counts, links. What a scan saw
// has names, and nothing of it is kept.
func (h hider) outcome(out *job.Outcome) ([]byte, error) {
	o := *out
	o.Shards, o.Unseen, o.SignedIn, o.Identity, o.People = nil, nil, nil, nil, nil
	if o.Verdict != nil {
		v := *o.Verdict
		v.Names = nil
		o.Verdict = &v
	}
	b, err := json.Marshal(o)
	if err != nil || !h.sources && !h.paths {
		return b, err
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		return nil, err
	}
	h.walk(tree)
	return json.Marshal(tree)
}

// walk hides what the reports of the verbs hold of paths, by the names of their fields.
func (h hider) walk(node any) {
	switch n := node.(type) {
	case []any:
		for _, e := range n {
			h.walk(e)
		}
	case map[string]any:
		for name, value := range n {
			text, ok := value.(string)
			switch {
			case !ok && name == "Key": // of a failure
				if key, ok := value.(map[string]any); ok {
					if id, ok := key["ID"].(string); ok {
						key["ID"] = h.source(id)
					}
				}
			case !ok:
				h.walk(value)
			case name == "source" || name == "shard":
				n[name] = h.source(text)
			case name == "target":
				n[name] = h.target(text)
			case name == "reason" || name == "Reason" || name == "link":
				n[name] = ""
			}
		}
	}
}
