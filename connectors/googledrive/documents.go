package googledrive

import "strings"

// A policy says what becomes of a document that one of Google's editors made, and
// that has no bytes of its own.
type policy string

const (
	office policy = "office"
	odf    policy = "odf"
	pdf    policy = "pdf"
	skip   policy = "skip" // listed as not carried
)

// A format is what a document is exported as.
type format struct {
	media  string
	ending string
}

// formats are the exports that are chosen, by the document's type
// (https://developers.google.com/workspace/drive/api/guides/ref-export-formats). A
// drawing has no office format.
func formats(docType string, p policy) (f format, ok bool) {
	const openXML, oasis = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."
	asPDF := format{"application/pdf", ".pdf"}
	f, ok = map[string]map[policy]format{
		"document":     {office: {openXML + "wordprocessingml.document", ".docx"}, odf: {oasis + "text", ".odt"}, pdf: asPDF},
		"spreadsheet":  {office: {openXML + "spreadsheetml.sheet", ".xlsx"}, odf: {oasis + "spreadsheet", ".ods"}, pdf: asPDF},
		"presentation": {office: {openXML + "presentationml.presentation", ".pptx"}, odf: {oasis + "presentation", ".odp"}, pdf: asPDF},
		"drawing":      {office: {"image/svg+xml", ".svg"}, odf: {"image/svg+xml", ".svg"}, pdf: asPDF},
	}[docType][p]
	return f, ok
}

// document says what of Google's own a type is: "document", "form"; "" for one that is
// not Google's.
func document(mimeType string) string {
	kind, ok := strings.CutPrefix(mimeType, googleTypes)
	if !ok || mimeType == folderType || mimeType == shortcutType {
		return ""
	}
	kind, _, _ = strings.Cut(kind, ".") // drive-sdk.1234, which names an app
	return kind
}
