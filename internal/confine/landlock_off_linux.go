//go:build rialto_no_landlock

package confine

func landlocked(Policy) (Mechanism, error) { return leftOut(Landlock, "rialto_no_landlock") }
