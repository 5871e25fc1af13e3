package mover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/mover/wire"
	"github.com/rialto-migrate/rialto/item"
)

type act func(ctx context.Context, line *Line, args map[string]string) ([]byte, error)

// acts are what movers do in tests, by name.
func acts() map[string]act {
	return map[string]act{
		"greet":   greet,
		"fail":    fail,
		"hang":    hang,
		"wait":    waitForStop,
		"pauses":  tellPauses,
		"apply":   apply,
		"crash":   crash,
		"chatter": chatter,
		"again":   fetchAgain,
		"concur":  concur,
		"batch":   bigBatch,
		"pass":    passThrough,
		"environ": func(context.Context, *Line, map[string]string) ([]byte, error) {
			return []byte(strings.Join(os.Environ(), "\n")), nil
		},
		"exit": func(_ context.Context, _ *Line, args map[string]string) ([]byte, error) {
			os.Exit(number(args["code"]))
			return nil, nil
		},
		"late-exit": lateExit,
		"dial":      dialMany,
		"fetch":     fetch,
		"thrice":    thrice,
		"bench":     benchLookups,
	}
}

func greet(ctx context.Context, line *Line, _ map[string]string) ([]byte, error) {
	for i := range 100 {
		if err := line.Emit(fmt.Appendf(nil, "event %d", i)); err != nil {
			return nil, err
		}
	}
	if err := line.Renewed("acme", "token", "fresh"); err != nil {
		return nil, err
	}
	if _, _, err := line.Ledger().Begin(ctx, someTime()); err != nil {
		return nil, err
	}
	return []byte(fmt.Sprintf("confined: %v, pid %d", line.Report().Confined, os.Getpid())), nil
}

func fail(context.Context, *Line, map[string]string) ([]byte, error) {
	return []byte("half a result"), fmt.Errorf("the pass: %w", connector.Errorf(connector.Auth, "GET /me: 401").WithHint("connect again"))
}

// hang says that it began, and then heeds nothing.
func hang(_ context.Context, line *Line, _ map[string]string) ([]byte, error) {
	line.Emit([]byte("hanging"))
	select {}
}

// tellPauses tells whether it is paused, each time that this changes.
func tellPauses(ctx context.Context, line *Line, _ map[string]string) ([]byte, error) {
	go func() {
		seen := 0
		for {
			paused, changes, err := line.Paused(ctx, seen)
			if err != nil || line.Emit(fmt.Append(nil, paused)) != nil {
				return
			}
			seen = changes
		}
	}()
	<-line.Stopping()
	return nil, nil
}

func waitForStop(ctx context.Context, line *Line, _ map[string]string) ([]byte, error) {
	if err := line.Emit([]byte("waiting")); err != nil {
		return nil, err
	}
	select {
	case <-line.Stopping():
		return []byte(line.StopReason()), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func apply(ctx context.Context, line *Line, _ map[string]string) ([]byte, error) {
	return nil, line.Ledger().Apply(ctx, ledger.Batch{Shard: 1, Rows: []ledger.Row{{Key: item.Ref{Kind: item.Task, ID: "1"}, State: ledger.Made}}})
}

func crash(_ context.Context, _ *Line, args map[string]string) ([]byte, error) {
	go func() {
		switch args["how"] {
		case "message":
			panic("the title was " + args["canary"] + "\nand goroutine 1 [running]:\n" + args["canary"])
		case "error":
			panic(errors.New(args["canary"]))
		case "map":
			none := map[string]map[string]int{}
			none[""][args["canary"]] = 1
		case "index":
			var s []int
			s[number("5")]++
		}
	}()
	select {}
}

func chatter(_ context.Context, _ *Line, args map[string]string) ([]byte, error) {
	for range 1000 {
		fmt.Println("a title:", args["canary"])
		fmt.Fprintln(os.Stderr, args["canary"]+".go:12")
		fmt.Fprintln(os.Stderr, "main.f("+args["canary"]+")")
	}
	fmt.Print(strings.Repeat(args["canary"], 100_000)) // no end of line
	return []byte("said"), nil
}

func fetchAgain(ctx context.Context, line *Line, _ map[string]string) ([]byte, error) {
	job, err := ask[[]byte](ctx, line.rpc, "Job.Get", wire.None(false))
	return []byte(fmt.Sprintf("%d bytes: %v", len(job), err)), nil
}

func concur(ctx context.Context, line *Line, _ map[string]string) ([]byte, error) {
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for worker := range 64 {
		wg.Go(func() {
			shard := int64(100 + worker)
			for i := range 50 {
				row := ledger.Row{Key: item.Ref{Kind: item.Task, ID: fmt.Sprint(worker, "-", i)}, Version: item.Digest(i), State: ledger.Made}
				if err := line.Ledger().Apply(ctx, ledger.Batch{Shard: shard, Rows: []ledger.Row{row}}); err != nil {
					errs <- err
					return
				}
				got, err := line.Ledger().Lookup(ctx, shard, []ledger.Key{row.Key})
				if err != nil || len(got) != 1 || got[0] != row {
					errs <- fmt.Errorf("worker %d found %v (%v)", worker, got, err)
					return
				}
				if err := line.Emit([]byte(row.Key.ID)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return nil, <-errs
}

func bigBatch(ctx context.Context, line *Line, args map[string]string) ([]byte, error) {
	n := number(args["rows"])
	rows := make([]ledger.Row, n)
	keys := make([]ledger.Key, n)
	for i := range rows {
		rows[i] = someRow(i)
		keys[i] = rows[i].Key
	}
	if err := line.Ledger().Apply(ctx, ledger.Batch{Shard: 1, Rows: rows}); err != nil {
		return nil, err
	}
	back, err := line.Ledger().Lookup(ctx, 1, keys)
	if err != nil {
		return nil, err
	}
	for i := range back {
		if back[i] != rows[i] {
			return nil, fmt.Errorf("row %d came back as %v", i, back[i])
		}
	}
	all, err := line.Ledger().Rows(ctx, 1, ledger.Key{}, n)
	if err != nil {
		return nil, err
	}
	return []byte(fmt.Sprintf("%d looked up, %d listed", len(back), len(all))), nil
}

func lateExit(_ context.Context, line *Line, _ map[string]string) ([]byte, error) {
	tell(context.Background(), line.rpc, "Job.Done", wire.Outcome{Result: []byte("early"), Written: -1})
	select {}
}

// passed is what passThrough tells.
type passed struct {
	Bytes    int64
	Sum      string
	Written  int64 // by the kernel's count, while they did
	InAll    int64 // likewise, after trying to write
	Export   string
	TLS      uint16
	Proto    string
	Wrote    []string // places where a file could be made
	Unknown  string   // what a name without addresses led to
	Blocked  string   // what opening a file that was not granted led to
	Zone     string
	VerifyOK bool
}

// passThrough moves a blob from one URL to another as a connector would, and
// tries to leave something on disk meanwhile.
func passThrough(ctx context.Context, line *Line, args map[string]string) ([]byte, error) {
	var out passed
	t, err := line.Transport(TransportOptions{})
	if err != nil {
		return nil, err
	}
	if again, _ := line.Transport(TransportOptions{}); again != t {
		return nil, errors.New("two transports for the same options")
	}
	client := &http.Client{Transport: t}
	before, err := line.Written()
	if err != nil {
		return nil, err
	}
	resp, err := client.Get(args["from"])
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.TLS != nil {
		out.TLS = resp.TLS.Version
	}
	out.Proto = resp.Proto
	sum := sha256.New()
	counted := &counting{r: io.TeeReader(resp.Body, sum)}
	put, err := http.NewRequestWithContext(ctx, http.MethodPut, args["to"], counted)
	if err != nil {
		return nil, err
	}
	put.ContentLength = resp.ContentLength
	answer, err := client.Do(put)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	after, err := line.Written()
	if err != nil {
		return nil, err
	}
	out.Written = after - before
	out.Bytes, out.Sum = counted.n, hex.EncodeToString(sum.Sum(nil))

	_, err = client.Get(args["unknown"])
	out.Unknown = fmt.Sprint(err)
	if b, err := os.ReadFile(args["export"]); err == nil {
		out.Export = string(b)
	}
	_, err = os.ReadFile(args["forbidden"])
	out.Blocked = fmt.Sprint(err)
	for _, dir := range []string{os.TempDir(), ".", args["state"]} {
		name := filepath.Join(dir, fmt.Sprintf("canary-%d", os.Getpid()))
		if err := os.WriteFile(name, make([]byte, 1<<20), 0o600); err == nil {
			out.Wrote = append(out.Wrote, dir)
			os.Remove(name)
		}
	}
	if out.InAll, err = line.Written(); err != nil {
		return nil, err
	}
	out.VerifyOK = confine.Verify(args["state"]) == nil
	if zone, err := oslo(); err == nil {
		out.Zone = zone
	} else {
		out.Zone = err.Error()
	}
	return json.Marshal(out)
}

type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
