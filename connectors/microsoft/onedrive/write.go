package onedrive

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// createFile stores a file where nothing stands, in one request
// (https://learn.microsoft.com/en-us/graph/api/driveitem-put-content), and sets with
// another what that one cannot say.
func (t *target) createFile(ctx context.Context, c connector.Change, open item.Opener) (item.Item, bool, error) {
	if c.Item.Blob == nil {
		return item.Item{}, false, connector.Errorf(connector.Permanent, "a file without bytes cannot be written").WithHint("please report this as a mistake of the source's connector")
	}
	in, name := t.folderOf(c.Item.Parent), item.FileName.Get(c.Item)
	i, err := t.put(ctx, t.tree.below(in, name, "/content"), url.Values{"@microsoft.graph.conflictBehavior": {"fail"}}, nil, c, open)
	if refused(err, http.StatusConflict) {
		it, err := t.adopt(ctx, c, open)
		return it, err == nil, err
	}
	if err != nil {
		return item.Item{}, false, err
	}
	it, err := t.complete(ctx, c, i)
	return it, false, doubtful(err)
}

// complete sets what the request with the bytes of a new file did not.
func (t *target) complete(ctx context.Context, c connector.Change, i driveItem) (item.Item, error) {
	c.Item.ID, c.Dirty, c.Moved = i.ID, nil, false
	return t.update(ctx, c, i)
}

// updateFile replaces the bytes of the version that was read, and sets the rest.
func (t *target) updateFile(ctx context.Context, c connector.Change, open item.Opener) (item.Item, error) {
	if !dirty(c, item.Content.Name) || c.Item.Blob == nil {
		return t.update(ctx, c, driveItem{})
	}
	now, err := t.standing(ctx, c)
	if err != nil {
		return item.Item{}, err
	}
	i, err := t.put(ctx, t.tree.at(c.Item.ID, "/content"), nil, http.Header{"If-Match": {now.ETag}}, c, open)
	if refused(err, http.StatusPreconditionFailed) {
		return item.Item{}, changed("PUT {file}/content")
	}
	if err != nil {
		return item.Item{}, err
	}
	it, err := t.update(ctx, c, i)
	return it, doubtful(err)
}

// standing is the file that an update replaces, if it is of the version that was read.
func (t *target) standing(ctx context.Context, c connector.Change) (driveItem, error) {
	now, err := t.get(ctx, t.tree, item.Ref{Kind: item.File, ID: c.Item.ID})
	if err == nil && c.Prev != nil && c.Prev.Item.Blob != nil && now.version() != c.Prev.Item.Blob.Version {
		err = changed("PUT {file}/content")
	}
	return now, err
}

// put sends a file's bytes, and holds what the drive stored against them. What is not
// the same does not stay, if it is new.
func (t *target) put(ctx context.Context, path string, query url.Values, h http.Header, c connector.Change, open item.Opener) (i driveItem, err error) {
	blob := *c.Item.Blob
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", media(c.Item))
	var sum *quickXor
	var read *connector.Measured
	err = t.send(ctx, connector.Request{Method: http.MethodPut, URL: t.graph.URL(path, query), Header: h, Once: true, Body: func() (io.ReadCloser, int64, string, error) {
		in, err := open(blob, 0, -1)
		if err != nil {
			return nil, 0, "", err
		}
		sum, read = quickXorAt(0), connector.Measure(in, blob.Bytes)
		if blob.Bytes == 0 {
			if err := read.End(); err != io.EOF {
				in.Close()
				return nil, 0, "", err
			}
		}
		return body{io.TeeReader(read, sum), in}, blob.Bytes, "", nil
	}}, &i)
	if err != nil {
		return i, err
	}
	if sum == nil {
		sum = quickXorAt(0)
	}
	return i, t.verified(ctx, c, i, sum)
}

// verified holds a file that was stored against the hash of what was sent.
func (t *target) verified(ctx context.Context, c connector.Change, i driveItem, sent *quickXor) error {
	same, err := t.holds(ctx, i, sent)
	if err == nil && same {
		return nil
	}
	if err == nil {
		err = t.otherBytes(c, i)
	}
	if c.Op != connector.Create {
		return doubtful(err)
	}
	dropping, end := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer end()
	if e := t.remove(dropping, i.ID, i.ETag); e != nil && !microsoft.IsGone(e) {
		t.log.Debug("a file that was stored with other bytes stays behind", "error", e)
		return doubtful(err)
	}
	return err
}

// holds compares a file with a hash; where the drive does not tell its own, it is read
// back.
func (t *target) holds(ctx context.Context, i driveItem, sent *quickXor) (bool, error) {
	if i.Size != sent.n {
		return false, nil
	}
	want := sent.sum()
	if i.File != nil && i.File.Hashes.QuickXor != "" {
		return i.File.Hashes.QuickXor == base64.StdEncoding.EncodeToString(want[:]), nil
	}
	if i.Size == 0 {
		return true, nil
	}
	now, err := t.get(ctx, t.tree, item.Ref{Kind: item.File, ID: i.ID})
	if err != nil {
		return false, err
	}
	in, err := t.download(ctx, now, 0, -1)
	if err != nil {
		return false, err
	}
	defer in.Close()
	back := quickXorAt(0)
	if _, err := io.Copy(back, in); err != nil {
		return false, err
	}
	return back.n == sent.n && back.sum() == want, nil
}

// otherBytes is why a file was stored with other bytes than were sent.
func (t *target) otherBytes(c connector.Change, i driveItem) error {
	if t.kind == library && office(item.FileName.Get(c.Item)) {
		return connector.Errorf(connector.Permanent, "PUT {file}/content: the library wrote its own properties into the file: %d bytes are stored", i.Size).
			WithHint("an administrator turns that off for the site while files move: ParserEnabled of the web is false (https://github.com/OneDrive/onedrive-api-docs/issues/935)")
	}
	return connector.Errorf(connector.Transient, "PUT {file}/content: the drive stored other bytes than were sent: %d of them", i.Size)
}

// office reports whether a library writes its properties into a file of this name.
func office(name string) bool {
	return slices.Contains([]string{".docx", ".docm", ".dotx", ".dotm", ".doc", ".xlsx", ".xlsm", ".xlsb", ".xltx", ".xls", ".pptx", ".pptm", ".potx", ".ppsx", ".ppt"}, strings.ToLower(path.Ext(name)))
}

// adopt takes over a file that stands where one should go, if it has the same bytes.
func (t *target) adopt(ctx context.Context, c connector.Change, open item.Opener) (item.Item, error) {
	var i driveItem
	if err := t.read(ctx, t.tree.below(t.folderOf(c.Item.Parent), item.FileName.Get(c.Item), ""), nil, costOne, &i); err != nil {
		return item.Item{}, err
	}
	if i.kind() != item.File {
		return item.Item{}, inTheWay()
	}
	held := c
	held.Op = connector.Update // it may be shared
	it, err := t.asWritten(ctx, held, i)
	if err != nil {
		return item.Item{}, err
	}
	same, sure := item.SameBytes(*c.Item.Blob, *it.Blob)
	if !sure {
		in, err := open(*c.Item.Blob, 0, -1)
		if err != nil {
			return item.Item{}, err
		}
		defer in.Close()
		sum := quickXorAt(0)
		if _, err := io.Copy(sum, in); err != nil {
			if _, ok := errors.AsType[*connector.Error](err); !ok {
				err = &connector.Error{Class: connector.Transient, Reason: "what should be written cannot be read", Err: err}
			}
			return item.Item{}, err
		}
		if same, err = t.holds(ctx, i, sum); err != nil {
			return item.Item{}, err
		}
	}
	if !same {
		return item.Item{}, inTheWay()
	}
	return it, nil
}

// media is what a file says it is. JSON would be taken for something to be read.
func media(it item.Item) string {
	m := item.MediaType.Get(it)
	if m == "" || strings.ContainsFunc(m, func(r rune) bool { return r < ' ' || r > '~' }) || strings.HasPrefix(m, "application/json") {
		return "application/octet-stream"
	}
	return m
}

// A body is a stream that is closed.
type body struct {
	io.Reader
	io.Closer
}
