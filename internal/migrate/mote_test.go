package migrate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"unsafe"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// TestVerifyInTurns compares more files than are held at once: what differs is found in
// whichever turn it comes, once.
func TestVerifyInTurns(t *testing.T) {
	for _, most := range []int{1, 3, 10, 1000} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			from, to := newTree("/src"), newTree("/dst")
			h := newHaul(t, from, to)
			h.spec.Policies.Deletions = "keep"
			for i := range 40 {
				from.put(fmt.Sprintf("dir %d/%d.txt", i%4, i), fmt.Sprint("text ", i))
			}
			verify := func(want string) *Verdict {
				t.Helper()
				e := h.engine()
				e.mostMotes = most
				v, err := e.Verify(t.Context(), false)
				if err != nil || v.Status != want {
					t.Fatalf("verify: %v, %+v, want %s", err, v, want)
				}
				return v
			}
			if _, err := h.engine().Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if v := verify("equal"); v.Kinds[item.File] != (Compared{Source: 40, Target: 40}) || v.Kinds[item.Folder] != (Compared{Source: 4, Target: 4}) || v.Blobs.Told != 40 || v.Shards[0].Items != 45 || len(v.Extra) > 0 {
				t.Errorf("verify: %+v", v)
			}
			from.put("dir 0/40.txt", "not moved yet")
			from.put("dir 1/1.txt", "edited")
			from.drop("dir 2/2.txt")
			to.put("dir 3/people's.txt", "extra")
			to.put("dir 0/4.txt", "people's")
			to.drop("dir 3/3.txt")
			v := verify("differs")
			if v.Kinds[item.File] != (Compared{Source: 40, Target: 38, Differences: 6}) || len(v.Differences) != 6 || v.Outlived != 1 || v.Extra[item.File] != 1 || v.Edited != 2 || v.Failed != 1 {
				t.Errorf("verify: %+v", v)
			}
		})
	}
}

// TestVerifyReads reads the files of clouds that tell no hashes at both ends, and asks for
// none by itself first.
func TestVerifyReads(t *testing.T) {
	from, to := newTree("/src"), newTree("/dst")
	from.mute, to.mute = true, true
	h := newHaul(t, from, to)
	for i := range 20 {
		from.put(fmt.Sprintf("dir %d/%d.txt", i%4, i), fmt.Sprint("text ", i))
	}
	if _, err := h.engine().Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked, reads := to.asked, to.reads
	v, err := h.engine().Verify(t.Context(), false)
	if err != nil || v.Status != "equal" || v.Blobs.Files != 20 || v.Blobs.Told != 0 || to.asked != asked || to.reads != reads+20 {
		t.Errorf("verify: %v, %+v; %d files were asked for and %d read", err, v, to.asked-asked, to.reads-reads)
	}
	to.mu.Lock()
	to.nodes["/dst/dir 1/1.txt"].data = []byte("tixt 1") // nothing but the bytes tells
	to.mu.Unlock()
	if v, err := h.engine().Verify(t.Context(), false); err != nil || v.Status != "differs" || v.Blobs.Differences != 1 {
		t.Errorf("verify of other bytes: %v, %+v", err, v)
	}
}

// TestMotesAreSmall keeps what a comparison holds of a file within what its comment
// says.
func TestMotesAreSmall(t *testing.T) {
	if n := unsafe.Sizeof(mote{}); n > 56 {
		t.Errorf("a mote takes %d bytes", n)
	}
	const files = 20_000
	from, to := newTree("/src"), newTree("/dst")
	h := newHaul(t, from, to)
	for i := range files {
		from.put(fmt.Sprintf("dir %d/a name of usual length %d.docx", i%100, i), "text")
	}
	if _, err := h.engine().Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	e := h.engine()
	if err := e.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := &verifier{e: e, there: to, mostMotes: mostMotes, out: &Verdict{}}
	held := newHeld(item.Ref{Kind: item.Drive, ID: "/dst"})
	before := heap()
	if err := v.read(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	each := int64(heap()-before) / files
	if len(held.motes) != files || each > 100 {
		t.Errorf("%d files are held in %d bytes each", len(held.motes), each)
	}
	runtime.KeepAlive(held)
}

// TestHashOfWhatBreaksOff reads a blob whose stream breaks off again and again.
func TestHashOfWhatBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := bytes.Repeat([]byte("0123456789"), 1000)
		breaks := 4
		open := func(_ context.Context, _ item.Blob, offset, _ int64) (io.ReadCloser, error) {
			rest := content[offset:]
			if breaks--; breaks >= 0 {
				return io.NopCloser(io.MultiReader(bytes.NewReader(rest[:len(rest)/2]), iotest.ErrReader(connector.Errorf(connector.Transient, "it broke off")))), nil
			}
			return io.NopCloser(bytes.NewReader(rest)), nil
		}
		sum, size, err := hashOf(t.Context(), open, item.Blob{})
		if want := sha256.Sum256(content); err != nil || size != int64(len(content)) || !bytes.Equal(sum, want[:]) {
			t.Errorf("%d bytes of %d are hashed: %v", size, len(content), err)
		}
		breaks = mostReads + 1
		if _, _, err := hashOf(t.Context(), open, item.Blob{}); connector.ClassOf(err) != connector.Transient {
			t.Errorf("a stream that never ends well ends with %v", err)
		}
	})
}
