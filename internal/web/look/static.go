package look

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed static
var files embed.FS

// An asset is one file that pages load, under an address that changes with its
// content.
type asset struct {
	kind         string // of its content
	text, packed []byte
}

func (l *Look) readAssets() error {
	l.assets, l.addresses = map[string]*asset{}, map[string]string{}
	entries, err := files.ReadDir("static")
	if err != nil {
		return fmt.Errorf("look: %w", err)
	}
	for _, e := range entries {
		text, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			return fmt.Errorf("look: %w", err)
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write(text); err != nil {
			return fmt.Errorf("look: %w", err)
		}
		if err := z.Close(); err != nil {
			return fmt.Errorf("look: %w", err)
		}
		sum := sha256.Sum256(text)
		ext := path.Ext(e.Name())
		address := "/static/" + strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		l.assets[address] = &asset{mime.TypeByExtension(ext), text, packed.Bytes()}
		l.addresses[e.Name()] = address
	}
	return nil
}

// address is where a file of static/ is served.
func (l *Look) address(file string) (string, error) {
	a, ok := l.addresses[file]
	if !ok {
		return "", fmt.Errorf("look: there is no file %s", file)
	}
	return a, nil
}

// Static serves the files that pages load, below /static/. Their names hold a hash
// of their content, so a browser asks for each once.
func (l *Look) Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := l.assets[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h, text := w.Header(), a.text
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			text = a.packed
		}
		h.Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = w.Write(text) // a visitor who left needs nothing more
	})
}
