package redmine

import (
	"regexp"
	"strings"
)

var (
	beforeName = regexp.MustCompile(`(?s)\A.*[\\/]`)
	badInName  = regexp.MustCompile(`[/?%*:|"'<>\n\r]+`)
)

// cleanName is what Redmine makes of a file's name (app/models/attachment.rb,
// sanitize_filename).
func cleanName(name string) string {
	return badInName.ReplaceAllString(beforeName.ReplaceAllString(name, ""), "_")
}

// nameToStore returns the name and the description under which a file is
// stored. The description keeps a name that Redmine would change.
func nameToStore(name string) (filename, description string) {
	clean := cleanName(name)
	if clean == "" {
		clean = "file"
	}
	if clean == name {
		return name, ""
	}
	return clean, name
}

// storedName is the opposite of nameToStore. ok is false if the description is
// one that people wrote.
func storedName(filename, description string) (name string, ok bool) {
	if description == "" {
		return filename, true
	}
	if f, d := nameToStore(description); d == description && f == filename {
		return description, true
	}
	return filename, false
}

// A file whose type the source does not tell is stored as bytes of any kind,
// and one that the source tells to be just that as the same said otherwise, so
// that Redmine, which guesses where nothing is said, leaves both alone.
const (
	anyBytes     = "application/octet-stream"
	anyBytesTold = "application/octet-stream; charset=binary"
)

func typeToStore(mediaType string) string {
	switch mediaType {
	case "":
		return anyBytes
	case anyBytes:
		return anyBytesTold
	}
	return mediaType
}

func storedType(contentType string) string {
	switch strings.TrimSpace(contentType) {
	case anyBytes:
		return ""
	case anyBytesTold:
		return anyBytes
	}
	return contentType
}
