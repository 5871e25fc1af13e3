package standin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// fileOf is a node as somebody sees it.
func (c *call) fileOf(n *node) map[string]any {
	out := map[string]any{"kind": "drive#file", "id": n.id, "name": n.name, "mimeType": n.mime, "createdTime": stamp(n.created), "modifiedTime": stamp(n.modified),
		"trashed": n.binned(), "explicitlyTrashed": n.trashed, "starred": n.starred, "version": strconv.FormatInt(n.version, 10), "spaces": []any{"drive"},
		"webViewLink": "https://drive.google.com/file/d/" + n.id + "/view"}
	if n.parent != nil && n.parent.role(c.who) >= 0 {
		out["parents"] = []any{n.parent.id}
	}
	if n.description != "" {
		out["description"] = n.description
	}
	for name, m := range map[string]map[string]string{"properties": n.properties, "appProperties": n.private} {
		if len(m) > 0 {
			v := map[string]any{}
			for k, x := range m {
				v[k] = x
			}
			out[name] = v
		}
	}
	if n.bytes() {
		out["size"], out["md5Checksum"], out["sha256Checksum"], out["headRevisionId"] = strconv.Itoa(len(n.content)), sumMD5(n.content), sum256(n.content), n.revision
		out["originalFilename"] = n.name
	}
	if n.leadsTo != "" {
		d := map[string]any{"targetId": n.leadsTo}
		if to := c.nodes[n.leadsTo]; to != nil {
			d["targetMimeType"] = to.mime
		}
		out["shortcutDetails"] = d
	}
	if n.drive != nil {
		out["driveId"] = n.drive.id
		out["hasAugmentedPermissions"] = n != n.drive && len(n.grants) > 0
		return out
	}
	out["ownedByMe"] = n.owner == c.who
	if n.owner != nil {
		out["owners"] = []any{userOf(n.owner, c.who)}
	}
	rights := c.permissionsOf(n)
	out["shared"] = len(rights) > 1
	if n.role(c.who) >= rank("writer") {
		out["permissions"] = rights
	}
	return out
}

// permissionsOf are all that hold at a node: one for each whom they let in.
func (c *call) permissionsOf(n *node) []any {
	var ids []string
	best := map[string]right{}
	details := map[string][]any{}
	for _, r := range n.rights() {
		id := r.id()
		if r.role == "owner" && r.from != n {
			continue // who owns a folder has it as a writer in what others own there
		}
		if _, ok := best[id]; !ok {
			ids = append(ids, id)
		}
		if b, ok := best[id]; !ok || rank(r.role) > rank(b.role) {
			best[id] = r
		}
		d := map[string]any{"permissionType": "file", "role": r.role, "inherited": r.from != n}
		if r.from == n.drive {
			d["permissionType"] = "member"
		}
		if r.from != n {
			d["inheritedFrom"] = r.from.id
		}
		details[id] = append(details[id], d)
	}
	out := []any{}
	for _, id := range ids {
		r := best[id]
		p := map[string]any{"kind": "drive#permission", "id": id, "type": r.kind, "role": r.role}
		if r.to != nil {
			p["emailAddress"], p["displayName"], p["deleted"] = r.to.email, r.to.name, false
		}
		if r.domain != "" {
			p["domain"], p["displayName"] = r.domain, r.domain
		}
		if !r.expires.IsZero() {
			p["expirationTime"] = stamp(r.expires)
		}
		if n.drive != nil || !c.o.Mute {
			p["permissionDetails"] = details[id]
		}
		out = append(out, p)
	}
	return out
}

// seen finds a node that the caller may see.
func (c *call) seen(id string) (*node, *failure) {
	if id == "root" {
		return c.who.root, nil
	}
	n := c.nodes[id]
	if n == nil || n.role(c.who) < 0 {
		return nil, missing(id)
	}
	if n.drive != nil && c.q.Get("supportsAllDrives") != "true" {
		return nil, missing(id)
	}
	return n, nil
}

// writable finds a node that the caller may change.
func (c *call) writable(id string) (*node, *failure) {
	n, err := c.seen(id)
	if err == nil && n.role(c.who) < rank("writer") {
		err = fail(403, "insufficientFilePermissions", "The user does not have sufficient permissions for file %s.", id)
	}
	return n, err
}

// filesList answers files.list. Newer files come first, so that a folder comes after
// what lies in it.
func (c *call) filesList() *failure {
	size, from, bad := c.pages(100)
	if bad != nil {
		return bad
	}
	ask, ok := parseQuery(c.q.Get("q"))
	if !ok {
		return fail(400, "invalid", "Invalid Value")
	}
	corpora := c.q.Get("corpora")
	if corpora == "drive" && (c.q.Get("driveId") == "" || c.q.Get("includeItemsFromAllDrives") != "true" || c.q.Get("supportsAllDrives") != "true") {
		return fail(400, "invalid", "The driveId, includeItemsFromAllDrives and supportsAllDrives parameters are required with corpora=drive.")
	}
	return c.locked(func() *failure {
		if corpora == "drive" {
			if d := c.nodes[c.q.Get("driveId")]; d == nil || d.role(c.who) < 0 {
				return fail(404, "notFound", "Shared drive not found: %s", c.q.Get("driveId"))
			}
		}
		list := []any{}
		next := ""
		start := len(c.order)
		if from > 0 {
			start = min(from-1, start)
		}
		for i := start - 1; i >= 0; i-- {
			n := c.order[i]
			if c.nodes[n.id] != n || n.parent == nil && (n.drive == n || n.owner != nil && n == n.owner.root) || !c.searched(n, corpora, ask) || !ask.finds(c, n) {
				continue
			}
			if len(list) == min(size, 1000) {
				next = fmt.Sprintf("~%d", i+2)
				break
			}
			list = append(list, c.fileOf(n))
		}
		out := map[string]any{"kind": "drive#fileList", "incompleteSearch": false, "files": list}
		if next != "" {
			out["nextPageToken"] = next
		}
		return c.give(200, out)
	})
}

// searched reports whether a node is among those that a query looks through: of My
// Drive, what the caller owns, was let at by name, or has in a folder that nobody else
// sees any more, unless a folder is looked into.
func (c *call) searched(n *node, corpora string, ask query) bool {
	if corpora == "drive" {
		return n.drive != nil && n.drive.id == c.q.Get("driveId")
	}
	if n.drive != nil || n.role(c.who) < 0 {
		return false
	}
	return n.owner == c.who || ask.parent != "" || n.parent != nil && !slices.ContainsFunc(n.parent.rights(), func(r right) bool { return r.to != c.who }) || slices.ContainsFunc(n.grants, func(g *grant) bool { return g.to == c.who })
}

// get answers with what is said of a file, or with its bytes.
func (c *call) get(id string) *failure {
	c.mu.Lock()
	n, err := c.seen(id)
	if err != nil || c.q.Get("alt") != "media" {
		defer c.mu.Unlock()
		if err != nil {
			return err
		}
		return c.give(200, c.fileOf(n))
	}
	content := n.content
	bytes := n.bytes()
	c.mu.Unlock()
	if !bytes {
		return fail(403, "fileNotDownloadable", "Only files with binary content can be downloaded. Use Export with Docs Editors files.")
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	span, ranged := strings.CutPrefix(c.r.Header.Get("Range"), "bytes=")
	status := http.StatusOK
	if ranged {
		first, last, ok := spanOf(span, len(content))
		if !ok {
			return fail(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
		}
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(content)))
		content, status = content[first:last+1], http.StatusPartialContent
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(content) // whoever has gone does not mind
	return nil
}

func spanOf(span string, size int) (first, last int, ok bool) {
	a, b, _ := strings.Cut(span, "-")
	first, err := strconv.Atoi(a)
	last = size - 1
	if b != "" {
		n, err2 := strconv.Atoi(b)
		if err2 != nil {
			return 0, 0, false
		}
		last = min(n, last)
	}
	return first, last, err == nil && first <= last
}

func (c *call) export(id string) *failure {
	c.mu.Lock()
	n, err := c.seen(id)
	if err != nil {
		c.mu.Unlock()
		return err
	}
	kind := c.q.Get("mimeType")
	content, ok := n.exports[kind]
	c.mu.Unlock()
	switch {
	case n.bytes():
		return fail(403, "fileNotExportable", "Export only supports Docs Editors files.")
	case !ok:
		return fail(400, "badRequest", "The requested conversion is not supported.")
	case len(content) > 10<<20:
		return fail(403, "exportSizeLimitExceeded", "This file is too large to be exported.")
	}
	c.w.Header().Set("Content-Type", kind)
	_, _ = c.w.Write(content) // whoever has gone does not mind
	return nil
}

// A draft is what is sent of a file.
type draft struct {
	ID            string             `json:"id"`
	Name          *string            `json:"name"`
	MimeType      string             `json:"mimeType"`
	Parents       []string           `json:"parents"`
	CreatedTime   time.Time          `json:"createdTime"`
	ModifiedTime  time.Time          `json:"modifiedTime"`
	Description   *string            `json:"description"`
	Properties    map[string]*string `json:"properties"`
	AppProperties map[string]*string `json:"appProperties"`
	Trashed       *bool              `json:"trashed"`
	Starred       *bool              `json:"starred"`
	Shortcut      *struct {
		TargetID string `json:"targetId"`
	} `json:"shortcutDetails"`
}

// create makes a node; content is nil for one without bytes.
func (c *call) create(d draft, content []byte) (*node, *failure) {
	if err := c.may(d, ""); err != nil {
		return nil, err
	}
	up := c.who.root
	if len(d.Parents) > 0 {
		up = c.nodes[d.Parents[0]]
	}
	n := &node{id: d.ID, name: "Untitled", mime: d.MimeType, parent: up, drive: up.drive, created: d.CreatedTime}
	if n.drive == nil {
		if c.o.Storage > 0 && c.used(c.who)+int64(len(content)) > c.o.Storage {
			return nil, fail(403, "storageQuotaExceeded", "The user's Drive storage quota has been exceeded.")
		}
		n.owner, n.grants = c.who, []*grant{{to: c.who, kind: "user", role: "owner"}}
		if c.o.Domain != "" && c.q.Get("ignoreDefaultVisibility") != "true" {
			n.grants = append(n.grants, &grant{kind: "domain", role: "reader", domain: c.o.Domain})
		}
	}
	if n.mime == "" {
		n.mime = "application/octet-stream"
	}
	if d.Shortcut != nil {
		n.leadsTo = d.Shortcut.TargetID
	}
	c.add(n)
	if n.bytes() {
		c.write(n, content)
	}
	c.apply(n, d)
	return n, nil
}

// may refuses what Drive does not take. id is that of the file that is changed, "" for
// a new one.
func (c *call) may(d draft, id string) *failure {
	if id == "" && d.ID != "" {
		of := "files"
		if d.MimeType == shortcutType {
			of = "shortcuts"
		}
		switch {
		case c.nodes[d.ID] != nil:
			return fail(409, "fileIdInUse", "A file already exists with the provided ID.")
		case c.given[d.ID] != of:
			return fail(400, "invalid", "The provided file ID is not usable.")
		}
	}
	if id == "" && len(d.Parents) > 1 {
		return fail(400, "cannotAddMultipleParents", "A file cannot be added to more than one folder.")
	}
	for _, p := range d.Parents {
		up, err := c.writable(p)
		if err != nil {
			return err
		}
		if up.mime != folderType {
			return fail(403, "parentNotAFolder", "The specified parent is not a folder.")
		}
	}
	if d.Name != nil && !utf8.ValidString(*d.Name) {
		return fail(400, "parseError", "Parse Error")
	}
	if d.Shortcut != nil {
		if d.MimeType != shortcutType || id != "" {
			return fail(403, "shortcutTargetInvalid", "A shortcut's target cannot be changed.")
		}
		if _, err := c.seen(d.Shortcut.TargetID); err != nil {
			return fail(404, "notFound", "File not found: %s.", d.Shortcut.TargetID)
		}
	}
	for _, m := range []map[string]*string{d.Properties, d.AppProperties} {
		if len(m) > 30 {
			return fail(403, "propertyCountLimitExceeded", "The limit for this type of properties has been exceeded.")
		}
		for k, v := range m {
			if v != nil && len(k)+len(*v) > 124 {
				return fail(400, "invalid", "A property's size is over the limit of 124 bytes.")
			}
		}
	}
	return nil
}

// update changes a node; content is nil where its bytes stay.
func (c *call) update(id string, d draft, content []byte) (*node, *failure) {
	n, err := c.writable(id)
	if err != nil {
		return nil, err
	}
	if len(d.Parents) > 0 {
		return nil, fail(403, "fieldNotWritable", "The parents field is not directly writable in update requests. Use the addParents and removeParents parameters instead.")
	}
	if err := c.may(d, id); err != nil {
		return nil, err
	}
	if n.parent == nil && (d.Trashed != nil || d.Name != nil) && (n == n.drive || n.owner != nil && n == n.owner.root) {
		return nil, fail(403, "insufficientFilePermissions", "The top folder cannot be changed.")
	}
	if err := c.move(n); err != nil {
		return nil, err
	}
	if content != nil {
		if d.MimeType != "" {
			n.mime = d.MimeType
		}
		c.write(n, content)
	}
	n.modified = c.tick()
	c.apply(n, d)
	return n, nil
}

// move puts a node elsewhere as the parameters ask for.
func (c *call) move(n *node) *failure {
	to, from := c.q.Get("addParents"), c.q.Get("removeParents")
	if from != "" && (n.parent == nil || n.parent.id != from) {
		return fail(404, "notFound", "Parent not found: %s.", from)
	}
	if to == "" {
		return nil
	}
	up, err := c.writable(to)
	if err != nil {
		return err
	}
	if from == "" && n.parent != nil && n.parent != up {
		return fail(403, "cannotAddParent", "A file cannot be added to more than one folder.")
	}
	for at := up; at != nil; at = at.parent {
		if at == n {
			return fail(400, "badRequest", "The folder would lie in itself.")
		}
	}
	n.parent = up
	for _, f := range c.order { // what lies in a folder goes with it
		if f.within(n) {
			f.drive = up.drive
		}
	}
	return nil
}

// apply takes over what is said of a node.
func (c *call) apply(n *node, d draft) {
	if d.Name != nil && *d.Name != "" {
		n.name = *d.Name
	}
	if d.Description != nil {
		n.description = *d.Description
	}
	if !d.ModifiedTime.IsZero() {
		n.modified = d.ModifiedTime.UTC().Truncate(time.Millisecond)
	}
	if d.Trashed != nil {
		n.trashed = *d.Trashed
	}
	if d.Starred != nil {
		n.starred = *d.Starred
	}
	for _, m := range []struct {
		to   *map[string]string
		from map[string]*string
	}{{&n.properties, d.Properties}, {&n.private, d.AppProperties}} {
		for k, v := range m.from {
			if v == nil {
				delete(*m.to, k)
				continue
			}
			if *m.to == nil {
				*m.to = map[string]string{}
			}
			(*m.to)[k] = *v
		}
	}
	n.version++
	c.touch(n)
}

// remove deletes a node for good, with what lies in it.
func (c *call) remove(id string) *failure {
	n, err := c.writable(id)
	if err != nil {
		return err
	}
	if n.role(c.who) < rank("organizer") {
		return fail(403, "insufficientFilePermissions", "The user does not have sufficient permissions for this file.")
	}
	c.touch(n)
	for _, f := range c.order {
		if f.within(n) {
			delete(c.nodes, f.id)
		}
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
