package confine

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A rule allows one system call.
type rule struct {
	nr uint32
	// when are the ways in which it is allowed; none means any.
	when []way
}

// A way is a set of conditions that hold together.
type way []condition

// A condition holds if an argument has, of the bits in mask, those in value.
type condition struct {
	arg         int
	mask, value uint64
}

// Masks of whole arguments: one that the kernel takes as an int, and any.
const (
	wholeInt = 0xffffffff
	whole    = 0xffffffffffffffff
)

// firstShared is the first system call whose number all architectures share.
// From there on come the newer ones: what is not allowed of them is said not to
// exist, as an older kernel does, and libraries know what to do instead.
const firstShared = 424

// x32 marks a call of the x32 interface, which has its own numbers on amd64.
const x32 = 0x40000000

// Where struct seccomp_data has its parts; each argument has its low half first
// on both architectures.
const (
	atNumber = 0
	atArch   = 4
	atArgs   = 16
)

const (
	allow   = unix.SECCOMP_RET_ALLOW
	kill    = unix.SECCOMP_RET_KILL_PROCESS
	refuse  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	unknown = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// instructions are the program that decides on a system call. A call by another
// architecture's interface ends the process: nothing of ours makes one.
func instructions(arch uint32, rules []rule) []bpf.Instruction {
	out := []bpf.Instruction{
		bpf.LoadAbsolute{Off: atArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		bpf.RetConstant{Val: kill},
		bpf.LoadAbsolute{Off: atNumber, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32, SkipFalse: 1},
		bpf.RetConstant{Val: kill},
	}
	for _, r := range rules {
		body := r.body()
		out = append(out, bpf.JumpIf{Cond: bpf.JumpEqual, Val: r.nr, SkipFalse: uint8(len(body))})
		out = append(out, body...)
	}
	return append(out,
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: firstShared, SkipFalse: 1},
		bpf.RetConstant{Val: unknown},
		bpf.RetConstant{Val: refuse})
}

// body decides on the call of a rule, whose number was found to be equal.
func (r rule) body() []bpf.Instruction {
	if len(r.when) == 0 {
		return []bpf.Instruction{bpf.RetConstant{Val: allow}}
	}
	var out []bpf.Instruction
	for _, w := range r.when {
		checks := w.checks()
		left := len(checks)*3 + 1 // a check is three instructions, the last of the way returns
		for _, c := range checks {
			left -= 3
			c[2] = bpf.JumpIf{Cond: bpf.JumpEqual, Val: c[2].(bpf.JumpIf).Val, SkipFalse: uint8(left)}
			out = append(out, c[:]...)
		}
		out = append(out, bpf.RetConstant{Val: allow})
	}
	return append(out, bpf.RetConstant{Val: refuse})
}

// checks are the comparisons of the halves of arguments that a way asks for.
func (w way) checks() (out [][3]bpf.Instruction) {
	for _, c := range w {
		for half := range 2 {
			mask, value := uint32(c.mask>>(32*half)), uint32(c.value>>(32*half))
			if mask == 0 {
				continue
			}
			out = append(out, [3]bpf.Instruction{
				bpf.LoadAbsolute{Off: uint32(atArgs + 8*c.arg + 4*half), Size: 4},
				bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask},
				bpf.JumpIf{Cond: bpf.JumpEqual, Val: value},
			})
		}
	}
	return out
}

// assemble makes the program as the kernel takes it.
func assemble(arch uint32, rules []rule) ([]unix.SockFilter, error) {
	raw, err := bpf.Assemble(instructions(arch, rules))
	if err != nil {
		return nil, err
	}
	out := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		out[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return out, nil
}
