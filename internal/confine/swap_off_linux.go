//go:build rialto_no_swap

package confine

func noSwap(Policy) (Mechanism, error) { return leftOut(Swap, "rialto_no_swap") }
