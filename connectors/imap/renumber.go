package imap

import (
	"context"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/item"
)

// Renumbered returns the folders that have another UIDVALIDITY than these messages' ids
// (RFC 9051, 2.3.1.1).
func (t *target) Renumbered(ctx context.Context, refs []item.Ref) (out []item.Ref, err error) {
	for _, g := range group(refs) {
		if g.folder == "" {
			continue
		}
		f, err := t.find(ctx, g.folder)
		if err != nil && connector.ClassOf(err) == connector.Gone {
			continue
		}
		if err == nil {
			err = t.reading(ctx, f.name, func(conn *wire.Conn) error {
				conn.Unselect() // as it is now
				if err := conn.Select(f.name, false); err != nil {
					return err
				}
				if conn.Selected().Validity != g.validity && !slices.Contains(out, f.ref()) {
					out = append(out, f.ref())
				}
				return nil
			})
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
