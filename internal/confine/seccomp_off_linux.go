//go:build rialto_no_seccomp

package confine

func filtered(Policy) (Mechanism, error) { return leftOut(Seccomp, "rialto_no_seccomp") }
