package googledrive_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	drive "github.com/rialto-migrate/rialto/connectors/googledrive/standin"
	"github.com/rialto-migrate/rialto/item"
)

func create(it item.Item) connector.Change { return connector.Change{Op: connector.Create, Item: it} }

func folder(parent item.Ref, name string) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: parent}
	item.Name.Set(&it, name)
	return it
}

// made carries out a create that must succeed.
func made(t *testing.T, target connector.Target, it item.Item, content []byte) item.Item {
	t.Helper()
	r := one(t, target, create(it), content)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r.Stored.Item
}

// A create whose answer is lost is made once, whatever was carried out.
func TestCreateOnce(t *testing.T) {
	for name, kind := range map[string]item.Kind{"a file": item.File, "a folder": item.Folder, "a shortcut": item.Shortcut} {
		s := world(drive.Options{})
		to := s.AddFile(s.Root(), "target", nil)
		lost := 0
		l := join(t, s, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/files") && lost < 2 {
				lost++
				resp, err := http.RoundTripper(turning{next: transportOf(s)}).RoundTrip(r)
				if err == nil {
					resp.Body.Close()
				}
				return nil, io.ErrUnexpectedEOF
			}
			return nil, nil
		})
		it := newFile(inDrive(s.Root()), "new", 5)
		switch kind {
		case item.Folder:
			it = folder(inDrive(s.Root()), "new")
		case item.Shortcut:
			it = item.Item{Ref: item.Ref{Kind: item.Shortcut}, Parent: inDrive(s.Root())}
			item.Name.Set(&it, "new")
			item.LeadsTo.Set(&it, "https://drive.google.com/file/d/"+to+"/view")
		}
		target := l.target("my-drive")
		made(t, target, it, []byte("bytes"))
		if got := s.Names(s.Root()); !slices.Equal(got, []string{"new", "target"}) || lost != 2 {
			t.Errorf("%s: after %d lost answers there are %q", name, lost, got)
		}
	}
}

// With the ledger lost, what carries its mark is taken over, and is not made again.
func TestLostLedger(t *testing.T) {
	s := world(drive.Options{})
	write := func(doubted bool, content string) (connector.Result, connector.Result) {
		target := join(t, s, nil).target("my-drive")
		dir := create(folder(inDrive(s.Root()), "dir"))
		dir.Mark = target.Carrier(item.Folder, "rialto:folder:1")
		d := one(t, target, dir, nil)
		if d.Err != nil {
			t.Fatal(d.Err)
		}
		f := create(newFile(d.Stored.Item.Ref, "file", len(content)))
		f.Mark, f.Doubted = target.Carrier(item.File, "rialto:file:1"), doubted
		return d, one(t, target, f, []byte(content))
	}
	_, first := write(false, "bytes")
	if first.Err != nil || first.Adopted {
		t.Fatalf("the first write: %+v", first)
	}
	d, again := write(false, "bytes")
	if !d.Adopted || !again.Adopted || again.Stored.Item.Ref != first.Stored.Item.Ref {
		t.Errorf("with the ledger lost: %v %v, %v", d.Adopted, again.Adopted, again.Err)
	}
	if _, again = write(true, "bytes"); again.Adopted || again.Err != nil || again.Stored.Item.Ref != first.Stored.Item.Ref {
		t.Errorf("in doubt: adopted %v, %v", again.Adopted, again.Err)
	}
	_, other := write(false, "other")
	wants(t, "other bytes under the mark", other.Err, connector.Conflict)
	if got := s.Names(s.Root()); !slices.Equal(got, []string{"dir", "dir/file"}) {
		t.Errorf("there are %q", got)
	}
}

// A file of which nobody tells the size goes in chunks when it is large.
func TestUnknownSizes(t *testing.T) {
	const chunk = 512 << 10
	s := world(drive.Options{})
	target := join(t, s, nil).target("my-drive")
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 5*chunk + 17} {
		content := bytes.Repeat([]byte("0123456789abcdef!"), n/17+1)[:n]
		it := newFile(inDrive(s.Root()), fmt.Sprint(n), -1)
		stored := made(t, target, it, content)
		if stored.Blob.Bytes != int64(n) {
			t.Errorf("%d bytes became %d", n, stored.Blob.Bytes)
		}
		if got, err := join(t, s, nil).read(*stored.Blob, 0, -1); err != nil || got != string(content) {
			t.Errorf("%d bytes are read back as %d, %v", n, len(got), err)
		}
	}
}

const part = 16 << 20

// An upload goes on in another process, in the middle of a part, and after a server
// took half of one.
func TestUploadGoesOn(t *testing.T) {
	s := world(drive.Options{})
	content := bytes.Repeat([]byte("0123456789abcde\n"), (2*part+5000)/16+1)[:2*part+5000]
	c := create(newFile(inDrive(s.Root()), "large", len(content)))
	up := join(t, s, nil).target("my-drive").(connector.Uploader)
	session, err := up.Begin(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	parts := []connector.UploadPart{{Number: 1, Bytes: part}, {Number: 2, Offset: part, Bytes: part}, {Number: 3, Offset: 2 * part, Bytes: 5000}}
	put := func(up connector.Uploader, p connector.UploadPart) error {
		_, err := up.Put(t.Context(), session, p, bytes.NewReader(content[p.Offset:p.Offset+p.Bytes]))
		return err
	}
	if err := put(up, parts[0]); err != nil {
		t.Fatal(err)
	}
	// The source breaks off in the second part: Drive keeps some of it.
	broken := io.MultiReader(bytes.NewReader(content[part:part+3<<20]), errReader{})
	_, err = up.Put(t.Context(), session, parts[1], broken)
	if err == nil {
		t.Fatal("a part that broke off passes for whole")
	}
	if err := put(up, parts[1]); err != nil {
		t.Fatalf("a part that broke off, once more: %v", err)
	}
	if err := put(up, parts[2]); err != nil {
		t.Fatal(err)
	}
	// Another process knows nothing but the session: the last part comes once more.
	up = join(t, s, nil).target("my-drive").(connector.Uploader)
	held, err := up.Held(t.Context(), session)
	if err != nil || len(held) != 2 || held[1].Offset != part || held[1].Bytes != part {
		t.Fatalf("held are %+v, %v", held, err)
	}
	wants(t, "a commit without the end", up.Commit(t.Context(), session, c, parts).Err, connector.Transient)
	if err := put(up, parts[2]); err != nil {
		t.Fatal(err)
	}
	r := up.Commit(t.Context(), session, c, parts)
	if r.Err != nil || r.Adopted {
		t.Fatalf("Commit: %+v", r)
	}
	if got, err := join(t, s, nil).read(*r.Stored.Item.Blob, 0, -1); err != nil || got != string(content) {
		t.Errorf("%d bytes are read back, %v", len(got), err)
	}
	_, err = up.Held(t.Context(), session)
	wants(t, "Held of an upload at its end", err, connector.Gone)
	if err := up.Abort(t.Context(), session); err != nil {
		t.Errorf("Abort of an upload at its end: %v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) {
	return 0, connector.Errorf(connector.Transient, "the source broke off")
}

// An update in parts replaces what it knows, and nothing that changed since.
func TestUploadUpdates(t *testing.T) {
	s := world(drive.Options{})
	id := s.AddFile(s.Root(), "large", []byte("before"))
	content := bytes.Repeat([]byte("x"), part+7)
	l := join(t, s, nil)
	up := l.target("my-drive").(connector.Uploader)
	change := func() connector.Change {
		for _, b := range collect(t, l.source().Fetch(t.Context(), connector.Shard{Ref: inDrive(s.Root())}, []item.Ref{{Kind: item.File, ID: id}})) {
			it := newFile(inDrive(s.Root()), "large", len(content))
			it.ID = id
			return connector.Change{Op: connector.Update, Item: it, Prev: &b, Dirty: []string{item.Content.Name, item.Modified.Name}}
		}
		t.Fatal("it is gone")
		return connector.Change{}
	}
	send := func(c connector.Change) string {
		session, err := up.Begin(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []connector.UploadPart{{Number: 1, Bytes: part}, {Number: 2, Offset: part, Bytes: 7}} {
			if _, err := up.Put(t.Context(), session, p, bytes.NewReader(content[p.Offset:p.Offset+p.Bytes])); err != nil {
				t.Fatal(err)
			}
		}
		return session
	}
	c := change()
	if r := up.Commit(t.Context(), send(c), c, nil); r.Err != nil || r.Stored.Item.ID != id || r.Stored.Item.Blob.Bytes != int64(len(content)) {
		t.Errorf("an update in parts: %v", r.Err)
	}
	c = change()
	session := send(c)
	s.Write(id, []byte("theirs"))
	wants(t, "an update of what changed since", up.Commit(t.Context(), session, c, nil).Err, connector.Conflict)
	if err := up.Abort(t.Context(), session); err != nil {
		t.Error(err)
	}
	_, err := up.Begin(t.Context(), c)
	wants(t, "the beginning of an update of what changed since", err, connector.Conflict)
	if r := one(t, l.target("my-drive"), change(), content); r.Err != nil {
		t.Errorf("an update in one request: %v", r.Err)
	}
	all, _ := l.list(s.Root())
	if n := len(names(all, item.File)); n != 1 {
		t.Errorf("there are %d files", n)
	}
}

// An upload whose file is there already, because an answer was lost or the ledger was,
// compares its bytes and takes it over.
func TestUploadThere(t *testing.T) {
	s := world(drive.Options{})
	content := bytes.Repeat([]byte("y"), part+3)
	for i, want := range []string{"", "adopted", "doubted", "other"} {
		l := join(t, s, nil)
		up := l.target("my-drive").(connector.Uploader)
		c := create(newFile(inDrive(s.Root()), "large", len(content)))
		c.Mark, c.Doubted = l.target("my-drive").Carrier(item.File, "rialto:file:9"), want == "doubted"
		bytesOf := content
		if want == "other" {
			bytesOf = bytes.Repeat([]byte("z"), len(content))
		}
		session, err := up.Begin(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if held, err := up.Held(t.Context(), session); err != nil || len(held) != 0 {
			t.Errorf("%d: held are %v, %v", i, held, err)
		}
		for _, p := range []connector.UploadPart{{Number: 1, Bytes: part}, {Number: 2, Offset: part, Bytes: 3}} {
			if _, err := up.Put(t.Context(), session, p, bytes.NewReader(bytesOf[p.Offset:p.Offset+p.Bytes])); err != nil {
				t.Fatal(err)
			}
		}
		r := up.Commit(t.Context(), session, c, nil)
		if want == "other" {
			wants(t, "other bytes", r.Err, connector.Conflict)
		} else if r.Err != nil || r.Adopted != (want == "adopted") {
			t.Errorf("%d: adopted %v, %v", i, r.Adopted, r.Err)
		}
		if err := up.Abort(t.Context(), session); err != nil {
			t.Error(err)
		}
	}
	if got := s.Names(s.Root()); !slices.Equal(got, []string{"large"}) {
		t.Errorf("there are %q", got)
	}
}

// A session leads nowhere but to the API's own server.
func TestSessionElsewhere(t *testing.T) {
	s := world(drive.Options{})
	up := join(t, s, nil).target("my-drive").(connector.Uploader)
	for _, session := range []string{"", "{}", `{"address":"https://evil.example/upload?upload_id=1","bytes":3}`} {
		_, err := up.Held(t.Context(), session)
		wants(t, "a session that is none", err, connector.Gone)
		if err := up.Abort(t.Context(), session); err != nil {
			t.Errorf("dropping a session that is none: %v", err)
		}
	}
	l := join(t, s, func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("uploadType") == "resumable" {
			resp := refusal(r, 200, "")
			resp.Header.Set("Location", "https://evil.example/upload?upload_id=1")
			return resp, nil
		}
		return nil, nil
	})
	_, err := l.target("my-drive").(connector.Uploader).Begin(t.Context(), create(newFile(inDrive(s.Root()), "large", part)))
	wants(t, "an upload that leads elsewhere", err, connector.Malformed)
}

// What Drive stores otherwise than it was sent does not stay.
func TestDriveStoresOtherBytes(t *testing.T) {
	s := world(drive.Options{})
	l := join(t, s, func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("uploadType") != "multipart" {
			return nil, nil
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		again := r.Clone(r.Context())
		b = bytes.Replace(b, []byte("bytes"), []byte("bites"), 1)
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		return transportOf(s).RoundTrip(again)
	})
	r := one(t, l.target("my-drive"), create(newFile(inDrive(s.Root()), "file", 5)), []byte("bytes"))
	wants(t, "other bytes", r.Err, connector.Transient)
	if got := s.Names(s.Root()); len(got) != 0 {
		t.Errorf("there are %q", got)
	}
}

// Nobody who is no member of the place is let in, nobody is told by mail, and what
// people gave others stays inherited.
func TestGrantsOfTargets(t *testing.T) {
	s := world(drive.Options{})
	s.AddGroup("team@example.org", "The team")
	sales := s.AddDrive("Sales", map[string]string{"ann@example.org": "fileOrganizer", "team@example.org": "writer"})
	target := join(t, s, nil, "people", "ben@example.org").target("shared-drive:Sales")
	it := newFile(inDrive(sales), "file", 1)
	item.Permissions.Set(&it, []item.Grant{{To: "team@example.org", Role: item.Reads}, {To: "ben@example.org", Role: item.Comments}})
	f := made(t, target, it, []byte("x"))
	if got := s.Grants(f.ID); !slices.Equal(got, []string{"commenter ben@example.org", "reader team@example.org"}) {
		t.Errorf("let at it are %q", got)
	}
	item.Permissions.Set(&it, []item.Grant{{To: "cleo@example.org", Role: item.Reads}})
	wants(t, "somebody who is not among the people", one(t, target, create(it), []byte("x")).Err, connector.Permanent)
	if n := len(s.Notices()); n != 0 {
		t.Errorf("%d were told by mail", n)
	}
}

// Where an administrator opens new files to the whole domain, those of a migration stay
// closed.
func TestDomainSeesNothing(t *testing.T) {
	s := world(drive.Options{Domain: "example.org"})
	target := join(t, s, nil).target("my-drive")
	ids := []string{made(t, target, folder(inDrive(s.Root()), "folder"), nil).ID, made(t, target, newFile(inDrive(s.Root()), "file", 1), []byte("x")).ID,
		made(t, target, newFile(inDrive(s.Root()), "chunks", -1), make([]byte, 600<<10)).ID}
	up := target.(connector.Uploader)
	c := create(newFile(inDrive(s.Root()), "parts", 3))
	session, err := up.Begin(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := up.Put(t.Context(), session, connector.UploadPart{Number: 1, Bytes: 3}, strings.NewReader("xyz")); err != nil {
		t.Fatal(err)
	}
	r := up.Commit(t.Context(), session, c, nil)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	for _, id := range append(ids, r.Stored.Item.ID) {
		if got := s.Grants(id); !slices.Equal(got, []string{"owner ann@example.org"}) {
			t.Errorf("let at it are %q", got)
		}
	}
}

// Full drives, quotas and lost rights are told apart, and say what to do.
func TestRefusals(t *testing.T) {
	for reason, want := range map[string]struct {
		status int
		class  connector.Class
	}{
		"storageQuotaExceeded":         {403, connector.Full},
		"teamDriveFileLimitExceeded":   {403, connector.Full},
		"insufficientFilePermissions":  {403, connector.Forbidden},
		"appNotAuthorizedToFile":       {403, connector.Forbidden},
		"insufficientPermissions":      {403, connector.Forbidden},
		"domainPolicy":                 {403, connector.Forbidden},
		"accessNotConfigured":          {403, connector.Forbidden},
		"userRateLimitExceeded":        {403, connector.Throttled},
		"rateLimitExceeded":            {429, connector.Throttled},
		"dailyLimitExceeded":           {403, connector.Throttled},
		"notFound":                     {404, connector.Gone},
		"backendError":                 {503, connector.Transient},
		"invalid":                      {400, connector.Permanent},
		"a reason with content in it!": {403, connector.Forbidden},
	} {
		synctest.Test(t, func(t *testing.T) { // what is refused for a quota waits long
			s := world(drive.Options{})
			refuse := false
			l := join(t, s, func(r *http.Request) (*http.Response, error) {
				if refuse && r.URL.Path != "/token" {
					return refusal(r, want.status, reason), nil
				}
				return nil, nil
			})
			target := l.target("my-drive")
			made(t, target, newFile(inDrive(s.Root()), "first", 1), []byte("x")) // ids are there
			refuse = true
			r := one(t, target, create(newFile(inDrive(s.Root()), "file", 5)), []byte("bytes"))
			wants(t, reason, r.Err, want.class)
			if r.Err != nil && strings.Contains(r.Err.Error(), "content in it") {
				t.Errorf("an error repeats what it was told: %v", r.Err)
			}
			if (want.class == connector.Full || want.class == connector.Forbidden) && !strings.Contains(r.Err.Error(), "; ") {
				t.Errorf("%s says not what to do: %v", reason, r.Err)
			}
		})
	}
	s := world(drive.Options{Storage: 10})
	r := one(t, join(t, s, nil).target("my-drive"), create(newFile(inDrive(s.Root()), "file", 11)), []byte("eleven byte"))
	wants(t, "a full drive", r.Err, connector.Full)
}

// Metadata that Drive does not keep fails with its reason, and what was removed goes.
func TestProperties(t *testing.T) {
	s := world(drive.Options{})
	target := join(t, s, nil).target("my-drive")
	it := newFile(inDrive(s.Root()), "file", 1)
	item.Metadata.Set(&it, []string{"a=1", "b=2"})
	f := made(t, target, it, []byte("x"))
	prev := item.Bundle{Item: f}
	next := f.Clone()
	item.Metadata.Set(&next, []string{"b=3"})
	next.Fields[item.Description.Name] = "said of it"
	r := one(t, target, connector.Change{Op: connector.Update, Item: next, Prev: &prev, Dirty: []string{item.Metadata.Name, item.Description.Name}}, nil)
	if got := item.Metadata.Get(r.Stored.Item); r.Err != nil || !slices.Equal(got, []string{"b=3"}) || item.Description.Get(r.Stored.Item) != "said of it" {
		t.Errorf("metadata is %q, %v", got, r.Err)
	}
	if got := item.Modified.Get(r.Stored.Item); !got.Equal(item.Modified.Get(f)) {
		t.Errorf("the time of the bytes became %s", got)
	}
	item.Metadata.Set(&it, []string{"a=" + strings.Repeat("x", 124)})
	wants(t, "a pair that is too long", one(t, target, create(it), []byte("x")).Err, connector.Permanent)
}

// What was made since a time is found by its mark, and nothing older is.
func TestFind(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	s := world(drive.Options{Now: func() time.Time { return now }})
	target := join(t, s, nil).target("my-drive")
	write := func(name string) {
		c := create(newFile(inDrive(s.Root()), name, 1))
		c.Mark = target.Carrier(item.File, name)
		if r := one(t, target, c, []byte("x")); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	write("old")
	now = now.Add(30 * time.Minute)
	since := now
	write("new")
	for when, want := range map[time.Time]int{since: 1, {}: 2} {
		found := collect(t, target.Find(t.Context(), inDrive(s.Root()), when))
		marks := map[string]bool{}
		for _, f := range found {
			marks[f.Mark] = true
			if f.Made.IsZero() {
				t.Error("it is not told when something was made")
			}
		}
		if len(found) != want || !marks[target.Carrier(item.File, "new")] {
			t.Errorf("since %s there are %d", when, len(found))
		}
	}
}

// Quotas count what each kind of call costs.
func TestQuotas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := world(drive.Options{Units: 2000})
		l := join(t, s, nil)
		target := l.target("my-drive")
		began := time.Now()
		for i := range 100 { // 5,000 units
			made(t, target, newFile(inDrive(s.Root()), fmt.Sprint(i), 1), []byte("x"))
		}
		if took := time.Since(began); took < time.Minute || took > 10*time.Minute {
			t.Errorf("5,000 units at 2,000 a minute took %s", took)
		}
	})
}
