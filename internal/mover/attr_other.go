//go:build unix && !linux

package mover

import (
	"os"
	"syscall"
)

func ownProgram() (string, error) { return os.Executable() }

// attributes give the mover a process group of its own. Only Linux kills it
// with its parent; elsewhere it ends when the line is cut.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
