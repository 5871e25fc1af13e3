package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"

	"github.com/rialto-migrate/rialto/connector"
)

// Classes of calls: each finds how many of its own the server bears.
const (
	classList   = "list"
	classHead   = "head"
	classRead   = "read"
	classWrite  = "write"
	classDelete = "delete"
)

// do sends a request. A redirect without an address says that a bucket lies in
// another region, and is an error, too. The caller closes the answer's body.
func (c *cloud) do(ctx context.Context, q connector.Request) (*http.Response, error) {
	resp, err := c.http.Do(ctx, q)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		resp.Body.Close()
		e := refuse(resp.StatusCode, resp.Header, nil)
		e.Reason = q.Call + ": " + e.Reason
		return nil, e
	}
	return resp, nil
}

// answer sends a request that is safe to repeat and decodes its XML. An answer
// that is cut off or damaged is asked for again. out keeps nothing of what it is given.
func (c *cloud) answer(ctx context.Context, q connector.Request, out func([]byte) error) error {
	read, ok := c.answers.Get().(*bytes.Buffer)
	if !ok {
		read = &bytes.Buffer{}
	}
	defer c.answers.Put(read)
	var last *connector.Error
	for range 3 {
		resp, err := c.do(ctx, q)
		if err != nil {
			return err
		}
		read.Reset()
		_, err = read.ReadFrom(io.LimitReader(resp.Body, mostXML+1))
		resp.Body.Close()
		switch body := read.Bytes(); {
		case err != nil:
			last = &connector.Error{Class: connector.Transient, Reason: q.Call + ": the answer was cut off", Err: err}
		case len(body) > mostXML:
			return connector.Errorf(connector.Malformed, "%s: the answer is longer than %d MiB", q.Call, mostXML>>20)
		default:
			if err := out(body); err == nil {
				return nil
			} else if e, ok := errors.AsType[*connector.Error](err); ok {
				e.Reason = q.Call + ": " + e.Reason
				return e
			}
			last = connector.Errorf(connector.Malformed, "%s: the answer is not the XML of the S3 API", q.Call).
				WithHint("check the connection's url setting: something else answers there, a proxy or a sign-in page")
		}
		if ctx.Err() != nil {
			break
		}
	}
	return last
}

// mostXML is how long an answer in XML may be: a thousand keys of a thousand
// bytes, each of which is escaped.
const mostXML = 16 << 20

// decode reads XML, or an error where the answer's status did not say so
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
func decode(body []byte, name string, out any) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		if start, ok := t.(xml.StartElement); ok {
			if start.Name.Local == "Error" {
				return refuse(http.StatusInternalServerError, nil, body)
			}
			if start.Name.Local != name {
				return errors.New("not " + name)
			}
			return d.DecodeElement(out, &start)
		}
	}
}

// text is a body of XML.
func text(s string) func() (io.ReadCloser, int64, string, error) {
	return func() (io.ReadCloser, int64, string, error) {
		return io.NopCloser(bytes.NewReader([]byte(s))), int64(len(s)), "application/xml", nil
	}
}
