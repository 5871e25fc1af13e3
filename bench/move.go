//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// memoryGoal is what both processes may hold together, in bytes.
const memoryGoal = 128 << 20

// A move is one board on its way between two stand-ins.
type move struct {
	rialto, dir string
	from, to    *cloud
	made        madeBoard
	load        load
}

// measureBoard moves a large board from Trello's stand-in to Microsoft's, by
// the program as people run it, and verifies it.
func measureBoard(ctx context.Context, s settings) (t table, err error) {
	m := &move{rialto: s.rialto, load: s.load}
	if m.made, err = makeBoard(s.load); err != nil {
		return t, err
	}
	m.made.export = nil
	if m.dir, err = os.MkdirTemp("", "rialto-bench-"); err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(m.dir)) }()
	if m.from, err = startCloud(ctx, "trello", s.load); err != nil {
		return t, err
	}
	defer m.from.stop()
	if m.to, err = startCloud(ctx, "planner", s.load); err != nil {
		return t, err
	}
	defer m.to.stop()
	return m.measure(ctx)
}

func (m *move) measure(ctx context.Context) (t table, err error) {
	state := "--state=" + filepath.Join(m.dir, "state")
	for name, c := range map[string]*cloud{"src": m.from, "dst": m.to} {
		args := []string{"connect", c.Cloud, "--name", name, state}
		for k, v := range c.Set {
			args = append(args, "--set", k+"="+v)
		}
		if _, err := command(ctx, m.rialto, args...); err != nil {
			return t, err
		}
	}
	spec := filepath.Join(m.dir, "bench.yaml")
	err = os.WriteFile(spec, []byte("name: bench\nfrom: {connection: src, scope: [\"board:Bench\"]}\nto: {connection: dst, place: \"group:Bench\"}\npeople: {others: name-in-text}\nnotify: all\n"), 0o600)
	if err != nil {
		return t, err
	}
	bare, err := m.bare(ctx)
	if err != nil {
		return t, fmt.Errorf("the bare loop: %w", err)
	}
	t.head = []string{"", "run", "run again", "verify", "bare loop over the files"}
	verbs := []string{"run", "run", "verify"}
	var got []outcome
	var source, target []tally
	for _, verb := range verbs {
		before, err := m.counts(ctx)
		if err != nil {
			return t, err
		}
		o, err := command(ctx, m.rialto, verb, spec, state)
		if err != nil {
			return t, err
		}
		after, err := m.counts(ctx)
		if err != nil {
			return t, err
		}
		got, source, target = append(got, o), append(source, after[0].since(before[0])), append(target, after[1].since(before[1]))
	}
	if err := m.check(got); err != nil {
		return t, err
	}
	row := func(name, last string, of func(i int, o outcome) string) {
		cells := []string{name}
		for i, o := range got {
			cells = append(cells, of(i, o))
		}
		t.add(append(cells, last)...)
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	perSecond := func(n float64, d time.Duration) string { return fmt.Sprintf("%.0f", n/d.Seconds()) }
	row("time", seconds(bare), func(_ int, o outcome) string { return seconds(o.took) })
	row("cards a second", "", func(_ int, o outcome) string { return perSecond(float64(m.load.cards), o.took) })
	row("MiB of files a second", perSecond(float64(m.load.mib), bare), func(i int, o outcome) string {
		if i == 1 {
			return ""
		}
		return perSecond(float64(m.load.mib), o.took)
	})
	row("processor time, both processes", "", func(_ int, o outcome) string { return seconds(o.processor) })
	row(fmt.Sprintf("**most memory, both together** (goal: under %s)", mib(memoryGoal)), "", func(_ int, o outcome) string { return "**" + mib(o.peak()) + "**" })
	row("of it parent + mover", "", func(_ int, o outcome) string { return mib(o.parent) + " + " + mib(o.mover) })
	row("requests to Trello, without files", "", func(i int, _ outcome) string { return fmt.Sprint(total(source[i].HTTP) - downloads(source[i].HTTP)) })
	row("files read from Trello", fmt.Sprint(len(m.made.files)), func(i int, _ outcome) string { return fmt.Sprint(downloads(source[i].HTTP)) })
	row("requests to Graph", fmt.Sprint(len(m.made.files)), func(i int, _ outcome) string { return fmt.Sprint(total(target[i].HTTP)) })
	row("of them $batch", "", func(i int, _ outcome) string { return fmt.Sprint(batches(target[i].HTTP)) })
	row("parts that they held", "", func(i int, _ outcome) string { return fmt.Sprint(total(target[i].Parts) - total(target[i].HTTP)) })
	t.note = m.least(source[0], target[0], target[2])
	return t, nil
}

// check holds that what was measured is what was to be done.
func (m *move) check(got []outcome) error {
	tasks := func(o outcome, what string) float64 {
		kinds, _ := o.done["kinds"].(map[string]any)
		task, _ := kinds["task"].(map[string]any)
		n, _ := task[what].(float64)
		return n
	}
	if n := tasks(got[0], "created"); n != float64(m.load.cards) {
		return fmt.Errorf("the run made %.0f tasks of %d cards", n, m.load.cards)
	}
	if n := tasks(got[1], "skipped"); n != float64(m.load.cards) {
		return fmt.Errorf("the second run skipped %.0f of %d cards", n, m.load.cards)
	}
	if status := got[2].done["status"]; status != "equal" && status != "equal-with-losses" {
		return fmt.Errorf("verify says %v", status)
	}
	blobs, _ := got[2].done["blobs"].(map[string]any)
	if n, _ := blobs["files"].(float64); n != float64(len(m.made.files)) {
		return fmt.Errorf("verify compared %.0f of %d files", n, len(m.made.files))
	}
	return nil
}

func (m *move) counts(ctx context.Context) (both [2]tally, err error) {
	for i, c := range []*cloud{m.from, m.to} {
		if both[i], err = c.counts(ctx); err != nil {
			return both, err
		}
	}
	return both, nil
}

func downloads(counts map[string]int) (n int) {
	for k, c := range counts {
		if strings.Contains(k, "/download/") {
			n += c
		}
	}
	return n
}

func batches(counts map[string]int) (n int) {
	for k, c := range counts {
		if strings.HasSuffix(k, "$batch") {
			n += c
		}
	}
	return n
}

// least says how few requests would do, and how many there were.
func (m *move) least(source, target, verify tally) string {
	cards := float64(m.load.cards)
	read := 0
	for k, c := range source.HTTP {
		if strings.Contains(k, "/boards/") {
			read += c
		}
	}
	leastRead := 1 + math.Ceil((cards+float64(m.made.comments))/1000)
	var taskParts int
	for k, c := range target.Parts {
		if strings.Contains(k, "/planner/tasks") {
			taskParts += c
		}
	}
	files := float64(len(m.made.files))
	return fmt.Sprintf("Reading the board took %d requests; %.0f are the least: one for the board with its cards, one for each 1,000 actions. "+
		"Writing took %.2f parts a card (3 are the least where a task's details cannot go with it: make it, read the etag of its details, write them) "+
		"in %.3f requests a card (0.15 are the least, with 20 parts to a $batch), and %.2f requests a file (1 is the least, and one for each 10 MiB of a large one). "+
		"Verify took %.2f requests to Graph a file (2 are the least: where it lies, and its bytes).",
		read, leastRead, float64(taskParts)/cards, float64(total(target.HTTP)-transfers(target.HTTP))/cards, float64(transfers(target.HTTP))/files,
		float64(transfers(verify.HTTP))/files)
}

// transfers are the requests that carry files to or from a drive.
func transfers(counts map[string]int) (n int) {
	for k, c := range counts {
		if strings.Contains(k, "/drives/") || strings.Contains(k, "/upload/") || strings.Contains(k, "/download/") {
			n += c
		}
	}
	return n
}

// bare copies the files one after the other, as a shell loop would: what any
// mover would need at the least, without parallel transfers.
func (m *move) bare(ctx context.Context) (time.Duration, error) {
	do := func(method, address, auth string, body io.Reader, size int64) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, method, address, body)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", auth)
		r.ContentLength = size
		resp, err := http.DefaultClient.Do(r)
		if err == nil && resp.StatusCode >= 300 {
			told, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
			resp.Body.Close()
			err = fmt.Errorf("%s: status %d: %s", method, resp.StatusCode, told)
		}
		return resp, err
	}
	graph, oauth := "Bearer "+m.to.Token, fmt.Sprintf(`OAuth oauth_consumer_key=%q, oauth_token=%q`, m.from.Set["key"], m.from.Set["token"])
	resp, err := do(http.MethodGet, m.to.Set["url"]+"/groups/"+m.to.Group+"/drive", graph, nil, 0)
	if err != nil {
		return 0, err
	}
	var drive struct {
		ID string `json:"id"`
	}
	err = errors.Join(json.NewDecoder(resp.Body).Decode(&drive), resp.Body.Close())
	if err != nil {
		return 0, err
	}
	began := time.Now()
	for n, f := range m.made.files {
		from := m.from.Set["url"] + "/cards/" + f.card + "/attachments/" + f.id + "/download/file.bin"
		to := fmt.Sprintf("%s/drives/%s/root:/Bare/%d.bin:/content", m.to.Set["url"], url.PathEscape(drive.ID), n)
		in, err := do(http.MethodGet, from, oauth, nil, 0)
		if err != nil {
			return 0, err
		}
		out, err := do(http.MethodPut, to, graph, in.Body, f.bytes)
		if err != nil {
			return 0, errors.Join(err, in.Body.Close())
		}
		_, err = io.Copy(io.Discard, out.Body)
		if err := errors.Join(err, in.Body.Close(), out.Body.Close()); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}
