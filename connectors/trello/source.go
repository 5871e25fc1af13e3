package trello

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// fetchWhole is from how many items on a fetch reads the whole board, in two
// requests or a few more, instead of each item by itself.
const fetchWhole = 4

// A source reads boards through the API.
type source struct{ api *api }

// snapshot reads a board: one request for the board, one for each 1,000
// actions, and one more for each 1,000 cards of a board that has so many.
func (s *source) snapshot(ctx context.Context, boardID string) (*snapshot, error) {
	b, err := s.api.boardWhole(ctx, boardID)
	if err != nil {
		return nil, err
	}
	if b.Actions, err = s.api.history(ctx, string(b.ID), "", "", time.Time{}); err != nil {
		return nil, err
	}
	return newSnapshot(b, s.api), nil
}

func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		if _, _, err := readCursor(from); err != nil {
			yield(connector.Page{}, err)
			return
		}
		snap, err := s.snapshot(ctx, shard.Ref.ID)
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

func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		if !onlyTasks(refs) || len(refs) >= fetchWhole {
			snap, err := s.snapshot(ctx, shard.Ref.ID)
			if found, err := maybe(err); err != nil || !found {
				if err != nil {
					yield(item.Bundle{}, err)
				}
				return
			}
			for b := range snap.fetch(refs) {
				if !yield(b, nil) {
					return
				}
			}
			return
		}
		frame, err := s.api.boardFrame(ctx, shard.Ref.ID)
		if found, err := maybe(err); err != nil || !found {
			if err != nil {
				yield(item.Bundle{}, err)
			}
			return
		}
		for _, r := range refs {
			b, found, err := s.task(ctx, frame, r.ID)
			if err != nil {
				yield(item.Bundle{}, err)
				return
			}
			if found && !yield(b, nil) {
				return
			}
		}
	}
}

func onlyTasks(refs []item.Ref) bool {
	for _, r := range refs {
		if r.Kind != item.Task {
			return false
		}
	}
	return true
}

// task reads one card; found is false if it is gone, or on another board now.
func (s *source) task(ctx context.Context, frame board, id string) (b item.Bundle, found bool, err error) {
	c, err := s.api.cardWhole(ctx, id)
	if found, err := maybe(err); err != nil || !found || c.Board != frame.ID {
		return b, false, err
	}
	frame.Cards, frame.Actions = []card{c}, c.Actions
	snap := newSnapshot(frame, s.api)
	return snap.task(snap.cards[0]), true, nil
}

func (s *source) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	return s.api.download(ctx, b, offset, n)
}

func (s *source) Locate(address string) (string, bool) { return locate(address, s.api.web) }

// blob implements blobs: an upload is served by the API. Trello never changes
// the bytes of an attachment, so that its id pins them.
func (a *api) blob(cardID text, at attachment) (*item.Blob, string) {
	return &item.Blob{URL: a.downloadURL(cardID, at), Version: string(at.ID), Bytes: at.Bytes.or(-1)}, ""
}

// download streams a part of an attachment. The caller closes it.
func (a *api) download(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if offset < 0 || n == 0 {
		return nil, connector.Errorf(connector.Permanent, "a blob is read from offset %d, %d bytes: that is no part of it", offset, n)
	}
	q := connector.Request{Method: http.MethodGet, URL: b.URL, Header: http.Header{}}
	switch {
	case n > 0:
		q.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+n-1))
	case offset > 0:
		q.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := a.http.Do(ctx, q)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusPartialContent || offset == 0 {
		return limited(resp.Body, n), nil
	}
	// The server knows no ranges: what comes before the offset is read away.
	if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil {
		resp.Body.Close()
		return nil, &connector.Error{Class: connector.Transient, Reason: "GET an attachment: the answer was cut off", Err: err}
	}
	return limited(resp.Body, n), nil
}

type part struct {
	io.Reader
	io.Closer
}

func limited(body io.ReadCloser, n int64) io.ReadCloser {
	if n < 0 {
		return body
	}
	return part{io.LimitReader(body, n), body}
}
