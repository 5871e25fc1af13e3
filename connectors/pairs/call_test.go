package pairs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// call sends a request past all connectors, which must succeed, and decodes the
// answer. A body of []byte is sent as it is.
func call(t testing.TB, wire http.RoundTripper, method, url string, body any, header map[string]string) map[string]any {
	t.Helper()
	var sent io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case []byte:
		sent, kind = bytes.NewReader(b), "application/octet-stream"
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		sent = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, sent)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	resp, err := wire.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode >= 300 {
		t.Fatalf("%s %s: status %d: %s", method, url, resp.StatusCode, got)
	}
	var out map[string]any
	if len(got) > 0 && got[0] == '{' {
		if err := json.Unmarshal(got, &out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}
