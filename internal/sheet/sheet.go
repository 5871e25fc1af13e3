// Package sheet reads and writes the CSV files that people edit in a
// spreadsheet: the map of a migration and its people. It reads what
// spreadsheets make of a file (another separator, another encoding, a byte
// order mark, lines that are shorter) and says in which line something is wrong.
package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// A Sheet is a table with named columns.
type Sheet struct {
	Path    string
	Columns []string // as the first line names them, in lower case
	Rows    []Row
}

// A Row is one line of a table.
type Row struct {
	Line  int // in the file; the first line has the number 1
	sheet *Sheet
	cells []string
}

// Get returns a cell without the space around it; "" for a column that the table
// lacks and a line that ends before it.
func (r Row) Get(column string) string {
	i := slices.Index(r.sheet.Columns, column)
	if i < 0 || i >= len(r.cells) {
		return ""
	}
	return unguard(strings.TrimSpace(r.cells[i]))
}

// Errorf says what is wrong with a line.
func (r Row) Errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", r.sheet.Path, r.Line, fmt.Errorf(format, args...))
}

// Has reports whether the table has a column.
func (s *Sheet) Has(column string) bool { return slices.Contains(s.Columns, column) }

// Read reads a table whose first line names its columns, among them the needed
// ones. Lines without any text are passed over.
func Read(path string, needed ...string) (*Sheet, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the table cannot be read: %w", err)
	}
	return Parse(path, raw, needed...)
}

// Parse reads a table from the bytes of a file; path is for errors.
func Parse(path string, raw []byte, needed ...string) (*Sheet, error) {
	text, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// A first line "sep=;" tells a spreadsheet the separator; it is no row.
	skipped := 0
	sep := separator(text)
	if first, rest, ok := bytes.Cut(text, []byte("\n")); ok {
		if s, told := bytes.CutPrefix(bytes.TrimSpace(first), []byte("sep=")); told && len(s) == 1 {
			sep, text, skipped = rune(s[0]), rest, 1
		}
	}
	c := csv.NewReader(bytes.NewReader(text))
	c.Comma, c.FieldsPerRecord, c.LazyQuotes = sep, -1, true
	s := &Sheet{Path: path}
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := c.FieldPos(0)
		line += skipped
		if blank(cells) {
			continue
		}
		if s.Columns == nil {
			for _, name := range cells {
				s.Columns = append(s.Columns, strings.ToLower(strings.TrimSpace(name)))
			}
			continue
		}
		s.Rows = append(s.Rows, Row{Line: line, sheet: s, cells: cells})
	}
	for _, name := range needed {
		if !s.Has(name) {
			return nil, fmt.Errorf("%s: the first line must name the column %s; it names %s", path, name, orNothing(s.Columns))
		}
	}
	return s, nil
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(s string) bool { return strings.TrimSpace(s) != "" })
}

// decode brings a file to UTF-8: spreadsheets write UTF-16 with a mark as
// "Unicode text", and without a mark the code page of Western Europe.
func decode(raw []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(raw)
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return nil, errors.New("this is a workbook; save it as CSV")
	case utf8.Valid(raw):
		return bytes.TrimPrefix(raw, []byte("\ufeff")), nil
	}
	return charmap.Windows1252.NewDecoder().Bytes(raw)
}

// separator is what parts the names of the columns in the first line.
func separator(text []byte) rune {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	best := ','
	for _, sep := range []rune{';', '\t'} {
		if bytes.Count(first, []byte(string(sep))) > bytes.Count(first, []byte(string(best))) {
			best = sep
		}
	}
	return best
}

// A spreadsheet takes a cell that begins so for a formula. Names come from
// people, so such a cell is written behind an apostrophe, as spreadsheets do it.
const formula = "=+-@\t\r"

func guard(cell string) string {
	if cell != "" && strings.ContainsRune(formula, rune(cell[0])) && cell != "-" {
		return "'" + cell
	}
	return cell
}

func unguard(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && rest != "" && strings.ContainsRune(formula, rune(rest[0])) {
		return rest
	}
	return cell
}

// Write writes a table in UTF-8 with a byte order mark, by which spreadsheets
// know it. The file is replaced whole or not at all.
func Write(path string, columns []string, rows [][]string) error {
	text, err := Encode(columns, rows)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// Encode is a table as Write writes it.
func Encode(columns []string, rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	c := csv.NewWriter(&b)
	lines := append([][]string{columns}, rows...)
	for _, row := range lines {
		safe := make([]string, len(row))
		for i, cell := range row {
			safe[i] = guard(cell)
		}
		if err := c.Write(safe); err != nil {
			return nil, err
		}
	}
	c.Flush()
	return b.Bytes(), c.Error()
}
