package googledrive

import (
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/item"
)

// link is the address of a file or folder for people.
func link(id string, folder bool) string {
	if folder {
		return "https://drive.google.com/drive/folders/" + url.PathEscape(id)
	}
	return "https://drive.google.com/file/d/" + url.PathEscape(id) + "/view"
}

// located reads the id out of an address of Drive or its editors:
// drive.google.com/file/d/ID/view, /drive/folders/ID, /drive/u/0/folders/ID,
// /open?id=ID, /uc?id=ID, docs.google.com/document/d/ID/edit.
func located(address string) (id string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host != "drive.google.com" && u.Host != "docs.google.com" {
		return "", false
	}
	if id := u.Query().Get("id"); id != "" && (u.Path == "/open" || u.Path == "/uc") {
		return id, true
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	for i := len(parts) - 2; i >= 0; i-- {
		if (parts[i] == "d" || parts[i] == "folders") && parts[i+1] != "" && parts[i+1] != "e" { // d/e/: a published copy
			return parts[i+1], true
		}
	}
	return "", false
}

// Locate tells the id of what an address names.
func (s *source) Locate(address string) (string, bool) { return located(address) }

// Link is the address of an item for people.
func (t *target) Link(ref, _ item.Ref) string {
	return link(ref.ID, ref.Kind == item.Folder || ref.Kind == item.Drive)
}
