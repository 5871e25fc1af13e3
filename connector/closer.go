package connector

import (
	"context"
	"regexp"
	"strings"
)

// A Closer is a Source that can end the work in its containers, at a cut-over:
// people find a note that says where the container went, and as far as the cloud
// allows it, nobody changes anything at the old place any more. It writes through
// requests that name their Deed, and sends no others.
//
// A method fails with class Unsupported or Forbidden where the cloud, the
// connection or its rights do not allow it: then a person is told the Steps.
type Closer interface {
	// Standing tells how a container stands before it is closed: what ReopenShard needs
	// to know to restore exactly that. Ids and flags only, for it is remembered.
	Standing(context.Context, Shard) (Standing, error)
	// CloseShard puts the note up and closes the container. Safe to repeat: after a call
	// that was cut off, whatever it did, another one with the same standing does
	// the rest.
	CloseShard(context.Context, Shard, Note, Standing) (Closed, error)
	// ReopenShard takes the note away and restores how the container stood; "" is a
	// container that was open. What people changed meanwhile stays. Safe to repeat,
	// and on a container that was never closed it does nothing.
	ReopenShard(context.Context, Shard, Standing) error
	// Steps says what a person has to do instead, one line a step. Pure.
	Steps(Shard, Note) []string
}

// A Standing is how a container stood before its cut-over, in its source's own
// words: "" for an open one, else ids and flags.
type Standing string

// WasClosed is the Standing of a container that people had closed themselves.
const WasClosed Standing = "closed"

// Closed says what became of a container.
type Closed struct {
	// ReadOnly is true if nobody can change anything in it any more.
	ReadOnly bool
	// Why says why not, for people: the vendor's reason.
	Why string
}

// A Note is what is left at the old place.
type Note struct{ Link string } // where the container is now

// What a note consists of, so that it is found again whatever stands around it.
const (
	noteHead = "Moved to "
	noteBody = "What is changed here from now on does not arrive there. (A note by Rialto.)"
)

// Text is the note as a text of its own or before another one.
func (n Note) Text() string { return noteHead + n.Link + "\n\n" + noteBody }

// Before puts the note in front of a text.
func (n Note) Before(text string) string {
	if text == "" {
		return n.Text()
	}
	return n.Text() + "\n\n" + text
}

// noteIn matches a note with what separates it from the text behind. Some clouds
// store lines as they are sent, others end them with CR LF.
func noteIn() *regexp.Regexp {
	return regexp.MustCompile(regexp.QuoteMeta(noteHead) + `\S+(\r?\n){2}` + regexp.QuoteMeta(noteBody) + `(?:(?:\r?\n){2}|\s*$)`)
}

// WithoutNote returns a text as it is without a note, and whether there was one.
func WithoutNote(text string) (rest string, had bool) {
	if !strings.Contains(text, noteBody) {
		return text, false
	}
	at := noteIn().FindStringIndex(text)
	if at == nil {
		return text, false
	}
	return text[:at[0]] + text[at[1]:], true
}

// Title is the note in the one line that people see everywhere: before a name.
func (n Note) Title(name string) string { return noteHead + n.Link + titleEnd + name }

const titleEnd = " · "

// WithoutTitle returns a name as it is without a note before it, and whether
// there was one.
func WithoutTitle(name string) (rest string, had bool) {
	link, ok := strings.CutPrefix(name, noteHead+"http")
	if !ok {
		return name, false
	}
	if at := strings.Index(link, titleEnd); at >= 0 && !strings.ContainsAny(link[:at], " \t\n") {
		return link[at+len(titleEnd):], true
	}
	return name, false
}
