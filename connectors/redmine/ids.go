package redmine

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/item"
)

// The ids of items. Redmine's numbers are unique within their kind over the
// whole server, but what Redmine shares between projects (versions, statuses,
// custom fields and their entries) carries the project's number before its own,
// and what can be read with its issue only (journals, attachments) the issue's.

func boardRef(id int) item.Ref { return item.Ref{Kind: item.Board, ID: itoa(id)} }
func taskRef(id int) item.Ref  { return item.Ref{Kind: item.Task, ID: itoa(id)} }

func commentRef(issue, journal int) item.Ref {
	return item.Ref{Kind: item.Comment, ID: pair(issue, journal)}
}

func attachmentRef(issue, id int) item.Ref {
	return item.Ref{Kind: item.Attachment, ID: pair(issue, id)}
}

// listRef names a list by what stands for it.
func listRef(as string, project, id int) item.Ref {
	if as == asCategory {
		return item.Ref{Kind: item.List, ID: itoa(id)}
	}
	return item.Ref{Kind: item.List, ID: pair(project, id)}
}

func fieldRef(project int, key string) item.Ref {
	return item.Ref{Kind: item.CustomField, ID: itoa(project) + "/" + key}
}

// labelRef names an entry of the labels' field by its number, or where entries
// have none (the format list) by a hash of its text.
func labelRef(project int, d apiField, value string) item.Ref {
	if d.Format != "enumeration" {
		value = "h" + short(value)
	}
	return item.Ref{Kind: item.Label, ID: itoa(project) + "/" + itoa(d.ID) + "/" + value}
}

func pair(a, b int) string { return itoa(a) + "/" + itoa(b) }

// number reads an id of one number; ok is false for any other text.
func number(id string) (n int, ok bool) {
	n, err := strconv.Atoi(id)
	return n, err == nil && n > 0 && id[0] != '+' && id[0] != '0'
}

// numbers reads an id of two numbers.
func numbers(id string) (a, b int, ok bool) {
	x, y, _ := strings.Cut(id, "/")
	a, ok1 := number(x)
	b, ok2 := number(y)
	return a, b, ok1 && ok2
}

// listNumber reads the number of what stands for a list.
func listNumber(as string, id string) (int, bool) {
	if as == asCategory {
		return number(id)
	}
	_, n, ok := numbers(id)
	return n, ok
}

// short is a hash for ids: long enough to be unique within a server.
func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// Aliases name items in URLs.

func issueAlias(id int) string      { return "issues/" + itoa(id) }
func journalAlias(id int) string    { return "journals/" + itoa(id) }
func attachmentAlias(id int) string { return "attachments/" + itoa(id) }
func userAlias(id int) string       { return "users/" + itoa(id) }

// projectAlias hashes identifiers: they are made of names, and names are not
// kept.
func projectAlias(name string) string {
	if _, ok := number(name); ok {
		return "projects/" + name
	}
	return "projects/h" + short(name)
}
