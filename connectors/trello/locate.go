package trello

import (
	"net/url"
	"strings"
)

// locate tells which item an address names: "c/<shortLink>" or "b/<shortLink>"
// as the items' aliases have them, the id of a card or board named by its full
// id, or the id of an attachment. web is the host of this connection beside
// trello.com.
func locate(address, web string) (alias string, ok bool) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", false
	}
	host := strings.ToLower(u.Host)
	own, err := url.Parse(web)
	switch {
	case host == "trello.com" || host == "www.trello.com" || host == "api.trello.com":
	case err == nil && own.Host != "" && host == strings.ToLower(own.Host):
	default:
		return "", false
	}
	path := u.Path
	if err == nil && host == strings.ToLower(own.Host) {
		path = strings.TrimPrefix(path, strings.TrimRight(own.Path, "/"))
	}
	p := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(p) >= 2 && (p[0] == "c" || p[0] == "b") && fullID(p[1]):
		return p[1], true
	case len(p) >= 2 && (p[0] == "c" || p[0] == "b") && shortLink(p[1]):
		return p[0] + "/" + p[1], true
	case len(p) >= 5 && p[0] == "1" && p[1] == "cards" && p[3] == "attachments" && fullID(p[2]) && fullID(p[4]):
		return p[2] + "/" + p[4], true
	}
	return "", false
}

// shortLink reports whether s looks like Trello's eight letters and digits.
func shortLink(s string) bool {
	if len(s) < 4 || len(s) > 16 {
		return false
	}
	for _, r := range s {
		if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return false
		}
	}
	return true
}
