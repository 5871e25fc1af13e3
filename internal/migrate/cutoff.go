package migrate

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A process that dies leaves files at the target of which nobody knows what became:
// their writes may have been carried out, and only the bytes tell.

// sameThere reports whether a file of the source and one of the target hold the same
// bytes: by what the clouds say of them if that is enough, else by reading both.
func (e *Engine) sameThere(ctx context.Context, here, there item.Blob) (bool, error) {
	if same, sure := item.SameBytes(here, there); sure {
		return same, nil
	}
	target, err := e.To.Cloud.Source(ctx)
	if err != nil {
		return false, err
	}
	a, err := e.source.Open(ctx, here, 0, -1)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := target.Open(ctx, there, 0, -1)
	if err != nil {
		return false, err
	}
	defer b.Close()
	return connector.SameStreams(connector.Measure(a, here.Bytes), connector.Measure(b, there.Bytes))
}

// standing is the result of a large create whose place is taken: what stands there
// with the same bytes is taken over, as a connector does for a small one.
func (p *part) standing(ctx context.Context, s *step, refused error) connector.Result {
	if !p.e.To.Caps.Paths || s.change.Op != connector.Create || connector.ClassOf(refused) != connector.Conflict {
		return connector.Result{Err: refused}
	}
	it := s.change.Item
	ref := item.Ref{Kind: it.Kind, ID: connector.Below(it.Parent.ID, item.FileName.Get(it))}
	for b, err := range p.e.target.Fetch(ctx, p.container(), []item.Ref{ref}) {
		if err != nil {
			return connector.Result{Err: err}
		}
		if b.Item.Blob == nil {
			break
		}
		same, err := p.e.sameThere(ctx, *it.Blob, *b.Item.Blob)
		if err != nil {
			return connector.Result{Err: err}
		}
		if same {
			return connector.Result{Stored: b, Adopted: true}
		}
	}
	return connector.Result{Err: refused}
}

// cutOff says of the rows of updates which an earlier process began that they may be
// half done. The intents of uploads stay: their sessions are still needed.
func (p *part) cutOff(ctx context.Context, updates []ledger.Intent) error {
	var keys []item.Ref
	b := ledger.Batch{}
	for _, in := range updates {
		keys = append(keys, in.Key)
		if in.Session == "" {
			b.Clear = append(b.Clear, in.Key)
		} else {
			b.Intents = append(b.Intents, in)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	rows, err := p.e.lookup(ctx, p.led.Num, keys)
	if err != nil {
		return err
	}
	for _, r := range rows {
		b.Rows = append(b.Rows, halved(r))
	}
	return p.apply(ctx, b)
}
