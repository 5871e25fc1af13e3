package confine

import "golang.org/x/sys/unix"

const (
	knownArch = true
	auditArch = unix.AUDIT_ARCH_AARCH64
)

// archRules are none: this architecture never had the older calls.
func archRules() []rule { return nil }
