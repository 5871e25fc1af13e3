package onedrive

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// A target writes into one drive, below one folder of it.
type target struct {
	*cloud
	tree    tree     // the whole drive
	kind    string   // of the drive
	folders []string // from its root on
	// owns are the ids of those to whom everything in the drive belongs.
	owns map[string]bool
}

const placeForms = `write "me", "user:ann@example.org", "group:Marketing" or "site:https://example.sharepoint.com/sites/team/Documents", with a slash and the path of a folder behind it if it should go there`

// Target finds the drive of a place. The folders below it are made with the first
// drive that is written.
func (c *cloud) Target(ctx context.Context, place string) (connector.Target, error) {
	what, rest, named := strings.Cut(strings.TrimSpace(place), ":")
	t := &target{cloud: c, owns: map[string]bool{}}
	var d drive
	var err error
	switch {
	case !named:
		what, rest, _ = strings.Cut(what, "/")
		if what != "me" {
			return nil, connector.Errorf(connector.Permanent, "the place names no drive").WithHint(placeForms)
		}
		if !c.graph.Delegated() {
			return nil, connector.Errorf(connector.Permanent, "an app on its own has no drive").WithHint(placeForms)
		}
		err = c.read(ctx, "/me/drive", nil, costOne, &d)
	case what == "user":
		name, path, _ := strings.Cut(rest, "/")
		rest = path
		err = c.read(ctx, "/users/"+url.PathEscape(name)+"/drive", nil, costOne, &d)
	case what == "group":
		name, path, _ := strings.Cut(rest, "/")
		rest = path
		d, err = t.group(ctx, name)
	case what == "site":
		d, rest, err = c.site(ctx, rest)
	default:
		return nil, connector.Errorf(connector.Permanent, "the place names no drive").WithHint(placeForms)
	}
	if microsoft.IsGone(err) {
		return nil, connector.Errorf(connector.Permanent, "the place is not there, or has no drive yet").
			WithHint("check its name; a drive comes about when its owner opens OneDrive for the first time. " + placeForms)
	}
	if err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(strings.Trim(rest, "/"), "/") {
		if name = strings.TrimSpace(name); name != "" {
			t.folders = append(t.folders, name)
		}
	}
	if d.Owner.User != nil && d.Type != library {
		t.owns[d.Owner.User.ID] = true
	}
	t.tree, t.kind = treeOf(item.Ref{Kind: item.Drive, ID: d.ID}), d.Type
	return t, c.rootOf(ctx, &t.tree)
}

// group is the library of a group, by its name, address or id. All in it belongs to
// its members.
func (t *target) group(ctx context.Context, name string) (d drive, err error) {
	quoted := "'" + strings.ReplaceAll(name, "'", "''") + "'"
	var found []identity
	if id := strings.ToLower(name); len(id) == 36 && strings.Count(id, "-") == 4 {
		found = []identity{{ID: id}}
	} else if found, err = microsoft.All(microsoft.List[identity](ctx, t.graph, "/groups", url.Values{"$select": {"id"}, "$filter": {"displayName eq " + quoted + " or mail eq " + quoted}})); err != nil {
		return d, err
	}
	if len(found) != 1 {
		return d, connector.Errorf(connector.Permanent, "%d groups have that name", len(found)).WithHint("write the id or the address of the right one: group: and the id")
	}
	id := found[0].ID
	if err := t.read(ctx, "/groups/"+url.PathEscape(id)+"/drive", nil, costOne, &d); err != nil {
		return d, err
	}
	t.owns[id] = true
	for m, err := range microsoft.List[identity](ctx, t.graph, "/groups/"+url.PathEscape(id)+"/members", url.Values{"$select": {"id"}, "$top": {"999"}}) {
		if microsoft.IsForbidden(err) { // hidden: nothing is lost by inviting them once more
			break
		}
		if err != nil {
			return d, err
		}
		t.owns[m.ID] = true
	}
	return d, nil
}

// site is a library of a site by their address, and what follows in it. A site lies
// below /sites/ or /teams/, or is the root of its host; the first library is the
// one where none is named.
func (c *cloud) site(ctx context.Context, address string) (d drive, rest string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return d, "", connector.Errorf(connector.Permanent, "the address of the site cannot be read").WithHint(placeForms)
	}
	parts := slices.DeleteFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "" })
	at := "/sites/" + u.Host
	if len(parts) > 1 && (parts[0] == "sites" || parts[0] == "teams") {
		at += ":/" + parts[0] + "/" + url.PathEscape(parts[1])
		parts = parts[2:]
	}
	var s identity
	if err := c.read(ctx, at, url.Values{"$select": {"id"}}, costOne, &s); err != nil {
		return d, "", err
	}
	if len(parts) == 0 {
		return d, "", c.read(ctx, "/sites/"+url.PathEscape(s.ID)+"/drive", nil, costOne, &d)
	}
	for d, err := range microsoft.List[drive](ctx, c.graph, "/sites/"+url.PathEscape(s.ID)+"/drives", nil) {
		if err != nil {
			return d, "", err
		}
		if _, at := d.address(); strings.EqualFold(d.Name, parts[0]) || strings.EqualFold(at, parts[0]) {
			return d, strings.Join(parts[1:], "/"), nil
		}
	}
	return d, "", connector.Errorf(connector.Permanent, "the site has no library of that name").WithHint(placeForms)
}

// folder finds the folder of the place, and makes those that are missing. It returns
// its id.
func (t *target) folder(ctx context.Context) (at string, made bool, err error) {
	at = t.tree.root
	for _, name := range t.folders {
		if at, made, err = t.makeFolder(ctx, at, name); err != nil {
			return "", false, err
		}
	}
	return at, made, nil
}

// makeFolder makes a folder in another one, or takes the one that is there.
func (t *target) makeFolder(ctx context.Context, in, name string) (id string, made bool, err error) {
	i, adopted, err := t.newFolder(ctx, in, map[string]any{"name": name})
	return i.ID, err == nil && !adopted, err
}

// newFolder makes a folder in another one, and takes over one that is there
// (https://learn.microsoft.com/en-us/graph/api/driveitem-post-children).
func (t *target) newFolder(ctx context.Context, in string, with map[string]any) (i driveItem, adopted bool, err error) {
	with["folder"], with["@microsoft.graph.conflictBehavior"] = map[string]any{}, "fail"
	err = t.send(ctx, connector.Request{Method: http.MethodPost, URL: t.graph.URL(t.tree.at(in, "/children"), nil), JSON: with}, &i)
	if !refused(err, http.StatusConflict) {
		return i, false, err
	}
	name, _ := with["name"].(string)
	if err := t.read(ctx, t.tree.below(in, name, ""), nil, costOne, &i); err != nil {
		return i, false, err
	}
	if i.kind() != item.Folder {
		return i, false, inTheWay()
	}
	return i, true, nil
}
