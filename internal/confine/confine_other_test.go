//go:build !linux

package confine

import (
	"errors"
	"testing"
)

func needLandlock(t *testing.T) {
	t.Helper()
	t.Skip("confinement exists on Linux alone")
}

func TestElsewhereSaysWhatToDo(t *testing.T) {
	if _, err := Enter(Policy{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func tryAll(string) map[string]string      { return nil }
func inFlight(string) (write func() error) { return func() error { return nil } }
func mayDump()                             {}
func dumpable() bool                       { return true }
func lack(string) error                    { return nil }
