package connector

import (
	"errors"
	"maps"
	"net/http"
)

var errClear = errors.New("a redirect from https to an address in the clear is refused")
var errEndless = errors.New("too many redirects")

// follow follows redirects of reads. A write is not sent elsewhere: its redirect
// is the answer. When the host changes net/http drops the Authorization header
// alone, so everything else that may hold a key is dropped here.
func follow(r *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet && first.Method != http.MethodHead {
		return http.ErrUseLastResponse
	}
	if len(via) > 5 {
		return errEndless
	}
	for _, v := range via {
		if v.URL.Scheme == "https" && r.URL.Scheme != "https" {
			return errClear
		}
	}
	if r.URL.Host != first.URL.Host {
		maps.DeleteFunc(r.Header, func(name string, _ []string) bool {
			return name != "Accept" && name != "Accept-Language" && name != "Range"
		})
	}
	return nil
}

// moved reports whether an answer says that a write belongs elsewhere, so that
// it was not carried out. 303 says that it was.
func moved(method string, status int) bool {
	if method == http.MethodGet || method == http.MethodHead {
		return false
	}
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}
