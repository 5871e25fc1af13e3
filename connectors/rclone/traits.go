package rclone

import (
	"slices"
	"strings"
	"time"

	"github.com/rclone/rclone/fs"
)

// traits are what a backend says of itself once it is open, as words in the setting of
// that name.
type traits struct {
	modified bool // keeps when bytes changed, to the second or better
	media    bool // keeps what kind of bytes they are
	moves    bool // gives a file another name or folder without its bytes going through us
	folds    bool // names that differ in case alone are the same to it
	twins    bool // two things in one folder may have the same name
	bucket   bool // paths are keys of a bucket
}

func (t *traits) words() map[string]*bool {
	return map[string]*bool{"modified": &t.modified, "media-type": &t.media, "moves": &t.moves, "folds-case": &t.folds, "twins": &t.twins, "bucket": &t.bucket}
}

func parseTraits(s string) (t traits) {
	words := t.words()
	for word := range strings.FieldsSeq(s) {
		if has := words[word]; has != nil {
			*has = true
		}
	}
	return t
}

// String writes traits as words. "plain" is one without any.
func (t traits) String() string {
	var out []string
	for word, has := range t.words() {
		if *has {
			out = append(out, word)
		}
	}
	if len(out) == 0 {
		return "plain"
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// traitsOf asks an open backend.
func traitsOf(lib fs.Fs) traits {
	f := lib.Features()
	return traits{
		modified: lib.Precision() <= time.Second,
		media:    f.ReadMimeType && f.WriteMimeType,
		moves:    f.Move != nil || f.Copy != nil,
		folds:    f.CaseInsensitive,
		twins:    f.DuplicateFiles,
		bucket:   f.BucketBased,
	}
}
