package migrate

import (
	"context"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A cloud of files tells that a folder was put elsewhere or deleted, and nothing of
// what lies in it. What went with a folder shows in the ledger. Where more has to be
// looked at than was told, all of the container is listed, in the same pass; and so
// that a pass which is cut off in between does not forget it, the ledger's cursor goes
// before the first folder is written.

// A treeFeed is what a listing of changes means for what it did not tell.
type treeFeed struct {
	on      bool                  // the listing is one of changes, in a tree of files
	told    bool                  // a file or folder was told
	fresh   map[item.Ref]bool     // folders that the ledger did not know
	stood   map[item.Ref]item.Ref // folders that changed, and where they stood at the target
	follow  bool                  // what lies in a folder that changed has to be looked at
	emptied map[item.Ref]bool     // folders of the target of which nothing is left that was not listed
}

func newTreeFeed() treeFeed {
	return treeFeed{fresh: map[item.Ref]bool{}, stood: map[item.Ref]item.Ref{}, emptied: map[item.Ref]bool{}}
}

// heed notes the folders among jobs that are new or changed, and lets the ledger forget
// its cursor before they are written.
func (p *part) heed(ctx context.Context, f *treeFeed, jobs []*job) error {
	if !f.on {
		return nil
	}
	for _, j := range jobs {
		switch {
		case j.unit.key.Kind != item.Folder || !j.changed():
		case j.row.State == 0:
			f.fresh[j.unit.key] = true
		default:
			f.stood[j.unit.key] = j.row.Target
			f.follow = f.follow || p.takeAlong()
		}
	}
	if len(f.fresh)+len(f.stood) == 0 || p.led.Since == "" {
		return nil
	}
	p.led.Since = ""
	return p.apply(ctx, ledger.Batch{Anew: true})
}

// takeAlong reports whether what lies in a folder that changed may have to be written
// for it: because its id says where it lies, because the folder is made anew, or
// because paths have an end.
func (p *part) takeAlong() bool {
	return p.e.To.Caps.Paths || !p.e.To.Caps.Kinds[item.Folder].Moves || p.fit.naming.deep
}

// listAnew asks for a listing of everything where one of changes told too little.
func (p *part) listAnew(f *feed) {
	if !f.tree.on || !f.all {
		return
	}
	more := f.tree.follow
	for key, at := range f.tree.stood {
		more = more || p.fit.where(key) != at
	}
	for _, ref := range f.last.Alone {
		more = more || f.tree.fresh[ref]
	}
	if !more {
		return
	}
	p.led.Since, f.since = "", ""
	p.flag(func(s *partState) { s.deferred = true })
}

// below finds the folders of the target that went with those of the source above them:
// what is in them and was not told to be elsewhere went, too.
func (p *pass) below(ctx context.Context, part *part, f *feed) error {
	if !f.all {
		return nil
	}
	folders, err := p.e.rowsOf(ctx, part.led.Num, item.Folder)
	if err != nil {
		return err
	}
	for more := true; more; {
		more = false
		for _, r := range folders {
			if r.Target.Zero() || f.tree.emptied[r.Target] || p.has(part, r) {
				continue
			}
			f.tree.emptied[r.Target], more = true, true
		}
	}
	return nil
}
