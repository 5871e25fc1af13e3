package report

import (
	"cmp"
	"strings"
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
	}
	return cmp.Or(words[policy], policy)
}

// Why parts a reason from the address that it ends with, if it does: "" or the
// page of the vendor's that says so.
func Why(why string) (text, source string) {
	i := strings.LastIndex(why, "https://")
	if i < 0 || strings.ContainsAny(why[i:], " )\n") {
		return why, ""
	}
	return strings.TrimRight(why[:i], " :("), why[i:]
}
