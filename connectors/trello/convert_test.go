package trello

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

func TestLocate(t *testing.T) {
	const id, att = "5ca3d99a0378a65090e676ca", "5ca3d99a0378a65090e676cb"
	for in, want := range map[string]string{
		"https://trello.com/c/uk6b53N4":                                            "c/uk6b53N4",
		"https://trello.com/c/uk6b53N4/12-a-title#comment-" + id:                   "c/uk6b53N4",
		"http://www.trello.com/b/iq20ZNIV/test-drive?x=1":                          "b/iq20ZNIV",
		"https://trello.com/c/" + id:                                               id,
		"https://trello.com/1/cards/" + id + "/attachments/" + att + "/download/x": id + "/" + att,
		"https://api.trello.com/1/cards/" + id + "/attachments/" + att:             id + "/" + att,
		"http://127.0.0.1:8080/base/c/AbCdEf12":                                    "c/AbCdEf12",
		"https://trello.com/ana":                                                   "",
		"https://trello.com/c/":                                                    "",
		"https://example.org/c/uk6b53N4":                                           "",
		"ftp://trello.com/c/uk6b53N4":                                              "",
		"trello.com/c/uk6b53N4":                                                    "",
		"https://trello.com.evil.example/c/uk6b53N4":                               "",
		"://": "",
	} {
		got, ok := locate(in, "http://127.0.0.1:8080/base")
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestMarks(t *testing.T) {
	for _, mark := range []string{"https://trello.com/c/AbCdEf12", "https://h/x#y", "rialto:task:5ca3d99a0378a65090e676ca", "http://r/issues/7"} {
		c := carry(mark)
		if !strings.HasPrefix(c, "http") || !marks(attachment{URL: text(c)}) || marks(attachment{URL: text(c), IsUpload: true}) {
			t.Errorf("%s is carried as %s", mark, c)
		}
	}
	for _, link := range []string{"https://rialto.example/", "https://h/x#rialto-bridge", "https://h/rialto", "https://h/x&rialto"} {
		if marks(attachment{URL: text(link)}) {
			t.Errorf("%s is no mark", link)
		}
	}
}

func TestColors(t *testing.T) {
	if len(colors()) != 30 {
		t.Fatal(len(colors()))
	}
	for wire, plain := range map[string]string{"green": "green", "green_dark": "dark green", "sky_light": "light sky", "": "", "null": ""} {
		if got := plainColor(wire); got != plain {
			t.Errorf("%s: %s", wire, got)
		}
	}
	for _, c := range colors() {
		if w, ok := wireColor(c).(string); !ok || plainColor(w) != c {
			t.Errorf("%s: %s", c, w)
		}
	}
	if wireColor("") != nil {
		t.Error("no colour is null")
	}
}

func TestRanks(t *testing.T) {
	last := ""
	for _, p := range []number{0, 0.5, 1, 16383.75, 16384, 65536, 1048575, 1e12} {
		r := rank(p)
		if r <= last {
			t.Errorf("%v does not sort behind its predecessor", p)
		}
		last = r
	}
}

func TestSpread(t *testing.T) {
	two := []sibling{{"a", 10}, {"b", 20}}
	tight := []sibling{{"a", 10}, {"b", 10}, {"c", 10.0001}, {"d", 1e9}}
	for name, tc := range map[string]struct {
		in    []sibling
		after string
		n     int
		at    []float64
		moves []sibling
	}{
		"empty":            {nil, "", 2, []float64{65536, 131072}, nil},
		"first":            {two, "", 1, []float64{5}, nil},
		"between":          {two, "a", 4, []float64{12, 14, 16, 18}, nil},
		"last":             {two, "b", 1, []float64{20 + step}, nil},
		"an unknown one":   {two, "x", 1, []float64{20 + step}, nil},
		"where none fits":  {tight, "a", 1, []float64{10 + step}, []sibling{{"b", 10 + 2*step}, {"c", 10 + 3*step}}},
		"behind the same":  {tight, "b", 1, []float64{10 + step}, []sibling{{"c", 10 + 2*step}}},
		"all on one place": {[]sibling{{"a", 0}, {"b", 0}}, "", 1, []float64{step}, []sibling{{"a", 2 * step}, {"b", 3 * step}}},
	} {
		at, moves := spread(tc.in, tc.after, tc.n)
		if len(at) != len(tc.at) || len(moves) != len(tc.moves) {
			t.Errorf("%s: %v %v", name, at, moves)
			continue
		}
		for i := range at {
			if at[i] != tc.at[i] {
				t.Errorf("%s: %v", name, at)
			}
		}
		for i := range moves {
			if moves[i] != tc.moves[i] {
				t.Errorf("%s: %v", name, moves)
			}
		}
	}
}

func TestLocations(t *testing.T) {
	for _, s := range []string{"", "Rialto", "Rialto; Venezia", "Rialto; 45.438,12.3358", "45.438,12.3358", "a; b; 1,2", "a; 45.40,12", "1,2; a"} {
		name, at := splitLocation(s)
		if got := location(&card{LocationName: text(name), Coordinates: place(at)}); got != s {
			t.Errorf("%q comes back as %q", s, got)
		}
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2020, 12, 22, 1, 59, 0, 0, time.UTC)
	for _, s := range []string{"2020-12-22T01:59:00.000Z", "2020-12-22T02:59:00+01:00", "2020-12-22 01:59:00 UTC", "1608602340000"} {
		if at, ok := readTime(s); !ok || !at.Equal(want) {
			t.Errorf("%s: %v", s, at)
		}
	}
	for _, s := range []string{"", "soon", "0", "-1", "99999999999999999"} {
		if at, ok := readTime(s); ok {
			t.Errorf("%s: %v", s, at)
		}
	}
	if at := born("5ca3d99a0378a65090e676ca"); !at.Equal(time.Date(2019, 4, 2, 21, 52, 26, 0, time.UTC)) {
		t.Error(at)
	}
	if at := born("not an id"); !at.IsZero() {
		t.Error(at)
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  connector.Class
		says   string
	}{
		"token limit":   {429, `{"error":"API_TOKEN_LIMIT_EXCEEDED","message":"Rate limit exceeded"}`, connector.Throttled, "API_TOKEN_LIMIT_EXCEEDED"},
		"a full board":  {403, `{"error":"BOARD_TOO_MANY_LABELS","message":"This limit has been reached"}`, connector.Full, "BOARD_TOO_MANY_LABELS"},
		"cards":         {403, `{"error":"API_TOO_MANY_CARDS_REQUESTED"}`, connector.Permanent, tooManyCards},
		"token":         {401, "invalid token", connector.Auth, "invalid token"},
		"expired":       {401, "expired token", connector.Auth, "expired token"},
		"no rights":     {401, "unauthorized card permission requested", connector.Forbidden, "unauthorized card"},
		"not there":     {404, "The requested resource was not found.", connector.Gone, "404"},
		"a bad value":   {400, "invalid value for idList", connector.Permanent, "invalid value for idlist"},
		"quoted text":   {400, "cannot take My Secret Plan", connector.Permanent, "400"},
		"quoted value":  {400, `{"error":"My Secret Plan","message":"My Secret Plan"}`, connector.Permanent, "400"},
		"a broken gate": {502, "<html>My Secret Plan</html>", connector.Transient, "502"},
		"too large":     {413, "", connector.Permanent, "larger"},
	} {
		err := refuse(tc.status, http.Header{}, []byte(tc.body))
		if err.Class != tc.class || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%s: %s %v", name, err.Class, err)
		}
	}
}

func TestLimitHeaders(t *testing.T) {
	h := http.Header{}
	h.Set("X-Rate-Limit-Api-Token-Max", "100")
	h.Set("X-Rate-Limit-Api-Token-Remaining", "99")
	h.Set("X-Rate-Limit-Api-Token-Interval-Ms", "10000")
	h.Set("X-Rate-Limit-Member-Max", "200")
	got := limits("", 200, h)
	if len(got) != 2 || got[0] != (connector.Sample{Quota: "token", Limit: 100, Remaining: 99, Window: 10 * time.Second}) ||
		got[1] != (connector.Sample{Quota: "member", Limit: 200, Remaining: -1}) {
		t.Errorf("%+v", got)
	}
}
