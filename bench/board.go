//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"
)

// A load is how large the board is that moves.
type load struct {
	cards int
	mib   int64 // of files
}

// done is how many cards are done: as many as leave a plan of 2,400 active
// tasks room.
func (l load) done() int { return l.cards * 7 / 9 }

// A file is one upload of the board.
type file struct {
	card, id, url string
	bytes         int64
}

// A made board is a board's JSON export and its files. The same load makes the
// same board.
type madeBoard struct {
	export   []byte
	files    []file
	comments int
}

const (
	boardLists   = 12
	boardMembers = 20
)

func id(kind, n int) string { return fmt.Sprintf("5f%02x%020x", kind, n) }

type object = map[string]any

// makeBoard makes a board as large ones are: 12 lists, 20 people, 25 labels; two
// lines of text on each card, a checklist on every second, a comment on each
// on average, a file on every third.
func makeBoard(l load) (madeBoard, error) {
	dice := rand.New(rand.NewPCG(9000, 3))
	began := time.Date(2022, 3, 1, 9, 0, 0, 0, time.UTC)
	out := madeBoard{files: makeFiles(l, dice)}
	board := object{"id": id(1, 1), "name": "Bench", "desc": "", "closed": false}
	var members, memberships, lists, labels, cards, checklists, actions []object
	for n := range boardMembers {
		members = append(members, object{"id": id(2, n), "username": fmt.Sprintf("bench%d", n), "fullName": fmt.Sprintf("Bench Person %d", n)})
		memberships = append(memberships, object{"id": id(3, n), "idMember": id(2, n), "memberType": "normal"})
	}
	for n := range boardLists {
		lists = append(lists, object{"id": id(4, n), "name": fmt.Sprintf("List %d", n), "pos": float64(n+1) * 65536})
	}
	colors := []string{"green", "yellow", "orange", "red", "purple", "blue", "sky", "lime", "pink", "black"}
	for n := range 25 {
		labels = append(labels, object{"id": id(5, n), "idBoard": id(1, 1), "name": fmt.Sprintf("Label %d", n), "color": colors[n%len(colors)]})
	}
	files := map[int][]object{}
	for n, f := range out.files {
		card := 3 * n % l.cards
		out.files[n].card = id(6, card)
		files[card] = append(files[card], object{"id": f.id, "name": fmt.Sprintf("file %d.bin", n), "url": f.url, "isUpload": true, "bytes": f.bytes,
			"mimeType": "application/octet-stream", "idMember": id(2, n%boardMembers), "date": began.Add(time.Duration(n) * time.Minute), "pos": float64(n%3+1) * 16384})
	}
	for n := range l.cards {
		at := began.Add(time.Duration(n) * 3 * time.Minute)
		brief := object{"board": object{"id": id(1, 1)}, "card": object{"id": id(6, n)}}
		talk := dice.IntN(3)
		card := object{"id": id(6, n), "name": fmt.Sprintf("Card %d: something to be done", n), "desc": strings.Repeat("A sentence that says a little of what there is to do. ", 1+dice.IntN(8)),
			"idBoard": id(1, 1), "idList": id(4, dice.IntN(boardLists)), "pos": float64(n+1) * 1024, "dueComplete": n < l.done(), "due": at.AddDate(0, 1, 0),
			"idLabels": []string{id(5, dice.IntN(25))}, "idMembers": []string{id(2, dice.IntN(boardMembers))},
			"attachments": append([]object{}, files[n]...), "badges": object{"comments": talk}, "dateLastActivity": at}
		cards = append(cards, card)
		if n%2 == 0 {
			var items []object
			for e := range 5 {
				items = append(items, object{"id": id(8, 5*n+e), "name": fmt.Sprintf("Step %d", e), "state": []string{"complete", "incomplete"}[dice.IntN(2)], "pos": float64(e+1) * 16384})
			}
			checklists = append(checklists, object{"id": id(7, n), "name": "Steps", "idCard": id(6, n), "pos": 16384, "checkItems": items})
		}
		actions = append(actions, object{"id": id(9, 4*n), "type": "createCard", "idMemberCreator": id(2, n%boardMembers), "date": at, "data": brief})
		for c := range talk {
			said := object{"board": brief["board"], "card": brief["card"], "text": fmt.Sprintf("Comment %d: that is done as we said, and the rest follows next week.", c)}
			actions = append(actions, object{"id": id(9, 4*n+c+1), "type": "commentCard", "idMemberCreator": id(2, dice.IntN(boardMembers)), "date": at.Add(time.Duration(c+1) * time.Hour), "data": said})
			out.comments++
		}
	}
	board["members"], board["memberships"], board["lists"], board["labels"], board["cards"] = members, memberships, lists, labels, cards
	board["checklists"], board["actions"], board["customFields"] = checklists, actions, []object{}
	var err error
	out.export, err = json.Marshal(board)
	return out, err
}

// makeFiles spreads the bytes: four fifths of the files are small, a few hold
// tens of MiB.
func makeFiles(l load, dice *rand.Rand) []file {
	var out []file
	for left := l.mib << 20; left > 0; {
		size := int64(64<<10 + dice.IntN(400<<10))
		switch n := dice.IntN(100); {
		case n >= 99:
			size = int64(20<<20 + dice.IntN(30<<20))
		case n >= 95:
			size = int64(5<<20 + dice.IntN(5<<20))
		case n >= 80:
			size = int64(1<<20 + dice.IntN(2<<20))
		}
		size = min(size, left)
		left -= size
		n := len(out)
		out = append(out, file{id: id(10, n), url: fmt.Sprintf("https://trello.com/1/attachments/%d/file-%d.bin", n, n), bytes: size})
	}
	return out
}

// A vault of files, in the form that the stand-in takes: each in a folder named
// by the hash of its address. Their bytes are made up when they are read: blocks
// of 64 KiB out of a few, in an order that each file has for itself, so that
// whoever keeps equal blocks once can hold gigabytes.
type vault struct {
	files  map[string]file
	blocks [][]byte
}

const blockBytes = 64 << 10

func newVault(files []file) *vault {
	v := &vault{files: map[string]file{}}
	for _, f := range files {
		v.files[fmt.Sprintf("%x", sha256.Sum256([]byte(f.url)))] = f
	}
	for n := range 64 {
		block := make([]byte, blockBytes)
		source := rand.NewPCG(uint64(n), 64)
		for i := 0; i < len(block); i += 8 {
			binary.LittleEndian.PutUint64(block[i:], source.Uint64())
		}
		v.blocks = append(v.blocks, block)
	}
	return v
}

// Open implements fs.FS.
func (v *vault) Open(name string) (fs.File, error) {
	dir, _, below := strings.Cut(name, "/")
	f, ok := v.files[dir]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	sum := sha256.Sum256([]byte(f.url))
	return &madeFile{file: f, vault: v, seed: binary.LittleEndian.Uint64(sum[:]), folder: !below}, nil
}

// A madeFile is one file of a vault, or the folder that it lies in.
type madeFile struct {
	file
	vault  *vault
	seed   uint64
	folder bool
	at     int64
}

func (m *madeFile) Stat() (fs.FileInfo, error) { return info{m}, nil }
func (m *madeFile) Close() error               { return nil }

// ReadDir implements fs.ReadDirFile: the folder holds the file.
func (m *madeFile) ReadDir(int) ([]fs.DirEntry, error) {
	in := *m
	in.folder = false
	return []fs.DirEntry{fs.FileInfoToDirEntry(info{&in})}, nil
}

func (m *madeFile) Read(p []byte) (int, error) {
	n, err := m.ReadAt(p, m.at)
	m.at += int64(n)
	return n, err
}

// ReadAt implements io.ReaderAt.
func (m *madeFile) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off < m.bytes {
		block := m.vault.blocks[rand.NewPCG(m.seed, uint64(off/blockBytes)).Uint64()%uint64(len(m.vault.blocks))]
		part := block[off%blockBytes:]
		part = part[:min(int64(len(part)), m.bytes-off)]
		c := copy(p[n:], part)
		n += c
		off += int64(c)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

type info struct{ *madeFile }

func (i info) Name() string       { return i.id + ".bin" }
func (i info) Size() int64        { return i.bytes }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.folder }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o500
	}
	return 0o400
}
