package outlook

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// A source reads one mailbox.
type source struct {
	*cloud
}

// of is the box of a shard: its id is that of the owner, and of the folder that it
// begins at.
func (s *source) of(shard item.Ref) *box {
	owner, folder, _ := strings.Cut(shard.ID, "/")
	return &box{cloud: s.cloud, id: owner, path: "/users/" + url.PathEscape(owner), folder: folder}
}

// Shards yields the mailbox.
func (s *source) Shards(ctx context.Context) iter.Seq2[connector.Shard, error] {
	return func(yield func(connector.Shard, error) bool) {
		b, err := s.box(ctx, s.own())
		if err != nil {
			yield(connector.Shard{}, err)
			return
		}
		yield(connector.Shard{Ref: b.ref(), Name: b.name, Bytes: -1, People: 1, Visibility: connector.ForPeople}, nil)
	}
}

// A place says how far a listing came: the folders that are still to be read, and the
// address of the next page of the first of them.
type place struct {
	Waiting []string `json:"w"`
	Next    string   `json:"n,omitempty"`
}

func (p place) cursor() connector.Cursor {
	b, err := json.Marshal(p)
	if err != nil {
		return "" // two kinds of strings alone: it cannot fail
	}
	return connector.Cursor(b)
}

// List yields the folders, and then the messages of one after the other.
func (s *source) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	return func(yield func(connector.Page, error) bool) {
		b := s.of(shard.Ref)
		var at place
		if from == "" {
			folders, err := b.folders(ctx)
			if err != nil {
				yield(connector.Page{}, err)
				return
			}
			first := connector.Page{Bundles: []item.Bundle{b.bundle()}}
			for _, f := range folders {
				first.Bundles = append(first.Bundles, b.folderBundle(f))
				if f.Messages > 0 {
					at.Waiting = append(at.Waiting, f.ID)
				}
			}
			if first.Next = at.cursor(); len(at.Waiting) == 0 {
				first.Whole = whole()
			}
			if !yield(first, nil) {
				return
			}
		} else if json.Unmarshal([]byte(from), &at) != nil {
			yield(connector.Page{}, connector.Errorf(connector.Permanent, "the cursor of a listing cannot be read"))
			return
		}
		for len(at.Waiting) > 0 {
			bundles, next, err := b.messages(ctx, at.Waiting[0], at.Next)
			if err != nil && !microsoft.IsGone(err) {
				yield(connector.Page{}, err)
				return
			}
			if at.Next = next; next == "" {
				at.Waiting = at.Waiting[1:]
			}
			p := connector.Page{Bundles: bundles, Next: at.cursor()}
			if len(at.Waiting) == 0 {
				p.Whole = whole()
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

func whole() []item.Kind { return []item.Kind{item.Folder, item.Message} }

// messages reads one page of a folder's messages; next is a path below the API.
func (b *box) messages(ctx context.Context, folder, next string) (out []item.Bundle, after string, err error) {
	path, query := b.path+"/mailFolders/"+url.PathEscape(folder)+"/messages", told()
	query.Set("$top", itoa(pageMessages))
	if next != "" {
		path, query = next, nil
	}
	var p page[message]
	if err := b.get(ctx, path, query, &p); err != nil {
		return nil, "", err
	}
	for _, m := range p.Value {
		out = append(out, b.messageBundle(&m))
	}
	after, ours := strings.CutPrefix(p.Next, b.graph.Base())
	if !ours && p.Next != "" {
		return nil, "", connector.Errorf(connector.Malformed, "GET: the next page is said to be on another server").
			WithHint("check the connection's url setting: a proxy may rewrite addresses")
	}
	return out, after, nil
}

// Fetch yields the named items.
func (s *source) Fetch(ctx context.Context, shard connector.Shard, refs []item.Ref) iter.Seq2[item.Bundle, error] {
	b := s.of(shard.Ref)
	return b.fetch(ctx, refs, b.messageBundle)
}

// fetch yields what is there of the named items; as makes an item of a message.
func (b *box) fetch(ctx context.Context, refs []item.Ref, as func(*message) item.Bundle) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		var calls []microsoft.BatchCall
		var folders map[string]*folder
		for _, r := range refs {
			switch r.Kind {
			case item.Mailbox:
				if !yield(b.bundle(), nil) {
					return
				}
			case item.Folder:
				if folders == nil {
					list, err := b.folders(ctx)
					if err != nil {
						yield(item.Bundle{}, err)
						return
					}
					folders = map[string]*folder{}
					for _, f := range list {
						folders[f.ID] = f
					}
				}
				if f := folders[r.ID]; f != nil && !yield(b.folderBundle(f), nil) {
					return
				}
			case item.Message:
				calls = append(calls, microsoft.BatchCall{Method: http.MethodGet, Path: b.at(r.ID) + "?" + microsoft.Query(told())})
			}
		}
		for _, a := range b.batch(ctx, calls) {
			var m message
			if err := a.Decode(&m); microsoft.IsGone(err) {
				continue
			} else if err != nil {
				yield(item.Bundle{}, err)
				return
			}
			if !yield(as(&m), nil) {
				return
			}
		}
	}
}

// at is the path of a message.
func (b *box) at(id string) string { return b.path + "/messages/" + url.PathEscape(id) }

// Open streams a message's MIME. Graph gives no parts of it: what comes before the
// offset is read and dropped.
// https://learn.microsoft.com/en-us/graph/outlook-get-mime-message
func (s *source) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	done, err := s.take(ctx, 1)
	if err != nil {
		return nil, err
	}
	r, _, err := s.graph.Open(ctx, b.URL+"/$value", http.Header{"Prefer": {immutable}})
	done()
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, r, offset); err != nil && err != io.EOF {
		r.Close()
		return nil, &connector.Error{Class: connector.Transient, Reason: "GET: the message was cut off", Err: err}
	}
	if n < 0 {
		return r, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(r, n), r}, nil
}

// Locate knows no addresses: a message has none that another mailbox could show.
func (s *source) Locate(string) (string, bool) { return "", false }
