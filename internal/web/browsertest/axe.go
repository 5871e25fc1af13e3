package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// axeVersion is what scripts/setup fetches.
const axeVersion = "4.14.1"

// Axe looks for what keeps people from using the page, by all of axe-core's rules for
// WCAG 2.2 at level AA and its best practices
// (https://github.com/dequelabs/axe-core/blob/develop/doc/rule-descriptions.md), in
// light and dark and at both widths. Any finding fails the test. Where axe-core was not
// fetched, this says so and looks for nothing.
func (p *Page) Axe() {
	p.t.Helper()
	script, err := axe()
	if err != nil {
		p.t.Logf("axe is missing, so the page was not searched for what keeps people from using it: %v; scripts/setup fetches it", err)
		return
	}
	if !Eval[bool](p, `typeof axe === "object"`) {
		Eval[bool](p, script+"\n;true")
	}
	p.Still(true)
	for _, width := range widths {
		for _, dark := range []bool{false, true} {
			p.Width(width)
			p.Dark(dark)
			for _, found := range p.violations() {
				p.t.Errorf("axe, at %d pixels, dark %v: %s", width, dark, found)
			}
		}
	}
	p.Width(1280)
	p.Dark(false)
	p.Still(false)
}

// violations are what axe finds in the page as it is.
func (p *Page) violations() []string {
	p.t.Helper()
	raw := Eval[string](p, `axe.run(document, {resultTypes: ["violations"], runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})
		.then((r) => JSON.stringify(r.violations))`)
	var violations []struct {
		ID, Help string
		Nodes    []struct {
			HTML           string
			FailureSummary string
		}
	}
	if err := json.Unmarshal([]byte(raw), &violations); err != nil {
		p.t.Fatalf("what axe answered: %v", err)
	}
	var found []string
	for _, v := range violations {
		for i, n := range v.Nodes {
			if i == 5 {
				found = append(found, fmt.Sprintf("%s: and %d more", v.ID, len(v.Nodes)-i))
				break
			}
			found = append(found, fmt.Sprintf("%s: %s\n%s\n%s", v.ID, v.Help, n.HTML, strings.TrimSpace(n.FailureSummary)))
		}
	}
	return found
}

// axe is the script of axe-core, from the folder that scripts/setup fills.
func axe() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	script, err := os.ReadFile(filepath.Join(cache, "rialto", "axe-core-"+axeVersion, "axe.min.js"))
	return string(script), err
}
