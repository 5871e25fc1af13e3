package mover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/ledger"
)

// Config is what a mover is started with.
type Config struct {
	// Job is what the mover is to do, opened secrets included; opaque here. It
	// is handed over once, to a mover that is confined as Policy says, and then
	// forgotten. The caller gives the slice away.
	Job []byte
	// Policy is how the mover confines itself.
	Policy confine.Policy
	// Paused is whether the mover begins paused; Process.Pause changes it.
	Paused bool
	// Ledger answers the mover's questions. Required.
	Ledger ledger.Ledger
	// OnEvent takes what the mover emits, one at a time, in the order of each
	// emitting goroutine. The mover waits until it returns. nil drops events.
	OnEvent func(event []byte)
	// OnRenewed seals a secret that a cloud renewed for a connection. It may be
	// called from several goroutines at once. nil refuses.
	OnRenewed func(connection, name, value string) error
	// Resolve finds the addresses of a host, the best first. nil means the
	// system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Reach is where the mover may connect to.
	Reach Reach
	// Log takes the stack traces of a mover that panics. nil drops them.
	Log *slog.Logger
	// Grace is how long a mover has to stop by itself once the context of Start
	// ended, or to exit once its job is done; 0 means 20 seconds.
	Grace time.Duration
	// Begin is how long a mover has until it asks for its job; 0 means a minute.
	Begin time.Duration
	// MemoryLimit is the mover's soft memory limit in bytes (GOMEMLIMIT), and
	// MaxProcs the processors it uses at once (GOMAXPROCS); 0 leaves them be.
	MemoryLimit int64
	MaxProcs    int
	// Environ is the environment from which the few variables are picked that a
	// mover is given (TZ, SSL_CERT_FILE, SSL_CERT_DIR, GOTRACEBACK, GODEBUG). nil
	// means this process's.
	Environ []string
	// Command is what is executed; nil means this program with Argument.
	Command []string
}

func (c Config) withDefaults() (Config, error) {
	if c.Ledger == nil {
		return c, errors.New("a mover needs a ledger")
	}
	if c.Resolve == nil {
		c.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Grace == 0 {
		c.Grace = 20 * time.Second
	}
	if c.Begin == 0 {
		c.Begin = time.Minute
	}
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	if c.Command == nil {
		exe, err := ownProgram()
		if err != nil {
			return c, fmt.Errorf("the program's own file cannot be found: %w", err)
		}
		c.Command = []string{exe, Argument}
	}
	return c, nil
}

// environment is the mover's: nothing of the parent's but what is listed, so
// that no secret and no proxy slips in.
func (c Config) environment() []string {
	env := []string{}
	for _, kv := range c.Environ {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOTRACEBACK", "GODEBUG":
			env = append(env, kv)
		}
	}
	if c.MemoryLimit > 0 {
		env = append(env, "GOMEMLIMIT="+strconv.FormatInt(c.MemoryLimit, 10))
	}
	if c.MaxProcs > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(c.MaxProcs))
	}
	return env
}
