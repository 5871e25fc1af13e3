//go:build rialto_no_dumps

package confine

func noDumps(Policy) (Mechanism, error) { return leftOut(CoreDumps, "rialto_no_dumps") }
