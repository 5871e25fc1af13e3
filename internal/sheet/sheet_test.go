package sheet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// TestWhatSpreadsheetsMake reads one table in the forms in which spreadsheets
// save it.
func TestWhatSpreadsheetsMake(t *testing.T) {
	const plain = "id,name,wave\n5f1,Überblick,1\n5f2,\"a, b; c\",2\n"
	semicolons := "id;name;wave\r\n5f1;Überblick;1\r\n5f2;\"a, b; c\";2\r\n"
	western, err := charmap.Windows1252.NewEncoder().String(semicolons)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("id\tname\twave\r\n5f1\tÜberblick\t1\r\n5f2\ta, b; c\t2\r\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"plain": plain, "mark": "\ufeff" + plain, "semicolons": semicolons, "Windows-1252": western, "UTF-16": wide,
		"told": "sep=;\r\n" + semicolons, "blank lines": "\n" + plain + ",,\n\n", "capitals": strings.Replace(plain, "id,name", " ID , Name", 1),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse("boards.csv", []byte(raw), "id", "wave")
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Rows) != 2 {
				t.Fatalf("%d rows, want 2", len(s.Rows))
			}
			for i, want := range [][3]string{{"5f1", "Überblick", "1"}, {"5f2", "a, b; c", "2"}} {
				got := [3]string{s.Rows[i].Get("id"), s.Rows[i].Get("name"), s.Rows[i].Get("wave")}
				if got != want {
					t.Errorf("row %d: %q, want %q", i, got, want)
				}
			}
			if s.Rows[0].Get("owner") != "" {
				t.Error("a column that is not there has a value")
			}
		})
	}
}

func TestLinesOfErrors(t *testing.T) {
	s, err := Parse("b.csv", []byte("sep=;\nid;wave\n1;x\n\"2\n2\";y\n"), "id")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Rows[0].Errorf("bad %s", "wave").Error(); got != "b.csv:3: bad wave" {
		t.Error(got)
	}
	if s.Rows[1].Line != 4 {
		t.Errorf("the second row is in line %d, want 4", s.Rows[1].Line)
	}
	for raw, want := range map[string]string{"": "nothing", "name,wave\n": "name, wave", "PK\x03\x04rest": "workbook"} {
		if _, err := Parse("b.csv", []byte(raw), "id"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// TestWrittenIsRead writes what people call their boards and reads it back; a
// spreadsheet takes none of it for a formula.
func TestWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "boards.csv")
	names := []string{"=HYPERLINK(\"http://example.net\")", "+1", "-", "@all", "東京, \"two\"\nlines", "'quoted"}
	var rows [][]string
	for _, n := range names {
		rows = append(rows, []string{n, "1"})
	}
	if err := Write(path, []string{"name", "wave"}, rows); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(raw), "\n")[1:] {
		if line != "" && strings.ContainsRune("=+@", rune(strings.TrimPrefix(line, "\"")[0])) {
			t.Errorf("a spreadsheet reads a formula in %q", line)
		}
	}
	s, err := Read(path, "name")
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range names {
		if got := s.Rows[i].Get("name"); got != n {
			t.Errorf("%q came back as %q", n, got)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("id,name\n1,x\n"))
	f.Add([]byte("\xff\xfei\x00d\x00"))
	f.Add([]byte("sep=;\nid;name\n\"1\n;x"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse("x.csv", raw)
		if err != nil {
			return
		}
		for _, r := range s.Rows {
			for _, c := range s.Columns {
				r.Get(c)
			}
			if r.Line < 1 {
				t.Errorf("line %d", r.Line)
			}
		}
	})
}
