//go:build linux

// Command ledger measures the ledger on this machine: how fast it inserts,
// merges a listing and looks up, how many bytes an item takes on the disk, and
// how much memory the process holds. It prints one table, for the encrypted
// SQLite and for PostgreSQL.
//
//	go run ./bench/ledger -items 10000000 -shards 1000
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/store/storetest"
	"github.com/rialto-migrate/rialto/internal/vault"
	"github.com/rialto-migrate/rialto/item"
)

// batchSize is how many rows are written, listed or looked up at a time.
const batchSize = 1000

type settings struct {
	items, shards int
	engines       string
	dir           string
}

func main() {
	log.SetFlags(0)
	var cfg settings
	flag.IntVar(&cfg.items, "items", 1_000_000, "items in the ledger")
	flag.IntVar(&cfg.shards, "shards", 0, "shards that they lie in; 0 puts 10,000 items in each")
	flag.StringVar(&cfg.engines, "engines", "sqlite,postgres", "what to measure")
	flag.StringVar(&cfg.dir, "dir", os.TempDir(), "where the databases are made, and removed again")
	profile := flag.String("profile", "", "a file for a profile of the processor's time")
	flag.Parse()
	if cfg.items < batchSize {
		log.Fatalf("-items must be at least %d", batchSize)
	}
	if cfg.shards == 0 {
		cfg.shards = max(1, cfg.items/10_000)
	}
	if err := profiled(*profile, func() error { return run(context.Background(), cfg) }); err != nil {
		log.Fatal(err)
	}
}

// profiled does work, and writes a profile of it if a file is named.
func profiled(path string, work func() error) error {
	if path == "" {
		return work()
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	err = work()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// A result is one line of the table.
type result struct {
	engine                                string
	insert, merge, lookup, find, announce rate
	bytes                                 float64 // an item on the disk
	peak, sifting                         int64   // MiB at the most: until Find is asked, and with its sieve
}

// A rate is items a second: by the clock, and by the time that this process
// had a processor, which on a busy machine is less.
type rate struct{ clock, processor float64 }

// clocked measures a step that says how many items it did.
func clocked(step func() (int, error)) (r rate, err error) {
	cpu, err := processorTime()
	if err != nil {
		return r, err
	}
	began := time.Now()
	n, err := step()
	if err != nil {
		return r, err
	}
	r.clock = float64(n) / time.Since(began).Seconds()
	used, err := processorTime()
	r.processor = float64(n) / (used - cpu).Seconds()
	return r, err
}

// processorTime is what this process used so far, without its children.
func processorTime() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

func run(ctx context.Context, cfg settings) error {
	var results []result
	for name := range strings.SplitSeq(cfg.engines, ",") {
		r, err := measureEngine(ctx, name, cfg)
		if errors.Is(err, storetest.ErrMissing) {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		results = append(results, r)
	}
	fmt.Printf("%d items in %d shards, %d at a time; %s, %d cores, %s\n\n", cfg.items, cfg.shards, batchSize, processor(), runtime.NumCPU(), runtime.Version())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tmerged/s\tlooked up/s\tfound/s\tinserted/s\tannounced and made/s\tbytes an item\tpeak MiB\tand with Find's sieve\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t%d\t%d\t\n", r.engine,
			r.merge.clock, r.lookup.clock, r.find.clock, r.insert.clock, r.announce.clock, r.bytes, r.peak, r.sifting)
		fmt.Fprintf(w, "a processor's\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t\t\t\t\n",
			r.merge.processor, r.lookup.processor, r.find.processor, r.insert.processor, r.announce.processor)
	}
	return w.Flush()
}

func measureEngine(ctx context.Context, name string, cfg settings) (r result, err error) {
	dir, err := os.MkdirTemp(cfg.dir, "rialto-bench-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	opts := store.Options{Dir: dir}
	size := func() (int64, error) { return fileSize(filepath.Join(dir, "ledgers")) }
	switch name {
	case "sqlite":
	case "postgres":
		cluster, err := storetest.Start(true)
		if err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, cluster.Stop()) }()
		address, err := cluster.Database(ctx)
		if err != nil {
			return r, err
		}
		opts.Postgres = vault.NewSecret(address)
		size = func() (int64, error) { return cluster.Size(ctx, address) }
	default:
		return r, fmt.Errorf("there is no engine %q: choose sqlite or postgres", name)
	}
	return measure(ctx, name, opts, size, cfg)
}

func measure(ctx context.Context, name string, opts store.Options, size func() (int64, error), cfg settings) (r result, err error) {
	s, err := store.Open(ctx, opts)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := s.Ledger(ctx, vault.DefaultOrganisation, "bench")
	if err != nil {
		return r, err
	}
	r.engine = name
	n := perShard(cfg) * cfg.shards
	if r.insert, err = clocked(func() (int, error) { return insert(ctx, l, cfg) }); err != nil {
		return r, errors.Join(fmt.Errorf("insert: %w", err), l.Close())
	}
	// Opened anew, the ledger is all in its file and none of it in memory.
	if err := l.Close(); err != nil {
		return r, err
	}
	total, err := size()
	if err != nil {
		return r, err
	}
	r.bytes = float64(total) / float64(n)
	if l, err = s.Ledger(ctx, vault.DefaultOrganisation, "bench"); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if r.merge, err = clocked(func() (int, error) { return mergeAll(ctx, l, cfg) }); err != nil {
		return r, fmt.Errorf("merge: %w", err)
	}
	if r.lookup, err = lookup(ctx, l, cfg); err != nil {
		return r, fmt.Errorf("look up: %w", err)
	}
	if r.peak, err = peak(); err != nil {
		return r, err
	}
	if r.find, err = find(ctx, l, cfg); err != nil {
		return r, fmt.Errorf("find: %w", err)
	}
	if r.sifting, err = peak(); err != nil {
		return r, err
	}
	r.announce, err = clocked(func() (int, error) { return announce(ctx, l) })
	return r, err
}

// The n-th item of a shard has ids like Trello's and Planner's. Ids are random
// in their last digits, as those of a board are that grew over years.
func key(shard, n int) item.Ref {
	return item.Ref{Kind: "task", ID: fmt.Sprintf("%08x%016x", 0x50000000+uint32(mix(uint64(n)))>>4, mix(uint64(shard)<<32|uint64(n)))}
}

func target(shard, n int) item.Ref {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	id := make([]byte, 28)
	seed := mix(uint64(shard)<<32 | uint64(n) + 1<<60)
	for i := range id {
		if i%10 == 0 {
			seed = mix(seed)
		}
		id[i] = digits[seed>>(6*(i%10))&63]
	}
	return item.Ref{Kind: "task", ID: string(id)}
}

func container(shard int) item.Ref {
	t := target(shard, 1<<30)
	t.Kind = "board"
	return t
}

func rowOf(shard, n int) ledger.Row {
	r := ledger.Row{
		Key: key(shard, n), Target: target(shard, n), Parent: container(shard),
		Version: item.Digest(mix(uint64(n) + 1)), Print: item.Digest(mix(uint64(n) + 2)), State: ledger.Made,
	}
	if n%4 == 0 { // a task among what lies in it
		base := make([]byte, 0, 30)
		for i := uint64(3); len(base) < 30; i++ {
			base = binary.LittleEndian.AppendUint64(base, mix(uint64(n)+i))
		}
		r.Base = string(base[:30])
	}
	return r
}

// mix is the finaliser of SplitMix64: it spreads a number over 64 bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func perShard(cfg settings) int { return cfg.items / cfg.shards }

// insert fills the ledger shard by shard, a batch at a time, in the order of a
// listing, which is not that of the ids.
func insert(ctx context.Context, l *store.Ledger, cfg settings) (int, error) {
	done := 0
	for shard := range cfg.shards {
		sh, err := l.Shard(ctx, item.Ref{Kind: "board", ID: key(shard, 1<<30).ID})
		if err != nil {
			return 0, err
		}
		for first := 0; first < perShard(cfg); first += batchSize {
			b := ledger.Batch{Shard: sh.Num, Target: container(shard)}
			for n := first; n < min(first+batchSize, perShard(cfg)); n++ {
				b.Rows = append(b.Rows, rowOf(shard, n))
			}
			if err := l.Apply(ctx, b); err != nil {
				return 0, err
			}
			done += len(b.Rows)
		}
	}
	return done, nil
}

// mergeAll decides for every item of every shard whether it can be skipped, by
// walking its sorted listing along the sorted rows. Making the listing is not
// part of it.
func mergeAll(ctx context.Context, l *store.Ledger, cfg settings) (int, error) {
	listing := make([]ledger.Row, perShard(cfg))
	for n := range listing {
		listing[n] = ledger.Row{Key: key(0, n), Version: item.Digest(mix(uint64(n) + 1))}
	}
	// The listing of shard 0 stands for all: of the other shards the versions
	// are compared, and the keys walked.
	slices.SortFunc(listing, func(a, b ledger.Row) int { return ledger.Compare(a.Key, b.Key) })
	skipped, seen := 0, 0
	for shard := range cfg.shards {
		after, at := ledger.Key{}, 0
		for {
			rows, err := l.Rows(ctx, int64(shard)+1, after, batchSize)
			if err != nil {
				return 0, err
			}
			for _, r := range rows {
				for at < len(listing) && ledger.Compare(listing[at].Key, r.Key) < 0 {
					at++
				}
				if at < len(listing) && listing[at].Key == r.Key && listing[at].Version == r.Version {
					skipped++
				}
			}
			seen += len(rows)
			if len(rows) < batchSize {
				break
			}
			after = rows[len(rows)-1].Key
		}
	}
	if skipped < perShard(cfg) || seen != perShard(cfg)*cfg.shards {
		return 0, fmt.Errorf("%d rows seen, %d skipped", seen, skipped)
	}
	return seen, nil
}

// lookup asks for random items, a thousand of one shard at a time.
func lookup(ctx context.Context, l *store.Ledger, cfg settings) (rate, error) {
	return ask(cfg, 1, func(shard int, keys []ledger.Key) (int, error) {
		rows, err := l.Lookup(ctx, int64(shard)+1, keys)
		return len(rows), err
	})
}

// find asks for random items in whichever shard they are.
func find(ctx context.Context, l *store.Ledger, cfg settings) (rate, error) {
	// The first one that is asked for makes the sieve, once a process.
	if _, err := l.Find(ctx, []ledger.Key{key(0, 0)}); err != nil {
		return rate{}, err
	}
	return ask(cfg, cfg.shards, func(_ int, keys []ledger.Key) (int, error) {
		places, err := l.Find(ctx, keys)
		return len(places), err
	})
}

// askedAtOnce is how many questions are made before the clock runs.
const askedAtOnce = 20

// ask makes questions of a thousand keys each, every one out of so many
// shards, and asks them; and again with others for some seconds. Only the
// asking is measured.
func ask(cfg settings, spread int, question func(shard int, keys []ledger.Key) (int, error)) (sum rate, err error) {
	rng := rand.New(rand.NewPCG(1, 2))
	shards, questions := make([]int, askedAtOnce), make([][]ledger.Key, askedAtOnce)
	var clock, processor, total float64
	for clock < 5 {
		for q := range questions {
			shards[q], questions[q] = rng.IntN(cfg.shards), questions[q][:0]
			for range batchSize {
				shard := (shards[q] + rng.IntN(spread)) % cfg.shards
				questions[q] = append(questions[q], key(shard, rng.IntN(perShard(cfg))))
			}
		}
		r, err := clocked(func() (int, error) {
			for q, keys := range questions {
				n, err := question(shards[q], keys)
				if err == nil && n < len(keys)/2 {
					err = fmt.Errorf("%d of %d were found", n, len(keys))
				}
				if err != nil {
					return 0, err
				}
			}
			return askedAtOnce * batchSize, nil
		})
		if err != nil {
			return sum, err
		}
		total += askedAtOnce * batchSize
		clock += askedAtOnce * batchSize / r.clock
		processor += askedAtOnce * batchSize / r.processor
	}
	return rate{total / clock, total / processor}, nil
}

// announce writes as a run does: twenty intents, which are on the disk before
// anything is sent, then their twenty rows.
func announce(ctx context.Context, l *store.Ledger) (int, error) {
	const atOnce = 20
	sh, err := l.Shard(ctx, item.Ref{Kind: "board", ID: "announced"})
	if err != nil {
		return 0, err
	}
	n := 0
	for until := time.Now().Add(3 * time.Second); time.Now().Before(until); {
		intents, rows := ledger.Batch{Shard: sh.Num}, ledger.Batch{Shard: sh.Num}
		for range atOnce {
			r := rowOf(1<<20, n)
			rows.Rows = append(rows.Rows, r)
			intents.Intents = append(intents.Intents, ledger.Intent{
				Key: r.Key, Op: ledger.Create, Target: item.Ref{Kind: "task"}, Container: container(0), Version: r.Version, Shape: r.Print, Mark: r.Key.ID,
			})
			n++
		}
		for _, b := range []ledger.Batch{intents, rows} {
			if err := l.Apply(ctx, b); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func fileSize(dir string) (total int64, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}

// peak is the most memory that this process ever held, in MiB.
func peak() (int64, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Maxrss >> 10, err // KiB
}

// processor names the machine's processor, for the table's heading.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, " \t:"))
		}
	}
	return "unknown processor"
}
