//go:build linux

package webdavtest

import (
	"crypto/sha1" // what Apache's files of passwords hold; this one is for tests
	"encoding/base64"
)

// sha1Password is a password as Apache's AuthUserFile takes it
// (https://httpd.apache.org/docs/2.4/misc/password_encryptions.html).
func sha1Password(p string) string {
	sum := sha1.Sum([]byte(p))
	return "{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
}
