package wire

import (
	"errors"
	"testing"
	"time"
)

func TestReadFacts(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for line, want := range map[string]Entry{
		"type=file;size=12;modify=20260102030405;unique=1U2;perm=r; a name ": {Name: "a name ", Kind: File, Size: 12, Modified: at, Unique: "1U2"},
		"Type=File;Size=12;Modify=20260102030405.678; x;y=z":                 {Name: "x;y=z", Kind: File, Size: 12, Modified: at},
		"modify=20260102030405;type=dir;  leading":                           {Name: " leading", Kind: Folder, Size: -1, Modified: at},
		"type=OS.unix=symlink:/x;size=1;modify=20260102030405; l":            {Name: "l", Kind: Link, Size: 1, Modified: at},
		"type=OS.unix=slink:;modify=20260102030405; l":                       {Name: "l", Kind: Link, Size: -1, Modified: at},
		"type=OS.unix=chr-13/29;size=0;modify=20260102030405; d":             {Name: "d", Kind: Special, Size: 0, Modified: at},
		"type=file;size=12;modify=2026010203; no time":                       {Name: "no time", Kind: Unreadable, Size: 12},
		"type=file;size=-1;modify=20260102030405; no size":                   {Name: "no size", Kind: Unreadable, Size: -1, Modified: at},
		"type=file;size=1;modify=20260102030405; ../x":                       {Name: "../x", Kind: Unreadable, Size: 1, Modified: at},
		"size=1;modify=20260102030405; no type":                              {Name: "no type", Kind: Unreadable, Size: 1, Modified: at},
		"second half of a name":                                              {Name: "half of a name", Kind: Unreadable, Size: -1},
		"":                                                                   {Kind: Unreadable, Size: -1},
	} {
		if got, ok := readFacts(line); got != want || !ok {
			t.Errorf("%q: %+v, %v; want %+v", line, got, ok, want)
		}
	}
	for _, line := range []string{"type=cdir;modify=20260102030405; .", "type=pdir; ..", "type=dir; .", "type=cdir; /srv"} {
		if got, ok := readFacts(line); ok {
			t.Errorf("%q passes for something in the folder: %+v", line, got)
		}
	}
}

func TestReadList(t *testing.T) {
	for line, want := range map[string]Entry{
		"-rw-r--r--   1 ann      staff        1234 Jan  2 10:00 a name":    {Name: "a name", Kind: File, Size: 1234},
		"-rw-r--r--   1 ann      staff        1234 Jan 02  2019  leading ": {Name: " leading ", Kind: File, Size: 1234},
		"-rw-r--r--+  1 ann staff 0 Feb 28 10:00 Jan 3 10:00 x":            {Name: "Jan 3 10:00 x", Kind: File},
		"-rw-r--r--   1 ann 77 Dec 31 23:59 no group\r":                    {Name: "no group", Kind: File, Size: 77},
		"drwxr-xr-x   2 0        0            4096 Nov 22 10:00 dir":       {Name: "dir", Kind: Folder, Size: 4096},
		"lrwxrwxrwx   1 ann staff 7 Nov 22 10:00 link -> to -> there":      {Name: "link", Kind: Link, Size: 7},
		"prw-r--r--   1 ann staff 0 Nov 22 10:00 pipe":                     {Name: "pipe", Kind: Special},
		"01-02-26  10:00AM       <DIR>          a folder":                  {Name: "a folder", Kind: Folder, Size: -1},
		"01-02-2026  10:00PM              1234 a  file":                    {Name: "a  file", Kind: File, Size: 1234},
		"-rw-r--r--   1 ann staff big Jan  2 10:00 x":                      {Kind: Unreadable, Size: -1},
		"-rw-r--r--   1 ann staff 12 Jan  2 10:00 ../../etc":               {Kind: Unreadable, Size: -1},
		"something else altogether":                                        {Kind: Unreadable, Size: -1},
	} {
		if got, ok := readList(line); got != want || !ok {
			t.Errorf("%q: %+v, %v; want %+v", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "total 12", "drwxr-xr-x 2 0 0 4096 Nov 22 10:00 .", "drwxr-xr-x 2 0 0 4096 Nov 22 10:00 .."} {
		if got, ok := readList(line); ok {
			t.Errorf("%q passes for something in the folder: %+v", line, got)
		}
	}
}

// No line of a listing makes the program fall over, or leads out of its folder.
func FuzzLines(f *testing.F) {
	f.Add("type=file;size=12;modify=20260102030405; x")
	f.Add("-rw-r--r--   1 ann staff 1234 Jan  2 10:00 x")
	f.Add("01-02-26  10:00AM       <DIR>          x")
	f.Fuzz(func(t *testing.T, line string) {
		for _, read := range []func(string) (Entry, bool){readFacts, readList} {
			e, ok := read(line)
			if ok && e.Kind != Unreadable && (e.Name == "" || e.Name == "." || e.Name == "..") {
				t.Errorf("%q: an entry called %q", line, e.Name)
			}
			for _, r := range e.Name {
				if ok && r == '/' && e.Kind != Unreadable {
					t.Errorf("%q: a name with a slash", line)
				}
			}
		}
	})
}

func TestPorts(t *testing.T) {
	for text, want := range map[string]int{
		"Entering Extended Passive Mode (|||6446|)": 6446, "ok (!!!65535!).": 65535,
		"(|||0|)": 0, "(|||65536|)": 0, "(|||x|)": 0, "no brackets": 0, "(|||": 0, "": 0,
	} {
		if got, err := portOfEPSV(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("EPSV %q: %d, %v; want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]int{
		"Entering Passive Mode (10,0,0,1,4,210).": 1234, "Entering Passive Mode 127,0,0,1,0,21": 21,
		"(1,2,3,4,5)": 0, "(1,2,3,4,256,1)": 0, "(1,2,3,4,0,0)": 0, "none": 0, "": 0, "(1,2,3,4,,)": 0,
	} {
		if got, err := portOfPASV(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("PASV %q: %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	err := errors.Join(errors.New("other"), Reply{550, "/srv/x: No such file"}.refusal())
	if Code(err) != 550 || !Says(err, "no such") || Says(err, "denied") || Code(errors.New("550")) != 0 {
		t.Errorf("a refusal is not known again: %v", err)
	}
	if text := (Reply{550, "/srv/x"}.refusal()).Error(); text != "the server answered 550" {
		t.Errorf("a refusal says %q, which may hold a path", text)
	}
}
