//go:build linux

// Command bench measures Rialto on this machine and prints one table a subject:
// the use of a quota, the ledger, a large board moved and verified between two
// stand-ins, how the program starts, and files and mail side by side with rclone and
// mbsync on real servers. With -write it puts them into docs/benchmarks.md too, with
// the machine's name.
//
//	make bench                     everything, about two hours
//	./scripts/bench -quick         a tenth of it
//	./scripts/bench -only board    one subject
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are what the flags say.
type settings struct {
	rialto string // the program that is measured
	quick  bool
	write  bool
	only   []string
	doc    string
	load   load
	items  int

	// Of the cases that stand beside peers: rounds of each, files of 20 KB, fewer of
	// them, objects of a second pass, MiB of a large one, messages.
	rounds, small, few, many int
	object                   int64
	messages                 int
}

// A subject is one thing that is measured.
type subject struct {
	name    string
	measure func(context.Context, settings) (table, error)
}

func subjects() []subject {
	return []subject{{"quota", measureQuota}, {"ledger", measureLedger}, {"board", measureBoard}, {"start", measureStart},
		{"s3", measureS3}, {"large", measureLarge}, {"webdav", measureWebDAV}, {"sftp", measureSFTP}, {"again", measureAgain}, {"mail", measureMail}}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 && os.Args[1] == serveArgument {
		if err := serve(os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	if len(os.Args) > 1 && (os.Args[1] == bareArgument || os.Args[1] == pipeArgument) {
		other := map[string]func([]string) error{bareArgument: bare, pipeArgument: pipe}[os.Args[1]]
		if err := other(os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	var s settings
	var only string
	flag.StringVar(&s.rialto, "rialto", "bin/rialto", "the program to measure")
	flag.BoolVar(&s.quick, "quick", false, "measure a tenth, and once")
	flag.BoolVar(&s.write, "write", false, "put the tables into -doc")
	flag.StringVar(&s.doc, "doc", "docs/benchmarks.md", "the page that holds the tables")
	flag.StringVar(&only, "only", "", "subjects, with commas between: quota, ledger, board, start, s3, large, webdav, sftp, again, mail")
	flag.IntVar(&s.load.cards, "cards", 0, "cards of the board; 0 for 9,000, or 900 if quick")
	flag.Int64Var(&s.load.mib, "mib", 0, "MiB of the board's files; 0 for 3,072, or 307 if quick")
	flag.IntVar(&s.items, "items", 0, "items of the ledger; 0 for 10,000,000, or 500,000 if quick")
	flag.IntVar(&s.rounds, "rounds", 0, "rounds of what stands beside peers; 0 for 5, or 1 if quick")
	flag.IntVar(&s.many, "many", 0, "objects of a second pass; 0 for 100,000, or 10,000 if quick")
	flag.IntVar(&s.small, "small", 0, "files that go from S3 to S3; 0 for 10,000, or 1,000 if quick")
	flag.IntVar(&s.few, "few", 0, "files that go to WebDAV and SFTP; 0 for 2,000, or 200 if quick")
	flag.Int64Var(&s.object, "object", 0, "MiB of a large object; 0 for 4,096, or 256 if quick")
	flag.IntVar(&s.messages, "messages", 0, "messages of a mailbox; 0 for 20,000, or 2,000 if quick")
	flag.Parse()
	s.defaults(only)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		stop()
		log.Fatal("bench: ", err) //nolint:gocritic // stop was called
	}
}

func (s *settings) defaults(only string) {
	for name := range strings.SplitSeq(only, ",") {
		if name != "" {
			s.only = append(s.only, name)
		}
	}
	cards, mib, items := 9000, int64(3072), 10_000_000
	if s.quick {
		cards, mib, items = 900, 307, 500_000
	}
	if s.load.cards == 0 {
		s.load.cards = cards
	}
	if s.load.mib == 0 {
		s.load.mib = mib
	}
	if s.items == 0 {
		s.items = items
	}
	rounds, small, few, many, object, messages := 5, 10_000, 2000, 100_000, int64(4096), 20_000
	if s.quick {
		rounds, small, few, many, object, messages = 1, 1000, 200, 10_000, 256, 2000
	}
	s.small, s.few = cmp.Or(s.small, small), cmp.Or(s.few, few)
	s.rounds, s.many, s.object, s.messages = cmp.Or(s.rounds, rounds), cmp.Or(s.many, many), cmp.Or(s.object, object), cmp.Or(s.messages, messages)
}

func run(ctx context.Context, s settings) error {
	known := []string{}
	for _, sub := range subjects() {
		known = append(known, sub.name)
	}
	for _, name := range s.only {
		if !slices.Contains(known, name) {
			return fmt.Errorf("there is no subject %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	machine := thisMachine()
	fmt.Println(machine)
	var failed error
	var tables []table
	for _, sub := range subjects() {
		if len(s.only) > 0 && !slices.Contains(s.only, sub.name) {
			continue
		}
		began := time.Now()
		t, err := sub.measure(ctx, s)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", sub.name, err))
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", sub.name, err)
			continue
		}
		t.name = sub.name
		fmt.Printf("\n%s (took %v)\n\n%s", sub.name, time.Since(began).Round(time.Second), t.text())
		tables = append(tables, t)
	}
	if s.write {
		return errors.Join(failed, update(s.doc, machine, tables))
	}
	return failed
}
