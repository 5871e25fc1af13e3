package look

import (
	"maps"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/internal/web/browsertest"
)

// TestGallery opens each page of the gallery in a browser, searches it for what keeps
// people from using it, and takes pictures.
func TestGallery(t *testing.T) {
	_, h := served(t)
	server := httptest.NewServer(h)
	defer server.Close()
	b := browsertest.Start(t)
	for _, path := range slices.Sorted(maps.Keys(gallery())) {
		t.Run(path, func(t *testing.T) {
			p := b.Page(t)
			p.Open(server.URL + path)
			p.Pictures("look" + map[bool]string{true: "", false: "-"}[path == "/"] + path[1:])
			p.Axe()
			for _, width := range []int64{360, 768, 1600} {
				p.Width(width)
				p.Fits()
			}
		})
	}
}
