//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"github.com/rialto-migrate/rialto/connector"
	clouds "github.com/rialto-migrate/rialto/connector/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// serveArgument makes this program a stand-in in a process of its own.
const serveArgument = "serve"

// A cloud is a stand-in in a process of its own.
type cloud struct {
	Cloud string            `json:"cloud"`
	URL   string            `json:"url"`
	Set   map[string]string `json:"set"`
	Token string            `json:"token,omitempty"` // Microsoft's: for a bare loop
	Group string            `json:"group,omitempty"`

	process *exec.Cmd
}

// serve runs one stand-in until it is told to stop. Its first line of output
// says where it is.
func serve(args []string) error {
	var l load
	flags := flag.NewFlagSet(serveArgument, flag.ExitOnError)
	name := flags.String("cloud", "trello", "trello or planner")
	flags.IntVar(&l.cards, "cards", 900, "cards of the board")
	flags.Int64Var(&l.mib, "mib", 307, "MiB of its files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	var told cloud
	var handler http.Handler
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	switch *name {
	case "trello":
		s, err := newTrello(l)
		if err != nil {
			return err
		}
		told, handler = cloud{Cloud: s.Name(), Set: s.Settings(base)}, s
	case "planner":
		s, group, err := newPlanner()
		if err != nil {
			return err
		}
		token, err := s.Token("")
		if err != nil {
			return err
		}
		told, handler = cloud{Cloud: s.Name(), Set: s.Settings(base), Token: token, Group: group}, counting(s, s.Requests)
	default:
		return fmt.Errorf("there is no stand-in of %q: trello or planner", *name)
	}
	if *name == "trello" {
		handler = counting(handler, nil)
	}
	told.URL = base
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		return err
	}
	return clouds.Serve(ctx, listener, handler)
}

// newTrello is a Trello with the board. Its limits are out of the way: the bench
// of the quota looks at those, this one at the machine.
func newTrello(l load) (*trello.Server, error) {
	rates := trello.DocumentedRates()
	rates.Token.Max, rates.Key.Max, rates.Member.Max = 1_000_000, 1_000_000, 1_000_000
	s := trello.New(trello.Options{Seed: 1, Rates: &rates})
	made, err := makeBoard(l)
	if err != nil {
		return nil, err
	}
	if err := s.Load("bench.json", bytes.NewReader(made.export)); err != nil {
		return nil, err
	}
	if n, err := s.LoadAttachments(newVault(made.files)); err != nil || n != len(made.files) {
		return nil, fmt.Errorf("%d of %d files got bytes: %w", n, len(made.files), err)
	}
	return s, nil
}

// newPlanner is a tenant with the board's people, and a group for them.
func newPlanner() (s *microsoft.Server, group string, err error) {
	var people []microsoft.User
	var names []string
	for n := range boardMembers {
		u := microsoft.User{Name: fmt.Sprintf("Bench Person %d", n), Mail: fmt.Sprintf("bench%d@example.org", n)}
		people, names = append(people, u), append(names, u.Mail)
	}
	s = microsoft.New(microsoft.Options{Seed: 1, Users: people})
	return s, s.AddGroup("Bench", names...), nil
}

// counting counts requests by method and path without ids, and tells at
// /bench/counts; parts adds those that came inside others.
func counting(next http.Handler, parts func() map[string]int) http.Handler {
	var mu sync.Mutex
	counts := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if r.URL.Path == "/bench/counts" {
			all := tally{HTTP: maps.Clone(counts)}
			mu.Unlock()
			if parts != nil {
				all.Parts = parts()
			}
			_ = json.NewEncoder(w).Encode(all) // a failure means that the client has gone
			return
		}
		counts[r.Method+" "+connector.Shape(r.URL)]++
		mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// A tally is what a stand-in was asked since it began.
type tally struct {
	HTTP  map[string]int // requests over the network
	Parts map[string]int // what they held, parts of a $batch one by one
}

// since is what was asked after an earlier tally.
func (t tally) since(was tally) tally {
	less := func(now, was map[string]int) map[string]int {
		out := map[string]int{}
		for k, n := range now {
			if n > was[k] {
				out[k] = n - was[k]
			}
		}
		return out
	}
	return tally{less(t.HTTP, was.HTTP), less(t.Parts, was.Parts)}
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// startCloud runs a stand-in in a process of its own. The caller stops it.
func startCloud(ctx context.Context, name string, l load) (*cloud, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, serveArgument, "-cloud", name, "-cards", fmt.Sprint(l.cards), "-mib", fmt.Sprint(l.mib))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it does not outlive this process
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &cloud{process: cmd}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, c)
	}
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("the stand-in of %s did not start: %w", name, err)
	}
	return c, nil
}

func (c *cloud) stop() {
	_ = c.process.Process.Signal(syscall.SIGTERM) // it may be gone already
	_ = c.process.Wait()                          // how it ended does not matter any more
}

func (c *cloud) counts(ctx context.Context) (t tally, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/bench/counts", nil)
	if err != nil {
		return t, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return t, err
	}
	defer resp.Body.Close()
	return t, json.NewDecoder(resp.Body).Decode(&t)
}
