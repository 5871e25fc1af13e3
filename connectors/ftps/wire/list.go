package wire

import (
	"bufio"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// mostLine is how long a line of a listing may be: a name has a few hundred bytes.
const mostLine = 64 << 10

// A Kind says what stands at a path.
type Kind uint8

const (
	File Kind = iota + 1
	Folder
	Link
	Special    // a device, a socket, a pipe: what the server has no plain word for
	Unreadable // a line of a listing that cannot be read
)

// An Entry is what a server tells of a path.
type Entry struct {
	Name     string // "" where one path was asked about
	Kind     Kind
	Size     int64     // bytes; -1 where it is not told
	Modified time.Time // to the second, in UTC; zero where it is not told
	Unique   string    // what tells the file from every other one, "" where nothing does (RFC 3659, 7.5.2)
}

// Facts reports whether the server lists folders with facts that suffice (RFC 3659, 7).
// Elsewhere LIST tells names and sizes, and MDTM the times, one by one.
func (c *Conn) Facts() bool {
	facts := strings.ToLower(c.Features["MLST"])
	return strings.Contains(facts, "type") && strings.Contains(facts, "size") && strings.Contains(facts, "modify")
}

// Suffices reports whether the server tells enough of a file to know whether it changed.
func (c *Conn) Suffices() bool { return c.Facts() || c.Has("SIZE") && c.Has("MDTM") }

// PrepareFacts asks for the facts that are needed, where the server does not give them by
// itself (RFC 3659, 7.9).
func (c *Conn) PrepareFacts() error {
	facts := strings.ToLower(c.Features["MLST"])
	if !c.Facts() || strings.Contains(facts, "type*") && strings.Contains(facts, "size*") && strings.Contains(facts, "modify*") {
		return nil
	}
	return c.expect(200, "OPTS", "MLST type;size;modify;unique;")
}

// Folder is where the account stands (RFC 959, PWD): a path in quotes, with those in it
// doubled.
func (c *Conn) Folder() (string, error) {
	r, err := c.Ask("PWD")
	if err = want(r, err, 257); err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(r.Text, `"`)
	var path strings.Builder
	for ok {
		var part string
		if part, rest, ok = strings.Cut(rest, `"`); !ok {
			break
		}
		path.WriteString(part)
		if !strings.HasPrefix(rest, `"`) {
			return path.String(), nil
		}
		path.WriteString(`"`)
		rest = rest[1:]
	}
	return "", errMalformed
}

// List reads a folder, in the server's order, without itself and the one above it.
func (c *Conn) List(ctx context.Context, path string) ([]Entry, error) {
	if c.Facts() {
		return c.lines(ctx, readFacts, "MLSD", path)
	}
	// Some servers take blanks and wildcards in LIST's argument for something else.
	if err := c.expect(250, "CWD", path); err != nil {
		return nil, err
	}
	all, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Kind != File {
			continue
		}
		if all[i].Modified, err = c.Modified(below(path, all[i].Name)); err != nil {
			if Code(err) != 550 {
				return nil, err
			}
			all[i].Kind = Unreadable // it went away meanwhile, or may not be looked at
		}
	}
	return all, nil
}

func below(path, name string) string { return strings.TrimSuffix(path, "/") + "/" + name }

// names lists the folder where the account stands, with hidden files where the server has
// an option for that.
func (c *Conn) names(ctx context.Context) ([]Entry, error) {
	if !c.wayward {
		all, err := c.lines(ctx, readList, "LIST", "-a")
		if Code(err)/100 != 5 {
			return all, err
		}
		c.wayward = true
	}
	return c.lines(ctx, readList, "LIST")
}

// lines reads a listing line by line.
func (c *Conn) lines(ctx context.Context, read func(string) (Entry, bool), command ...string) ([]Entry, error) {
	d, err := c.open(ctx, 0, command...)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { d.conn.Close() })
	defer stop()
	var all []Entry
	in := bufio.NewScanner(d)
	in.Buffer(nil, mostLine)
	for in.Scan() {
		e, ok := read(in.Text())
		if ok {
			e.Name = strings.Clone(e.Name)
			all = append(all, e)
		}
	}
	err = errors.Join(in.Err(), d.Close())
	if errors.Is(err, bufio.ErrTooLong) {
		err = errMalformed
	}
	return all, err
}

// readFacts reads a line of MLSD: facts, a blank, a name (RFC 3659, 7.2). ok is false for
// the folder itself and the one above it.
func readFacts(line string) (e Entry, ok bool) {
	line = strings.TrimSuffix(line, "\r")
	facts, name, found := strings.Cut(line, " ")
	e = Entry{Name: name, Size: -1, Kind: Unreadable}
	if !found || name == "" {
		return e, true
	}
	for fact := range strings.SplitSeq(facts, ";") {
		key, value, _ := strings.Cut(fact, "=")
		switch strings.ToLower(key) {
		case "type":
			switch kind := strings.ToLower(value); {
			case kind == "file":
				e.Kind = File
			case kind == "dir":
				e.Kind = Folder
			case kind == "cdir" || kind == "pdir":
				return e, false
			case strings.Contains(kind, "slink") || strings.Contains(kind, "symlink"):
				e.Kind = Link
			default:
				e.Kind = Special
			}
		case "size":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
				e.Size = n
			}
		case "modify":
			e.Modified, _ = readTime(value)
		case "unique":
			e.Unique = value
		}
	}
	if e.Name == "." || e.Name == ".." {
		return e, false
	}
	if e.Kind == File && (e.Size < 0 || e.Modified.IsZero()) || strings.Contains(name, "/") {
		e.Kind = Unreadable
	}
	return e, true
}

// readTime reads YYYYMMDDHHMMSS, with a fraction that is left off (RFC 3659, 2.3).
func readTime(text string) (time.Time, error) {
	text, _, _ = strings.Cut(strings.TrimSpace(text), ".")
	return time.ParseInLocation("20060102150405", text, time.UTC)
}

// readList reads a line of LIST as ls -l or Windows' dir has it. Its time is not read: it
// is of the server's own clock, and to the minute or the day. ok is false for what is no
// entry.
func readList(line string) (e Entry, ok bool) {
	line = strings.TrimSuffix(line, "\r")
	if line == "" || strings.HasPrefix(line, "total ") {
		return e, false
	}
	e, read := readLS(line)
	if !read {
		e, read = readDIR(line)
	}
	if !read || e.Name == "" || strings.Contains(e.Name, "/") {
		return Entry{Kind: Unreadable, Size: -1}, true
	}
	return e, e.Name != "." && e.Name != ".."
}

// readLS reads "-rw-r--r--   1 ann  staff  1234 Jan  2 10:00 a name", of which servers
// leave out the group, or all names.
func readLS(line string) (e Entry, ok bool) {
	if len(line) < 10 || !strings.ContainsRune("-dlbcps", rune(line[0])) || !strings.ContainsAny(line[1:4], "r-") {
		return e, false
	}
	e.Size = -1
	at, size := 0, ""
	for n := 0; n < 9 && at < len(line); n++ {
		start := at + len(line[at:]) - len(strings.TrimLeft(line[at:], " "))
		end := strings.IndexByte(line[start:], ' ')
		if end < 0 {
			return e, false
		}
		word := line[start : start+end]
		at = start + end
		if n >= 3 && isMonth(word) {
			if e.Size, ok = number(size); !ok {
				return e, false
			}
			// The day and the time or year follow, and one blank.
			for range 2 {
				start = at + len(line[at:]) - len(strings.TrimLeft(line[at:], " "))
				if end = strings.IndexByte(line[start:], ' '); end < 0 {
					return e, false
				}
				at = start + end
			}
			e.Name = line[at+1:]
			break
		}
		size = word
	}
	switch line[0] {
	case '-':
		e.Kind = File
	case 'd':
		e.Kind = Folder
	case 'l':
		e.Kind = Link
		e.Name, _, _ = strings.Cut(e.Name, " -> ")
	default:
		e.Kind = Special
	}
	return e, e.Name != ""
}

func isMonth(word string) bool {
	return len(word) == 3 && strings.Index("JanFebMarAprMayJunJulAugSepOctNovDec", word)%3 == 0
}

// readDIR reads "01-02-26  10:00AM       <DIR>          a name" and the same with a size.
func readDIR(line string) (e Entry, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(fields[0]) < 8 || strings.Count(fields[0], "-") != 2 || !strings.Contains(fields[1], ":") {
		return e, false
	}
	e = Entry{Kind: Folder, Size: -1}
	if fields[2] != "<DIR>" {
		e.Kind = File
		if e.Size, ok = number(fields[2]); !ok {
			return e, false
		}
	}
	_, rest, _ := strings.Cut(line, fields[1])
	_, rest, _ = strings.Cut(rest, fields[2])
	if e.Kind == Folder {
		rest = strings.TrimLeft(rest, " ")
	} else {
		rest = strings.TrimPrefix(rest, " ")
	}
	e.Name = rest
	return e, true
}

func number(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0
}

// Stat tells what stands at a path.
func (c *Conn) Stat(path string) (Entry, error) {
	if !c.Facts() {
		return c.statByParts(path)
	}
	r, err := c.Ask("MLST", path)
	if err = want(r, err, 250); err != nil {
		return Entry{}, err
	}
	for line := range strings.Lines(r.Text) {
		line = strings.Trim(line, " \r\n")
		if facts, _, ok := strings.Cut(line, " "); ok && strings.Contains(facts, "=") {
			e, ok := readFacts(facts + " it")
			if e.Name = ""; !ok { // the folder where the account stands, or the one above it
				e.Kind = Folder
			}
			return e, nil
		}
	}
	return Entry{}, errMalformed
}

// statByParts asks a server without MLST: SIZE and MDTM are for files alone, and only a
// folder can be gone to.
func (c *Conn) statByParts(path string) (Entry, error) {
	r, err := c.Ask("SIZE", path)
	if err != nil {
		return Entry{}, err
	}
	if r.Code == 213 {
		size, ok := number(strings.TrimSpace(r.Text))
		if !ok {
			return Entry{}, errMalformed
		}
		at, err := c.Modified(path)
		if err == nil {
			return Entry{Kind: File, Size: size, Modified: at}, nil
		}
		if Code(err) != 550 {
			return Entry{}, err
		}
	}
	if err := c.expect(250, "CWD", path); err != nil {
		return Entry{}, err
	}
	return Entry{Kind: Folder, Size: -1}, nil
}

// Modified asks when a file last changed, by MDTM (RFC 3659, 3).
func (c *Conn) Modified(path string) (time.Time, error) {
	r, err := c.Ask("MDTM", path)
	if err = want(r, err, 213); err != nil {
		return time.Time{}, err
	}
	at, err := readTime(r.Text)
	if err != nil {
		return at, errMalformed
	}
	return at, nil
}

// SetModified sets when a file last changed: by MFMT (draft-somers-ftp-mfxx-04), or by
// MDTM with a time before the path, as vsftpd has it (vsftpd.conf(5), mdtm_write).
func (c *Conn) SetModified(path string, at time.Time, byMDTM bool) error {
	command := "MFMT"
	if byMDTM {
		command = "MDTM"
	}
	return c.expect(213, command, at.UTC().Format("20060102150405"), path)
}

// Make makes a folder.
func (c *Conn) Make(path string) error { return c.expect(257, "MKD", path) }

// Remove removes a file, RemoveFolder a folder in which nothing lies.
func (c *Conn) Remove(path string) error       { return c.expect(250, "DELE", path) }
func (c *Conn) RemoveFolder(path string) error { return c.expect(250, "RMD", path) }

// Rename gives a file another path. Most servers put it over what stands there.
func (c *Conn) Rename(from, to string) error {
	if err := c.expect(350, "RNFR", from); err != nil {
		return err
	}
	return c.expect(250, "RNTO", to)
}

// Alive asks the server whether it is there.
func (c *Conn) Alive(within time.Duration) bool {
	if c.send("NOOP") != nil {
		return false
	}
	r, err := c.replyWithin(within)
	return err == nil && r.Code == 200
}
