// Package audit is the log that nobody can quietly change: who did what, when,
// from where, and what came of it.
//
// Each organisation has a log, and the service has one of its own (Service). A log
// is a Merkle tree as in Certificate Transparency (RFC 6962, by way of
// golang.org/x/mod/sumdb/tlog); its root is signed with every batch of entries
// (a checkpoint: https://c2sp.org/tlog-checkpoint). Whoever keeps a checkpoint can
// tell later whether anything that stood in the log then was changed or taken
// away, without trusting whoever keeps the log: see Check.
//
// What is personal in an entry, details and network addresses, is sealed under the
// key of the person it is about, and the tree hashes the sealed bytes. Destroying
// that key erases it, and every proof still holds.
package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rialto-migrate/rialto/connector"
)

// Service is whose log holds what the operator of the service does, and what
// belongs to no organisation.
const Service = "service"

// Storage keeps the logs' rows. Nothing in it is changed once it is written.
type Storage interface {
	// Append runs write in one transaction, beside which nothing else is appended
	// to this log. What it put is on the disk when Append returns; if write
	// returns an error, nothing of it holds.
	Append(ctx context.Context, organisation string, write func(Rows) error) error
	// View runs read on one state of the log.
	View(ctx context.Context, organisation string, read func(Rows) error) error
}

// Rows are those of one log, within a transaction.
type Rows interface {
	// Checkpoint returns the newest one, nil for an empty log.
	Checkpoint() ([]byte, error)
	// Records calls each for the records with numbers in [from, to), in their order.
	// The bytes are valid during the call only.
	Records(from, to int64, each func(record []byte) error) error
	// ReadHashes returns stored hashes by tlog's numbers.
	tlog.HashReader
	Put(Batch) error
}

// A Batch is what is appended at once.
type Batch struct {
	First      int64 // number of the first record, from 0
	Records    [][]byte
	FirstHash  int64 // number of the first hash, as tlog counts them
	Hashes     []tlog.Hash
	Size       int64  // of the log with them
	Checkpoint []byte // of that size
}

// Keys seal what is personal.
type Keys interface {
	// Seal seals a value under a person's key; under the organisation's if person
	// is "".
	Seal(ctx context.Context, organisation, person, field string, value []byte) ([]byte, error)
	// Open opens it. If the key was destroyed, the error's class is Gone.
	Open(ctx context.Context, organisation, person, field string, sealed []byte) ([]byte, error)
}

// A Log appends to the logs of all organisations, and reads them. It is safe for
// concurrent use; others may append to the same storage.
type Log struct {
	storage  Storage
	keys     Keys
	signer   note.Signer
	verifier note.Verifier
	public   string
	now      func() time.Time

	mu     sync.Mutex
	queues map[string]*queue // by organisation
}

// keyName is the name of the key that checkpoints are signed with. Its number, a
// hash of the key, tells one service's from another's.
const keyName = "rialto.audit"

// New makes a log. seed is the 32 bytes of the Ed25519 key that signs checkpoints
// (RFC 8032).
func New(storage Storage, keys Keys, seed []byte) (*Log, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, connector.Errorf(connector.Permanent, "audit: the key of checkpoints has %d bytes; it must have %d", len(seed), ed25519.SeedSize)
	}
	l := &Log{storage: storage, keys: keys, now: time.Now, queues: map[string]*queue{}}
	pub := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	var err error
	if l.public, err = note.NewEd25519VerifierKey(keyName, pub); err != nil {
		return nil, err
	}
	if l.verifier, err = note.NewVerifier(l.public); err != nil {
		return nil, err
	}
	// A signer's key is written like the verifier's, with the secret in place of
	// the public half: https://pkg.go.dev/golang.org/x/mod/sumdb/note#hdr-Generating_Keys
	hash := strings.Split(l.public, "+")[1]
	const ed25519Kind = 1
	secret := base64.StdEncoding.EncodeToString(append([]byte{ed25519Kind}, seed...))
	l.signer, err = note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", keyName, hash, secret))
	return l, err
}

// Key returns the key that checkpoints are verified with. It is no secret:
// whoever means to check the log should have it from the service beforehand.
func (l *Log) Key() string { return l.public }

// A queue is what waits to be appended to one log.
type queue struct {
	turn chan struct{} // holds one while somebody commits

	mu      sync.Mutex
	waiting []*pending

	last Checkpoint // the newest that this process saw; whoever has the turn uses it
}

type pending struct {
	entry Entry
	done  chan struct{} // closed when num and err are set
	num   int64
	err   error
}

func (l *Log) queue(organisation string) *queue {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues[organisation]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1)}
		l.queues[organisation] = q
	}
	return q
}

// commitPatience is how long a batch may take to reach the disk.
const commitPatience = 30 * time.Second

// Append adds an entry and returns its number. It is on the disk, under a signed
// checkpoint, when Append returns; entries that come at the same time share one.
// Whoever cannot append must not act.
func (l *Log) Append(ctx context.Context, e Entry) (int64, error) {
	if err := e.check(); err != nil {
		return 0, err
	}
	if err := l.seal(ctx, &e); err != nil {
		return 0, err
	}
	q := l.queue(e.Organisation)
	p := &pending{entry: e, done: make(chan struct{})}
	q.mu.Lock()
	q.waiting = append(q.waiting, p)
	q.mu.Unlock()
	select {
	case q.turn <- struct{}{}:
		// The batch is not ours alone: it does not end with ctx.
		l.commit(context.WithoutCancel(ctx), e.Organisation, q)
	case <-p.done:
	case <-ctx.Done():
		if q.withdraw(p) {
			return 0, ctx.Err()
		}
	}
	<-p.done
	return p.num, p.err
}

// withdraw takes an entry back, unless it is being written.
func (q *queue) withdraw(p *pending) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == p {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// commit writes all that waits, and gives the turn, which the caller has, to the
// next one.
func (l *Log) commit(ctx context.Context, organisation string, q *queue) {
	q.mu.Lock()
	batch := q.waiting
	q.waiting = nil
	q.mu.Unlock()
	var before, after Checkpoint
	var err error = connector.Errorf(connector.Transient, "audit: the entries were not written") // if what follows panics
	defer func() {
		for i, p := range batch {
			p.num, p.err = before.Size+int64(i)+1, err
			close(p.done)
		}
		<-q.turn
	}()
	if len(batch) == 0 { // another one wrote ours
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commitPatience)
	defer cancel()
	err = l.storage.Append(ctx, organisation, func(rows Rows) (err error) {
		if before, err = l.head(rows, organisation); err != nil {
			return err
		}
		if err = q.last.leadsTo(before, rows); err != nil {
			return err
		}
		after, err = l.put(rows, before, batch)
		return err
	})
	if err == nil {
		q.last = after
	}
}

// head returns the newest checkpoint, after comparing it with what the tree's
// stored hashes come to.
func (l *Log) head(rows Rows, organisation string) (Checkpoint, error) {
	signed, err := rows.Checkpoint()
	if err != nil {
		return Checkpoint{}, err
	}
	if signed == nil {
		return empty(organisation)
	}
	c, err := openCheckpoint(signed, l.verifier)
	if err != nil {
		return c, err
	}
	root, err := tlog.TreeHash(c.Size, rows)
	if err != nil {
		return c, err
	}
	if c.Organisation != organisation || root != c.Root {
		return c, tampered("the log of %s does not come to its own checkpoint", organisation)
	}
	return c, nil
}

// put appends a batch to a log that stands at a checkpoint.
func (l *Log) put(rows Rows, at Checkpoint, batch []*pending) (Checkpoint, error) {
	at.Signed = nil
	b := Batch{First: at.Size, FirstHash: tlog.StoredHashCount(at.Size), Records: make([][]byte, len(batch))}
	tree := grown{rows, b.FirstHash, nil}
	for i, p := range batch {
		p.entry.Num, p.entry.Time = at.Size+1, l.now()
		record, err := p.entry.encode()
		if err != nil {
			return at, err
		}
		hashes, err := tlog.StoredHashes(at.Size, record, tree)
		if err != nil {
			return at, err
		}
		b.Records[i], tree.hashes = record, append(tree.hashes, hashes...)
		at.Size++
	}
	var err error
	if at.Root, err = tlog.TreeHash(at.Size, tree); err != nil {
		return at, err
	}
	if at.Signed, err = at.sign(l.signer); err != nil {
		return at, err
	}
	b.Hashes, b.Size, b.Checkpoint = tree.hashes, at.Size, at.Signed
	return at, rows.Put(b)
}

// grown is a tree with hashes that are not stored yet.
type grown struct {
	stored tlog.HashReader
	first  int64 // number of the first hash that is not
	hashes []tlog.Hash
}

func (g grown) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var ask []int64
	for _, i := range indexes {
		if i < g.first {
			ask = append(ask, i)
		}
	}
	var old []tlog.Hash
	if len(ask) > 0 {
		var err error
		if old, err = g.stored.ReadHashes(ask); err != nil {
			return nil, err
		}
	}
	out := make([]tlog.Hash, len(indexes))
	for n, i := range indexes {
		if i < g.first {
			out[n], old = old[0], old[1:]
		} else {
			out[n] = g.hashes[i-g.first]
		}
	}
	return out, nil
}

// Doing does a deed between two entries: that it is intended, before, and what
// came of it, after. If the first cannot be written, the deed is not done. What is
// personal stands in the first one alone: the deed may be to destroy its key.
func (l *Log) Doing(ctx context.Context, e Entry, deed func() error) (err error) {
	e.Outcome, e.Class = Intended, ""
	num, err := l.Append(ctx, e)
	if err != nil {
		return fmt.Errorf("audit: it was not done, because the log cannot be written: %w", err)
	}
	e.Of, e.Address, e.Details, e.Subject = num, noAddress, nil, ""
	e.Outcome, e.Class = Failed, "panic" // unless the deed comes back
	defer func() {
		if _, told := l.Append(context.WithoutCancel(ctx), e); told != nil {
			told = fmt.Errorf("audit: entry %d stays without an outcome: %w", num, told)
			if err == nil {
				err = told
			} else {
				err = fmt.Errorf("%w; %w", err, told)
			}
		}
	}()
	err = deed()
	e.Outcome, e.Class = outcomeOf(err)
	return err
}

func outcomeOf(err error) (Outcome, string) {
	if err == nil {
		return Done, ""
	}
	switch class := connector.ClassOf(err); class {
	case connector.Auth, connector.Forbidden:
		return Refused, string(class)
	default:
		return Failed, string(class)
	}
}

func tampered(format string, args ...any) error {
	return connector.Errorf(connector.Permanent, "audit: "+format, args...).
		WithHint("somebody changed the database: keep it as it is, restore a backup elsewhere, and compare")
}
