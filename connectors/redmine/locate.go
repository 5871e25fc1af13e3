package redmine

import (
	"net/url"
	"regexp"
	"strings"
)

var changeFragment = regexp.MustCompile(`^change-([1-9][0-9]{0,17})$`)

// locate tells which item of the server at base a URL names, as its alias.
// Paths are those of Redmine's config/routes.rb.
func locate(base *url.URL, raw string) (alias string, ok bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !strings.EqualFold(u.Host, base.Host) {
		return "", false
	}
	path, ok := strings.CutPrefix(u.Path, base.Path+"/")
	if !ok {
		return "", false
	}
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(parts) < 2 {
		return "", false
	}
	name := parts[1]
	for _, ext := range []string{".json", ".xml", ".html", ".pdf"} {
		name = strings.TrimSuffix(name, ext)
	}
	id, numeric := number(name)
	switch parts[0] {
	case "issues":
		if !numeric {
			return "", false
		}
		if m := changeFragment.FindStringSubmatch(u.Fragment); m != nil {
			return "journals/" + m[1], true
		}
		return issueAlias(id), true
	case "projects":
		if name == "" || len(parts) > 2 && parts[2] != "issues" {
			return "", false
		}
		return projectAlias(name), true
	case "users":
		return userAlias(id), numeric
	case "attachments":
		if (name == "download" || name == "thumbnail") && len(parts) > 2 {
			id, numeric = number(parts[2])
		}
		return attachmentAlias(id), numeric
	}
	return "", false
}

// link returns the address for people of a page of the server.
func (a *api) link(path string, query url.Values, fragment string) string {
	u := *a.base
	u.Path += path
	u.RawQuery = query.Encode()
	u.Fragment = fragment
	return u.String()
}
