package microsoft

import (
	"net/http"
	"strconv"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// ClassFiles is the class of calls that SharePoint and OneDrive answer. Their cost is
// in resource units: 1 for an item, a page of changes or a download, 2 for a listing
// or a write, 5 for permissions
// (https://learn.microsoft.com/en-us/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online).
const ClassFiles = "files"

// limitsOf reads the headers by which SharePoint tells, from 80 % of use on, how many
// resource units are left in a minute.
func limitsOf(class string, _ int, h http.Header) []connector.Sample {
	limit, err := strconv.Atoi(h.Get("RateLimit-Limit"))
	if class != ClassFiles || err != nil || limit <= 0 {
		return nil
	}
	s := connector.Sample{Quota: "resource units", Limit: limit, Remaining: -1, Window: time.Minute}
	if n, err := strconv.Atoi(h.Get("RateLimit-Remaining")); err == nil && n >= 0 {
		s.Remaining = n
	}
	if n, err := strconv.Atoi(h.Get("RateLimit-Reset")); err == nil && n > 0 {
		s.Reset = time.Duration(n) * time.Second
	}
	return []connector.Sample{s}
}
