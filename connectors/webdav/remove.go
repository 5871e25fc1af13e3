package webdav

import (
	"context"
	"net/http"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// Delete removes a file of the version that accept saw, or a folder in which
// nothing lies: RFC 4918 deletes one with all that people put there, so that one
// that holds something stays.
func (t *target) Delete(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (bool, error) {
	of := paths.Of(container, t.place)
	for attempt := 1; ; attempt++ {
		var e entry
		var err error
		empty := true
		if paths.IsFolder(ref.Kind) {
			e, empty, err = t.contents(ctx, ref.ID)
		} else {
			e, err = t.api.stat(ctx, ref.ID, false)
		}
		if err != nil {
			if connector.ClassOf(err) == connector.Gone {
				err = nil
			}
			return err == nil, err
		}
		if e.folder != paths.IsFolder(ref.Kind) {
			return true, nil // something else took its place: what we wrote is gone
		}
		if !empty || ref.ID == t.cfg.root || !accept(item.Bundle{Item: itemOf(of, ref.ID, e), CheckItems: -1}) {
			return false, nil
		}
		var only http.Header
		if t.cfg.server.heeds() && e.etag != "" {
			only = t.onlyIf(t.api.at(ref.ID, paths.IsFolder(ref.Kind)), e.etag)
		}
		err = t.api.remove(ctx, ref.ID, paths.IsFolder(ref.Kind), only)
		if !refused(err, http.StatusPreconditionFailed) || attempt == tries {
			return err == nil, err
		}
	}
}

// contents reads a folder, and whether nothing lies in it but what a killed run
// left behind.
func (t *target) contents(ctx context.Context, at string) (self entry, empty bool, err error) {
	self, empty = entry{folder: true}, true
	for e, err := range t.api.propfind(ctx, at, true, "1") {
		switch {
		case err != nil:
			return entry{}, false, err
		case e.self:
			self = e
		case !paths.Ours(e.name):
			return self, false, nil
		}
	}
	return self, empty, nil
}
