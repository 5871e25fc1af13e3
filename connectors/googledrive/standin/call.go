package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A call is one request of somebody's.
type call struct {
	*Server
	w   http.ResponseWriter
	r   *http.Request
	who *person
	q   url.Values
}

// run finds the method that a path names.
func (c *call) run(path []string) *failure {
	method := c.r.Method + " " + strings.Join(path, "/")
	if path[0] == "files" && len(path) > 1 && path[1] != "generateIds" {
		method = c.r.Method + " files/{id}"
		if len(path) > 2 {
			method += "/" + path[2]
		}
		if len(path) > 3 {
			method += "/{id}"
		}
	}
	switch method {
	case "GET about":
		return c.about()
	case "GET changes":
		return c.changesList()
	case "GET changes/startPageToken":
		return c.startPageToken()
	case "GET drives":
		return c.drivesList()
	case "GET files/generateIds":
		return c.generateIDs()
	case "GET files":
		return c.filesList()
	case "POST files":
		var d draft
		if err := c.body(&d); err != nil {
			return err
		}
		return c.locked(func() *failure {
			n, err := c.create(d, nil)
			if err != nil {
				return err
			}
			return c.give(200, c.fileOf(n))
		})
	case "GET files/{id}":
		return c.get(path[1])
	case "PATCH files/{id}":
		var d draft
		if err := c.body(&d); err != nil {
			return err
		}
		return c.locked(func() *failure {
			n, err := c.update(path[1], d, nil)
			if err != nil {
				return err
			}
			return c.give(200, c.fileOf(n))
		})
	case "DELETE files/{id}":
		return c.locked(func() *failure { return c.remove(path[1]) })
	case "GET files/{id}/export":
		return c.export(path[1])
	case "GET files/{id}/permissions":
		return c.locked(func() *failure { return c.permissionsList(path[1]) })
	case "POST files/{id}/permissions":
		return c.share(path[1], "")
	case "PATCH files/{id}/permissions/{id}":
		return c.share(path[1], path[3])
	case "DELETE files/{id}/permissions/{id}":
		return c.locked(func() *failure { return c.unshare(path[1], path[3]) })
	}
	return fail(404, "notFound", "Not Found")
}

func (c *call) locked(do func() *failure) *failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	return do()
}

// body reads a JSON body.
func (c *call) body(to any) *failure {
	b, err := io.ReadAll(c.r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if err := json.Unmarshal(b, to); err != nil {
		return fail(400, "parseError", "Parse Error")
	}
	return nil
}

// give answers with the fields that were asked for.
func (c *call) give(status int, body map[string]any) *failure {
	mask := c.q.Get("fields")
	if mask != "" {
		tree, ok := parseMask(mask)
		if !ok {
			return fail(400, "invalidParameter", "Invalid field selection %s", mask)
		}
		body, _ = masked(body, tree).(map[string]any)
	}
	answer(c.w, status, body)
	return nil
}

// A mask is a tree of fields (https://developers.google.com/workspace/drive/api/guides/fields-parameter).
type mask map[string]mask

func parseMask(text string) (mask, bool) {
	m, rest, ok := maskOf(text)
	return m, ok && rest == ""
}

func maskOf(text string) (m mask, rest string, ok bool) {
	m = mask{}
	for {
		i := strings.IndexAny(text, ",()/")
		if i < 0 {
			i = len(text)
		}
		name := text[:i]
		if name == "" {
			return nil, "", false
		}
		text = text[i:]
		var below mask
		if strings.HasPrefix(text, "(") {
			if below, text, ok = maskOf(text[1:]); !ok || !strings.HasPrefix(text, ")") {
				return nil, "", false
			}
			text = text[1:]
		}
		m[name] = below
		if !strings.HasPrefix(text, ",") {
			return m, text, true
		}
		text = text[1:]
	}
}

func masked(v any, m mask) any {
	if m == nil || m["*"] != nil {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, below := range m {
			if x, ok := v[name]; ok {
				out[name] = masked(x, below)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = masked(v[i], m)
		}
		return out
	}
	return v
}

func userOf(p, me *person) map[string]any {
	return map[string]any{"kind": "drive#user", "permissionId": p.id, "displayName": p.name, "emailAddress": p.email, "me": p == me}
}

func (c *call) about() *failure {
	if c.q.Get("fields") == "" {
		return fail(400, "required", "The 'fields' parameter is required for this method.")
	}
	return c.locked(func() *failure {
		return c.give(200, map[string]any{"kind": "drive#about", "user": userOf(c.who, c.who), "canCreateDrives": false,
			"storageQuota": map[string]any{"limit": strconv.FormatInt(c.o.Storage, 10), "usage": strconv.FormatInt(c.used(c.who), 10)}})
	})
}

func (c *call) drivesList() *failure {
	return c.locked(func() *failure {
		list := []any{}
		for _, d := range c.drives {
			if d.role(c.who) >= 0 {
				list = append(list, map[string]any{"kind": "drive#drive", "id": d.id, "name": d.name, "createdTime": stamp(d.created)})
			}
		}
		size, from, err := c.pages(10)
		if err != nil {
			return err
		}
		out := map[string]any{"kind": "drive#driveList"}
		end := min(len(list), from+min(size, 100))
		if end < len(list) {
			out["nextPageToken"] = fmt.Sprintf("~%d", end)
		}
		out["drives"] = list[min(from, end):end]
		return c.give(200, out)
	})
}

// pages reads how much is asked for, and from where on.
func (c *call) pages(standard int) (size, from int, f *failure) {
	size = standard
	if v := c.q.Get("pageSize"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return 0, 0, fail(400, "invalidParameter", "Invalid value for pageSize")
		}
		size = n
	}
	if v := c.q.Get("pageToken"); v != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(v, "~"))
		if err != nil || !strings.HasPrefix(v, "~") {
			return 0, 0, fail(400, "invalid", "Invalid Value")
		}
		from = n
	}
	return size, from, nil
}

func (c *call) generateIDs() *failure {
	n, of := 10, "files"
	if v := c.q.Get("count"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil || n < 1 || n > 1000 {
			return fail(400, "invalidParameter", "Invalid value for count")
		}
	}
	if v := c.q.Get("type"); v != "" {
		of = v
	}
	return c.locked(func() *failure {
		ids := []any{}
		for range n {
			id := "1" + c.word(32)
			c.given[id] = of
			ids = append(ids, id)
		}
		return c.give(200, map[string]any{"kind": "drive#generatedIds", "space": "drive", "ids": ids})
	})
}
