package redmine

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// What stands for a list.
const (
	asCategory = "category"
	asVersion  = "version"
	asStatus   = "status"
)

// A config is a connection's settings, read.
type config struct {
	base    *url.URL // nil if it is not set; its path has no slash at the end
	key     string
	listsAs string
	tracker string
	role    string
	text    connector.Format
	// switchUser: comments are written as their authors.
	switchUser bool
	settle     time.Duration
	limit      int64 // bytes of the largest attachment
	labels     int   // the custom field that holds labels; 0 if there is none
	// priorities are the numbers of Redmine's priorities by ours, as learned;
	// nil if nothing was learned.
	priorities map[string]int
}

// priorityOrder lists the priorities that can be told from Redmine's default.
var priorityOrder = [...]string{"urgent", "important", "low"}

// parseConfig reads settings. On an error the config holds the defaults for
// what could not be read.
func parseConfig(s connector.Settings) (config, error) {
	c := config{key: s[setKey], listsAs: asCategory, tracker: s[setTracker], role: s[setRole], text: connector.Textile,
		settle: 30 * time.Second, limit: 5120 << 10}
	var first error
	bad := func(name, hint string) {
		if first == nil {
			first = connector.Errorf(connector.Permanent, "the setting %s cannot be read", name).WithHint(hint)
		}
	}
	if v := s[connector.SettingURL]; v != "" {
		u, err := url.Parse(strings.TrimRight(v, "/"))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			bad(connector.SettingURL, "write the server's address, such as https://redmine.example.org")
		} else {
			c.base = u
		}
	}
	switch v := s[setListsAs]; v {
	case "":
	case asCategory, asVersion, asStatus:
		c.listsAs = v
	default:
		bad(setListsAs, "write category, version or status")
	}
	switch v := s[setText]; v {
	case "", string(connector.Textile):
	case string(connector.Markdown):
		c.text = connector.Markdown
	default:
		bad(setText, "write textile or markdown")
	}
	switch v := s[setSwitchUser]; v {
	case "", "auto":
		c.switchUser = s[setAdmin] == "yes"
	case "off":
	default:
		bad(setSwitchUser, "write auto or off")
	}
	if v := s[setSettle]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			bad(setSettle, "write a time such as 30s or 2m")
		} else {
			c.settle = d
		}
	}
	if v := s[setLimit]; v != "" {
		n, err := strconv.ParseInt(v, 10, 40)
		if err != nil || n <= 0 {
			bad(setLimit, "write a number of kB, such as 5120")
		} else {
			c.limit = n << 10
		}
	}
	if v := s[setLabels]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n <= 0 {
			bad(setLabels, "write the number of a custom field, as its address in Administration, Custom fields shows it")
		} else {
			c.labels = n
		}
	}
	if v, ok := s[setPriorities]; ok {
		p, ok := parsePriorities(v)
		if !ok {
			bad(setPriorities, "write urgent=4,important=3,low=1 with the numbers of the server's priorities")
		} else {
			c.priorities = p
		}
	}
	return c, first
}

func parsePriorities(s string) (map[string]int, bool) {
	out := map[string]int{}
	if s == "" {
		return out, true
	}
	for part := range strings.SplitSeq(s, ",") {
		name, num, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(num)
		if err != nil || n <= 0 || !slices.Contains(priorityOrder[:], name) {
			return nil, false
		}
		out[name] = n
	}
	return out, true
}

func formatPriorities(p map[string]int) string {
	var parts []string
	for _, name := range priorityOrder {
		if n, ok := p[name]; ok {
			parts = append(parts, name+"="+itoa(n))
		}
	}
	return strings.Join(parts, ",")
}

// cutPlace returns the project that a place names.
func cutPlace(place string) (string, bool) {
	name, ok := strings.CutPrefix(place, "project:")
	return name, ok && name != ""
}
