package planner

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// TestHints follows the examples of
// https://learn.microsoft.com/en-us/graph/api/resources/planner-order-hint-format
func TestHints(t *testing.T) {
	for _, tc := range []struct{ prev, next, want string }{
		{"", "5637", " 5637!"},
		{"5637", "adhg", "5637 adhg!"},
		{"adhg", "", "adhg !"},
		{"adhg !", "", "adhg ! !"},
		{" 5637!", "5637 adhg!", " 5637! 5637 adhg!!"},
		{"", "", " !"},
		{"", " !", "  !!"},
		{" !", "", " ! !"},
	} {
		if got := between(tc.prev, tc.next); got != tc.want {
			t.Errorf("between %q and %q: %q, want %q", tc.prev, tc.next, got, tc.want)
		}
	}
	got, o := []string{"a"}, order{"a", "b"}
	for range 20 {
		got = append(got, o.take().hint)
	}
	if got = append(got, "b"); !slices.IsSorted(got) {
		t.Errorf("a chain does not sort as it shall stand: %q", got)
	}
}

func TestStartAfter(t *testing.T) {
	all := []sibling{{"1", "a"}, {"2", "b"}, {"3", "c"}}
	for _, tc := range []struct {
		name   string
		after  string
		moving []string
		want   order
	}{
		{"first", "", nil, order{next: "a"}},
		{"middle", "2", nil, order{"b", "c"}},
		{"last", "3", nil, order{prev: "c"}},
		{"first, and it is the one that moves", "", []string{"1"}, order{next: "b"}},
		{"what moves does not count", "1", []string{"2"}, order{"a", "c"}},
		{"gone: at the end", "9", nil, order{prev: "c"}},
		{"alone", "", []string{"1", "2", "3"}, order{}},
		{"gone, alone", "9", []string{"1", "2", "3"}, order{}},
	} {
		if got := startAfter([]sibling{{"1", "a"}, {"2", "a"}, {"3", "c"}}, "1", nil); got != (order{"a", "c"}) {
			t.Errorf("between two equal hints: %+v", got)
		}
		if got := startAfter(all, tc.after, tc.moving); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func TestReferenceKeys(t *testing.T) {
	for address, key := range map[string]string{
		"https://contoso.sharepoint.com/teams/agile/documents/AnnualReport.pptx": "https%3A//contoso%2Esharepoint%2Ecom/teams/agile/documents/AnnualReport%2Epptx",
		"http://developer.microsoft.com":                                         "http%3A//developer%2Emicrosoft%2Ecom",
		"https://a.b/c%20d?e=f@g#h":                                              "https%3A//a%2Eb/c%2520d?e=f%40g%23h",
		"https://例え.jp/カード":                                                      "https%3A//例え%2Ejp/カード",
	} {
		if got := referenceKey(address); got != key {
			t.Errorf("key of %s: %s", address, got)
		}
		if got := referenceAddress(key); got != address {
			t.Errorf("address of %s: %s", key, got)
		}
	}
}

func FuzzReferenceKey(f *testing.F) {
	f.Add("https://a.b/c%20d?e=f@g#h")
	f.Add("%")
	f.Add("%zz%4")
	f.Fuzz(func(t *testing.T, address string) {
		key := referenceKey(address)
		if strings.ContainsAny(key, ".:@#") {
			t.Errorf("%q has a character that OData does not allow in a name", key)
		}
		if got := referenceAddress(key); got != address {
			t.Errorf("%q came back as %q", address, got)
		}
		referenceAddress(address)
	})
}

func FuzzPlace(f *testing.F) {
	f.Add(string(place{"85", "86A!", "task1"}.cursor()))
	f.Add("nonsense")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePlace(connectorCursor(s))
		if err != nil {
			return
		}
		again, err := parsePlace(p.cursor())
		if err != nil || again != p {
			t.Errorf("%+v came back as %+v, %v", p, again, err)
		}
	})
}

func FuzzStamp(f *testing.F) {
	f.Add(`"2015-03-24T18:36:49.2407981Z"`)
	f.Add(`"2017-04-24T22:40:44.5665917"`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, s string) {
		var v stamp
		_ = v.UnmarshalJSON([]byte(s))
	})
}

func TestStamps(t *testing.T) {
	for in, want := range map[string]string{
		`"2015-03-24T18:36:49.2407981Z"`:      "2015-03-24T18:36:49.2407981Z",
		`"2017-04-24T22:40:44.5665917"`:       "2017-04-24T22:40:44.5665917Z",
		`"2017-04-24T22:40:44.5665917+02:00"`: "2017-04-24T20:40:44.5665917Z",
		`null`:                                "0001-01-01T00:00:00Z",
	} {
		var v stamp
		if err := v.UnmarshalJSON([]byte(in)); err != nil || v.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %s, %v", in, v.Format(time.RFC3339Nano), err)
		}
	}
}

func TestPriorities(t *testing.T) {
	for n, want := range []string{"urgent", "urgent", "important", "important", "important", "", "medium", "medium", "low", "low", "low"} {
		if got := priority(&n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	for _, p := range []string{"", "urgent", "important", "medium", "low"} {
		n := wirePriority(p)
		if got := priority(&n); got != p {
			t.Errorf("%q comes back as %q", p, got)
		}
	}
}

func TestColors(t *testing.T) {
	seen := map[string]bool{}
	for i, name := range colors() {
		slot := slotOf(name)
		if colorOf(slot) != name || seen[slot] {
			t.Errorf("colour %d: %s, %s, %s", i, name, slot, colorOf(slot))
		}
		seen[slot] = true
		if _, ok := item.RGB(name); !ok {
			t.Errorf("%s is not a colour that other clouds can compare with", name)
		}
	}
	if len(seen) != 25 || slotOf("mauve") != "" || colorOf("category26") != "" || colorOf("x") != "" {
		t.Error("there are 25 slots and no others")
	}
}

func TestEntryKeys(t *testing.T) {
	a := entryKey("mark", item.Check{ID: "1"}, 0)
	if a != entryKey("mark", item.Check{ID: "1", Title: "x"}, 5) {
		t.Error("an entry's key changes with its title or place")
	}
	if a == entryKey("other", item.Check{ID: "1"}, 0) || a == entryKey("mark", item.Check{ID: "2"}, 0) ||
		entryKey("mark", item.Check{}, 0) == entryKey("mark", item.Check{}, 1) {
		t.Error("two entries have one key")
	}
}

func TestPostsComeBack(t *testing.T) {
	for _, text := range []string{"one", "two\nlines", "a  b   c", "  indented", "<b>&amp;</b> \"quoted\"", "empty\n\nline", "日本語\n絵文字 🎉", "ends in a space "} {
		got := postText(postBody{Type: "html", Content: postHTML(text)})
		if got != text {
			t.Errorf("%q came back as %q", text, got)
		}
		wrapped := "<html><head><meta charset=\"utf-8\"><style>p { x: y }</style></head>\r\n<body>\r\n" + postHTML(text) + "\r\n</body></html>"
		if got := postText(postBody{Type: "html", Content: wrapped}); got != text {
			t.Errorf("%q came back from Exchange as %q", text, got)
		}
	}
	html := "<html><body><div><p>Hello <b>all</b>,</p><p>see<br/>you</p><!-- x > y --><ul><li>one</li><li>two</li></ul></div></body></html>"
	if got := postText(postBody{Type: "html", Content: html}); got != "Hello all,\nsee\nyou\none\ntwo" {
		t.Errorf("got %q", got)
	}
	if got := postText(postBody{Type: "text", Content: "1 < 2\r\n"}); got != "1 < 2" {
		t.Errorf("got %q", got)
	}
}

func FuzzPostText(f *testing.F) {
	f.Add("<div>a<br>b</div>")
	f.Add("<")
	f.Add("a<")
	f.Add("<!--")
	f.Fuzz(func(t *testing.T, s string) { postText(postBody{Type: "html", Content: s}) })
}

func TestFileNames(t *testing.T) {
	for in, want := range map[string]string{
		"report.pdf": "report.pdf", `a/b\c:d*e?.txt`: "a_b_c_d_e_.txt", " .hidden. ": "hidden", "": "file", "...": "file",
		"レポート.xlsx": "レポート.xlsx", "x\u202egpj.exe": "xgpj.exe", "100% #1": "100_ _1",
	} {
		if got := fileName(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if long := fileName(strings.Repeat("a", 400) + ".docx"); len(long) != 105 || !strings.HasSuffix(long, ".docx") {
		t.Errorf("a long name becomes %d bytes", len(long))
	}
}

func TestTwins(t *testing.T) {
	if got := withoutTwin(withTwin("https://a.b/#c", 2)); got != "https://a.b/#c" {
		t.Errorf("got %q", got)
	}
	if got := withoutTwin("https://a.b/#rialto-x"); got != "https://a.b/#rialto-x" {
		t.Errorf("got %q", got)
	}
}

func TestLocate(t *testing.T) {
	c := &cloud{web: "http://127.0.0.1:9999"}
	const taskID, planID = "01gzSlKkIUSUl6DF_EilrmQAKDhh", "xqQg5FS2LkCp935s-FIFm2QAFkHM"
	for address, want := range map[string]string{
		"https://planner.cloud.microsoft/webui/plan/" + planID + "/view/board/task/" + taskID + "?tid=x":                           taskID,
		"https://planner.cloud.microsoft/webui/plan/" + planID + "/view/board":                                                     planID,
		"https://tasks.office.com/contoso.com/Home/Task/" + taskID:                                                                 taskID,
		"https://tasks.office.com/contoso.com/en-US/Home/Task/" + taskID + "?Type=TaskLink&Channel=Link":                           taskID,
		"https://tasks.office.com/contoso.com/en-US/Home/PlanViews/" + planID:                                                      planID,
		"https://tasks.office.com/contoso.com/en-US/Home/Planner/#/plantaskboard?groupId=g&planId=" + planID + "&taskId=" + taskID: taskID,
		"https://tasks.office.com/contoso.com/en-US/Home/Planner/#/plantaskboard?groupId=g&planId=" + planID:                       planID,
		"http://127.0.0.1:9999/webui/plan/" + planID + "/view/board/task/" + taskID:                                                taskID,
		"http://127.0.0.1:9998/webui/plan/" + planID + "/view/board":                                                               "",
		"https://trello.com/c/abcdefgh": "", "not an address%": "", "https://tasks.office.com/": "", "": "",
	} {
		got, ok := c.locate(address)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", address, got, ok, want)
		}
	}
	board := item.Ref{Kind: item.Board, ID: planID}
	for _, ref := range []item.Ref{board, {Kind: item.Task, ID: taskID}} {
		if got, _ := c.locate(c.link(ref, board)); got != ref.ID {
			t.Errorf("a link of ours to %s leads to %q", ref, got)
		}
	}
}
