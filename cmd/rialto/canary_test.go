package main

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// A canary is 256 random bits that stand in what moves, so that they betray
// where content went, however it was written down.
type canary struct {
	raw   []byte
	forms map[string][]byte // what to look for, by its name
}

func newCanary() *canary {
	c := &canary{raw: make([]byte, 32), forms: map[string][]byte{}}
	rand.Read(c.raw) // never fails, as its documentation says
	// A half is enough to be sure, and finds what a buffer's end cut in two.
	for i, half := range [][]byte{c.raw[:16], c.raw[16:]} {
		text := hex.EncodeToString(half)
		for name, form := range map[string][]byte{
			"raw":             half,
			"hex":             []byte(text),
			"upper hex":       []byte(strings.ToUpper(text)),
			"UTF-16":          wide(text, binary.LittleEndian),
			"big UTF-16":      wide(text, binary.BigEndian),
			"base64 of hex 0": inner(base64.StdEncoding, []byte(text), 0),
			"base64 of hex 1": inner(base64.StdEncoding, []byte(text), 1),
			"base64 of hex 2": inner(base64.StdEncoding, []byte(text), 2),
		} {
			c.forms[fmt.Sprint(name, ", half ", i)] = form
		}
		for shift := range 3 {
			c.forms[fmt.Sprint("base64 ", shift, ", half ", i)] = inner(base64.StdEncoding, half, shift)
			c.forms[fmt.Sprint("URL base64 ", shift, ", half ", i)] = inner(base64.URLEncoding, half, shift)
		}
	}
	return c
}

// text is the canary as it stands in titles, comments and tokens.
func (c *canary) text() string { return hex.EncodeToString(c.raw) }

// blob makes n bytes that are full of the canary.
func (c *canary) blob(n int) []byte { return bytes.Repeat(c.raw, n/len(c.raw)+1)[:n] }

func wide(s string, order binary.AppendByteOrder) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, u)
	}
	return out
}

// inner is what base64 makes of bytes that stand shift bytes behind a multiple
// of three, without the characters that its neighbours have a part in.
func inner(e *base64.Encoding, b []byte, shift int) []byte {
	s := e.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, shift), b...))
	from := (shift*8 + 5) / 6
	to := (shift + len(b)) * 8 / 6
	return []byte(s[from:to])
}

// in names the forms in which data holds the canary, also within compressed
// streams.
func (c *canary) in(data []byte) []string {
	out := c.plain(data)
	for _, z := range []struct {
		name  string
		magic []byte
		open  func(io.Reader) (io.ReadCloser, error)
	}{
		{"gzip", []byte{0x1f, 0x8b, 0x08}, func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
		{"zlib", []byte{0x78, 0x9c}, zlib.NewReader}, {"zlib", []byte{0x78, 0x01}, zlib.NewReader}, {"zlib", []byte{0x78, 0xda}, zlib.NewReader},
	} {
		for at := 0; ; at++ {
			i := bytes.Index(data[at:], z.magic)
			if i < 0 {
				break
			}
			at += i
			r, err := z.open(bytes.NewReader(data[at:]))
			if err != nil {
				continue
			}
			// What was read before an error counts: chance makes false beginnings.
			plain, _ := io.ReadAll(io.LimitReader(r, 64<<20))
			for _, name := range c.in(plain) {
				out = append(out, z.name+" of "+name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// plain names the forms that stand in data as they are.
func (c *canary) plain(data []byte) (out []string) {
	for name, form := range c.forms {
		if bytes.Contains(data, form) {
			out = append(out, name)
		}
	}
	return out
}

// below names the files below folders that hold the canary, or are named for it.
func (c *canary) below(t testing.TB, dirs ...string) []string {
	t.Helper()
	var out []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			if found := c.in([]byte(d.Name())); len(found) > 0 {
				out = append(out, fmt.Sprintf("the name of %s holds it: %v", path, found))
			}
			data, err := os.ReadFile(path)
			if found := c.in(data); len(found) > 0 {
				out = append(out, fmt.Sprintf("%s holds it: %v", path, found))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestCanaryIsFound proves that a search which finds nothing means something.
func TestCanaryIsFound(t *testing.T) {
	c := newCanary()
	squeezed := func(w func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		z := w(&b)
		z.Write(c.blob(1000))
		z.Close()
		return b.Bytes()
	}
	for name, data := range map[string][]byte{
		"raw":         c.raw,
		"a half":      c.raw[:20],
		"hex":         []byte(c.text()),
		"upper hex":   []byte(strings.ToUpper(c.text())),
		"UTF-16":      wide(c.text(), binary.LittleEndian),
		"JSON":        fmt.Appendf(nil, "%q", c.text()),
		"base64":      []byte(base64.StdEncoding.EncodeToString(c.raw)),
		"base64 of 1": []byte(base64.StdEncoding.EncodeToString(append([]byte{1}, c.blob(100)...))),
		"base64 of 2": []byte(base64.StdEncoding.EncodeToString(append([]byte{1, 2}, c.blob(100)...))),
		"URL base64":  []byte(base64.RawURLEncoding.EncodeToString(append([]byte("ab"), c.raw...))),
		"text base64": []byte(base64.StdEncoding.EncodeToString([]byte("title: " + c.text()))),
		"gzip":        squeezed(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
		"zlib":        squeezed(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }),
	} {
		within := slices.Concat(newCanary().blob(500), data, newCanary().blob(500))
		if len(c.in(within)) == 0 {
			t.Errorf("%s is not found", name)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"), within, 0o600); err != nil {
			t.Fatal(err)
		}
		if len(c.below(t, dir)) == 0 {
			t.Errorf("%s is not found in a file", name)
		}
	}
	if found := c.in(slices.Concat(newCanary().blob(1<<20), []byte(newCanary().text()))); len(found) > 0 {
		t.Errorf("found where it is not: %v", found)
	}
}
