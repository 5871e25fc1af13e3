package item

import (
	"slices"
	"sync"
)

// A Level orders writing: what has a higher level may refer to what has a lower
// one.
type Level int

const (
	Container Level = iota // a board, a drive, a mailbox: the unit of listing
	Frame                  // what frames a container: lists, labels, folders
	Leaf                   // what it is there for: tasks, files, messages
	Within                 // what lies in a leaf: comments, attachments
)

// A KindInfo declares one kind: where it stands in a container and which
// fields it has.
type KindInfo struct {
	Kind   Kind
	Plural string
	Level  Level
	In     []Kind // the kinds of container that it lies in; nil for a container
	Fields []Field
	Doc    string // one line for help texts and generated pages
}

// A row is one kind in the list of kinds.
type row struct {
	kind    Kind
	declare func() KindInfo
}

// rows lists every kind that Rialto moves, containers first. A new kind is a
// file of its own and one row here.
func rows() [14]row {
	return [...]row{
		{Board, boardKind},
		{Drive, driveKind},
		{Mailbox, mailboxKind},
		{Member, memberKind},
		{Label, labelKind},
		{CustomField, fieldKind},
		{List, listKind},
		{Folder, folderKind},
		{Task, taskKind},
		{File, fileKind},
		{Message, messageKind},
		{Checklist, checklistKind},
		{Comment, commentKind},
		{Attachment, attachmentKind},
	}
}

// declared is the table of all kinds, made once: it is asked many times for each item.
var declared = sync.OnceValue(func() []KindInfo {
	all := rows()
	out := make([]KindInfo, len(all))
	for i, r := range all {
		out[i] = r.declare()
	}
	return out
})

// Kinds declares every kind, containers first. It is one table for all, like what
// Info returns: who wants to change a list of it clones it.
func Kinds() []KindInfo { return slices.Clip(declared()) }

// Info returns the declaration of a kind; ok is false for an unknown one.
func Info(k Kind) (info KindInfo, ok bool) {
	for i, all := 0, declared(); i < len(all); i++ {
		if all[i].Kind == k {
			return all[i], true
		}
	}
	return KindInfo{}, false
}

// With reports whether a cloud that has these kinds would have a place for this
// one: it has a kind of container that this one lies in.
func (k KindInfo) With(has func(Kind) bool) bool {
	return k.Level == Container && has(k.Kind) || slices.ContainsFunc(k.In, has)
}

// Field returns the declaration of one field of the kind.
func (k KindInfo) Field(name string) (f Field, ok bool) {
	for _, f := range k.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Level is where a kind stands in a container. An unknown kind stands nowhere: -1.
func (k Kind) Level() Level {
	for i, all := 0, declared(); i < len(all); i++ {
		if all[i].Kind == k {
			return all[i].Level
		}
	}
	return -1
}
