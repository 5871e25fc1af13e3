package outlook

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// A folder is a mail folder as Graph tells of it, and what it is for.
type folder struct {
	ID         string     `json:"id"`
	Name       string     `json:"displayName"`
	Parent     string     `json:"parentFolderId"`
	Folders    int        `json:"childFolderCount"`
	Messages   int        `json:"totalItemCount"`
	Properties []property `json:"singleValueExtendedProperties"`

	known string // Graph's name for it, "" for one that people made
	above string // the folder that it lies in, "" at the top
}

// sourceName is the property that keeps the name which a folder has at the source,
// where it moved into one that Outlook has under another name.
const sourceName = ours + "RialtoName"

// folderQuery asks for what a folder is made an item of.
func folderQuery() url.Values {
	return url.Values{
		"$select": {"id,displayName,parentFolderId,childFolderCount,totalItemCount"},
		"$expand": {"singleValueExtendedProperties($filter=id eq '" + sourceName + "')"},
		"$top":    {"250"},
	}
}

// get reads one resource within the mailbox's slots.
func (c *cloud) get(ctx context.Context, path string, query url.Values, out any) error {
	_, err := c.send(ctx, connector.Request{Method: http.MethodGet, URL: c.graph.URL(path, query)}, out)
	return err
}

// send sends one request within the mailbox's slots. Ids are those that stay when a
// message moves: https://learn.microsoft.com/en-us/graph/outlook-immutable-id
func (c *cloud) send(ctx context.Context, q connector.Request, out any) (http.Header, error) {
	done, err := c.take(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer done()
	if q.Header == nil {
		q.Header = http.Header{}
	}
	q.Header.Set("Prefer", immutable)
	return c.graph.JSON(ctx, q, out)
}

const immutable = `IdType="ImmutableId"`

// batch sends calls to one mailbox. Graph carries out as many of them at once as a
// mailbox takes, so that nothing else is under way meanwhile.
func (c *cloud) batch(ctx context.Context, calls []microsoft.BatchCall) []microsoft.BatchAnswer {
	var out []microsoft.BatchAnswer
	for i := range calls {
		if calls[i].Header == nil {
			calls[i].Header = map[string]string{}
		}
		calls[i].Header["Prefer"] = immutable
	}
	for part := range slices.Chunk(calls, microsoft.BatchParts) {
		done, err := c.take(ctx, atATime)
		if err != nil {
			for range part {
				out = append(out, microsoft.BatchAnswer{Err: err})
			}
			continue
		}
		out = append(out, c.graph.Batch(ctx, part)...)
		done()
	}
	return out
}

// page is one page of a collection.
type page[T any] struct {
	Value []T    `json:"value"`
	Next  string `json:"@odata.nextLink"`
}

// all yields a collection, page after page.
func all[T any](ctx context.Context, c *cloud, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for path != "" {
			var p page[T]
			if err := c.get(ctx, path, query, &p); err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, v := range p.Value {
				if !yield(v, nil) {
					return
				}
			}
			path, query = strings.TrimPrefix(p.Next, c.graph.Base()), nil
		}
	}
}

// in is the path of the folders that lie in a folder, or at the top.
func (b *box) in(folder string) string {
	if folder == "" {
		return b.path + "/mailFolders"
	}
	return b.path + "/mailFolders/" + url.PathEscape(folder) + "/childFolders"
}

// folders are those of the box, each after the one that it lies in. Hidden ones are
// not among them: Graph leaves them out unless it is asked for them.
func (b *box) folders(ctx context.Context) ([]*folder, error) {
	known, err := b.known(ctx)
	if err != nil {
		return nil, err
	}
	var out []*folder
	for waiting := []string{b.folder}; len(waiting) > 0; waiting = waiting[1:] {
		for f, err := range all[folder](ctx, b.cloud, b.in(waiting[0]), folderQuery()) {
			if err != nil {
				return nil, err
			}
			f.known = known[f.ID]
			if waiting[0] != b.folder {
				f.above = waiting[0]
			}
			out = append(out, &f)
			if f.Folders > 0 {
				waiting = append(waiting, f.ID)
			}
		}
	}
	return out, nil
}

// known are Outlook's own folders: Graph's names for them by id.
func (b *box) known(ctx context.Context) (map[string]string, error) {
	var calls []microsoft.BatchCall
	var names []string
	for name := range wellKnown() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		calls = append(calls, microsoft.BatchCall{Method: http.MethodGet, Path: b.path + "/mailFolders/" + name + "?$select=id"})
	}
	out := map[string]string{}
	for i, a := range b.batch(ctx, calls) {
		var f folder
		if err := a.Decode(&f); microsoft.IsGone(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		out[f.ID] = names[i]
	}
	return out, nil
}

// named is the folder of a name in a folder, nil if there is none. Names that differ
// in case alone are one.
func (b *box) named(ctx context.Context, in, name string) (*folder, error) {
	for f, err := range all[folder](ctx, b.cloud, b.in(in), folderQuery()) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(f.Name, name) {
			if in != b.folder {
				f.above = in
			}
			return &f, nil
		}
	}
	return nil, nil
}

// folderBundle is a folder as an item. One that was taken over bears the name that it
// has at the source: Outlook's own differ by language, and cannot be renamed.
func (b *box) folderBundle(f *folder) item.Bundle {
	it := item.Item{Ref: item.Ref{Kind: item.Folder, ID: f.ID}, Parent: b.ref()}
	if f.above != "" {
		it.Parent = item.Ref{Kind: item.Folder, ID: f.above}
	}
	name := f.Name
	if f.known == "inbox" {
		name = "INBOX"
	}
	for _, p := range f.Properties {
		if p.ID == sourceName && (f.known != "" || strings.EqualFold(p.Value, f.Name)) {
			name = p.Value
		}
	}
	item.Name.Set(&it, name)
	if use := wellKnown()[f.known]; use != "" {
		item.SpecialUse.Set(&it, use)
	}
	return item.Bundle{Item: it, CheckItems: -1}
}
