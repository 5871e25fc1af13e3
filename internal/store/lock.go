package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A holder is the process that has a ledger.
type holder struct {
	Process string    `json:"process"` // its id
	Since   time.Time `json:"since"`
}

// errHeld says that another process has the lock.
var errHeld = errors.New("held by another process")

// lockFile takes a lock that ends with the process, however it ends. The file
// says who holds it, and stays. release may be called once.
func lockFile(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, explain(path, err)
	}
	if err := tryLock(f); err != nil {
		defer f.Close()
		if errors.Is(err, errHeld) {
			return nil, busy(readHolder(f))
		}
		return nil, explain(path, err)
	}
	who, err := json.Marshal(holder{strconv.Itoa(os.Getpid()), time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(who, 0)
	}
	if err != nil {
		return nil, explain(path, errors.Join(err, f.Close()))
	}
	return f.Close, nil // closing lets go of the lock
}

// readHolder is best effort: a holder that has just taken the lock may not
// have written its name yet.
func readHolder(f *os.File) (h holder) {
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err == nil {
		_ = json.Unmarshal(text, &h)
	}
	return h
}

func busy(h holder) error {
	who := "another process"
	if h.Process != "" {
		who = fmt.Sprintf("process %s, since %s,", h.Process, h.Since.Local().Format("2006-01-02 15:04:05"))
	}
	return connector.Errorf(connector.Conflict, "store: %s has the ledger of this migration", who).
		WithHint("one run of a migration goes on at a time: wait until it is done, or stop it")
}
