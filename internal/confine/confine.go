// Package confine takes from a process the means to put content on a disk, or
// anywhere else but into the connections that it is handed.
//
// A process that calls Enter can open no file for writing, make, rename or
// remove none, and read none but those it was granted; it can make no socket and
// no connection, start no program and no other process; it leaves no core dump,
// other processes of the same user cannot read its memory, and that memory is
// not swapped out. Enter then tries to write, all the same, and fails if that
// succeeds. What it entered can never be left again.
//
// What is held, and by what; for each there is a proof that turns red in a build
// that leaves it out (a build tag named after it: rialto_no_landlock, …):
//
//   - landlock: version 4 of its rules (Linux 6.7 and later), demanded in full:
//     every access to the file system but the reading that was granted, and TCP.
//   - seccomp: a list of the system calls that a running mover needs, and with
//     which arguments; every other one is refused. This holds what Landlock does
//     not look at: UDP, MPTCP and other sockets, memfd_create, io_uring, starting
//     a process. All threads have it.
//   - descriptors: what was inherited open, of whatever type, leads to /dev/null,
//     but for the standard streams where they are no files. Both of the above
//     look only at what is opened after them.
//   - file-size: no file can grow (RLIMIT_FSIZE 0), by whatever way a writable
//     descriptor may have come.
//   - core-dumps: RLIMIT_CORE 0 and PR_SET_DUMPABLE 0: no core dump, neither to a
//     file nor to a collector, and no ptrace by the same user.
//   - swap: memory is locked where the process may do that; else there must be no
//     swap that could hold it in the clear.
//
// What is not held: a machine that is suspended to disk writes all memory there,
// and whoever is root on the machine can read any process's memory.
package confine

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// A Policy says what a process may still do with files.
type Policy struct {
	// ReadPaths are files and folders that stay readable: an export file, a
	// local folder as a migration's source. Each must exist.
	ReadPaths []string
	// Probe names further folders in which Enter tries to create a file,
	// beside the temporary and the working one: the folder that holds the
	// program's state.
	Probe []string
	// Unconfined leaves everything as it is. The Report says so.
	Unconfined bool
}

// A Mechanism is one means of confinement and whether it holds.
type Mechanism struct {
	Name   string
	Holds  bool
	Detail string // one line for people
}

// A Report tells what holds. It is plain data, made to be printed and sent.
type Report struct {
	// Confined is true if every mechanism holds: nothing can be written, and this
	// was tried.
	Confined   bool
	Readable   []string
	Mechanisms []Mechanism
}

// String is the report in a few lines, for people.
func (r Report) String() string {
	var b strings.Builder
	if r.Confined {
		b.WriteString("confined: can write to no place on disk\n")
	} else {
		b.WriteString("not confined: this process can write to disk\n")
	}
	for _, m := range r.Mechanisms {
		state := "holds"
		if !m.Holds {
			state = "off"
		}
		fmt.Fprintf(&b, "  %-12s %-5s %s\n", m.Name, state, m.Detail)
	}
	return b.String()
}

// Holds reports whether the named mechanism holds.
func (r Report) Holds(name string) bool {
	return slices.ContainsFunc(r.Mechanisms, func(m Mechanism) bool { return m.Name == name && m.Holds })
}

// The names of the mechanisms in a Report, in the order in which they are
// entered.
const (
	Descriptors = "descriptors"
	FileSize    = "file-size"
	CoreDumps   = "core-dumps"
	Swap        = "swap"
	Landlock    = "landlock"
	Seccomp     = "seccomp"
	Probe       = "probe"
)

// ErrUnavailable is what Enter's error wraps if the system lacks a means to
// confine a process.
var ErrUnavailable = errors.New("this system cannot confine a process")

// Enter confines the calling process, all its threads, for good. Call it once,
// after everything that has to be read from disk was read (certificates, time
// zones) and before anything is read from the network. On an error the process
// may be confined in part and must end.
func Enter(p Policy) (Report, error) {
	if p.Unconfined {
		return Report{Mechanisms: []Mechanism{
			{Name: Landlock, Detail: "switched off by --unconfined"},
			{Name: Seccomp, Detail: "switched off by --unconfined"},
		}}, nil
	}
	for _, path := range p.ReadPaths {
		if _, err := os.Stat(path); err != nil {
			return Report{}, fmt.Errorf("what should be readable is not: %w; check the path in the connection's settings", err)
		}
	}
	var r Report
	for _, enter := range mechanisms() {
		m, err := enter(p)
		if err != nil {
			return r, err
		}
		r.Mechanisms = append(r.Mechanisms, m)
	}
	tried, err := verify(defaultProbes(p.Probe))
	r.Mechanisms = append(r.Mechanisms, Mechanism{Name: Probe, Holds: err == nil,
		Detail: fmt.Sprintf("creating a file was refused in %s", strings.Join(tried, ", "))})
	if err != nil {
		return r, fmt.Errorf("confinement does not hold: %w", err)
	}
	r.Confined = !slices.ContainsFunc(r.Mechanisms, func(m Mechanism) bool { return !m.Holds })
	r.Readable = slices.Clone(p.ReadPaths)
	return r, nil
}

// unavailable is the error of a system that lacks a mechanism; remedy says what
// to do about it.
func unavailable(name, what, remedy string) error {
	return fmt.Errorf("%w: %s: %s; %s, or give --unconfined to go on without the guarantee that content never touches the disk",
		ErrUnavailable, name, what, remedy)
}
