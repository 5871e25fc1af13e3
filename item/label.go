package item

// Label is a coloured tag of a board.
const Label Kind = "label"

// Color is a color's plain English name ("green", "light blue"); "" for none.
var Color = Attr[string]{Field{Name: "color", Type: Choice, Doc: "its colour"}}

func labelKind() KindInfo {
	return KindInfo{Kind: Label, Plural: "labels", Level: Frame, In: []Kind{Board}, Doc: "a tag that tasks can carry",
		Fields: []Field{Name.Field, Color.Field}}
}
