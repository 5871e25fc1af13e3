// Package confine takes from a process the means to put content on a disk.
//
// A process that calls Enter can no longer open a file for writing, make,
// rename or remove one, or read any file but those it was granted; it leaves no
// core dump, its memory cannot be read by other processes of the same user, and
// it gains no privilege through exec. Enter then tries to write, all the same,
// and fails if that succeeds. What it entered can never be left again.
//
// What is held, and by what:
//
//   - Landlock (Linux 5.13 and later) denies every access to the file system that
//     the kernel's version of it knows, for all threads, also in a program built
//     with cgo. The version is asked of the kernel, then demanded in full
//     (never "best effort"); if the kernel refuses it, the next lower one is
//     demanded, and the Report says which holds and what it leaves open.
//   - Descriptors of files and block devices that were inherited open for
//     writing are pointed at /dev/null: Landlock looks only at what is opened
//     after it.
//   - RLIMIT_CORE 0 and PR_SET_DUMPABLE 0: no core dump, neither to a file nor
//     to a collector, and no ptrace by the same user.
//   - no_new_privs: a set-user-id program gains nothing.
//
// What is not held yet: memory may be swapped out by the kernel (turn swap off,
// or encrypt it), pipes and sockets that were inherited stay usable, and the
// network is open, since content has to pass through it. There is no limit on
// file size (RLIMIT_FSIZE): it would kill a process whose standard output was
// redirected to a file.
package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Policy says what a process may still do with files.
type Policy struct {
	// ReadPaths are files and folders that stay readable: an export file, a
	// folder of attachments. Each must exist.
	ReadPaths []string
	// WritePaths are folders that stay writable: a local folder as a migration's
	// target. Each must exist. What is written there is on disk by the user's
	// own wish, and the Report names it.
	WritePaths []string
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
	// Confined is true if nothing but Writable can be written, and this was tried.
	Confined bool
	// Landlock is the version of Landlock's rules in force; 0 for none. Offered
	// is the one that the kernel has.
	Landlock, Offered int
	Readable          []string
	Writable          []string
	Mechanisms        []Mechanism
}

// String is the report in a few lines, for people.
func (r Report) String() string {
	var b strings.Builder
	switch {
	case !r.Confined:
		b.WriteString("not confined: this process can write to disk\n")
	case len(r.Writable) > 0:
		fmt.Fprintf(&b, "confined: can write to no place but %s\n", strings.Join(r.Writable, ", "))
	default:
		b.WriteString("confined: can write to no place on disk\n")
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

// The names of the mechanisms in a Report.
const (
	Landlock    = "landlock"
	Descriptors = "descriptors"
	CoreDumps   = "core-dumps"
	Privileges  = "privileges"
	Probe       = "probe"
)

// ErrUnavailable is what Enter's error wraps if the system has no means to
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
		}}, nil
	}
	for _, path := range p.ReadPaths {
		if _, err := os.Stat(path); err != nil {
			return Report{}, fmt.Errorf("what should be readable is not: %w; check the path in the connection's settings", err)
		}
	}
	for _, path := range p.WritePaths {
		info, err := os.Stat(path)
		if err != nil {
			return Report{}, fmt.Errorf("the folder to write to cannot be used: %w; create it first", err)
		}
		if !info.IsDir() {
			return Report{}, fmt.Errorf("%s is not a folder; name a folder to write to", path)
		}
	}
	report, err := enter(p)
	if err != nil {
		return report, err
	}
	tried, err := verify(p.probes())
	report.Mechanisms = append(report.Mechanisms, Mechanism{Name: Probe, Holds: err == nil,
		Detail: fmt.Sprintf("creating a file was refused in %s", strings.Join(tried, ", "))})
	if err != nil {
		return report, fmt.Errorf("confinement does not hold: %w", err)
	}
	report.Confined = true
	report.Readable = slices.Clone(p.ReadPaths)
	report.Writable = slices.Clone(p.WritePaths)
	return report, nil
}

// probes are the folders where writing must fail under the policy.
func (p Policy) probes() []string {
	return slices.DeleteFunc(defaultProbes(p.Probe), func(dir string) bool {
		return slices.ContainsFunc(p.WritePaths, func(allowed string) bool { return within(allowed, dir) })
	})
}

func defaultProbes(more []string) []string {
	dirs := []string{os.TempDir()}
	if wd, err := os.Getwd(); err == nil {
		dirs = append(dirs, wd)
	}
	return append(dirs, more...)
}

// within reports whether dir is root or lies in it.
func within(root, dir string) bool {
	root, err1 := filepath.Abs(root)
	dir, err2 := filepath.Abs(dir)
	if err1 != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(root, dir)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
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
