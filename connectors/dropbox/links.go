package dropbox

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// links are the shared links of whoever the connection acts as, by the id of what they
// lead to. Dropbox tells in no listing that something has a link: all are asked for at
// once (https://www.dropbox.com/developers/documentation/http/documentation#sharing-list_shared_links).
type links struct {
	by     map[string]item.Grant
	hidden bool // the app may not read them
}

func (c *cloud) links(ctx context.Context, v view) (links, error) {
	out := links{by: map[string]item.Grant{}}
	for cursor := ""; ; {
		arg := map[string]any{}
		if cursor != "" {
			arg["cursor"] = cursor
		}
		var told struct {
			Links []struct {
				ID          string `json:"id"`
				Permissions struct {
					Audience tagged `json:"effective_audience"`
					Resolved tagged `json:"resolved_visibility"`
					Level    tagged `json:"link_access_level"`
				} `json:"link_permissions"`
			} `json:"links"`
			More   bool   `json:"has_more"`
			Cursor string `json:"cursor"`
		}
		if err := c.api.rpc(ctx, v, "sharing/list_shared_links", arg, &told, shares); err != nil {
			if connector.ClassOf(err) == connector.Forbidden {
				return links{hidden: true}, nil
			}
			return out, err
		}
		for _, l := range told.Links {
			g := item.Grant{Link: audience(l.Permissions.Audience.Tag, l.Permissions.Resolved.Tag), Role: item.Comments}
			if l.Permissions.Level.Tag == asEditor {
				g.Role = item.Writes
			}
			if g.Link != "" && l.ID != "" {
				out.by[l.ID] = g
			}
		}
		if !told.More || told.Cursor == "" || told.Cursor == cursor {
			return out, nil
		}
		cursor = told.Cursor
	}
}

// audience is who may use a link, "" for those alone who were let in by name.
func audience(effective, resolved string) string {
	switch {
	case effective == "public" || effective == "password" || effective == "" && (resolved == "public" || resolved == "password"):
		return "everybody"
	case effective == "team" || effective == "" && (resolved == "team_only" || resolved == "team_and_password"):
		return "organisation"
	}
	return ""
}

// link adds the link of an item to who was let at it.
func (l links) link(it *item.Item) {
	if g, ok := l.by[it.ID]; ok {
		item.Permissions.Set(it, append(item.Permissions.Get(*it), g))
	}
}
