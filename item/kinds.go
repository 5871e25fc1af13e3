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

// declared lists every kind that Rialto moves, containers first, and is made once: a
// file is asked about its kind dozens of times on its way. A new kind is a file of
// its own and one line here.
var declared = sync.OnceValue(func() []KindInfo {
	return []KindInfo{
		boardKind(),
		driveKind(),
		mailboxKind(),
		memberKind(),
		labelKind(),
		fieldKind(),
		listKind(),
		folderKind(),
		taskKind(),
		fileKind(),
		shortcutKind(),
		messageKind(),
		checklistKind(),
		commentKind(),
		attachmentKind(),
	}
})

// Kinds declares every kind, containers first. The caller changes nothing of it.
func Kinds() []KindInfo { return declared() }

// Info returns the declaration of a kind; ok is false for an unknown one. The caller
// changes nothing of it.
func Info(k Kind) (info KindInfo, ok bool) {
	all := declared()
	for i := range all {
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
	all := declared()
	for i := range all {
		if all[i].Kind == k {
			return all[i].Level
		}
	}
	return -1
}
