//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
)

// hosted is what the packages that start real servers for tests are given here:
// it ends them, and makes an error of what would fail or skip a test.
type hosted struct {
	testing.TB
	dir     string
	endings []func()
}

// A refusal is why a server did not start.
type refusal struct{ error }

// withServers runs a function that starts servers, and ends them after it.
func withServers(do func(*hosted) error) (err error) {
	h := &hosted{}
	if h.dir, err = os.MkdirTemp("", "rialto-bench-"); err != nil {
		return err
	}
	defer func() {
		for _, end := range slices.Backward(h.endings) {
			end()
		}
		err = errors.Join(err, os.RemoveAll(h.dir))
	}()
	defer func() {
		if r := recover(); r != nil {
			refused, ok := r.(refusal)
			if !ok {
				panic(r)
			}
			err = refused.error
		}
	}()
	if err := os.Chmod(h.dir, 0o755); err != nil { // servers run under names of their own
		return err
	}
	return do(h)
}

func (h *hosted) Helper()                   {}
func (h *hosted) Cleanup(end func())        { h.endings = append(h.endings, end) }
func (h *hosted) Fatal(args ...any)         { panic(refusal{errors.New(fmt.Sprint(args...))}) }
func (h *hosted) Fatalf(f string, a ...any) { panic(refusal{fmt.Errorf(f, a...)}) }
func (h *hosted) Skip(args ...any)          { h.Fatal(args...) }

// TempDir makes a folder that lives as long as the servers.
func (h *hosted) TempDir() string {
	dir, err := os.MkdirTemp(h.dir, "")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		h.Fatal(err)
	}
	return dir
}
