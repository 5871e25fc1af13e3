package local

import (
	"errors"
	"io"
	"strings"
	"syscall"
)

// openFlags keep a name that became a pipe meanwhile from holding us.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOFOLLOW

func isEnd(err error) bool { return errors.Is(err, io.EOF) }

// isLoopOrEscape reports whether a path leads through a link.
func isLoopOrEscape(err error) bool {
	return errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) || strings.Contains(err.Error(), "path escapes")
}
