package paths

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

const (
	beside       = ".rialto-"
	besideDigits = 24
)

// Beside is the path, in the same folder, at which a file is written before it gets
// its own, where a server shows a file while it grows. It is made of the file's name
// alone, so that the next run writes over what a killed one left.
func Beside(id string) string {
	sum := sha256.Sum256([]byte(path.Base(id)))
	return connector.Below(path.Dir(id), beside+hex.EncodeToString(sum[:])[:besideDigits])
}

// Ours reports whether a name is one that Beside gives: nobody is shown what stands
// there.
func Ours(name string) bool {
	rest, ok := strings.CutPrefix(name, beside)
	return ok && len(rest) == besideDigits && strings.Trim(rest, "0123456789abcdef") == ""
}
