package outlook

import (
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// modes are the ways of a connection and the services that it may meet.
func modes(t *testing.T, test func(t *testing.T, r *rig)) {
	for _, m := range []struct {
		name      string
		delegated bool
		options   standin.Options
		more      []string
	}{
		{"person", true, standin.Options{ClearsDrafts: true}, nil},
		{"app", false, standin.Options{ClearsDrafts: true}, nil},
		{"drafts are kept", true, standin.Options{}, []string{settingDrafts, draftsKeep}},
		{"a token a minute", true, standin.Options{ClearsDrafts: true, TokenLife: time.Minute}, nil},
	} {
		t.Run(m.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := tenant(t, m.options, m.delegated, m.more...)
				test(t, r)
				for _, word := range []string{"Secret", "x.test", "contoso.test"} {
					if strings.Contains(r.log.String(), word) {
						t.Errorf("content is in the log: %s", word)
					}
				}
			})
		})
	}
}

func TestCheck(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		id, err := r.cloud.Check(t.Context())
		if err != nil || id.ID == "" || id.Name != "Ann Lee" {
			t.Fatalf("%+v, %v", id, err)
		}
	})
}

func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{ClearsDrafts: true}, true)
		r.folder(r.folder(r.box(), "Imported", "").Stored.Item.Ref, "2019", "")
		for place, good := range map[string]bool{"me": true, "me/Imported": true, "me/imported/2019": true, "user:ann@contoso.test": true,
			"me/none": false, "user:nobody@contoso.test": false, "user:": false, "group:x": false, "": false} {
			dst, err := r.cloud.Target(t.Context(), place)
			if (err == nil) != good || err != nil && connector.ClassOf(err) != connector.Permanent {
				t.Errorf("%q: %v", place, err)
			}
			if place == "me/imported/2019" {
				r.dst = dst
				made := r.folder(r.box(), "Sent", "sent")
				if made.Adopted || !slices.Contains(r.srv.Folders(r.user), "/Imported/2019/Sent") {
					t.Errorf("folders %q", r.srv.Folders(r.user))
				}
			}
		}
	})
}

func TestFolders(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		box := r.box()
		for name, use := range map[string]string{"Gesendet": "sent", "INBOX": "", "Trash": "trash", "Archive": "archive", "sent items": ""} {
			if got := r.folder(box, name, use); !got.Adopted {
				t.Errorf("%s was made, though Outlook has it", name)
			}
		}
		a := r.folder(box, "Ärger & Söhne 日本", "")
		in := r.folder(a.Stored.Item.Ref, "inside", "")
		again := r.folder(a.Stored.Item.Ref, "INSIDE", "")
		if a.Adopted || in.Adopted || !again.Adopted || again.Stored.Item.Ref != in.Stored.Item.Ref || in.Stored.Item.Parent != a.Stored.Item.Ref {
			t.Errorf("%+v %+v %+v", a, in, again)
		}
		it := in.Stored.Item.Clone()
		item.Name.Set(&it, "renamed")
		if got := r.write(connector.Change{Op: connector.Update, Item: it})[0]; item.Name.Get(got.Item) != "renamed" {
			t.Errorf("renamed to %+v", got.Item)
		}
		for _, f := range collect(t, r.dst.Find(t.Context(), box, time.Time{})) {
			if strings.Contains(item.Name.Get(f.Bundle.Item), "Conversation") {
				t.Error("a hidden folder is shown")
			}
		}
		yes := func(item.Bundle) bool { return true }
		for _, c := range []struct {
			ref  item.Ref
			want bool
		}{{a.Stored.Item.Ref, false}, {in.Stored.Item.Ref, true}, {a.Stored.Item.Ref, true}, {a.Stored.Item.Ref, true}, {r.folder(box, "INBOX", "").Stored.Item.Ref, false}, {box, false}} {
			if removed, err := r.dst.Delete(t.Context(), box, c.ref, yes); removed != c.want || err != nil {
				t.Errorf("%s: removed %v, %v", c.ref, removed, err)
			}
		}
	})
}

func TestMessages(t *testing.T) {
	modes(t, func(t *testing.T, r *rig) {
		box := r.box()
		in := r.folder(box, "Work", "").Stored.Item.Ref
		sets := [][]string{{}, {`\Seen`}, {`\Answered`, `\Flagged`, `\Seen`}, {`$Forwarded`, "Später", `\Flagged`}, {`\Draft`}}
		var changes []connector.Change
		for i := range 47 {
			changes = append(changes, letter(in, numbered(i), sets[i%len(sets)]...))
		}
		var stored []item.Bundle
		for part := range slices.Chunk(changes, messageBatch) {
			stored = append(stored, r.write(part...)...)
		}
		var refs []item.Ref
		for i, b := range stored {
			refs = append(refs, b.Item.Ref)
			want := slices.Sorted(slices.Values(sets[i%len(sets)]))
			if got := item.Flags.Get(b.Item); !slices.Equal(got, want) {
				t.Errorf("message %d has the flags %q, want %q", i, got, want)
			}
			if at := item.Received.Get(b.Item); !at.Equal(item.Received.Get(changes[i].Item)) {
				t.Errorf("message %d arrived at %v", i, at)
			}
		}
		if got := collect(t, r.dst.Fetch(t.Context(), box, append(refs, item.Ref{Kind: item.Message, ID: "gone"}))); !reflect.DeepEqual(got, stored) {
			t.Errorf("fetched\n%+v\nstored\n%+v", got, stored)
		}
		var listed []item.Bundle
		pages := collect(t, r.src.List(t.Context(), connector.Shard{Ref: box}, ""))
		for _, p := range pages {
			for _, b := range p.Bundles {
				if b.Item.Kind == item.Message {
					if b.Item.Blob.Bytes != -1 {
						t.Error("a size is told that Exchange does not keep")
					}
					if i := slices.Index(refs, b.Item.Ref); i >= 0 {
						b.Item.Blob.Bytes = stored[i].Item.Blob.Bytes
					}
					listed = append(listed, b)
				}
			}
		}
		byID := func(a, b item.Bundle) int { return strings.Compare(a.Item.ID, b.Item.ID) }
		slices.SortFunc(listed, byID)
		if !reflect.DeepEqual(listed, slices.SortedFunc(slices.Values(stored), byID)) || len(pages[len(pages)-1].Whole) != 2 {
			t.Errorf("%d are listed", len(listed))
		}
		if rest := collect(t, r.src.List(t.Context(), connector.Shard{Ref: box}, pages[0].Next)); len(rest) != len(pages)-1 {
			t.Errorf("%d pages after the first, want %d", len(rest), len(pages)-1)
		}
		n := 0
		for _, f := range collect(t, r.dst.Find(t.Context(), box, time.Now().Add(-time.Minute))) {
			if f.Bundle.Item.Kind == item.Message {
				if i := slices.Index(refs, f.Bundle.Item.Ref); i < 0 || f.Mark != changes[i].Mark {
					t.Errorf("message %d is found by %q", i, f.Mark)
				}
				n++
			}
		}
		if n != len(stored) {
			t.Errorf("%d are found", n)
		}
		// Whatever was imported is no draft unless it was one, where Exchange lets it.
		if r.srv.Letters(r.user)[0].Draft != r.keeps() {
			t.Error("a message is a draft")
		}
		body, err := r.src.Open(t.Context(), *stored[3].Item.Blob, 3, 7)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(body); err != nil || len(got) != 7 {
			t.Errorf("read %q, %v", got, err)
		}
		body.Close()

		// A changed flag changes a flag: nothing is imported again.
		up := connector.Change{Op: connector.Update, Item: stored[1].Item.Clone(), Prev: &stored[1]}
		item.Flags.Set(&up.Item, []string{`\Flagged`, "Now"})
		if got := r.write(up)[0]; !slices.Equal(item.Flags.Get(got.Item), []string{"Now", `\Flagged`}) || got.Item.Ref != stored[1].Item.Ref || len(r.srv.Letters(r.user)) != 47 {
			t.Errorf("updated to %+v", got.Item)
		}
		asked := 0
		for _, want := range []bool{false, true, true} {
			removed, err := r.dst.Delete(t.Context(), box, refs[2], func(b item.Bundle) bool {
				asked++
				return reflect.DeepEqual(b, stored[2]) && want
			})
			if removed != want || err != nil {
				t.Errorf("removed %v, %v", removed, err)
			}
		}
		if asked != 2 || len(r.srv.Letters(r.user)) != 46 {
			t.Errorf("asked %d times, %d messages are left", asked, len(r.srv.Letters(r.user)))
		}
	})
}

func (r *rig) keeps() bool { return r.cloud.(*cloud).keepDrafts }

// Where Exchange leaves imported messages as drafts, the first one shows it: it is
// removed again, and no other is sent.
func TestDraftsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{}, true)
		in := r.folder(r.box(), "Work", "").Stored.Item.Ref
		for i, res := range r.results(letter(in, numbered(1)), letter(in, numbered(2)), letter(in, numbered(3))) {
			if connector.ClassOf(res.Err) != connector.Unsupported || res.Err == nil || !strings.Contains(res.Err.Error(), "IMAP") {
				t.Errorf("message %d: %v", i, res.Err)
			}
		}
		if left := r.srv.Letters(r.user); len(left) != 0 {
			t.Errorf("%d messages are left", len(left))
		}
		if n := r.srv.Requests()["POST /users/{}/mailFolders/{}/messages"]; n != 1 {
			t.Errorf("%d messages were sent: %v", n, r.srv.Requests())
		}
	})
}

// What has no Message-ID, or an odd one, is found by the mark that its source gives it.
func TestMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{ClearsDrafts: true}, true)
		box := r.box()
		in := r.folder(box, "Work", "").Stored.Item.Ref
		var changes []connector.Change
		for mark, text := range map[string]string{
			"mid:0123456789abcdef@header.invalid": "Subject: none\r\n\r\nx",
			"mid:a@b":                             "Message-ID: <a@b>\r\n\r\nx",
			"mid:without%20brackets":              "Message-ID: without brackets\r\n\r\nx",
			"mid:other@mark":                      "Message-ID: <not@this>\r\n\r\nx",
		} {
			ch := letter(in, text)
			ch.Mark = mark
			changes = append(changes, ch)
		}
		r.write(changes...)
		var want, have []string
		for _, ch := range changes {
			want = append(want, ch.Mark)
		}
		for _, f := range collect(t, r.dst.Find(t.Context(), box, time.Time{})) {
			if f.Bundle.Item.Kind == item.Message {
				have = append(have, f.Mark)
			}
		}
		slices.Sort(want)
		slices.Sort(have)
		if !slices.Equal(want, have) {
			t.Errorf("found by %q, want %q", have, want)
		}
	})
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{ClearsDrafts: true}, true)
		in := r.folder(r.box(), "Work", "").Stored.Item.Ref
		short, long := letter(in, numbered(1)), letter(in, numbered(2))
		short.Item.Blob.Bytes++
		long.Item.Blob.Bytes--
		unknown := letter(in, numbered(3))
		unknown.Item.Blob.Bytes = -1
		for i, c := range []struct {
			ch   connector.Change
			want connector.Class
		}{
			{letter(in, strings.Repeat("x", mostMessage+1)), connector.Permanent},
			{letter(in, ""), connector.Permanent},
			{short, connector.Conflict},
			{long, connector.Conflict},
			{letter(item.Ref{Kind: item.Folder, ID: "gone"}, numbered(4)), connector.Gone},
			{letter(in, "Message-ID: <l@x>\r\n\r\n"+strings.Repeat("x", mostMessage-30)), ""},
			{unknown, ""},
		} {
			res := r.results(c.ch)[0]
			if c.want == "" && res.Err != nil || c.want != "" && (res.Err == nil || connector.ClassOf(res.Err) != c.want || connector.InDoubt(res.Err)) {
				t.Errorf("%d: %v", i, res.Err)
			}
		}
		if n := len(r.srv.Letters(r.user)); n != 2 {
			t.Errorf("%d messages are there", n)
		}
	})
}

// A create whose answer is lost, or whose second step fails, is in doubt and found by
// its mark.
func TestDoubt(t *testing.T) {
	for name, end := range map[string]string{"create": "/messages", "second step": "/$batch"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := tenant(t, standin.Options{ClearsDrafts: true}, true)
				box := r.box()
				in := r.folder(box, "Work", "").Stored.Item.Ref
				r.faults = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
					if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, end) {
						if end == "/messages" {
							r.srv.ServeHTTP(discard{http.Header{}}, q)
						}
						panic(http.ErrAbortHandler)
					}
					r.srv.ServeHTTP(w, q)
				})
				ch := letter(in, numbered(1), `\Flagged`)
				res := r.results(ch)[0]
				if res.Err == nil || !connector.InDoubt(res.Err) {
					t.Fatalf("got %v, want a doubt", res.Err)
				}
				r.faults = nil
				var there []item.Bundle
				for _, f := range collect(t, r.dst.Find(t.Context(), box, time.Now().Add(-time.Minute))) {
					if f.Mark == ch.Mark {
						there = append(there, f.Bundle)
					}
				}
				if len(there) != 1 {
					t.Fatalf("%d are found", len(there))
				}
				ch.Op, ch.Item.ID = connector.Update, there[0].Item.ID // as the engine ends what was half done
				if got := r.write(ch)[0]; !slices.Equal(item.Flags.Get(got.Item), []string{`\Flagged`}) || !item.Received.Get(got.Item).Equal(item.Received.Get(ch.Item)) {
					t.Errorf("ended as %+v", got.Item)
				}
			})
		})
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// No more requests are under way than a mailbox takes, and its documented limits are
// kept: of requests, and of bytes that are sent.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 60
		r := tenant(t, standin.Options{ClearsDrafts: true, Quotas: []standin.Quota{{Class: standin.Mail, Window: shared.Window{Max: 10000, Per: 10 * time.Minute, Phase: -1}}}}, true)
		in := r.folder(r.box(), "Work", "").Stored.Item.Ref
		var now, peak, sent atomic.Int64
		r.faults = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			n := now.Add(1)
			defer now.Add(-1)
			if strings.HasSuffix(q.URL.Path, "/$batch") {
				n += atATime - 1
			}
			for {
				was := peak.Load()
				if n <= was || peak.CompareAndSwap(was, n) {
					break
				}
			}
			sent.Add(max(q.ContentLength, 0))
			time.Sleep(100 * time.Millisecond)
			r.srv.ServeHTTP(w, q)
		})
		began := time.Now()
		text := strings.Repeat("x", mostMessage-200)
		for from := 0; from < most; from += messageBatch {
			var changes []connector.Change
			for i := range messageBatch {
				changes = append(changes, letter(in, numbered(from+i)+text))
			}
			r.write(changes...)
		}
		if peak.Load() > atATime || peak.Load() < 2 {
			t.Errorf("%d requests at once", peak.Load())
		}
		// Beyond 150 MB in five minutes the rest waits.
		if took := time.Since(began); sent.Load() < 225_000_000 || took < 2*time.Minute || took > 10*time.Minute {
			t.Errorf("%d bytes took %v", sent.Load(), took)
		}
		if n := r.stats.Refused.Load(); n != 0 {
			t.Errorf("%d requests were refused", n)
		}
	})
}
