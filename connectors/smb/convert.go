package smb

import (
	"path"
	"strconv"
	"strings"

	smb2 "github.com/cloudsoda/go-smb2"

	"github.com/rialto-migrate/rialto/item"
)

// file is the file at a path.
func file(id string, parent item.Ref, info *smb2.FileStat) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.File, ID: id}, Parent: parent}
	item.Name.Set(&it, path.Base(id))
	item.Modified.Set(&it, info.LastWriteTime.UTC())
	if info.CreationTime.Unix() > 0 { // else the server does not know
		item.Created.Set(&it, info.CreationTime.UTC())
	}
	if notes := attributes(info); len(notes) > 0 {
		item.Metadata.Set(&it, notes)
	}
	it.Blob = &item.Blob{Ref: it.Ref, Parent: parent, Version: version(info), Bytes: info.EndOfFile}
	return it
}

// version pins the bytes of a file: when they changed, and how many they are.
func version(info *smb2.FileStat) string {
	return strconv.FormatInt(info.LastWriteTime.UnixNano(), 10) + "." + strconv.FormatInt(info.EndOfFile, 10)
}

// File attributes ([MS-FSCC] 2.6).
const (
	attrReadOnly = 0x1
	attrHidden   = 0x2
	attrSystem   = 0x4
	attrFolder   = 0x10
	attrReparse  = 0x400
)

// attributes are those of a file that say something of it. That a name which begins
// with a dot is hidden, the name says: Samba hides all of these.
func attributes(info *smb2.FileStat) (out []string) {
	for _, a := range []struct {
		bit  uint32
		name string
	}{{attrHidden, "hidden=yes"}, {attrReadOnly, "read-only=yes"}, {attrSystem, "system=yes"}} {
		if info.FileAttributes&a.bit != 0 && (a.bit != attrHidden || !strings.HasPrefix(info.FileName, ".")) {
			out = append(out, a.name)
		}
	}
	return out
}

func isDir(info *smb2.FileStat) bool { return info.FileAttributes&attrFolder != 0 }

// special names what is listed and is neither a file nor a folder; "" for what is. A
// reparse point stands for something else where its tag says so ([MS-FSCC] 2.1.2.1,
// the bit N), and is a file like others where the server keeps its bytes in another
// way: deduplicated, compressed, or in a cloud.
func special(info *smb2.FileStat) string {
	if info.FileAttributes&attrReparse == 0 {
		return ""
	}
	switch tag := info.ReparsePointTag; {
	case tag == 0xA0000003:
		return "junction"
	case tag&0x20000000 != 0:
		return "symlink"
	case tag == 0x8000000A, tag == 0x80000012:
		return "dfs-link"
	case tag == 0x80000014, tag == 0x80000023, tag == 0x80000024, tag == 0x80000025, tag == 0x80000026: // NFS, AF_UNIX, LX_FIFO, LX_CHR, LX_BLK
		return "device"
	}
	return ""
}
