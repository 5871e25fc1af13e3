// Package microsoft is the one client of Microsoft Graph: signing in, paging,
// batching and the meaning of its errors. The connectors upon it (planner) hold
// what is theirs alone.
//
// Graph is described in graph-v1.0 (CSDL) and at
// https://learn.microsoft.com/en-us/graph/overview.
package microsoft

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

// GraphURL and LoginURL are the worldwide cloud; national clouds have hosts of
// their own: https://learn.microsoft.com/en-us/graph/deployments
const (
	GraphURL = "https://graph.microsoft.com/v1.0"
	LoginURL = "https://login.microsoftonline.com"
)

// A Client speaks Graph as one connection. It is safe for concurrent use.
type Client struct {
	http   *connector.Client
	tokens *tokens
	base   *url.URL // without a slash at its end
}

// New returns a client for a connection's settings. It sends nothing.
func New(env connector.Env) (*Client, error) {
	base, err := address(env.Settings, connector.SettingURL, GraphURL)
	if err != nil {
		return nil, err
	}
	tokens, err := newTokens(env, base)
	if err != nil {
		return nil, err
	}
	c := &Client{tokens: tokens, base: base}
	c.http = env.HTTP.With(connector.Dialect{Ready: tokens.Ready, Sign: tokens.sign, Refuse: refuse, Limits: limitsOf})
	return c, nil
}

func address(s connector.Settings, name, standard string) (*url.URL, error) {
	v := strings.TrimRight(s[name], "/")
	if v == "" {
		v = standard
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, connector.Errorf(connector.Permanent, "the setting %s is not an address", name).
			WithHint("give it in full, like " + standard)
	}
	return u, nil
}

// Base is the address of the API, such as https://graph.microsoft.com/v1.0.
func (c *Client) Base() string { return c.base.String() }

// Delegated reports whether the client acts as a person.
func (c *Client) Delegated() bool { return c.tokens.delegated }

// Claims are the rights that the token itself names, nil if it does not tell.
func (c *Client) Claims(ctx context.Context) ([]string, error) { return c.tokens.claims(ctx) }

// URL makes an absolute address from a path below the API ("/groups") and
// query parameters.
func (c *Client) URL(path string, query url.Values) string {
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return path
	}
	u := c.Base() + path
	if len(query) > 0 {
		u += "?" + Query(query)
	}
	return u
}

// Query encodes query parameters as OData wants them: names keep their "$",
// spaces are %20.
func Query(q url.Values) string {
	return strings.NewReplacer("%24", "$", "+", "%20").Replace(q.Encode())
}

// Do sends a request as connector.Client.Do does. A refused token is renewed
// once: a request that was answered 401 was not carried out.
func (c *Client) Do(ctx context.Context, q connector.Request) (*http.Response, error) {
	noted, used := note(ctx)
	resp, err := c.http.Do(noted, q)
	if !q.Unsigned && c.renew(ctx, err, *used) {
		return c.http.Do(ctx, q)
	}
	return resp, err
}

// JSON sends a request and decodes the answer, as connector.Client.JSON does,
// and renews a refused token once.
func (c *Client) JSON(ctx context.Context, q connector.Request, out any) (http.Header, error) {
	noted, used := note(ctx)
	h, err := c.http.JSON(noted, q, out)
	if !q.Unsigned && c.renew(ctx, err, *used) {
		return c.http.JSON(ctx, q, out)
	}
	return h, err
}

func (c *Client) renew(ctx context.Context, err error, used string) bool {
	return Status(err) == http.StatusUnauthorized && c.tokens.Drop(ctx, used)
}

// Get reads one resource.
func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) error {
	_, err := c.JSON(ctx, connector.Request{Method: http.MethodGet, URL: c.URL(path, query)}, out)
	return err
}

// Open streams a resource's bytes; header may ask for a range. The caller
// closes it.
func (c *Client) Open(ctx context.Context, path string, header http.Header) (io.ReadCloser, int, error) {
	resp, err := c.Do(ctx, connector.Request{Method: http.MethodGet, URL: c.URL(path, nil), Header: header})
	if err != nil {
		return nil, 0, err
	}
	return resp.Body, resp.StatusCode, nil
}

// A collection is one page of a list.
type collection struct {
	Value []json.RawMessage `json:"value"`
	Next  string            `json:"@odata.nextLink"`
}

// List yields the members of a collection, page after page. It stops after the
// first error.
func List[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var first collection
		if err := c.Get(ctx, path, query, &first); err != nil {
			var zero T
			yield(zero, err)
			return
		}
		pages[T](ctx, c, first)(yield)
	}
}

// Rest yields the members of a collection whose first page is at hand: the
// answer of a part of a batch.
func Rest[T any](ctx context.Context, c *Client, firstPage []byte) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var first collection
		if err := json.Unmarshal(firstPage, &first); err != nil {
			var zero T
			yield(zero, connector.Errorf(connector.Malformed, "GET: a page is not as the contract has it"))
			return
		}
		pages[T](ctx, c, first)(yield)
	}
}

func pages[T any](ctx context.Context, c *Client, page collection) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for {
			for _, raw := range page.Value {
				var v T
				if err := json.Unmarshal(raw, &v); err != nil {
					yield(zero, connector.Errorf(connector.Malformed, "GET: an entry of a list is not as the contract has it"))
					return
				}
				if !yield(v, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			next, err := c.follow(page.Next)
			if err != nil {
				yield(zero, err)
				return
			}
			page = collection{}
			if err := c.Get(ctx, next, nil, &page); err != nil {
				yield(zero, err)
				return
			}
		}
	}
}

// follow refuses a next link that leads elsewhere: the token would go there.
func (c *Client) follow(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || u.Host != c.base.Host || u.Scheme != c.base.Scheme {
		return "", connector.Errorf(connector.Malformed, "GET: the next page is said to be on another server").
			WithHint("check the connection's url setting: a proxy may rewrite addresses")
	}
	return link, nil
}

// All collects a list.
func All[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var out []T
	for v, err := range seq {
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// IsGone reports whether an error says that something is not there.
func IsGone(err error) bool { return err != nil && connector.ClassOf(err) == connector.Gone }

// IsForbidden reports whether an error says that the right is missing.
func IsForbidden(err error) bool { return err != nil && connector.ClassOf(err) == connector.Forbidden }

// Status is the HTTP status of a refusal, 0 for any other error.
func Status(err error) int {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Status
	}
	return 0
}

// Code is Graph's code of a refusal, "" if there is none.
func Code(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}
