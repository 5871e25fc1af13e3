package migrate

import (
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// mends reports whether a step belongs to a container that is not in this pass
// and that changed at the source since: only its links are mended, and everything
// else is for a pass of its own.
func (s *step) mends() bool {
	return s.still && updates(s.row) && s.row.State != ledger.Half && s.row.Version != s.unit.version
}

// version is what the ledger remembers of the source: where links were mended,
// what was written before, so that a pass of its own brings the rest.
func (s *step) version() item.Digest {
	if s.mends() {
		return s.row.Version
	}
	return s.unit.version
}

// keptBack reports whether a field is one that mending links leaves as it is: it
// holds no address. Long texts do, since they end with what has no other place.
func (p *part) keptBack(s *step, name string) bool {
	if !s.mends() || p.e.embeds(s.unit.key.Kind, name) {
		return false
	}
	info, _ := item.Info(s.unit.key.Kind)
	field, known := info.Field(name)
	if !known {
		return false
	}
	switch field.Type {
	case item.Text, item.Checks:
		return false
	case item.Line, item.URL:
		address, _ := s.bundle.Item.Fields[name].(string)
		_, ours := p.links.locate(address)
		return !ours
	}
	return field.Name != item.ParentTask.Name && field.Name != item.Content.Name && field.Name != item.Modified.Name
}

// mend takes from an update what mending links leaves as it is.
func (p *part) mend(s *step, prev item.Bundle) {
	if !s.mends() || s.change.Op != connector.Update {
		return
	}
	kind := s.unit.key.Kind
	info, _ := item.Info(kind)
	before := unpack(s.row.Base, p.e.packedNames(kind))
	for _, field := range info.Fields {
		name := field.Name
		if !p.e.To.Caps.Keeps(kind, name) || !p.keptBack(s, name) {
			continue
		}
		if s.base != nil {
			delete(s.base, name)
			if was, known := before[name]; known {
				s.base[name] = was
			}
		}
		s.change.Dirty = slices.DeleteFunc(s.change.Dirty, func(f string) bool { return f == name })
		if !s.cloned {
			s.change.Item, s.cloned = s.change.Item.Clone(), true
		}
		delete(s.change.Item.Fields, name)
		if there := prev.Item.Fields[name]; !item.IsZero(there) {
			s.change.Item.Fields[name] = there
		}
	}
}
