package trello

import (
	"context"
	"io"
	"iter"
	"os"
	"slices"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// An exportSource reads one board out of an export, with the comments and the
// attachments that were saved beside it. It reads the files once.
type exportSource struct {
	export, comments, attachments string

	mu     sync.Mutex
	snap   *snapshot
	folder *folder
}

// read decodes the files at the first call.
func (s *exportSource) read() (*snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snap != nil {
		return s.snap, nil
	}
	b, err := readExport(s.export)
	if err != nil {
		return nil, err
	}
	if s.comments != "" {
		more, err := readComments(s.comments)
		if err != nil {
			return nil, err
		}
		// A dump may hold the comments of other boards too.
		more = slices.DeleteFunc(more, func(a action) bool {
			id := a.Data.v.Board.v.ID
			return id != "" && id != b.ID
		})
		b.Actions = joinActions(b.Actions, more)
	}
	var from blobs = noFolder{}
	if s.attachments != "" {
		if s.folder, err = openFolder(s.attachments); err != nil {
			return nil, err
		}
		from = s.folder
	}
	s.snap = newSnapshot(b, from)
	return s.snap, nil
}

func readExport(name string) (board, error) {
	f, err := os.Open(name)
	if err != nil {
		return board{}, unreadable("the export file", err)
	}
	defer f.Close()
	return decodeExport(f)
}

func readComments(name string) ([]action, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable("the comments file", err)
	}
	defer f.Close()
	return decodeComments(f)
}

func (s *exportSource) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folder == nil {
		return nil
	}
	err := s.folder.Close()
	s.folder, s.snap = nil, nil
	return err
}

func (s *exportSource) Shards(context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		snap, err := s.read()
		if err != nil {
			yield(connector.Shard{}, err)
			return
		}
		yield(snap.shard(), nil)
	}
}

func (s *exportSource) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		snap, err := s.read()
		if err == nil && shard.Ref != ref(item.Board, snap.board.ID) {
			err = connector.Errorf(connector.Gone, "the export holds another board than %s", shard.Ref)
		}
		if err != nil {
			yield(connector.Page{}, err)
			return
		}
		for page, err := range snap.pages(from) {
			if ctx.Err() != nil {
				page, err = connector.Page{}, &connector.Error{Class: connector.Transient, Reason: "the listing was stopped", Err: context.Cause(ctx)}
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

func (s *exportSource) Fetch(_ context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		snap, err := s.read()
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		if shard.Ref != ref(item.Board, snap.board.ID) {
			return
		}
		for b := range snap.fetch(refs) {
			if !yield(b, nil) {
				return
			}
		}
	}
}

func (s *exportSource) Open(_ context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if _, err := s.read(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	f := s.folder
	s.mu.Unlock()
	if f == nil {
		return nil, connector.Errorf(connector.Gone, "the attachments folder is not open").WithHint("name it in the connection's attachments setting")
	}
	return f.open(b, offset, n)
}

func (s *exportSource) Locate(address string) (string, bool) { return locate(address, publicWeb) }
