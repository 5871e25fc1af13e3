package look

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// A Region is a part of a page that changes while one looks: an event replaces what
// is in it. What has the focus keeps it, and what is open stays open.
type Region struct {
	ID    string // unlike any other of the page
	Told  bool   // is read out when it changes; for one short line
	Parts []any
}

// Replace writes the server-sent event that puts a region's new content into the
// pages that show it. The event's id is what a browser sends as Last-Event-ID when
// its connection was lost, so it names the state that the region shows; when the
// browser gave up itself, the script asks for the page's stream with the parameter
// "after" set to it.
func (l *Look) Replace(w io.Writer, event string, r Region) error {
	return l.event(w, "replace", event, r.ID, r.Parts)
}

// Append writes the server-sent event that adds lines to a log.
func (l *Look) Append(w io.Writer, event, log string, lines ...LogLine) error {
	return l.event(w, "append", event, log, lines)
}

// End writes the server-sent event after which a page asks for no more.
func (l *Look) End(w io.Writer, event string) error { return l.event(w, "end", event, "", nil) }

// event writes one event as https://html.spec.whatwg.org/multipage/server-sent-events.html
// describes it. Its first line of data is the id of the element that it is for.
func (l *Look) event(w io.Writer, kind, id, target string, content any) error {
	if strings.ContainsAny(id+target, "\r\n\x00") {
		return fmt.Errorf("look: an event's id is one line: %q", id+target)
	}
	text, err := l.show(content)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %s\nevent: %s\ndata: %s\n", id, kind, target)
	for line := range strings.Lines(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text))) {
		fmt.Fprintf(&b, "data: %s\n", strings.TrimSuffix(line, "\n"))
	}
	b.WriteByte('\n')
	_, err = w.Write(b.Bytes())
	return err
}
