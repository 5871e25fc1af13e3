package confine

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// decide runs the filter on one system call. The machine of package bpf reads
// words in network order, the kernel in its own: here each word is written so.
func decide(t *testing.T, arch, nr uint32, args ...uint64) uint32 {
	t.Helper()
	vm, err := bpf.NewVM(instructions(auditArch, rules(77)))
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[atNumber:], nr)
	binary.BigEndian.PutUint32(data[atArch:], arch)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[atArgs+8*i:], uint32(a))
		binary.BigEndian.PutUint32(data[atArgs+8*i+4:], uint32(a>>32))
	}
	n, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func TestFilter(t *testing.T) {
	if !knownArch {
		t.Skip("this program does not know the system calls of this architecture")
	}
	const i386 = unix.AUDIT_ARCH_I386
	for _, c := range []struct {
		name string
		arch uint32
		nr   uint32
		args []uint64
		want uint32
	}{
		{"reading", auditArch, unix.SYS_READ, nil, allow},
		{"another architecture's interface", i386, unix.SYS_READ, nil, kill},
		{"the x32 interface", auditArch, x32 | unix.SYS_READ, nil, kill},
		{"opening to read", auditArch, unix.SYS_OPENAT, []uint64{0, 0, unix.O_RDONLY | unix.O_CLOEXEC | unix.O_DIRECTORY}, allow},
		{"opening to write", auditArch, unix.SYS_OPENAT, []uint64{0, 0, unix.O_WRONLY}, refuse},
		{"opening without a name", auditArch, unix.SYS_OPENAT, []uint64{0, 0, unix.O_TMPFILE}, refuse},
		{"opening with a mode that is neither", auditArch, unix.SYS_OPENAT, []uint64{0, 0, unix.O_ACCMODE}, refuse},
		{"a thread", auditArch, unix.SYS_CLONE, []uint64{unix.CLONE_VM | unix.CLONE_THREAD}, allow},
		{"a process", auditArch, unix.SYS_CLONE, []uint64{unix.CLONE_VM | unix.CLONE_VFORK}, refuse},
		{"a process or thread, one cannot see", auditArch, unix.SYS_CLONE3, nil, unknown},
		{"a signal to itself", auditArch, unix.SYS_KILL, []uint64{77, 9}, allow},
		{"a signal to another", auditArch, unix.SYS_KILL, []uint64{78, 9}, refuse},
		{"a signal to all", auditArch, unix.SYS_KILL, []uint64{0xffffffffffffffff, 9}, refuse},
		{"asking for a limit", auditArch, unix.SYS_PRLIMIT64, []uint64{0, unix.RLIMIT_FSIZE, 0, 1}, allow},
		{"setting a limit", auditArch, unix.SYS_PRLIMIT64, []uint64{0, unix.RLIMIT_FSIZE, 1}, refuse},
		{"setting a limit, of which the low half is nothing", auditArch, unix.SYS_PRLIMIT64, []uint64{0, unix.RLIMIT_FSIZE, 1 << 32}, refuse},
		{"memory", auditArch, unix.SYS_MMAP, []uint64{0, 1, unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE | unix.MAP_ANON}, allow},
		{"memory to execute", auditArch, unix.SYS_MMAP, []uint64{0, 1, unix.PROT_EXEC, unix.MAP_PRIVATE}, refuse},
		{"memory of a file", auditArch, unix.SYS_MMAP, []uint64{0, 1, unix.PROT_WRITE, unix.MAP_SHARED}, refuse},
		{"a call that nobody knows yet", auditArch, 9999, nil, unknown},
		{"an old one that is not needed", auditArch, unix.SYS_ACCT, nil, refuse},
	} {
		if got := decide(t, c.arch, c.nr, c.args...); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
	program, err := assemble(auditArch, rules(77))
	if err != nil || len(program) > 4096 { // BPF_MAXINSNS
		t.Errorf("%d instructions, %v", len(program), err)
	}
}

// On a kernel that lacks a mechanism Enter fails and says what to do.
func TestLackingKernel(t *testing.T) {
	needLandlock(t)
	for _, c := range []struct{ lacks, want string }{
		{Landlock, "Linux 6.7"}, {Seccomp, "CONFIG_SECCOMP_FILTER"},
	} {
		out := confined(t, task{Lacks: c.lacks})
		if !strings.Contains(out.Err, ErrUnavailable.Error()) || !strings.Contains(out.Err, c.want) || !strings.Contains(out.Err, "--unconfined") || out.Report.Confined {
			t.Errorf("without %s: %q, %+v", c.lacks, out.Err, out.Report)
		}
		if out := confined(t, task{Lacks: c.lacks, Policy: Policy{Unconfined: true}}); out.Err != "" || out.Report.Confined {
			t.Errorf("without %s, --unconfined: %q, %+v", c.lacks, out.Err, out.Report)
		}
	}
}

// lack makes the kernel look to this process like one without a mechanism.
func lack(name string) error {
	if name == "" {
		return nil
	}
	nr, ok := map[string]uint32{Landlock: unix.SYS_LANDLOCK_CREATE_RULESET, Seccomp: unix.SYS_SECCOMP}[name]
	if !ok {
		return errors.New("it cannot be taken away")
	}
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: atNumber, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: nr, SkipFalse: 1},
		bpf.RetConstant{Val: unknown},
		bpf.RetConstant{Val: allow},
	})
	if err != nil {
		return err
	}
	program := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	load := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&load)))
	return number(errno)
}
