//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// A tree is a folder of made files, a hundred to each folder in it.
type tree struct {
	dir   string
	files int
	size  int64
}

// makeTree makes one. The same seed makes the same bytes.
func makeTree(dir string, files int, size int64) (tree, error) {
	dice := rand.NewChaCha8([32]byte{1})
	t := tree{dir: dir, files: files, size: size}
	for n := range files {
		folder := filepath.Join(dir, fmt.Sprintf("folder-%03d", n/100))
		if files == 1 {
			folder = dir
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return t, err
		}
		f, err := os.Create(filepath.Join(folder, fmt.Sprintf("file-%06d.bin", n)))
		if err != nil {
			return t, err
		}
		_, err = io.CopyBuffer(struct{ io.Writer }{f}, io.LimitReader(dice, size), make([]byte, 1<<20))
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

// equals holds that a folder of a server has the same files, and where deep is true,
// byte for byte.
func (t tree) equals(dir string, deep bool) error {
	want, err := told(t.dir, deep)
	if err != nil {
		return err
	}
	got, err := told(dir, deep)
	if err != nil {
		return err
	}
	if maps.EqualFunc(want, got, bytes.Equal) {
		return nil
	}
	for name, sum := range want {
		if !bytes.Equal(sum, got[name]) {
			return fmt.Errorf("%d files are there of %d, and %q is not as it was", len(got), len(want), name)
		}
	}
	return fmt.Errorf("%d files are there, and %d were to come", len(got), len(want))
}

// told is the hash of each file of a folder, or its size.
func told(dir string, deep bool) (map[string][]byte, error) {
	names, err := namesIn(dir)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if !deep {
			info, err := os.Stat(path)
			if err != nil {
				return nil, err
			}
			out[name] = fmt.Append(nil, info.Size())
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return nil, err
		}
		out[name] = h.Sum(nil)
	}
	return out, nil
}
