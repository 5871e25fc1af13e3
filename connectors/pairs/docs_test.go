package pairs_test

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors"
	"github.com/rialto-migrate/rialto/item"
)

// A shown connection is one whose capabilities a page shows: the first one
// whole, the others by what differs.
type shown struct {
	how string
	set connector.Settings
}

// connections are the ways of connecting that the pages tell apart.
func connections() map[string][]shown {
	return map[string][]shown{
		"trello": {{"in a paid workspace", nil}, {"in a free workspace (plan=free)", connector.Settings{"plan": "free"}}},
		"planner": {{"signed in as a person (a refresh token)", connector.Settings{"refresh-token": "x"}},
			{"as an app on its own (a client secret)", connector.Settings{"client-secret": "x"}}},
		"onedrive": {{"in a tenant (kind=organisation)", nil}, {"in the OneDrive of a private person (kind=personal)", connector.Settings{"kind": "personal"}}},
		"outlook":  {{"that refuses messages which would stay drafts (drafts=refuse)", nil}, {"that keeps them (drafts=keep)", connector.Settings{"drafts": "keep"}}},
		"redmine": {{"with an administrator's key, and a custom field Labels (id 7, say)", connector.Settings{"admin": "yes", "labels-field": "7", "text": "markdown"}},
			{"without a custom field Labels", connector.Settings{"admin": "yes", "text": "markdown"}},
			{"with the key of somebody who is no administrator", connector.Settings{"admin": "no", "labels-field": "7", "text": "markdown"}},
			{"with versions for lists (lists-as=version)", connector.Settings{"admin": "yes", "labels-field": "7", "text": "markdown", "lists-as": "version"}},
			{"with statuses for lists (lists-as=status)", connector.Settings{"admin": "yes", "labels-field": "7", "text": "markdown", "lists-as": "status"}}},
		"dropbox": {{"to a person's Dropbox, or a team's", nil}},
		"imap": {{"with a password", nil},
			{"to Microsoft 365 (service=microsoft)", connector.Settings{"service": "microsoft"}},
			{"to a server that lets a folder be made for sent mail and the like (create-special-use=yes)", connector.Settings{"create-special-use": "yes"}}},
		"googledrive": {{"to My Drive or a shared drive", nil}},
		"mailfiles":   {{"to a folder of this machine", nil}},
		"local":       {{"to a folder of this machine", nil}},
		"box":         {{"that writes metadata as tags (tags=keep)", nil}, {"that does not (tags=drop)", connector.Settings{"tags": "drop"}}},
		"rclone": {{"to a backend that keeps times (traits=modified moves), such as pcloud or hidrive", connector.Settings{"traits": "modified moves"}},
			{"to one with buckets (traits=bucket media-type modified moves), such as b2 or swift", connector.Settings{"traits": "bucket media-type modified moves"}},
			{"to one that keeps no times (traits=moves), such as zoho or seafile", connector.Settings{"traits": "moves"}}},
		"s3": {{"that carries media types, metadata and times (metadata=keep)", nil},
			{"that carries the bytes alone (metadata=drop)", connector.Settings{"metadata": "drop"}}},
		"sftp": {{"with a password or a key", nil}},
		"smb":  {{"to Windows", nil}, {"to Samba on a disk of Linux's (name-bytes=255)", connector.Settings{"name-bytes": "255"}}},
		"ftps": {{"to a server that lets the times of files be set (times=mfmt, or times=mdtm)", connector.Settings{"times": "mfmt"}},
			{"to one that only tells them (times=told)", connector.Settings{"times": "told"}}},
		"webdav": {{"to a server of Nextcloud or ownCloud (server=owncloud)", connector.Settings{"server": "owncloud"}},
			{"to Apache (server=apache)", connector.Settings{"server": "apache"}},
			{"to rclone serve webdav (server=rclone)", connector.Settings{"server": "rclone"}},
			{"to any other server", nil}},
	}
}

// TestDocs holds the pages of docs/connectors against what the connectors
// declare.
func TestDocs(t *testing.T) {
	for _, c := range connectors.All() {
		name := c.Manifest().Name
		ways := connections()[name]
		if len(ways) == 0 {
			t.Errorf("connections does not say how to show %s", name)
			continue
		}
		golden(t, filepath.Join(root(), "docs", "connectors", name+".md"), page(c, ways))
	}
}

func page(c connector.Connector, ways []shown) string {
	p := &pageWriter{}
	m, caps := c.Manifest(), c.Capabilities(ways[0].set)
	p.f("# %s\n", m.Title)
	p.f("What Rialto can keep when it moves %s to and from %s, and what it cannot, with the reason. This page is written by", moves(caps), m.Title)
	p.f("`go test ./connectors/pairs -run Docs -update` from what the connector declares; forecast, run and verify read the same tables.\n")
	if len(ways) > 1 {
		p.f("It shows a connection %s; [what differs otherwise](#otherwise) stands below.\n", ways[0].how)
	}
	if caps.Leaf() == item.Task {
		p.f("- Long texts are %s.%s", caps.Format, mention(caps))
	}
	if caps.SettleDelay > 0 {
		p.f("- A request of a run that was stopped may still arrive for %s: until then nothing that is in doubt is written again.", span(caps.SettleDelay))
	}
	p.f("- A connection talks to %s.\n", talks(m))
	p.settings(m)
	p.f("## What it holds\n")
	for _, info := range item.Kinds() {
		if _, ok := caps.Kinds[info.Kind]; ok {
			p.kind(info, caps)
		}
	}
	p.absent(caps)
	p.quotas(caps)
	if len(ways) > 1 {
		p.f("## Otherwise\n")
		for _, w := range ways[1:] {
			p.otherwise(w, caps, c.Capabilities(w.set))
		}
	}
	return strings.TrimRight(p.String(), "\n") + "\n"
}

// moves is what a cloud's containers are there for.
func moves(caps connector.Capabilities) string {
	if info, ok := item.Info(caps.Leaf()); ok && info.Kind != item.Task {
		return info.Plural
	}
	return "boards"
}

func talks(m connector.Manifest) string {
	to := slices.Clone(m.Hosts)
	for _, s := range m.Settings {
		if s.Name == connector.SettingURL || s.Name == "server" && !s.Optional {
			to = append(to, "what the setting "+s.Name+" names")
		}
	}
	if len(to) == 0 {
		return "nobody"
	}
	if n := len(to) - 1; n > 0 {
		return strings.Join(to[:n], ", ") + ", and to " + to[n]
	}
	return to[0]
}

func mention(caps connector.Capabilities) string {
	if caps.Mention == "" {
		return " No mark in them notifies anybody."
	}
	return fmt.Sprintf(" `%s` before a user name in them notifies that person, so that mentions from elsewhere are written as plain names.", caps.Mention)
}

type pageWriter struct{ strings.Builder }

func (p *pageWriter) f(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *pageWriter) settings(m connector.Manifest) {
	p.f("## Settings of a connection\n")
	p.f("`rialto connect %s --name NAME --set setting=value …`; secrets are asked for, and sealed.\n", m.Name)
	p.f("| setting | | what it is |\n|---|---|---|")
	for _, s := range m.Settings {
		var is []string
		for _, what := range []struct {
			yes  bool
			word string
		}{{s.Secret, "secret"}, {s.Path, "a local file or folder"}, {s.Optional, "optional"}, {!s.Optional, "needed"}} {
			if what.yes {
				is = append(is, what.word)
			}
		}
		p.f("| `%s` | %s | %s |", s.Name, strings.Join(is, ", "), cell(s.Help))
	}
	p.f("")
}

func (p *pageWriter) kind(info item.KindInfo, caps connector.Capabilities) {
	k := caps.Kinds[info.Kind]
	p.f("### %s\n", strings.ToUpper(info.Plural[:1])+info.Plural[1:])
	if !caps.Writes(info.Kind) {
		p.f("%s. Read from here, and not written: %s.\n", sentence(info.Doc), readOnly(info.Kind, k))
	} else {
		p.f("%s.\n", sentence(info.Doc))
		p.facts(info.Kind, k, caps.Paths)
	}
	p.f("| field | kept | limit | why |\n|---|---|---|---|")
	for _, f := range info.Fields {
		limits, ok := k.Fields[f.Name]
		switch {
		case !ok:
			p.f("| %s: %s | no | | %s |", f.Name, f.Doc, cell(k.Lost[f.Name]))
		case limits.Told:
			p.f("| %s: %s | read only | | %s |", f.Name, f.Doc, cell(limits.Why))
		default:
			p.f("| %s: %s | yes | %s | %s |", f.Name, f.Doc, limit(limits), cell(limits.Why))
		}
	}
	p.f("")
}

func readOnly(k item.Kind, caps connector.KindCaps) string {
	if k == item.Member {
		return "people are matched with those of the target, by address and name or by hand"
	}
	for _, name := range slices.Sorted(maps.Keys(caps.Fields)) {
		if why := caps.Fields[name].Why; why != "" {
			return why
		}
	}
	return "the cloud's API writes none"
}

// facts say what holds for a kind as a whole.
func (p *pageWriter) facts(kind item.Kind, k connector.KindCaps, paths bool) {
	if k.Embedded != "" {
		p.f("- Written with its %s, in one go.", k.Embedded)
	}
	if k.Max > 0 || k.MaxOpen > 0 {
		open := ""
		if k.MaxOpen > 0 {
			open = fmt.Sprintf(", %d of them open", k.MaxOpen)
		}
		where := "a board"
		switch info, _ := item.Info(kind); {
		case info.Level == item.Container:
			where = "a place"
		case info.Level > item.Leaf:
			where = "a task"
		}
		p.f("- At most %d in %s%s: %s.", k.Max, where, open, k.Why)
	}
	if k.MaxBytes > 0 {
		p.f("- At most %d bytes in one: %s.", k.MaxBytes, k.Why)
	}
	if k.Ordered {
		p.f("- Their order is kept.")
	}
	switch {
	case k.Carrier != "":
		p.f("- Found again, after a crash or with the ledger lost, by its mark: %s.", k.Carrier)
	case k.Embedded != "":
		p.f("- Found again with its %s.", k.Embedded)
	case len(k.Shape) == 0:
		p.f("- Found again, after a crash or with the ledger lost, by where it stands.")
	default:
		p.f("- Found again, after a crash or with the ledger lost, by what it holds: %s. It carries no mark.", strings.Join(k.Shape, ", "))
	}
	undo := string(cmp.Or(k.Undo, connector.UndoExact))
	if k.UndoWhy != "" {
		undo += ": " + k.UndoWhy
	}
	p.f("- Undo: %s.", undo)
	for _, n := range k.Notices {
		p.f("- Who hears of it: %s.", n.Says())
	}
	p.f("")
}

func limit(f connector.FieldCaps) string {
	var out []string
	add := func(yes bool, format string, args ...any) {
		if yes {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(f.MaxChars > 0, "%d characters", f.MaxChars)
	add(f.MaxCount > 0, "%d entries", f.MaxCount)
	add(f.MaxBytes >= 1<<30, "%d GB", f.MaxBytes>>30)
	add(f.Names != nil && f.Names.MaxBytes > 0, "names that it takes, of %d bytes", nameBytes(f.Names))
	add(f.Names != nil && f.Names.MaxBytes == 0, "names that it takes")
	add(f.MaxBytes > 0 && f.MaxBytes < 1<<30, "%d MB", f.MaxBytes>>20)
	add(f.Days, "days, no clock")
	add(len(f.Values) > 0 && len(f.Values) <= 12, "%s", strings.Join(f.Values, ", "))
	add(len(f.Values) > 12, "one of %d", len(f.Values))
	add(len(f.Without) > 0, "none of %s", strings.Join(f.Without, ", "))
	add(f.Unique, "each once")
	add(f.Needed, "needed")
	add(f.Fixed, "cannot change later")
	add(f.AtLeast, "may hold more")
	return strings.Join(out, "; ")
}

func nameBytes(n *connector.NameCaps) int {
	if n == nil {
		return 0
	}
	return n.MaxBytes
}

func (p *pageWriter) absent(caps connector.Capabilities) {
	lines := 0
	for _, info := range item.Kinds() {
		has := func(k item.Kind) bool { _, ok := caps.Kinds[k]; return ok }
		if has(info.Kind) || !info.With(has) {
			continue
		}
		if lines == 0 {
			p.f("## What it has no place for\n")
		}
		lines++
		p.f("- %s: %s. They become text of their task.", info.Plural, caps.Absent[info.Kind])
	}
	if lines > 0 {
		p.f("")
	}
}

func (p *pageWriter) quotas(caps connector.Capabilities) {
	p.f("## Quotas\n")
	if caps.ReadRequests(1) == 0 {
		p.f("None: no request is sent.\n")
		return
	}
	if len(caps.Quotas) == 0 {
		p.f("The vendor publishes none for these calls: the forecast gives a range, and the run learns from what it is told.\n")
		return
	}
	p.f("| calls | at most | says |\n|---|---|---|")
	for _, q := range caps.Quotas {
		p.f("| %s | %d in %s | %s |", cmp.Or(q.Class, "all"), q.Requests, span(q.Per), cell(q.Source))
	}
	p.f("")
}

// otherwise says what differs with other settings.
func (p *pageWriter) otherwise(w shown, base, caps connector.Capabilities) {
	p.f("### A connection %s\n", w.how)
	for _, info := range item.Kinds() {
		was, had := base.Kinds[info.Kind]
		k, has := caps.Kinds[info.Kind]
		switch {
		case had && !has:
			p.f("- %s have no place: %s.", info.Plural, caps.Absent[info.Kind])
			continue
		case !has:
			continue
		case !had:
			p.f("- %s have a place.", info.Plural)
		}
		if was.Undo != k.Undo || was.UndoWhy != k.UndoWhy {
			p.f("- %s: undo is %s. %s", info.Plural, k.Undo, k.UndoWhy)
		}
		for _, f := range info.Fields {
			a, kept := was.Fields[f.Name]
			b, keeps := k.Fields[f.Name]
			before, after := state(a, kept, was.Lost[f.Name]), state(b, keeps, k.Lost[f.Name])
			if had && before != after {
				p.f("- %s, %s: %s", info.Plural, f.Name, after)
			}
		}
	}
	p.f("")
}

// state is how a field is kept, in words.
func state(f connector.FieldCaps, kept bool, lost string) string {
	switch {
	case !kept:
		return "not kept: " + lost
	case f.Told:
		return "read only: " + f.Why
	}
	return strings.TrimSuffix(fmt.Sprintf("kept (%s): %s", cmp.Or(limit(f), "no limit"), f.Why), ": ")
}

// span is a time in words: "1 minute" for 1m0s.
func span(d time.Duration) string {
	n, unit := int(d/time.Second), "second"
	if d%time.Minute == 0 {
		n, unit = int(d/time.Minute), "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// cell makes a text fit for a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
