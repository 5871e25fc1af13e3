package connector

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// RefusePlain classifies an answer by its status alone.
func RefusePlain(status int) *Error {
	class, hint := Permanent, ""
	switch {
	case status == http.StatusUnauthorized:
		class, hint = Auth, "connect again: the credentials are wrong, expired or revoked"
	case status == http.StatusForbidden:
		class, hint = Forbidden, "ask an administrator of that account for the missing right"
	case status == http.StatusNotFound, status == http.StatusGone:
		class = Gone
	case status == http.StatusConflict, status == http.StatusPreconditionFailed:
		class = Conflict
	case status == http.StatusTooManyRequests:
		class = Throttled
	case status == http.StatusInsufficientStorage:
		class, hint = Full, "the account holds no more; make room there, then run again"
	case status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported:
		class = Permanent
	case status == http.StatusRequestTimeout, status >= 500:
		class = Transient
	}
	return &Error{Class: class, Reason: strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status))), Hint: hint}
}

// hidesWrite reports whether an answer of this status may hide that the request
// was carried out: a proxy in front may have given up on a server that went on.
// 429 and 503 are refusals by their definition (RFC 6585, RFC 9110), and so are
// statuses that speak of the request itself.
func hidesWrite(status int) bool {
	switch status {
	case http.StatusServiceUnavailable, http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusInsufficientStorage:
		return false
	}
	return status >= 500
}

// Shape is a URL's path with everything that looks like an id, a name or a
// secret replaced by "{}", for logs and errors: what holds anything but letters,
// what follows a colon, as in Graph's ":/folder/file:/content", and who is named
// after "members" or "users".
func Shape(u *url.URL) string {
	parts := strings.Split(u.EscapedPath(), "/")
	named, before := false, ""
	for i, p := range parts {
		version := i == 1 && len(p) <= 4 && strings.Trim(p, "v0123456789.") == ""
		if named || before == "members" || before == "users" || !word(p) && !version {
			parts[i] = "{}"
		}
		named, before = named || strings.HasSuffix(p, ":"), p
	}
	return strings.Join(parts, "/")
}

// word reports whether a piece of a path can be one of an API's own words, like
// "checkItems", "custom_fields.json" or "$batch".
func word(p string) bool {
	p = strings.TrimSuffix(p, ".json")
	if len(p) > 24 {
		return false
	}
	for _, r := range p {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-' && r != '$' {
			return false
		}
	}
	return true
}
