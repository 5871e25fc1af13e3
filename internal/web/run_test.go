//go:build linux

package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/certificate"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/runs"
	"github.com/rialto-migrate/rialto/internal/runs/runstest"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/web/browsertest"
)

// forecast makes an organisation with a migration that has just been forecast, and
// returns its page and an operator's session.
func (s *stage) forecast(t *testing.T, slow time.Duration) (page, token string) {
	t.Helper()
	s.now = time.Now().UTC()
	s.founded(t, "o", s.person(t, "keeper"))
	p := s.person(t, "olu")
	s.member(t, "o", p, access.Operator)
	f := runstest.Clouds(t, s.App, "o", slow)
	r, err := s.Runs.Start(t.Context(), runs.Order{Organisation: "o", Migration: f, Verb: job.Forecast, By: p.ID})
	if err != nil {
		t.Fatal(err)
	}
	s.over(t, r.Num)
	return "/o/o/runs/" + strconv.FormatInt(r.Num, 10), s.session(t, p)
}

func (s *stage) over(t *testing.T, num int64) runs.Run {
	t.Helper()
	for _, err := range s.Runs.Follow(t.Context(), "o", num, 0) {
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.Runs.Run(t.Context(), "o", num)
	if err != nil || !r.State.Over() {
		t.Fatalf("the run is %s, %v", r.State, err)
	}
	return r
}

// number is the number of the run whose page an answer leads to.
func number(t *testing.T, answer *http.Response) int64 {
	t.Helper()
	where := answer.Header.Get("Location")
	n, err := strconv.ParseInt(where[strings.LastIndex(where, "/")+1:], 10, 64)
	if answer.StatusCode != http.StatusSeeOther || err != nil {
		t.Fatalf("%d %s\n%s", answer.StatusCode, where, text(t, answer))
	}
	return n
}

// From the page of a forecast to the certificate and the undo, without a script.
func TestRunPages(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		page, token := s.forecast(t, 0)
		get := func(path string) string {
			t.Helper()
			answer := s.ask(t, http.MethodGet, path, token, nil)
			body := text(t, answer)
			if answer.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d\n%s", path, answer.StatusCode, body)
			}
			return body
		}
		holds := func(body string, all ...string) {
			t.Helper()
			for _, want := range all {
				if !strings.Contains(body, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
		}
		post := func(path string) string {
			t.Helper()
			n := number(t, s.ask(t, http.MethodPost, path, token, url.Values{}))
			s.over(t, n)
			return "/o/o/runs/" + strconv.FormatInt(n, 10)
		}
		holds(get(page), "The forecast is made", page+"/run")
		ran := post(page + "/run")
		holds(get(ran), "Everything is moved", "created", "the run is done", ran+"/verify", ran+"/undo", "Containers")
		verified := post(ran + "/verify")
		holds(get(verified), "Equal, but for the losses", verified+"/report")
		answer := s.ask(t, http.MethodGet, verified+"/report", token, nil)
		holds(text(t, answer), "Equal, but for the losses that the forecast named")
		if !strings.Contains(answer.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Error("the report is not shut in")
		}
		var v struct{ Status string }
		if err := json.Unmarshal([]byte(get(verified+"/report.json")), &v); err != nil || v.Status != "equal-with-losses" {
			t.Errorf("the report as JSON: %v %v", v, err)
		}
		signer, err := s.App.CertificateSigner(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found, err := certificate.Check(strings.NewReader(get(ran+"/certificate")), signer.Key())
		if err != nil {
			t.Fatal(err)
		}
		if found.Organisation != "o" || found.Migration != "workshop" || found.Passes != 1 || found.Items["task made"] == 0 || found.Bytes == 0 || found.Failed != 0 {
			t.Errorf("the certificate: %s", found.Text)
		}
		holds(get(ran+"/undo"), "removed there", `action="`+ran+`/undo"`)
		undone := post(ran + "/undo")
		holds(get(undone), "removed")
		holds(get("/o/o/runs"), "Undo, no. 4", "Verification, no. 3", "Run, no. 2", "Forecast, no. 1", "you")
		if got := s.ask(t, http.MethodGet, page+"/report", token, nil); got.StatusCode != http.StatusNotFound {
			t.Errorf("a report of what was not verified: %d", got.StatusCode)
		}
	})
}

// An event of a stream, as a browser takes it.
type sent struct{ id, kind, data string }

// stream reads a page's stream until it ends, or until take says that it is enough.
func (s *stage) stream(t *testing.T, server *httptest.Server, path, token, last string, take func(sent) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: s.cookieName(), Value: token})
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s: %d", path, answer.StatusCode)
	}
	var e sent
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data += value + "\n"
		case "":
			if e.kind != "" && !take(e) {
				return
			}
			e = sent{}
		}
	}
	if ctx.Err() != nil {
		t.Fatalf("the stream does not end: %v", lines.Err())
	}
}

// A reader whose connection is cut again and again sees each line of the log once.
func TestStream(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	page, token := s.forecast(t, 2*time.Millisecond)
	server := httptest.NewServer(s)
	defer server.Close()
	num := number(t, s.ask(t, http.MethodPost, page+"/run", token, url.Values{}))
	path := "/o/o/runs/" + strconv.FormatInt(num, 10) + "/events"
	last, ended := "", false
	seen := map[string]bool{}
	var log strings.Builder
	for cuts := 0; !ended; cuts++ {
		if cuts > 500 {
			t.Fatal("the stream does not end")
		}
		address, count := path, 0
		if last == "" {
			address += "?after=0"
		}
		s.stream(t, server, address, token, last, func(e sent) bool {
			last = e.id
			target, content, _ := strings.Cut(e.data, "\n")
			switch e.kind {
			case "append":
				log.WriteString(content)
				count++
			case "replace":
				seen[target] = true
			case "end":
				ended = true
			}
			return !ended && count < 3
		})
	}
	run, err := s.Runs.Run(t.Context(), "o", num)
	if err != nil {
		t.Fatal(err)
	}
	// What the whole log says, drawn at once.
	var want strings.Builder
	for batch, err := range s.Runs.Follow(t.Context(), "o", num, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			for range lines(e) {
				want.WriteString("<li")
			}
		}
	}
	if got, want := strings.Count(log.String(), "<li"), strings.Count(want.String(), "<li"); got != want || got < 100 {
		t.Errorf("%d lines came of %d", got, want)
	}
	if last != strconv.FormatInt(run.Last, 10) {
		t.Errorf("the last event is %s of %d", last, run.Last)
	}
	for _, region := range []string{"acts", "state", "figures", "rate", "containers", "outcome"} {
		if !seen[region] {
			t.Errorf("the region %s never changed", region)
		}
	}
}

// What is done about a run, and who may.
func TestRunDeeds(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	page, token := s.forecast(t, 15*time.Millisecond)
	auditor := s.person(t, "ada")
	s.member(t, "o", auditor, access.Auditor)
	num := number(t, s.ask(t, http.MethodPost, page+"/run", token, url.Values{}))
	ran := "/o/o/runs/" + strconv.FormatInt(num, 10)
	if got := s.ask(t, http.MethodPost, page+"/run", token, url.Values{}); got.StatusCode != http.StatusConflict {
		t.Errorf("a second run at the same time: %d", got.StatusCode)
	}
	is := func(want runs.State) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			r, err := s.Runs.Run(t.Context(), "o", num)
			if err != nil {
				t.Fatal(err)
			}
			if r.State == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the run is %s, not %s", r.State, want)
			}
		}
	}
	is(runs.Running)
	for _, c := range []struct {
		act, offers string
		want        runs.State
	}{{"pause", "/resume", runs.Paused}, {"resume", "/pause", runs.Running}, {"stop", "/run", runs.Stopped}} {
		if got := s.ask(t, http.MethodPost, ran+"/"+c.act, token, url.Values{}); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d", c.act, got.StatusCode)
		}
		is(c.want)
		if body := text(t, s.ask(t, http.MethodGet, ran, token, nil)); !strings.Contains(body, ran+c.offers) {
			t.Errorf("a run that is %s does not offer %s", c.want, c.offers)
		}
	}
	for _, path := range []string{"", "/events", "/certificate"} {
		if got := s.ask(t, http.MethodGet, ran+path, s.session(t, auditor), nil); got.StatusCode != http.StatusForbidden {
			t.Errorf("an auditor gets %s: %d", path, got.StatusCode)
		}
	}
}

// TestRunInABrowser goes from a forecast to the undo as a person would.
func TestRunInABrowser(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir()})
	forecast, _ := s.forecast(t, 25*time.Millisecond)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	page := browsertest.Start(t).Page(t)
	page.Open(server.URL + "/sign-in?to=" + forecast)
	page.Fill("[name=address]", "olu@example.org")
	page.Fill("[name=password]", good)
	page.Submit("form.form button.primary")
	page.WaitText("main", "The forecast is made")
	page.Axe()
	page.Submit("#acts button.primary")
	page.WaitText("#state", "running")
	page.WaitText("#live", "Live")
	page.WaitText("#log", "created")
	page.Submit("#acts button.primary")
	page.WaitText("#state", "paused")
	page.WaitText("#acts", "Resume")
	shown := browsertest.Eval[int](page, `document.querySelectorAll("#log > li").length`)
	page.Open(server.URL + page.Address()) // a reload shows no less
	if again := browsertest.Eval[int](page, `document.querySelectorAll("#log > li").length`); again < min(shown, linesAtFirst) {
		t.Errorf("%d lines were shown, and %d after a reload", shown, again)
	}
	page.Axe()
	page.Pictures("run-live")
	for _, width := range []int64{360, 1280} {
		page.Width(width)
		page.Fits()
	}
	page.Fill("#log-filter", "paused")
	if n := browsertest.Eval[int](page, `document.querySelectorAll("#log > li:not([hidden])").length`); n == 0 || n > 3 {
		t.Errorf("%d lines are left by the filter", n)
	}
	page.Submit("#acts button.primary")
	page.WaitText("#state", "done")
	page.WaitText("#outcome", "Everything is moved")
	page.WaitText("#acts", "Certificate")
	page.Axe()
	page.Pictures("run-done")
	whole := browsertest.Eval[string](page, `fetch(document.querySelector("#acts a[href$=certificate]").href).then((r) => r.text())`)
	if _, err := certificate.Check(strings.NewReader(whole), ""); err != nil {
		t.Error(err)
	}
	page.Click("#acts a.danger")
	page.WaitText("dialog[open] h2", "Undo the migration")
	page.Axe()
	page.Submit("dialog button.danger")
	page.WaitText("#outcome", "removed")
	page.Axe()
	page.Pictures("run-undone")
	page.Open(server.URL + "/o/o/runs")
	page.WaitText("main", "Undo, no. 3")
	page.Axe()
	page.Pictures("runs")
	for _, width := range []int64{360, 1280} {
		page.Width(width)
		page.Fits()
	}
}
