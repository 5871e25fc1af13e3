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

// Kinds lists every kind that Rialto moves, containers first. A new kind is a
// file of its own and one row here.
func Kinds() []KindInfo {
	return []KindInfo{
		boardKind(),
		memberKind(),
		labelKind(),
		fieldKind(),
		listKind(),
		taskKind(),
		checklistKind(),
		commentKind(),
		attachmentKind(),
	}
}

// Info returns the declaration of a kind; ok is false for an unknown one.
func Info(k Kind) (info KindInfo, ok bool) {
	for _, info := range Kinds() {
		if info.Kind == k {
			return info, true
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
