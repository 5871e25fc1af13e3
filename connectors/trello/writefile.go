package trello

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// writeAttachment attaches a link, or a file whose bytes are streamed from
// where it lies. Trello's API changes no attachment, so that there is no update.
func (t *target) writeAttachment(ctx context.Context, c connector.Change, open item.Opener) (item.Item, error) {
	if c.Op != connector.Create {
		return item.Item{}, connector.Errorf(connector.Unsupported, "Trello's API changes no attachment").
			WithHint("delete it and attach it anew")
	}
	cardID := c.Item.Parent.ID
	path := "/cards/" + url.PathEscape(cardID) + "/attachments"
	var raw json.RawMessage
	var err error
	if c.Item.Blob == nil {
		p := params{"url": item.Address.Get(c.Item)}
		if name := item.Name.Get(c.Item); name != "" {
			p["name"] = name
		}
		if m := item.MediaType.Get(c.Item); m != "" {
			p["mimeType"] = m
		}
		err = t.api.send(ctx, http.MethodPost, path, p, &raw)
	} else {
		_, err = t.api.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.api.base + path, Body: upload(c.Item, open)}, &raw)
	}
	if err != nil {
		return item.Item{}, err
	}
	a, err := oneAttachment(raw)
	if err != nil {
		return item.Item{}, half(err)
	}
	return t.attachmentItem(text(cardID), a), nil
}

// upload makes the body of an upload: the fields first, then the file, which is
// streamed and never held. The size is told where the source tells it.
func upload(it item.Item, open item.Opener) func() (io.ReadCloser, int64, string, error) {
	return func() (io.ReadCloser, int64, string, error) {
		var head bytes.Buffer
		w := multipart.NewWriter(&head)
		name, media := cmp.Or(item.Name.Get(it), "file"), item.MediaType.Get(it)
		if _, _, err := mime.ParseMediaType(media); err != nil {
			media = "" // it would stand in a header: only what is a media type may
		}
		fields := [][2]string{{"name", name}}
		if media != "" {
			fields = append(fields, [2]string{"mimeType", media})
		}
		for _, f := range fields {
			if err := w.WriteField(f[0], f[1]); err != nil {
				return nil, 0, "", err
			}
		}
		disposition := fmt.Sprintf(`form-data; name="file"; filename="%s"`, escapeQuotes(name))
		if _, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition},
			"Content-Type": {cmp.Or(media, anyBytes)}}); err != nil {
			return nil, 0, "", err
		}
		tail := "\r\n--" + w.Boundary() + "--\r\n"
		file, err := open(*it.Blob, 0, -1)
		if err != nil {
			return nil, 0, "", err
		}
		size := int64(-1)
		if it.Blob.Bytes >= 0 {
			size = int64(head.Len()) + it.Blob.Bytes + int64(len(tail))
		}
		exact := &exactly{r: file, want: it.Blob.Bytes, ref: it.Blob.Ref}
		return part{io.MultiReader(&head, exact, bytes.NewReader([]byte(tail))), file}, size, w.FormDataContentType(), nil
	}
}

// escapeQuotes keeps a file's name within its quotes (as net/http's own
// multipart writer does).
func escapeQuotes(s string) string {
	var out []rune
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '_')
		case r < ' ' || r == 0x7f:
		default:
			out = append(out, r)
		}
	}
	return string(out)
}

// exactly fails where a blob has not the size that its source told, so that
// nothing is attached short or long.
type exactly struct {
	r    io.Reader
	want int64 // -1 for any
	ref  item.Ref
	n    int64
}

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.n += int64(n)
	if e.want >= 0 && (e.n > e.want || err == io.EOF && e.n < e.want) {
		return 0, connector.Errorf(connector.Conflict, "%s has not the %d bytes that its source told", e.ref, e.want)
	}
	return n, err
}
