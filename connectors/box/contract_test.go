package box_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest"
)

// contract returns what holds each exchange against Box's published contract; without
// that file exchanges go unchecked, and TestContractIsThere says so.
func contract(t testing.TB) func(http.RoundTripper) http.RoundTripper {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "contracts", "box", "box-openapi.json")
	if _, err := os.Stat(path); err != nil {
		return func(next http.RoundTripper) http.RoundTripper { return next }
	}
	c := connectortest.OpenAPI(t, path, connectortest.ContractRules{Skip: regexp.MustCompile("^/dl/"), Exceptions: []connectortest.ContractException{
		{Operation: "*", Part: "answer", Pointer: "**/shared_link/accessed", Why: "the file wants a field that Box's own example has not: access is meant"},
		{Operation: "*", Part: "answer", Pointer: "**/shared_link", Reason: "not nullable", Why: "an allOf of the file's own nullable and one that is not; Box answers null where there is no link"},
		{Operation: "*", Part: "answer", Pointer: "**/sequence_id", Reason: "not nullable", Why: "as above: the root folder has null (its own description says so)"},
		{Operation: "GET /folders/{folder_id}/items", Part: "answer", Pointer: "/entries/*/type", Reason: "not one of the allowed values",
			Why: "an entry is one of three kinds, and where the file's own holes make it none, each other kind is found wanting, too"},
		{Operation: "*", Part: "answer", Pointer: "/code", Reason: "not one of the allowed values", Why: "the descriptions of the operations name many more codes, item_name_in_use and storage_limit_exceeded among them"},
		{Operation: "*", Part: "answer", Pointer: "/context_info/conflicts", Reason: "must be an array", Why: "for a file it is one object: forum.box.com/t/2353"},
	}})
	return func(next http.RoundTripper) http.RoundTripper { return servers{c.Transport(addressed{next})} }
}

// TestContractIsThere is skipped where every exchange goes unchecked.
func TestContractIsThere(t *testing.T) {
	connectortest.Shared(t, "contracts", "box", "box-openapi.json")
}

// servers takes from a request's path what names its server in the contract (the API
// and the uploads have one each), and addressed puts it back.
type servers struct{ next http.RoundTripper }

type serverKey struct{}

func (s servers) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, base := range []string{"/api/2.0", "/2.0"} {
		if rest, ok := strings.CutPrefix(r.URL.Path, base); ok {
			r = r.Clone(context.WithValue(r.Context(), serverKey{}, base))
			r.URL.Path = rest
			break
		}
	}
	return s.next.RoundTrip(r)
}

type addressed struct{ next http.RoundTripper }

func (a addressed) RoundTrip(r *http.Request) (*http.Response, error) {
	if base, ok := r.Context().Value(serverKey{}).(string); ok {
		r = r.Clone(r.Context())
		r.URL.Path = base + r.URL.Path
	}
	return a.next.RoundTrip(r)
}
