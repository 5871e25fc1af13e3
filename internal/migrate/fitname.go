package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// asRenamed is what becomes of a name that the target refuses.
const asRenamed = "renamed"

// fileName fits the name of a file or folder: one that the target takes stays
// byte for byte.
func (w *fitting) fileName(from item.Item, rules *connector.NameCaps, name string) string {
	got := w.naming.of(from, rules, name)
	if got != name {
		w.loseFor(from.Kind, item.FileName.Name, asRenamed, from.ID, w.naming.why(from.Ref, w.because(from.Kind, item.FileName.Name)))
	}
	return got
}

// takenName is a name that the target takes in place of one that it refuses: what
// is refused in it becomes "_", and, before the extension, "~" and six digits of a
// hash of the name as it was keep two such names apart. It depends on the name
// alone, so that each verb and each pass finds the same.
func takenName(rules *connector.NameCaps, name string) string {
	clean := cleanName(rules, name)
	if clean == name {
		return name
	}
	return taggedName(rules, clean, name)
}

// taggedName adds the six digits to a clean name; they are of what it stands for.
func taggedName(rules *connector.NameCaps, clean, stands string) string {
	sum := sha256.Sum256([]byte(stands))
	tag := "~" + hex.EncodeToString(sum[:3])
	ext := path.Ext(clean)
	if len(ext) > 16 || ext == clean {
		ext = ""
	}
	stem := strings.TrimSuffix(clean, ext)
	if rules != nil {
		stem = head(stem, within(rules.MaxBytes, len(tag)+len(ext)), within(rules.MaxChars, len(tag)+units(ext)))
	}
	if rules != nil && strings.Trim(stem, rules.Begins) == "" {
		stem = ""
	}
	return stem + tag + ext
}

// within is what is left of a limit; 0 stays no limit.
func within(limit, used int) int {
	if limit == 0 {
		return 0
	}
	return max(limit-used, 1)
}

func cleanName(rules *connector.NameCaps, name string) string {
	switch {
	case rules != nil && rules.Empty && strings.Trim(name, ".") == "" && len(name) < 3:
		return name
	case name == "" || name == "." || name == "..":
		return strings.Repeat("_", max(len(name), 1))
	case rules == nil:
		return strings.ReplaceAll(name, "/", "_")
	}
	if rules.UTF8 {
		name = strings.ToValidUTF8(name, "_")
	}
	name = strings.Map(func(r rune) rune {
		if r == '/' || strings.ContainsRune(rules.Forbidden, r) || rules.Controls && unicode.IsControl(r) {
			return '_'
		}
		return r
	}, name)
	stem, _, _ := strings.Cut(name, ".")
	if slices.ContainsFunc(rules.Reserved, func(r string) bool { return strings.EqualFold(r, stem) || strings.EqualFold(r, name) }) {
		name = "_" + name
	}
	if rules.MaxBytes > 0 && len(name) > rules.MaxBytes || rules.MaxChars > 0 && units(name) > rules.MaxChars {
		ext := path.Ext(name)
		if len(ext) > 16 {
			ext = ""
		}
		name = head(strings.TrimSuffix(name, ext), within(rules.MaxBytes, len(ext)), within(rules.MaxChars, units(ext))) + ext
	}
	if last, size := utf8.DecodeLastRuneInString(name); strings.ContainsRune(rules.Ends, last) {
		name = name[:len(name)-size] + "_"
	}
	if first, size := utf8.DecodeRuneInString(name); strings.ContainsRune(rules.Begins, first) {
		name = "_" + name[size:]
	}
	return name
}

// head is the longest beginning of whole characters that has at most so many bytes
// and so many UTF-16 units; 0 is no limit.
func head(s string, bytes, chars int) string {
	n := 0
	for at, r := range s {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(s[at:])
		}
		n += utf16.RuneLen(r)
		if bytes > 0 && at+size > bytes || chars > 0 && n > chars {
			return s[:at]
		}
	}
	return s
}

// units counts a text as clouds do, in UTF-16.
func units(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
