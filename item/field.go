package item

// CustomField is the definition of a custom field of a board.
const CustomField Kind = "field"

var (
	// FieldType is one of text, number, date, checkbox, list.
	FieldType = Attr[string]{Field{Name: "type", Type: Choice, Doc: "text, number, date, checkbox or list"}}
	// FieldOptions are the texts a list field offers.
	FieldOptions = Attr[[]string]{Field{Name: "options", Type: Options, Doc: "what a list field offers"}}
)

func fieldKind() KindInfo {
	return KindInfo{Kind: CustomField, Plural: "fields", Level: Frame, In: []Kind{Board}, Doc: "the definition of a custom field",
		Fields: []Field{Name.Field, Position.Field, FieldType.Field, FieldOptions.Field}}
}
