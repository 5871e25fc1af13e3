//go:build !linux

package confine

import (
	"errors"
	"testing"
)

func needLandlock(t *testing.T) {
	t.Helper()
	t.Skip("Landlock exists on Linux alone")
}

func TestElsewhereSaysWhatToDo(t *testing.T) {
	if _, err := Enter(Policy{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
