package standin

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

func bytesOf(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func (n *tenant) drive() string {
	n.t.Helper()
	return "/drives/" + n.do("GET", "/groups/"+n.group+"/drive", nil).want(200).str("id")
}

func (n *tenant) put(path string, data []byte) got {
	n.t.Helper()
	return n.raw("PUT", "/v1.0"+path, http.Header{"Authorization": {"Bearer " + n.app}, "Content-Type": {"application/octet-stream"}}, bytes.NewReader(data))
}

// download follows the redirect, without the token.
func (n *tenant) download(path string, h http.Header) got {
	n.t.Helper()
	g := n.do("GET", path+"/content", nil).want(302)
	return n.raw("GET", g.header.Get("Location"), h, nil)
}

func TestFiles(t *testing.T) {
	n := start(t, Options{})
	d := n.drive()
	root := n.do("GET", d+"/root", nil).want(200)
	if root.body["root"] == nil || root.body["folder"].(map[string]any)["childCount"] != 0.0 {
		t.Errorf("the root is %s", root.raw)
	}
	folder := n.do("POST", d+"/root/children", object{"name": "Rialto files", "folder": object{}, "@microsoft.graph.conflictBehavior": "fail"}).want(201)
	n.do("POST", d+"/root/children", object{"name": "rialto FILES", "folder": object{}}).refused(409, "nameAlreadyExists", "already exists")
	if g := n.do("POST", d+"/root/children", object{"name": "Rialto files", "folder": object{}, "@microsoft.graph.conflictBehavior": "rename"}).want(201); g.str("name") != "Rialto files 1" {
		t.Errorf("renamed to %s", g.str("name"))
	}
	if g := n.do("POST", d+"/root/children", object{"name": "Rialto files", "folder": object{}, "@microsoft.graph.conflictBehavior": "replace"}).want(200); g.str("id") != folder.str("id") {
		t.Error("a folder was replaced by another")
	}
	data := bytesOf(200_000, 1)
	file := n.put(d+"/items/"+folder.str("id")+":/r%C3%A9sum%C3%A9%20%231.pdf:/content", data).want(201)
	if file.str("name") != "résumé #1.pdf" || file.body["size"] != 200000.0 || file.body["file"].(map[string]any)["mimeType"] != "application/octet-stream" || file.str("@microsoft.graph.downloadUrl") == "" {
		t.Errorf("the file is %s", file.raw)
	}
	item := d + "/items/" + file.str("id")
	if g := n.download(item, nil).want(200); sha256.Sum256(g.raw) != sha256.Sum256(data) {
		t.Error("other bytes come back")
	}
	if g := n.download(item, http.Header{"Range": {"bytes=70000-70009"}}).want(206); !bytes.Equal(g.raw, data[70000:70010]) || g.header.Get("Content-Range") != "bytes 70000-70009/200000" {
		t.Errorf("a range brings %x, %s", g.raw, g.header.Get("Content-Range"))
	}
	if g := n.raw("GET", file.str("@microsoft.graph.downloadUrl"), nil, nil).want(200); len(g.raw) != 200000 {
		t.Error("the downloadUrl brings something else")
	}
	if g := n.raw("GET", file.str("webUrl"), nil, nil).want(200); len(g.raw) != 200000 {
		t.Error("the webUrl brings something else")
	}
	byPath := n.do("GET", d+"/root:/Rialto%20files/R%C3%89SUM%C3%89%20%231.pdf", nil).want(200)
	if byPath.str("id") != file.str("id") {
		t.Error("the path leads elsewhere")
	}
	n.do("GET", d+"/root:/Rialto%20files/none.pdf", nil).refused(404, "itemNotFound", "")
	n.do("GET", d+"/root:/none/none.pdf", nil).refused(404, "itemNotFound", "")
	if got := n.do("GET", d+"/root:/Rialto%20files:/children", nil).want(200).list(); len(got) != 1 {
		t.Errorf("the folder holds %v", got)
	}
	if got := n.do("GET", "/groups/"+n.group+"/drive/root/children?$top=1&$select=id,name", nil).want(200); len(got.list()) != 1 || got.body["@odata.nextLink"] == nil {
		t.Errorf("a page of one is %s", got.raw)
	}

	// Uploads make the folders on their way.
	deep := n.put(d+"/root:/a/b/c.txt:/content", []byte("deep")).want(201)
	if p := deep.body["parentReference"].(map[string]any)["path"].(string); !strings.HasSuffix(p, "/root:/a/b") {
		t.Errorf("it lies at %s", p)
	}
	again := n.put(d+"/root:/a/b/c.txt:/content", []byte("deeper")).want(200)
	if again.str("id") != deep.str("id") || again.str("eTag") == deep.str("eTag") || again.body["size"] != 6.0 {
		t.Errorf("replaced, it is %s", again.raw)
	}
	n.put(d+"/root:/a/b/c.txt:/content?@microsoft.graph.conflictBehavior=fail", []byte("x")).refused(409, "nameAlreadyExists", "")
	if g := n.put(d+"/root:/a/b/c.txt:/content?@microsoft.graph.conflictBehavior=rename", []byte("x")).want(201); g.str("name") != "c 1.txt" {
		t.Errorf("renamed to %s", g.str("name"))
	}
	n.put(d+"/items/"+deep.str("id")+"/content", nil).want(200)
	if g := n.download(d+"/items/"+deep.str("id"), nil).want(200); len(g.raw) != 0 {
		t.Error("an empty file has bytes")
	}
	for _, bad := range []string{"a%3Ab", "%20a", "a.", "CON", "a%22b", "~$a", "x_vti_y", strings.Repeat("x", 256), "a%07"} {
		n.put(d+"/root:/"+bad+":/content", []byte("x")).refused(400, "invalidRequest", "illegal characters")
	}
	n.raw("PUT", "/v1.0"+d+"/root:/x:/content", nil, strings.NewReader("x")).refused(401, "InvalidAuthenticationToken", "")

	info := n.do("PATCH", item, object{"name": "renamed.pdf", "description": "d", "fileSystemInfo": object{"createdDateTime": "2015-01-02T03:04:05Z"}}).want(200)
	if info.str("name") != "renamed.pdf" || info.body["fileSystemInfo"].(map[string]any)["createdDateTime"] != "2015-01-02T03:04:05Z" || info.str("description") != "d" {
		t.Errorf("changed to %s", info.raw)
	}
	n.do("DELETE", item, nil, ifMatchOf(file.str("eTag"))).refused(412, "notAllowed", "")
	n.do("DELETE", item, nil, ifMatchOf(info.str("eTag"))).want(204)
	n.do("GET", item, nil).refused(404, "itemNotFound", "")
	n.do("GET", item+"/content", nil).want(404)
	n.raw("GET", file.str("@microsoft.graph.downloadUrl"), nil, nil).want(404)
	n.do("DELETE", d+"/root:/a", nil).want(204)
	n.do("GET", d+"/items/"+deep.str("id"), nil).want(404)
	n.do("DELETE", d+"/root", nil).want(403)
	n.do("GET", d+"/root/content", nil).want(400)
	n.do("GET", "/drives/b!none", nil).want(404)

	link := n.put(d+"/root:/l.txt:/content", []byte("l")).want(201).str("@microsoft.graph.downloadUrl")
	n.clock.move(downloadLife)
	n.raw("GET", link, nil, nil).want(404)
	bob, err := n.Token(n.bob)
	if err != nil {
		t.Fatal(err)
	}
	n.as(bob, "GET", d+"/root", nil).refused(403, "accessDenied", "")
}

// An upload session's chunk.
func (n *tenant) chunk(address string, data []byte, from, total int, h ...string) got {
	n.t.Helper()
	header := http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", from, from+len(data)-1, total)}}
	for _, line := range h {
		k, v, _ := strings.Cut(line, ": ")
		header.Set(k, v)
	}
	return n.raw("PUT", address, header, bytes.NewReader(data))
}

func TestUploadSession(t *testing.T) {
	n := start(t, Options{})
	d := n.drive()
	const unit = 320 << 10
	data := bytesOf(2*unit+1000, 2)
	session := n.do("POST", d+"/root:/big/file.bin:/createUploadSession", object{"item": object{"@microsoft.graph.conflictBehavior": "fail", "name": "file.bin", "fileSize": len(data),
		"fileSystemInfo": object{"lastModifiedDateTime": "2014-05-06T07:08:09Z"}}}).want(200)
	at := session.str("uploadUrl")
	if fmt.Sprint(session.body["nextExpectedRanges"]) != "[0-]" || session.body["expirationDateTime"] == nil {
		t.Errorf("the session is %s", session.raw)
	}
	total := len(data)
	n.chunk(at, data[:unit], 0, total, "Authorization: Bearer "+n.app).refused(401, "unauthenticated", "")
	n.chunk(at, data[:1000], 0, total).refused(400, "invalidRequest", "multiple of 327680")
	n.chunk(at, data[unit:2*unit], unit, total).refused(416, "invalidRange", "out of order")
	n.raw("PUT", at, http.Header{"Content-Range": {"bytes 0-x/9"}}, bytes.NewReader(data[:9])).refused(400, "invalidRequest", "Content-Range")
	n.raw("PUT", at, http.Header{"Content-Range": {"bytes 0-8/9"}}, bytes.NewReader(data[:4])).refused(400, "invalidRequest", "Content-Length")
	if g := n.chunk(at, data[:unit], 0, total).want(202); fmt.Sprint(g.body["nextExpectedRanges"]) != fmt.Sprintf("[%d-]", unit) {
		t.Errorf("after the first chunk %s", g.raw)
	}
	n.chunk(at, data[:unit], 0, total).refused(416, "invalidRange", "")
	n.chunk(at, data[unit:2*unit], unit, total+1).refused(400, "invalidRequest", "total size")
	n.clock.move(14 * time.Minute)
	n.chunk(at, data[unit:2*unit], unit, total).want(202)
	if g := n.raw("GET", at, nil, nil).want(200); fmt.Sprint(g.body["nextExpectedRanges"]) != fmt.Sprintf("[%d-]", 2*unit) {
		t.Errorf("the status is %s", g.raw)
	}
	n.clock.move(14 * time.Minute) // each chunk moved the end on
	done := n.chunk(at, data[2*unit:], 2*unit, total).want(201)
	if done.body["size"] != float64(total) || done.body["fileSystemInfo"].(map[string]any)["lastModifiedDateTime"] != "2014-05-06T07:08:09Z" {
		t.Errorf("the file is %s", done.raw)
	}
	if g := n.download(d+"/items/"+done.str("id"), nil).want(200); sha256.Sum256(g.raw) != sha256.Sum256(data) {
		t.Error("other bytes come back")
	}
	n.raw("GET", at, nil, nil).refused(404, "itemNotFound", "")

	// Conflicts.
	n.do("POST", d+"/root:/big/file.bin:/createUploadSession", object{"item": object{"@microsoft.graph.conflictBehavior": "fail"}}).refused(409, "nameAlreadyExists", "")
	n.do("POST", d+"/root:/big/file.bin:/createUploadSession", object{"item": object{"name": "other.bin"}}).refused(400, "invalidRequest", "name")
	n.do("POST", d+"/root:/big/file.bin:/createUploadSession", object{"item": object{"size": 7}}).refused(400, "invalidRequest", "size")
	later := n.do("POST", d+"/root:/big/two.bin:/createUploadSession", nil).want(200).str("uploadUrl")
	n.put(d+"/root:/big/two.bin:/content", []byte("first")).want(201)
	n.chunk(later, []byte("second"), 0, 6).refused(409, "nameAlreadyExists", "Another file exists")
	for behavior, want := range map[string]int{"replace": 200, "rename": 201} {
		s := n.do("POST", d+"/root:/big/two.bin:/createUploadSession", object{"item": object{"@microsoft.graph.conflictBehavior": behavior}}).want(200).str("uploadUrl")
		if g := n.chunk(s, []byte(behavior), 0, len(behavior)).want(want); (g.str("name") == "two.bin") != (behavior == "replace") {
			t.Errorf("%s makes %s", behavior, g.str("name"))
		}
	}
	byID := n.do("POST", d+"/items/"+done.str("id")+"/createUploadSession", nil).want(200).str("uploadUrl")
	if g := n.chunk(byID, []byte("new"), 0, 3).want(200); g.str("id") != done.str("id") {
		t.Error("an update made another file")
	}

	gone := n.do("POST", d+"/root:/x.bin:/createUploadSession", nil).want(200).str("uploadUrl")
	n.raw("DELETE", gone, nil, nil).want(204)
	n.raw("GET", gone, nil, nil).want(404)
	old := n.do("POST", d+"/root:/x.bin:/createUploadSession", nil).want(200).str("uploadUrl")
	n.clock.move(uploadLife)
	n.chunk(old, []byte("x"), 0, 1).want(404)
}

func TestADriveCanBeFull(t *testing.T) {
	l := DefaultLimits()
	l.DriveBytes, l.SimpleUploadBytes, l.ChunkMaxBytes = 1000, 600, 320<<10
	n := start(t, Options{Limits: &l})
	d := n.drive()
	n.put(d+"/root:/a:/content", make([]byte, 601)).want(413)
	n.put(d+"/root:/a:/content", make([]byte, 600)).want(201)
	n.put(d+"/root:/b:/content", make([]byte, 600)).refused(507, "quotaLimitReached", "")
	n.put(d+"/root:/a:/content", make([]byte, 500)).want(200)
	n.do("POST", d+"/root:/b:/createUploadSession", object{"item": object{"fileSize": 600}}).refused(507, "quotaLimitReached", "")
	at := n.do("POST", d+"/root:/b:/createUploadSession", nil).want(200).str("uploadUrl")
	n.chunk(at, make([]byte, 320<<10), 0, 1<<20).want(413)
	n.do("DELETE", d+"/root:/a", nil).want(204)
	n.put(d+"/root:/b:/content", make([]byte, 600)).want(201)
	if q := n.do("GET", d, nil).want(200).body["quota"].(map[string]any); q["used"] != 600.0 {
		t.Errorf("the quota says %v", q)
	}
}

// The sum of an empty file is all zero; one byte lies at the beginning of the
// ring, and the length is over its end (docs: quickxorhash).
func TestQuickXor(t *testing.T) {
	sum := func(parts ...string) []byte {
		var q quickXor
		n := 0
		for _, p := range parts {
			q.Write([]byte(p))
			n += len(p)
		}
		b, err := base64.StdEncoding.DecodeString(q.sum(int64(n)))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(sum(""), make([]byte, 20)) {
		t.Error("the sum of nothing is not zero")
	}
	want := make([]byte, 20)
	want[0], want[1], want[2], want[12] = 'a', 'b'<<3&0xff, byte('b'>>5), 2
	if got := sum("ab"); !bytes.Equal(got, want) {
		t.Errorf("the sum of ab is %x, want %x", got, want)
	}
	long := string(bytesOf(1000, 3))
	if !bytes.Equal(sum(long), sum(long[:333], long[333:])) {
		t.Error("the sum depends on how the bytes come")
	}
}

func FuzzSplitPath(f *testing.F) {
	for _, in := range []string{"drives/d/root:/a%20b/c:/content", "drives/d/items/x:/y", "groups/g", ":", "a:/:/:", "%zz"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		segs, err := splitPath(in)
		if err == nil && len(segs) == 0 {
			t.Errorf("%q has no segments", in)
		}
	})
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-25/128")
	f.Fuzz(func(t *testing.T, in string) {
		if first, last, total, ok := parseRange(in); ok && (first < 0 || last < first || total <= last) {
			t.Errorf("%q was read as %d-%d/%d", in, first, last, total)
		}
	})
}
