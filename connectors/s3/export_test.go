package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// BareCopy copies an object by a GET and a PUT over net/http: the least that can be
// done.
func BareCopy(ctx context.Context, client *http.Client, from, to connector.Settings, id string) error {
	bucket, key, _ := split(id)
	call := func(set connector.Settings, method string, body []byte) ([]byte, error) {
		cfg, err := parseConfig(set)
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, method, cfg.address(bucket, key, ""), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if err := newSigner(cfg, time.Now)(ctx, r); err != nil {
			return nil, err
		}
		resp, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %d", method, resp.StatusCode)
		}
		return got, err
	}
	content, err := call(from, http.MethodGet, nil)
	if err != nil {
		return err
	}
	_, err = call(to, http.MethodPut, content)
	return err
}

// CopyInParts copies the object of a change in parts of so many bytes.
func CopyInParts(ctx context.Context, t connector.Target, ch connector.Change, part int64) error {
	return t.(*target).copyParts(ctx, ch, *ch.Prev.Item.Blob, part)
}
