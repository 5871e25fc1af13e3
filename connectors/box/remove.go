package box

import (
	"context"
	"net/http"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Delete removes what is as accept saw it, and of folders only those in which nothing
// lies. Box keeps it in the account's trash for a while, as the enterprise has it.
func (t *target) Delete(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	d, err := readDrive(container)
	var of tree
	if err == nil {
		of, err = t.tree(ctx, d)
	}
	for attempt := 1; err == nil; attempt++ {
		b, e, err := t.bundle(ctx, of, ref)
		if err != nil {
			return goneIsDone(err)
		}
		if e.ID == "0" {
			return false, nil // nobody removes all files
		}
		r := t.api.request(t.cfg.as, http.MethodDelete, pathOf(item.Ref{Kind: kindOf(e.Type), ID: e.ID}), nil, nil)
		if e.Type == "folder" {
			var inside files
			if err := t.api.get(ctx, t.cfg.as, "/folders/"+e.ID+"/items", q("usemarker", "true", "limit", "1", "fields", "name"), &inside); err != nil {
				return goneIsDone(err)
			}
			if len(inside.Entries) > 0 {
				return false, nil
			}
			r = t.api.request(t.cfg.as, http.MethodDelete, "/folders/"+e.ID, q("recursive", "false"), nil)
		}
		if !accept(b) {
			return false, nil
		}
		if e.Type != "web_link" { // the contract has no If-Match there
			r = only(r, e.ETag)
		}
		err = t.api.send(ctx, r, nil)
		switch {
		case err == nil:
			return true, nil
		case refused(err, "folder_not_empty"):
			return false, nil
		case !refused(err, "precondition_failed") || attempt == tries:
			return goneIsDone(err)
		}
	}
	return goneIsDone(err)
}

// goneIsDone says that what is gone was removed.
func goneIsDone(err error) (bool, error) {
	if err != nil && connector.ClassOf(err) == connector.Gone {
		return true, nil
	}
	return err == nil, err
}
