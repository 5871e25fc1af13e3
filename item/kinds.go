package item

// A KindInfo declares one kind: where it stands in a container and which
// fields it has.
type KindInfo struct {
	Kind   Kind
	Plural string
	// Level orders writing: what has a higher level may refer to what has a
	// lower one. Containers are 0, what frames them 1, tasks 2, what lies in a
	// task 3.
	Level  int
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
func rows() [9]row {
	return [...]row{
		{Board, boardKind},
		{Member, memberKind},
		{Label, labelKind},
		{CustomField, fieldKind},
		{List, listKind},
		{Task, taskKind},
		{Checklist, checklistKind},
		{Comment, commentKind},
		{Attachment, attachmentKind},
	}
}

// Kinds declares every kind, containers first.
func Kinds() []KindInfo {
	all := rows()
	out := make([]KindInfo, len(all))
	for i, r := range all {
		out[i] = r.declare()
	}
	return out
}

// Info returns the declaration of a kind; ok is false for an unknown one.
func Info(k Kind) (info KindInfo, ok bool) {
	for _, r := range rows() {
		if r.kind == k {
			return r.declare(), true
		}
	}
	return KindInfo{}, false
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
