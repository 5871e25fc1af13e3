package report

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// PolicyWords say what becomes of a loss, as the end of a sentence that begins
// with the field.
func PolicyWords(policy string) string {
	words := map[string]string{
		"text": "goes into the text", "line": "goes to the line of who and when", "nearest": "becomes the nearest there is",
		"day": "keeps its day, clock in the text", "cut": "is cut, with the whole in text", "drop": "is left out", "filled": "is given a name",
		"append": "is appended to the first one", "link": "becomes a link", "missing": "was not given by the source", "not-read": "is not carried",
		"converted": "is converted", "cleaned": "loses control characters", "name-in-text": "is named in the text",
		"plan": "goes to a board of its own", "bucket": "goes to a list of its own", "skip": "is left out", "task": "becomes a task",
		"notify: none": "is at most named in the text: nobody is told",
	}
	return cmp.Or(words[policy], policy)
}

var address = regexp.MustCompile(`(: | )?\(?https://[^\s()]+\)?`)

// Why parts a reason from the addresses in it: the vendor's pages that say so.
func Why(why string) (text string, sources []string) {
	for _, m := range address.FindAllString(why, -1) {
		_, page, _ := strings.Cut(m, "https://")
		sources = append(sources, "https://"+strings.TrimRight(page, ").:,;"))
	}
	return strings.Trim(address.ReplaceAllString(why, ""), " :"), sources
}

// Span says how long something takes, at best and at most.
func Span(least, most time.Duration) string {
	a, b := round(least), round(most)
	if a == b {
		return "about " + a
	}
	return a + " to " + b
}

func round(d time.Duration) string {
	switch {
	case d < time.Second:
		return "a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Seconds()+0.5))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%.1f hours", d.Hours())
}
