//go:build !unix

package store

import (
	"errors"
	"os"
)

// tryLock refuses: without a lock two runs could write the same things twice.
func tryLock(*os.File) error {
	return errors.New("this system has no file locks that Rialto knows: use Linux, macOS or a BSD, or keep the ledger in PostgreSQL")
}
