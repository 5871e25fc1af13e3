package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// asRenamed is what becomes of a name that the target refuses.
const asRenamed = "renamed"

// fileName fits the name of a file or folder: one that the target takes stays
// byte for byte.
func (w *fitting) fileName(from item.Item, rules *connector.NameCaps, name string) string {
	got := takenName(rules, name)
	if got != name {
		w.lose(from.Kind, item.FileName.Name, asRenamed, from.ID)
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
	sum := sha256.Sum256([]byte(name))
	tag := "~" + hex.EncodeToString(sum[:3])
	ext := path.Ext(clean)
	if len(ext) > 16 || ext == clean {
		ext = ""
	}
	stem := strings.TrimSuffix(clean, ext)
	if rules != nil && rules.MaxBytes > 0 {
		stem = headBytes(stem, rules.MaxBytes-len(tag)-len(ext))
	}
	if rules != nil && strings.Trim(stem, rules.Begins) == "" {
		stem = ""
	}
	return stem + tag + ext
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
	if rules.MaxBytes > 0 && len(name) > rules.MaxBytes {
		ext := path.Ext(name)
		if len(ext) > 16 {
			ext = ""
		}
		name = headBytes(strings.TrimSuffix(name, ext), rules.MaxBytes-len(ext)) + ext
	}
	if last, size := utf8.DecodeLastRuneInString(name); strings.ContainsRune(rules.Ends, last) {
		name = name[:len(name)-size] + "_"
	}
	if first, size := utf8.DecodeRuneInString(name); strings.ContainsRune(rules.Begins, first) {
		name = "_" + name[size:]
	}
	return name
}

// headBytes is the longest beginning of whole characters that has at most n bytes.
func headBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
