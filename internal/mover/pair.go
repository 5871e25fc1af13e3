package mover

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pair makes the line: the parent's end, and the mover's as a file to hand
// over.
func pair() (*net.UnixConn, *os.File, error) {
	syscall.ForkLock.RLock() // no other child may inherit the ends before they are marked
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("the line to the mover cannot be made: %w", err)
	}
	far := os.NewFile(uintptr(fds[1]), "line")
	near, err := lineConn(fds[0])
	if err != nil {
		far.Close()
		return nil, nil, fmt.Errorf("the line to the mover cannot be made: %w", err)
	}
	return near, far, nil
}

// lineConn takes a descriptor over and makes a connection of it.
func lineConn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "line")
	if f == nil {
		return nil, os.ErrInvalid
	}
	defer f.Close() // FileConn has a copy of its own
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, os.ErrInvalid
	}
	return unix, nil
}
