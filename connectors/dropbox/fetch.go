package dropbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// side is how many requests of one call are under way at most; how many really are, is
// for the pacer to say.
const side = 32

// fetch reads items one by one, many at a time, and yields them in order; for a source
// with their links, and with whether a folder is empty.
func (c *cloud) fetch(ctx context.Context, of item.Ref, refs []item.Ref, source bool) iter.Seq2[item.Bundle, error] {
	return func(yield func(item.Bundle, error) bool) {
		d, err := c.container(ctx, of)
		if err != nil {
			yield(item.Bundle{}, err)
			return
		}
		var all links
		if source && len(refs) > 0 {
			if all, err = c.links(ctx, d.view); err != nil {
				yield(item.Bundle{}, err)
				return
			}
		}
		asked := make([]connector.Change, len(refs))
		for i, r := range refs {
			asked[i] = connector.Change{Item: item.Item{Ref: r}}
		}
		l := &looker{cloud: c, in: d, parents: map[string]string{}, empty: source}
		read := func(ctx context.Context, q connector.Change) connector.Result {
			b, _, err := l.get(ctx, q.Item.Ref)
			all.link(&b.Item)
			return connector.Result{Stored: b, Err: err}
		}
		for r, err := range connector.Each(ctx, asked, side, read) {
			if err == nil {
				err = r.Err
			}
			if err != nil && connector.ClassOf(err) == connector.Gone {
				continue
			}
			if !yield(r.Stored, err) || err != nil {
				return
			}
		}
	}
}

// A looker reads items afresh, and remembers where folders are for as long as it lasts.
type looker struct {
	*cloud
	in   container
	till time.Time // it is kept so long
	// empty says that it looks whether something lies in a folder.
	empty bool

	mu      sync.Mutex
	parents map[string]string // ids of folders by path
}

// get reads one item. It fails with class Gone if nothing of its kind is there, or if
// it lies elsewhere than in the container.
func (l *looker) get(ctx context.Context, ref item.Ref) (item.Bundle, metadata, error) {
	if ref == l.in.ref {
		b := item.Bundle{Item: l.in.item(), CheckItems: -1}
		return b, metadata{}, nil
	}
	if prefix, _ := cut(ref.ID); prefix != "id" {
		return item.Bundle{}, metadata{}, connector.Errorf(connector.Gone, "files/get_metadata: there is nothing of that id")
	}
	var m metadata
	if err := l.api.rpc(ctx, l.in.view, "files/get_metadata", pathArg{Path: ref.ID, Explicit: true}, &m, read); err != nil {
		return item.Bundle{}, m, err
	}
	if (m.Tag == tagFolder) != (ref.Kind == item.Folder) {
		return item.Bundle{}, m, connector.Errorf(connector.Gone, "files/get_metadata: something of another kind has that id")
	}
	parent, err := l.parent(ctx, m)
	if err != nil {
		return item.Bundle{}, m, err
	}
	b := item.Bundle{Item: m.item(parent, l.in.ref.ID), CheckItems: -1, Unknown: unknown(m)}
	of := access{}
	switch {
	case m.shared() != "":
		of, err = l.folderGrants(ctx, l.in, m.shared())
	case m.Explicit:
		var all map[string]access
		all, err = l.fileGrants(ctx, l.in, []string{m.ID})
		of = all[m.ID]
	}
	if len(of.grants) > 0 {
		item.Permissions.Set(&b.Item, of.grants)
	}
	b.Unknown = append(b.Unknown, of.unknown...)
	if err == nil && m.Tag == tagFolder && l.empty {
		var p listing
		if p, err = l.list(ctx, l.in.view, listArg{Path: m.ID, Limit: 1}, ""); err == nil {
			item.Empty.Set(&b.Item, !p.More && !anything(p.Entries))
		}
	}
	return b, m, err
}

// parent is what an item lies in: Dropbox tells its path, and the folder's id when it
// is asked for.
func (l *looker) parent(ctx context.Context, m metadata) (item.Ref, error) {
	dir := strings.TrimSuffix(path.Dir(m.Path), "/")
	if dir == strings.ToLower(l.in.path) {
		return l.in.ref, nil
	}
	if dir == "" { // it lies beside what the container is
		return drive("ns:" + l.in.view.root), nil
	}
	l.mu.Lock()
	id, ok := l.parents[dir]
	l.mu.Unlock()
	if !ok {
		var told metadata
		if err := l.api.rpc(ctx, l.in.view, "files/get_metadata", pathArg{Path: dir}, &told, read); err != nil {
			return item.Ref{}, err
		}
		id = told.ID
		l.mu.Lock()
		l.parents[dir] = id
		l.mu.Unlock()
	}
	if id == l.in.ref.ID {
		return l.in.ref, nil
	}
	return item.Ref{Kind: item.Folder, ID: id}, nil
}

// Open streams a stretch of a file. Which bytes are sent stands at the head of the
// answer, so that nothing else need be asked.
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	const call = "files/download"
	if n == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	if strings.HasPrefix(b.URL, exported) {
		return c.openExport(ctx, b, offset, n)
	}
	v, err := c.viewOf(ctx, b.URL)
	if err != nil {
		return nil, err
	}
	h, err := withArg(v, pathArg{Path: b.Ref.ID})
	if err != nil {
		return nil, err
	}
	if n > 0 {
		h.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+n-1))
	} else if offset > 0 {
		h.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := c.api.http.Do(ctx, connector.Request{Method: http.MethodPost, URL: c.api.cfg.content + "/2/" + call, Header: h, Class: classBytes, Call: call, Reads: true, Repeatable: true})
	if refusedWith(err, http.StatusRequestedRangeNotSatisfiable) {
		return nil, changed()
	}
	if err != nil {
		return nil, err
	}
	var told metadata
	if json.Unmarshal([]byte(resp.Header.Get("Dropbox-API-Result")), &told) != nil || told.ID == "" {
		resp.Body.Close()
		return nil, connector.Errorf(connector.Malformed, "%s: the answer does not say what it holds", call).
			WithHint("check the connection's url setting: something else answers there, a proxy or a sign-in page")
	}
	if b.Version != "" && told.version() != b.Version || b.Bytes >= 0 && told.Size != b.Bytes {
		resp.Body.Close()
		return nil, changed()
	}
	if resp.StatusCode == http.StatusPartialContent {
		if first, ok := firstByte(resp.Header.Get("Content-Range")); !ok || first != offset {
			resp.Body.Close()
			return nil, connector.Errorf(connector.Malformed, "%s: another range comes than was asked for", call)
		}
	} else if offset > 0 {
		if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil {
			resp.Body.Close()
			return nil, cutOff(ctx)
		}
	}
	want := told.Size - offset
	if n > 0 {
		want = min(want, n)
	}
	return &stream{ctx: ctx, in: io.LimitReader(resp.Body, want), left: want, Closer: resp.Body}, nil
}

// viewOf is how a drive is reached, without asking for more of it.
func (c *cloud) viewOf(ctx context.Context, drive string) (view, error) {
	prefix, rest := cut(drive)
	if prefix == "dbmid" {
		return view{user: drive}, nil
	}
	me, err := c.whoami(ctx)
	switch {
	case err != nil:
		return view{}, err
	case me.team:
		return view{admin: me.admin, space: rest}, nil
	}
	return me.view, nil
}

func changed() *connector.Error {
	return connector.Errorf(connector.Conflict, "files/download: it has changed since it was listed").WithHint("run again: it moves as it is then")
}

// firstByte reads "bytes 5-9/20" (RFC 9110, 14.4).
func firstByte(s string) (int64, bool) {
	s, ok := strings.CutPrefix(s, "bytes ")
	from, _, _ := strings.Cut(s, "-")
	n, err := strconv.ParseInt(from, 10, 64)
	return n, ok && err == nil
}

// A stream is a file that comes in; one that ends too early fails.
type stream struct {
	ctx  context.Context
	in   io.Reader
	left int64
	io.Closer
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	s.left -= int64(n)
	if err == io.EOF && s.left > 0 || err != nil && err != io.EOF {
		return n, cutOff(s.ctx)
	}
	return n, err
}

func cutOff(ctx context.Context) *connector.Error {
	e := &connector.Error{Class: connector.Transient, Reason: "files/download: the file was cut off", Err: io.ErrUnexpectedEOF}
	if ctx.Err() != nil {
		e.Reason, e.Err = "files/download: stopped", context.Cause(ctx)
	}
	return e
}
