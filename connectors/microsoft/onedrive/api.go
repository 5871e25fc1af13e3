package onedrive

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

// What calls cost, in resource units.
const (
	costOne    = 1 // an item, a page of changes, a download
	costWrite  = 2 // a listing, or a write
	costGrants = 5 // permissions
)

// read asks for something of a drive.
func (c *cloud) read(ctx context.Context, path string, query url.Values, cost int, out any) error {
	_, err := c.graph.JSON(ctx, connector.Request{Method: http.MethodGet, URL: c.graph.URL(path, query), Class: microsoft.ClassFiles, Cost: cost}, out)
	return err
}

// send changes something of a drive.
func (c *cloud) send(ctx context.Context, q connector.Request, out any) error {
	q.Class = microsoft.ClassFiles
	if q.Cost == 0 {
		q.Cost = costWrite
	}
	_, err := c.graph.JSON(ctx, q, out)
	return named(err)
}

func refused(err error, status int) bool { return microsoft.Status(err) == status }

// rootOf fills in the folder that a tree begins with.
func (c *cloud) rootOf(ctx context.Context, t *tree) error {
	if t.root != "" {
		return nil
	}
	c.mu.Lock()
	t.root = c.roots[t.drive]
	c.mu.Unlock()
	if t.root != "" {
		return nil
	}
	var root driveItem
	if err := c.read(ctx, "/drives/"+url.PathEscape(t.drive)+"/root", url.Values{"$select": {"id"}}, costOne, &root); err != nil {
		return err
	}
	t.root = root.ID
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roots[t.drive] = root.ID
	return nil
}

// container reads the container itself.
func (c *cloud) container(ctx context.Context, t tree) (it driveItem, err error) {
	if err := c.read(ctx, t.at(t.root, ""), nil, costOne, &it); err != nil {
		return it, err
	}
	if !t.whole {
		return it, nil
	}
	var d drive
	err = c.read(ctx, "/drives/"+url.PathEscape(t.drive), nil, costOne, &d)
	it.Name = d.label()
	return it, err
}

// items reads items of a drive, 20 a request, and leaves out what is gone.
func (c *cloud) items(ctx context.Context, t tree, ids []string) ([]driveItem, error) {
	calls := make([]microsoft.BatchCall, len(ids))
	for i, id := range ids {
		calls[i] = microsoft.BatchCall{Method: http.MethodGet, Path: t.at(id, ""), Class: microsoft.ClassFiles, Cost: costOne}
	}
	var out []driveItem
	for _, a := range c.graph.Batch(ctx, calls) {
		var i driveItem
		switch err := a.Decode(&i); {
		case microsoft.IsGone(err):
		case err != nil:
			return nil, err
		default:
			out = append(out, i)
		}
	}
	return out, nil
}

// gone is what a request for something of another kind ends with.
func gone(what string) *connector.Error {
	return connector.Errorf(connector.Gone, "%s: something of another kind has this id", what)
}

// changed is what a request ends with that knows another version.
func changed(what string) *connector.Error {
	return connector.Errorf(connector.Conflict, "%s: it has changed", what).WithHint("run again: what is there now is looked at")
}

// named explains the refusal of a request that carries a name.
func named(err error) error {
	e, ok := errors.AsType[*connector.Error](err)
	if !ok || !refused(err, http.StatusBadRequest) || microsoft.Code(err) != "invalidRequest" && microsoft.Code(err) != "nameInvalid" {
		return err
	}
	return e.WithHint(`the name may be one that SharePoint does not take, with "_vti_" in it, or Forms right in a library: give it another one at the source`)
}

func inTheWay() *connector.Error {
	return connector.Errorf(connector.Conflict, "something else stands there by that name").
		WithHint("it is in the way: rename or remove it at the target, then run again")
}
