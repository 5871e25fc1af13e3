package confine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Meter reads how much a process caused to be written to disk since the
// Meter was set to zero, as the kernel counts it. Open it before Enter:
// afterwards /proc cannot be opened, and from outside only root can read it,
// since the process is not dumpable. Set it to zero after Enter, so that it
// leaves out two things that touch the file system's own tables, a page or
// two: the start of the process (the time of access of its program file), and
// the attempts of Enter to make a file (an unnamed one is made by the file
// system before it is refused).
type Meter struct {
	file *os.File
	base int64
}

// OpenMeter opens this process's own account, /proc/self/io. The caller
// closes it.
func OpenMeter() (*Meter, error) {
	f, err := os.Open("/proc/self/io")
	if err != nil {
		return nil, fmt.Errorf("how much this process writes cannot be read: %w", err)
	}
	return &Meter{file: f}, nil
}

// Zero begins the count anew. It is not safe for use beside Written.
func (m *Meter) Zero() error {
	n, err := m.Written()
	m.base += n
	return err
}

// Written returns the bytes that all threads of the process, since the Meter
// was set to zero (or else since their start), caused to be sent to a disk (write_bytes of proc_pid_io(5)). What
// was truncated before it got there still counts; sockets and pipes do not.
// Reading a file may add a page, where the file system notes the time of access.
func (m *Meter) Written() (int64, error) {
	var buf [1024]byte
	n, err := m.file.ReadAt(buf[:], 0)
	if n == 0 && err != nil {
		return 0, fmt.Errorf("how much this process writes cannot be read: %w", err)
	}
	total, err := written(buf[:n])
	return total - m.base, err
}

// Close ends the measuring.
func (m *Meter) Close() error { return m.file.Close() }

func written(table []byte) (int64, error) {
	for lines := bufio.NewScanner(bytes.NewReader(table)); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), ":")
		if !ok || name != "write_bytes" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the kernel's account of input and output has a write_bytes that is no number: %w", err)
		}
		return n, nil
	}
	return 0, errors.New("the kernel's account of input and output lacks write_bytes; it was built without CONFIG_TASK_IO_ACCOUNTING")
}
