package microsoft

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

func TestLimitsOf(t *testing.T) {
	told := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	whole := []connector.Sample{{Quota: "resource units", Limit: 1200, Remaining: 120, Window: time.Minute, Reset: 5 * time.Second}}
	for what, c := range map[string]struct {
		class string
		h     http.Header
		want  []connector.Sample
	}{
		"all headers":          {ClassFiles, told("RateLimit-Limit", "1200", "RateLimit-Remaining", "120", "RateLimit-Reset", "5"), whole},
		"the limit alone":      {ClassFiles, told("RateLimit-Limit", "1200"), []connector.Sample{{Quota: "resource units", Limit: 1200, Remaining: -1, Window: time.Minute}}},
		"nothing":              {ClassFiles, told(), nil},
		"no number":            {ClassFiles, told("RateLimit-Limit", "many"), nil},
		"of another service's": {"", told("RateLimit-Limit", "1200"), nil},
	} {
		if got := limitsOf(c.class, http.StatusOK, c.h); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
	}
}
