package standin

// A session is an upload under way: upload_session/start and those that follow.
type session struct {
	data   []byte
	closed bool
}

func (s *Server) newSession() (string, *session) {
	id := "pid_upload_session:" + s.random(40)
	at := &session{}
	s.sessions[id] = at
	return id, at
}

// A place in a session.
type sessionCursor struct {
	ID     string `json:"session_id"`
	Offset int64  `json:"offset"`
}

func startSession(c *call) (any, *refusal) {
	var arg struct {
		Close bool   `json:"close"`
		Hash  string `json:"content_hash"`
		Type  any    `json:"session_type"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if arg.Hash != "" && arg.Hash != contentHash(c.body) {
		return nil, conflict(tagged("content_hash_mismatch"))
	}
	id, at := c.s.newSession()
	at.data, at.closed = c.body, arg.Close
	return object{"session_id": id}, nil
}

func startBatch(c *call) (any, *refusal) {
	var arg struct {
		N int `json:"num_sessions"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	ids := []string{}
	for range arg.N {
		id, _ := c.s.newSession()
		ids = append(ids, id)
	}
	return object{"session_ids": ids}, nil
}

// append adds to a session; why is the error that tells why not.
func (c *call) append(at sessionCursor, data []byte, end bool) (why object) {
	s := c.s.sessions[at.ID]
	switch {
	case s == nil:
		return tagged("not_found")
	case s.closed:
		return tagged("closed")
	case at.Offset != int64(len(s.data)):
		return object{".tag": "incorrect_offset", "correct_offset": len(s.data)}
	}
	s.data, s.closed = append(s.data, data...), end
	return nil
}

func appendSession(c *call) (any, *refusal) {
	var arg struct {
		Cursor sessionCursor `json:"cursor"`
		Close  bool          `json:"close"`
		Hash   string        `json:"content_hash"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if arg.Hash != "" && arg.Hash != contentHash(c.body) {
		return nil, conflict(tagged("content_hash_mismatch"))
	}
	if why := c.append(arg.Cursor, c.body, arg.Close); why != nil {
		return nil, conflict(why)
	}
	return nil, nil
}

func appendBatch(c *call) (any, *refusal) {
	var arg struct {
		Entries []struct {
			Cursor sessionCursor `json:"cursor"`
			Length int64         `json:"length"`
			Close  bool          `json:"close"`
		} `json:"entries"`
		Hash string `json:"content_hash"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	all := int64(0)
	for _, e := range arg.Entries {
		all += e.Length
	}
	switch {
	case all != int64(len(c.body)):
		return nil, conflict(tagged("length_mismatch"))
	case arg.Hash != "" && arg.Hash != contentHash(c.body):
		return nil, conflict(tagged("content_hash_mismatch"))
	}
	entries, rest := []object{}, c.body
	for _, e := range arg.Entries {
		if why := c.append(e.Cursor, rest[:e.Length:e.Length], e.Close); why != nil {
			entries = append(entries, object{".tag": "failure", "failure": why})
		} else {
			entries = append(entries, tagged("success"))
		}
		rest = rest[e.Length:]
	}
	return object{"entries": entries}, nil
}

// A finish is one file of a session.
type finish struct {
	Cursor sessionCursor `json:"cursor"`
	Commit commit        `json:"commit"`
	Hash   string        `json:"content_hash"`
}

// end commits a session; why is an UploadSessionFinishError.
func (c *call) end(f finish, batch bool) (n *node, why object) {
	s := c.s.sessions[f.Cursor.ID]
	switch {
	case s == nil:
		return nil, tagged("lookup_failed", "not_found")
	case f.Cursor.Offset != int64(len(s.data)):
		return nil, object{".tag": "lookup_failed", "lookup_failed": object{".tag": "incorrect_offset", "correct_offset": len(s.data)}}
	case batch && !s.closed:
		return nil, tagged("lookup_failed", "not_closed")
	}
	n, tags := c.put(f.Commit, s.data)
	if tags != nil {
		return nil, tagged(append([]string{"path"}, tags...)...)
	}
	delete(c.s.sessions, f.Cursor.ID)
	return n, nil
}

func finishSession(c *call) (any, *refusal) {
	var f finish
	if e := c.into(&f); e != nil {
		return nil, e
	}
	if len(c.body) > 0 {
		if why := c.append(f.Cursor, c.body, false); why != nil {
			return nil, conflict(object{".tag": "lookup_failed", "lookup_failed": why})
		}
		f.Cursor.Offset += int64(len(c.body))
	}
	if e := c.lock(c.base); e != nil {
		return nil, e
	}
	n, why := c.end(f, false)
	if why != nil {
		return nil, conflict(why)
	}
	return c.plain(n, false), nil
}

func finishBatch(c *call) (any, *refusal) {
	var arg struct {
		Entries []finish `json:"entries"`
	}
	if e := c.into(&arg); e != nil {
		return nil, e
	}
	if e := c.lock(c.base); e != nil {
		return nil, e
	}
	entries := []object{}
	for _, f := range arg.Entries {
		n, why := c.end(f, true)
		if why != nil {
			entries = append(entries, object{".tag": "failure", "failure": why})
			continue
		}
		o := c.plain(n, false)
		o[".tag"] = "success"
		entries = append(entries, o)
	}
	return object{"entries": entries}, nil
}
