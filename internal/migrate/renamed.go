package migrate

import (
	"context"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Where ids are paths, a file that people renamed is another file. Its bytes tell that
// it is the old one: what is new in a listing and has the version of bytes that moved
// under a path which the source no longer has keeps its row in the ledger, and moves
// at the target.

// bytesAre names, in a base, a second hash of the version of a file's bytes: with that
// of its content it takes 48 bits to be wrong.
const bytesAre = "bytes"

// bytesHash is that second hash; 0 where ids tell what was renamed.
func (e *Engine) bytesHash(it item.Item) uint32 {
	if it.Blob == nil || !e.From.Caps.Paths || !e.files() {
		return 0
	}
	return short(e.print.Text("bytes\x00" + it.Blob.Version))
}

// A trace of bytes is both hashes.
type bytesTrace struct{ one, two uint32 }

// renamed looks, among files that the ledger does not know, for those that it knows
// under a path that the source no longer has, and takes over their rows.
func (p *part) renamed(ctx context.Context, jobs []*job) error {
	if !p.e.again || !p.e.From.Caps.Paths || !p.e.files() || !p.e.To.Caps.Kinds[item.File].Moves {
		return nil
	}
	fresh := map[bytesTrace][]*job{}
	for _, j := range jobs {
		if j.row.State == 0 && j.bundle.Item.Kind == item.File && j.bundle.Item.Blob != nil {
			t := bytesTrace{p.e.versionHash(j.bundle.Item), p.e.bytesHash(j.bundle.Item)}
			fresh[t] = append(fresh[t], j)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	gone, err := p.goneAlike(ctx, fresh)
	if err != nil || len(gone) == 0 {
		return err
	}
	var b ledger.Batch
	for t, rows := range gone {
		for _, r := range rows {
			i := p.sameLeaf(fresh[t], r)
			if i < 0 {
				continue
			}
			j := fresh[t][i]
			fresh[t] = slices.Delete(fresh[t], i, i+1)
			b.Remove = append(b.Remove, r.Key)
			r.Key, r.Version = j.unit.key, 0
			j.row, j.renamed = r, true
			b.Rows = append(b.Rows, r)
		}
	}
	if len(b.Rows) == 0 {
		return nil
	}
	return p.apply(ctx, b)
}

// goneAlike are the rows of files that have the bytes of fresh ones, that the listing
// has not held so far, and that the source says it no longer has.
func (p *part) goneAlike(ctx context.Context, fresh map[bytesTrace][]*job) (map[bytesTrace][]ledger.Row, error) {
	names := p.e.packedNames(item.File)
	at := map[item.Ref]bytesTrace{} // by the path at the source
	rows := map[item.Ref]ledger.Row{}
	err := p.rows(ctx, func(r ledger.Row) error {
		if r.Key.Kind != item.File || r.State != ledger.Made || p.saw(r.Key) {
			return nil
		}
		settled := unpack(r.Base, names)
		t := bytesTrace{settled[item.Content.Name].given, settled[bytesAre].given}
		if len(fresh[t]) == 0 || t.two == 0 || settled.keeps(item.Content.Name) {
			return nil
		}
		if path, ok := p.sourceOf(r); ok {
			at[path], rows[path] = t, r
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var paths []item.Ref
	for path := range at {
		paths = append(paths, path)
	}
	for chunk := range slices.Chunk(paths, 500) {
		for b, err := range p.e.source.Fetch(ctx, connector.Shard{Ref: BoardOf(p.led.Source)}, chunk) {
			if err != nil {
				return nil, err
			}
			delete(at, b.Item.Ref) // it is still there: the new one is a copy
		}
	}
	out := map[bytesTrace][]ledger.Row{}
	for _, path := range paths {
		if t, ok := at[path]; ok {
			out[t] = append(out[t], rows[path])
		}
	}
	return out, nil
}

// sameLeaf chooses among files with the bytes of a row: the one that kept its name in
// another folder, else the first; -1 if there is none.
func (p *part) sameLeaf(jobs []*job, r ledger.Row) int {
	had := unpack(r.Base, p.e.packedNames(item.File))[item.FileName.Name].given
	if i := slices.IndexFunc(jobs, func(j *job) bool {
		return short(p.e.print.Value(takenName(p.fit.naming.rules, item.FileName.Get(j.bundle.Item)))) == had
	}); i >= 0 {
		return i
	}
	return min(0, len(jobs)-1)
}
