//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

var (
	usedLine = regexp.MustCompile(`([\d.]+) % used, ([\d.]+) % refused`)
	nameLine = regexp.MustCompile(`^\s*=== RUN\s+([^/\s]+)/(.+)$`)
)

// measureQuota runs the simulation that connectors/trello keeps as a test, in
// virtual time, and gathers what it says.
func measureQuota(ctx context.Context, s settings) (t table, err error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout=30m", "-v", "-run", "^Test(Client|Run)(Fills|Follows)", "./connectors/trello")
	cmd.Env = os.Environ()
	if !s.quick {
		cmd.Env = append(cmd.Env, "RIALTO_SOAK=1")
	}
	out, failed := cmd.CombinedOutput()
	var order []string
	got := map[string]*uses{}
	now := ""
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if m := nameLine.FindStringSubmatch(lines.Text()); m != nil {
			now = caseName(m[1], m[2])
			continue
		}
		m := usedLine.FindStringSubmatch(lines.Text())
		if m == nil || now == "" {
			continue
		}
		if got[now] == nil {
			got[now] = &uses{}
			order = append(order, now)
		}
		if err := got[now].add(m[1], m[2]); err != nil {
			return t, err
		}
	}
	if len(order) == 0 {
		return t, errors.Join(failed, fmt.Errorf("the simulation told nothing: %s", bytes.TrimSpace(out)))
	}
	t.head = []string{"", "times", "used: least", "mean", "refused: most", "mean"}
	for _, name := range order {
		u := got[name]
		n := float64(u.n)
		t.add(name, strconv.Itoa(u.n), percent(u.least), percent(u.used/n), percent(u.most), percent(u.refused/n))
	}
	if failed != nil {
		t.note = "Some runs missed what the test asks of each: at least 97 % used, less than 0.5 % refused."
	}
	return t, nil
}

// uses are those of one case, over its seeds.
type uses struct {
	n                          int
	used, refused, least, most float64
}

func (u *uses) add(used, refused string) error {
	a, err := strconv.ParseFloat(used, 64)
	if err != nil {
		return err
	}
	b, err := strconv.ParseFloat(refused, 64)
	if err != nil {
		return err
	}
	if u.n == 0 || a < u.least {
		u.least = a
	}
	u.most = max(u.most, b)
	u.used, u.refused, u.n = u.used+a, u.refused+b, u.n+1
	return nil
}

func percent(v float64) string { return fmt.Sprintf("%.2f %%", v) }

// caseName turns a test's name into words: seeds of one case share one.
func caseName(test, of string) string {
	of, _, _ = strings.Cut(strings.ReplaceAll(strings.ReplaceAll(of, "_", " "), "/", ", "), " seed")
	what := map[string]string{"TestClientFillsTheQuota": "client", "TestClientFollowsAHalvedQuota": "client, after the limit was halved",
		"TestRunFillsTheQuota": "run", "TestRunFollowsAHalvedQuota": "run, after the limit was halved"}[test]
	return what + ": " + of
}
