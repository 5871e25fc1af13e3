package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

func defaultProbes(more []string) []string {
	dirs := []string{os.TempDir()}
	if wd, err := os.Getwd(); err == nil {
		dirs = append(dirs, wd)
	}
	return append(dirs, more...)
}

// Verify tries to create a file in the temporary folder, the working folder
// and the given ones, and returns an error that names the first place where it
// could. It leaves nothing behind.
func Verify(dirs ...string) error {
	_, err := verify(defaultProbes(dirs))
	return err
}

func verify(dirs []string) (tried []string, err error) {
	for _, dir := range dirs {
		for _, attempt := range []func(string) error{createFile, createUnnamed, createFolder} {
			switch err := attempt(dir); {
			case err == nil:
				return tried, fmt.Errorf("a file could be written in %s", dir)
			case refusal(err):
			default:
				return tried, fmt.Errorf("trying to write in %s ended neither in success nor in refusal: %w", dir, err)
			}
		}
		tried = append(tried, dir)
	}
	return tried, nil
}

// refusal reports whether an attempt to write was turned down, rather than
// broken by chance.
func refusal(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errReadOnly) || errors.Is(err, errors.ErrUnsupported)
}

func createFile(dir string) error {
	f, err := os.CreateTemp(dir, ".rialto-probe-*")
	if err != nil {
		return err
	}
	f.Close()
	os.Remove(f.Name())
	return nil
}

func createFolder(dir string) error {
	name, err := os.MkdirTemp(dir, ".rialto-probe-*")
	if err != nil {
		return err
	}
	os.Remove(name)
	return nil
}
