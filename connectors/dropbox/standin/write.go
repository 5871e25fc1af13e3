package standin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// lock takes the namespace of a commit, or refuses because another one has it.
func (c *call) lock(n *node) *refusal {
	if c.s.opts.CommitTime == 0 {
		return nil
	}
	space := n.space()
	if c.s.now().Before(c.s.locked[space]) {
		return throttle("too_many_write_operations", 1)
	}
	c.takes = c.s.opts.CommitTime
	c.s.locked[space] = c.s.now().Add(c.takes)
	return nil
}

// A commit says where bytes go.
type commit struct {
	Path     string          `json:"path"`
	Mode     json.RawMessage `json:"mode"`
	Rename   bool            `json:"autorename"`
	Modified string          `json:"client_modified"`
	Mute     bool            `json:"mute"`
	Strict   bool            `json:"strict_conflict"`
	Hash     string          `json:"content_hash"`
}

// mode reads "add" or {".tag":"update","update":rev}.
func (m commit) mode() (tag, rev string) {
	if json.Unmarshal(m.Mode, &tag) == nil {
		return tag, ""
	}
	var o struct {
		Tag    string `json:".tag"`
		Update string `json:"update"`
	}
	if json.Unmarshal(m.Mode, &o) != nil || o.Tag == "" {
		return "add", ""
	}
	return o.Tag, o.Update
}

// put writes a file; why are the tags of a WriteError.
func (c *call) put(m commit, data []byte) (n *node, why []string) {
	tag, rev := m.mode()
	var client time.Time
	if m.Modified != "" {
		var err error
		if client, err = time.Parse(stamp, m.Modified); err != nil {
			return nil, []string{"malformed_path"}
		}
	}
	parent, name, bad := c.place(m.Path)
	switch {
	case bad == "not_found" && strings.HasPrefix(m.Path, "/"):
		if parent, name, why = c.above(m.Path); why != nil {
			return nil, why
		}
	case bad != "":
		return nil, []string{"malformed_path"}
	}
	there := parent
	if name != "" {
		if there = parent.kids[fold(name)]; !parent.folder {
			return nil, []string{"conflict", "file_ancestor"}
		}
	}
	switch {
	case there != nil && there.folder:
		return nil, []string{"conflict", "folder"}
	case there != nil && (tag == "add" || tag == "update" && there.rev != rev):
		if !m.Strict && there.hash == contentHash(data) {
			return there, nil
		}
		return nil, []string{"conflict", "file"}
	case there == nil && tag == "update" && m.Strict:
		return nil, []string{"conflict", "file"}
	case there == nil && disallowed(name):
		return nil, []string{"disallowed_name"}
	}
	if c.s.space > 0 && c.s.used()+int64(len(data)) > c.s.space {
		return nil, []string{"insufficient_space"}
	}
	if there == nil {
		there = c.s.newNode(parent, name, false)
	}
	c.s.fill(there, data, client)
	if !m.Mute {
		c.tell("file", there.id, c.me.id)
	}
	return there, nil
}

// above makes the folders of a path that are missing.
func (c *call) above(path string) (parent *node, name string, why []string) {
	names := strings.Split(strings.TrimPrefix(path, "/"), "/")
	at := c.base
	for _, n := range names[:len(names)-1] {
		next := at.kids[fold(n)]
		if next == nil {
			next = c.s.newNode(at, n, true)
		}
		if !next.folder {
			return nil, "", []string{"conflict", "file_ancestor"}
		}
		at = next
	}
	return at, names[len(names)-1], nil
}

func (s *Server) used() (n int64) {
	for _, f := range s.nodes {
		n += int64(len(f.bytes))
	}
	return n
}

func uploadFile(c *call) (any, *refusal) {
	var m commit
	if e := c.into(&m); e != nil {
		return nil, e
	}
	if m.Hash != "" && m.Hash != contentHash(c.body) {
		return nil, conflict(tagged("content_hash_mismatch"))
	}
	if e := c.lock(c.base); e != nil {
		return nil, e
	}
	n, why := c.put(m, c.body)
	if why != nil {
		return nil, conflict(object{".tag": "path", "reason": tagged(why...), "upload_session_id": "pid_upload_session:" + c.s.random(20)})
	}
	return c.plain(n, false), nil
}

func createFolder(c *call) (any, *refusal) {
	var arg struct {
		Path string `json:"path"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if e := c.lock(c.base); e != nil {
		return nil, e
	}
	n, why := c.mkdir(arg.Path)
	if why != nil {
		return nil, conflict(tagged(append([]string{"path"}, why...)...))
	}
	return object{"metadata": c.plain(n, false)}, nil
}

func (c *call) mkdir(path string) (*node, []string) {
	parent, name, bad := c.place(path)
	if bad == "not_found" {
		var why []string
		if parent, name, why = c.above(path); why != nil {
			return nil, why
		}
	} else if bad != "" {
		return nil, []string{"malformed_path"}
	}
	if name == "" {
		return nil, []string{"conflict", "folder"}
	}
	if there := parent.kids[fold(name)]; there != nil {
		if there.folder {
			return nil, []string{"conflict", "folder"}
		}
		return nil, []string{"conflict", "file"}
	}
	if disallowed(name) {
		return nil, []string{"disallowed_name"}
	}
	if parent == c.s.teamRoot {
		return nil, []string{"no_write_permission"}
	}
	return c.s.newNode(parent, name, true), nil
}

// A job is a batch that is carried out while its caller asks for it.
type job struct {
	asked  bool
	result object
}

func (c *call) job(result object) object {
	id := "dbjid:" + c.s.random(30)
	c.s.jobs[id] = &job{result: result}
	return object{".tag": "async_job_id", "async_job_id": id}
}

func checkJob(c *call) (any, *refusal) {
	var arg struct {
		ID string `json:"async_job_id"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	j := c.s.jobs[arg.ID]
	if j == nil {
		return nil, conflict(tagged("invalid_async_job_id"))
	}
	if !j.asked {
		j.asked = true
		return tagged("in_progress"), nil
	}
	return j.result, nil
}

func createFolders(c *call) (any, *refusal) {
	var arg struct {
		Paths []string `json:"paths"`
		Async bool     `json:"force_async"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if e := c.lock(c.base); e != nil {
		return nil, e
	}
	entries := []object{}
	for _, path := range arg.Paths {
		n, why := c.mkdir(path)
		if why != nil {
			entries = append(entries, object{".tag": "failure", "failure": tagged(append([]string{"path"}, why...)...)})
			continue
		}
		entries = append(entries, object{".tag": "success", "metadata": c.plain(n, false)})
	}
	result := object{".tag": "complete", "entries": entries}
	if arg.Async || len(entries) >= c.s.opts.AsyncFrom {
		return c.job(result), nil
	}
	return result, nil
}

func remove(c *call) (any, *refusal) {
	var arg struct {
		Path string `json:"path"`
		Rev  string `json:"parent_rev"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if e := c.lock(c.base); e != nil {
		return nil, e
	}
	told, why := c.remove(arg.Path, arg.Rev)
	if why != nil {
		return nil, conflict(why)
	}
	return object{"metadata": told}, nil
}

// remove deletes what a path names; why is a DeleteError.
func (c *call) remove(path, rev string) (told, why object) {
	n, bad := c.find(path)
	switch {
	case bad != "":
		return nil, tagged("path_lookup", bad)
	case n.team || n.owner != nil || n == c.base:
		return nil, tagged("path_write", "team_folder")
	case rev != "" && n.rev != rev:
		return nil, tagged("path_write", "conflict", "file")
	}
	told = c.metadata(n, false)
	c.s.cut(n)
	c.s.forget(n)
	return told, nil
}

func removeMany(c *call) (any, *refusal) {
	var arg struct {
		Entries []struct {
			Path string `json:"path"`
			Rev  string `json:"parent_rev"`
		} `json:"entries"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if e := c.lock(c.base); e != nil {
		return nil, e
	}
	entries := []object{}
	for _, e := range arg.Entries {
		told, why := c.remove(e.Path, e.Rev)
		if why != nil {
			entries = append(entries, object{".tag": "failure", "failure": why})
			continue
		}
		entries = append(entries, object{".tag": "success", "metadata": told})
	}
	return c.job(object{".tag": "complete", "entries": entries}), nil
}

func move(c *call) (any, *refusal) {
	var arg struct {
		From string `json:"from_path"`
		To   string `json:"to_path"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if e := c.lock(c.base); e != nil {
		return nil, e
	}
	n, why := c.move(arg.From, arg.To)
	if why != nil {
		return nil, conflict(why)
	}
	return object{"metadata": c.metadata(n, false)}, nil
}

// move puts what a path names at another; why is a RelocationError.
func (c *call) move(from, to string) (n *node, why object) {
	n, bad := c.find(from)
	if bad != "" {
		return nil, tagged("from_lookup", bad)
	}
	parent, name, bad := c.place(to)
	if bad != "" || name == "" {
		return nil, tagged("to", "malformed_path")
	}
	switch there := parent.kids[fold(name)]; {
	case disallowed(name):
		return nil, tagged("to", "disallowed_name")
	case there == n && n.name != name:
		return nil, tagged("to", "conflict", "file") // "we do not currently support case-only renaming"
	case there != nil && there.folder:
		return nil, tagged("to", "conflict", "folder")
	case there != nil:
		return nil, tagged("to", "conflict", "file")
	}
	for at := parent; at != nil; at = at.parent {
		if at == n {
			return nil, tagged("cant_move_folder_into_itself")
		}
		if at.share != nil && n.shares() {
			return nil, tagged("cant_nest_shared_folder")
		}
	}
	c.s.cut(n)
	n.name = name
	c.s.hang(n, parent)
	if !n.folder {
		n.rev = n.rev[:len(n.rev)-6] + strconv.FormatInt(1<<20+c.s.next(), 16)
		c.s.revs[n.rev] = n
	}
	return n, nil
}

func moveMany(c *call) (any, *refusal) {
	var arg struct {
		Entries []struct {
			From string `json:"from_path"`
			To   string `json:"to_path"`
		} `json:"entries"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if e := c.lock(c.base); e != nil {
		return nil, e
	}
	entries := []object{}
	for _, e := range arg.Entries {
		n, why := c.move(e.From, e.To)
		if why != nil {
			entries = append(entries, object{".tag": "failure", "failure": object{".tag": "relocation_error", "relocation_error": why}})
			continue
		}
		entries = append(entries, object{".tag": "success", "success": c.metadata(n, false)})
	}
	return c.job(object{".tag": "complete", "entries": entries}), nil
}

func (n *node) shares() bool {
	if n.share != nil {
		return true
	}
	for _, k := range n.kids {
		if k.shares() {
			return true
		}
	}
	return false
}

// download serves a file or a range of it.
func (c *call) download(w http.ResponseWriter) {
	var arg struct {
		Path string `json:"path"`
	}
	if e := c.into(&arg); e != nil {
		e.write(w)
		return
	}
	n, why := c.find(arg.Path)
	switch {
	case why != "":
		conflict(tagged("path", why)).write(w)
		return
	case n.folder:
		conflict(tagged("path", "not_file")).write(w)
		return
	case n.restricted:
		conflict(tagged("path", "restricted_content")).write(w)
		return
	case n.paper && c.name == "files/download":
		conflict(tagged("unsupported_file")).write(w)
		return
	case !n.paper && c.name == "files/export":
		conflict(tagged("non_exportable")).write(w)
		return
	}
	first, last, status := int64(0), int64(len(n.bytes))-1, http.StatusOK
	if h := c.r.Header.Get("Range"); h != "" {
		from, to, _ := strings.Cut(strings.TrimPrefix(h, "bytes="), "-")
		first, _ = strconv.ParseInt(from, 10, 64)
		if to != "" {
			to, _ := strconv.ParseInt(to, 10, 64)
			last = min(last, to)
		}
		if first > last {
			w.Header().Set("Content-Range", "bytes */"+strconv.Itoa(len(n.bytes)))
			http.Error(w, "", http.StatusRequestedRangeNotSatisfiable)
			return
		}
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", "bytes "+strconv.FormatInt(first, 10)+"-"+strconv.FormatInt(last, 10)+"/"+strconv.Itoa(len(n.bytes)))
	}
	result := c.plain(n, false)
	if c.name == "files/export" {
		result = object{"export_metadata": object{"name": n.name + ".html", "size": len(n.bytes), "export_hash": n.hash}, "file_metadata": result}
	}
	told, err := json.Marshal(result)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Dropbox-API-Result", ascii(told))
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Etag", `"`+n.rev+`"`)
	w.Header().Set("Content-Length", strconv.FormatInt(last-first+1, 10))
	w.WriteHeader(status)
	_, _ = w.Write(n.bytes[first : last+1]) // a failure means that the client has gone
}

// ascii escapes what may not stand in a header.
func ascii(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			b.WriteString(`\u` + strconv.FormatInt(int64(0xd800+r>>10), 16) + `\u` + strconv.FormatInt(int64(0xdc00+r&0x3ff), 16))
		default:
			h := strconv.FormatInt(int64(r), 16)
			b.WriteString(`\u` + "0000"[len(h):] + h)
		}
	}
	return b.String()
}
