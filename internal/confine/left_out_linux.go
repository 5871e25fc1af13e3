//go:build rialto_no_descriptors || rialto_no_limit || rialto_no_dumps || rialto_no_swap || rialto_no_landlock || rialto_no_seccomp

package confine

// leftOut is the mechanism of a build without it. Its report does not claim that
// the process is confined, so a mover of such a build gets no job.
func leftOut(name, tag string) (Mechanism, error) {
	return Mechanism{Name: name, Detail: "left out of this build by the tag " + tag}, nil
}
