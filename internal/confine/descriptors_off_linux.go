//go:build rialto_no_descriptors

package confine

func disarmDescriptors(Policy) (Mechanism, error) {
	return leftOut(Descriptors, "rialto_no_descriptors")
}
