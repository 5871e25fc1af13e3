package item

// Shortcut is a name in a folder that leads to a file or folder elsewhere.
const Shortcut Kind = "shortcut"

// LeadsTo is the address of what a shortcut leads to.
var LeadsTo = Attr[string]{Field{Name: "leads-to", Type: URL, Doc: "the address of what it leads to"}}

func shortcutKind() KindInfo {
	return KindInfo{Kind: Shortcut, Plural: "shortcuts", Level: Leaf, In: []Kind{Drive}, Doc: "a name that leads to a file or folder elsewhere",
		Fields: []Field{FileName.Field, LeadsTo.Field, Created.Field}}
}
