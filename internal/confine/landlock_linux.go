//go:build !rialto_no_landlock

package confine

import (
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Rights that a grant gives. Neither lets a file be executed.
const (
	folderRights landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
	fileRights   landlock.AccessFSSet = ll.AccessFSReadFile
)

// landlocked puts Landlock in force: what is granted can be read, and the rules
// of its version know no other access to a file, and none to TCP.
func landlocked(p Policy) (Mechanism, error) {
	offered, err := ll.LandlockGetABIVersion()
	if err != nil || offered < landlockVersion {
		return Mechanism{}, unavailable(Landlock, fmt.Sprintf("the kernel offers version %d, needed is %d", max(offered, 0), landlockVersion),
			"use Linux 6.7 or later with \"landlock\" among the lsm= of its boot line, in a container that does not forbid it")
	}
	var rules []landlock.Rule
	for _, path := range p.ReadPaths {
		rights := folderRights
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			rights = fileRights
		}
		rules = append(rules, landlock.PathAccess(rights, path))
	}
	if err := landlock.V4.Restrict(rules...); err != nil {
		return Mechanism{}, unavailable(Landlock, fmt.Sprintf("version %d was refused: %v", landlockVersion, err), "use a kernel that grants it")
	}
	if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || set != 1 {
		return Mechanism{}, unavailable(Landlock, "no_new_privs is not in force although Landlock is", "report it with the kernel's version")
	}
	return Mechanism{Name: Landlock, Holds: true, Detail: fmt.Sprintf("version %d of its rules, in full, and no_new_privs", landlockVersion)}, nil
}
