// Package veil lets a ledger remember what moved between clouds whose ids are
// paths, without remembering a path: "/HR/dismissal-Hansen.docx" says too much. A
// source's id becomes a keyed hash, which compares and tells nothing; a target's
// is sealed under the migration's key, because deleting and undoing need it, and so
// is the session of an upload, which can be a secret. Without that key none can be
// read.
//
// It stands between the engine and the ledger, in the process that touches content:
// the other side of the line sees hashes and sealed text alone. The ids of
// containers (a bucket, the root of a server) stay as they are: the migration file
// names them, too.
package veil

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A Veil is a ledger that hides paths. It is safe for concurrent use.
type Veil struct {
	ledger.Ledger
	macs  sync.Pool // of the hash for keys
	seal  *subtle.AESSIV
	sides Sides

	mu      sync.RWMutex
	targets map[int64]item.Ref  // the containers at the target, by shard
	recent  map[item.Ref]string // keys that were hashed lately: each is asked for several times
}

// Sides say which ids are paths.
type Sides struct{ Source, Target bool }

// hashBytes are a key's: the first of them say in which folder it lies, so that the
// keys of one folder stand together, and a listing meets them in few places of the
// ledger. The rest are of the whole path: 2^48 files of one folder would have to lie
// there before two of them were likely to meet.
const (
	folderBytes = 6
	hashBytes   = 18 // a multiple of three, which base64 takes without padding
)

// New returns the veil of a ledger under the migration's key, 32 secret bytes.
func New(l ledger.Ledger, key []byte, sides Sides) (*Veil, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, "rialto ledger veil 1", 32+64)
	if err != nil {
		return nil, fmt.Errorf("the ledger's veil: %w", err)
	}
	seal, err := subtle.NewAESSIV(derived[32:])
	if err != nil {
		return nil, fmt.Errorf("the ledger's veil: %w", err)
	}
	v := &Veil{Ledger: l, seal: seal, sides: sides, targets: map[int64]item.Ref{}, recent: map[item.Ref]string{}}
	v.macs.New = func() any { return hmac.New(sha256.New, derived[:32]) }
	return v, nil
}

// Key is how the ledger names an item of the source. It is safe to repeat: a name
// of the ledger's own stays.
func (v *Veil) Key(r item.Ref) item.Ref {
	if v.sides.Source && isPath(r) {
		r.ID = v.known(r)
	}
	return r
}

// mostRecent is how many keys are held that were hashed lately.
const mostRecent = 1 << 14

func (v *Veil) known(r item.Ref) string {
	v.mu.RLock()
	key, ok := v.recent[r]
	v.mu.RUnlock()
	if ok {
		return key
	}
	key = v.hashed(string(r.Kind), r.ID)
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.recent) == mostRecent {
		clear(v.recent)
	}
	v.recent[r] = key
	return key
}

// isPath reports whether a ref is of something in a container and names it by a
// path; what the ledger makes of one has no slash.
func isPath(r item.Ref) bool { return strings.HasPrefix(r.ID, "/") && r.Kind.Level() != item.Container }

func (v *Veil) hashed(kind, path string) string {
	h := v.macs.Get().(hash.Hash)
	defer v.macs.Put(h)
	sum := func(out []byte, n int, texts ...string) []byte {
		h.Reset()
		for _, t := range texts {
			_, _ = io.WriteString(h, t) // a hash takes everything
			_, _ = h.Write([]byte{0})
		}
		var b [sha256.Size]byte
		return append(out, h.Sum(b[:0])[:n]...)
	}
	out := sum(make([]byte, 0, hashBytes), folderBytes, path[:strings.LastIndexByte(path, '/')])
	return base64.RawURLEncoding.EncodeToString(sum(out, hashBytes-folderBytes, kind, path))
}

// sealed is a text that only the migration's key opens; alike ones are sealed
// alike.
func (v *Veil) sealed(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	pad := 2 - (len(s)+16)%3 // with the byte that tells it: a multiple of three
	plain := append([]byte{byte(pad)}, make([]byte, pad)...)
	out, err := v.seal.EncryptDeterministically(append(plain, s...), nil)
	if err != nil {
		return "", fmt.Errorf("the ledger's veil: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(out), nil
}

func (v *Veil) opened(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		raw, err = v.seal.DecryptDeterministically(raw, nil)
	}
	if err != nil || len(raw) == 0 || len(raw) < 1+int(raw[0]) {
		return "", connector.Errorf(connector.Permanent, "the ledger holds a path that this migration's key does not open").
			WithHint("it was written under another key: rialto rebuild recovers it from what stands at the target")
	}
	return string(raw[1+int(raw[0]):]), nil
}

// hide seals the id of something at the target.
func (v *Veil) hide(r item.Ref) (item.Ref, error) {
	if !v.sides.Target || !isPath(r) {
		return r, nil
	}
	var err error
	r.ID, err = v.sealed(r.ID)
	return r, err
}

func (v *Veil) show(r item.Ref) (item.Ref, error) {
	if !v.sides.Target || r.ID == "" || strings.HasPrefix(r.ID, "/") || r.Kind.Level() == item.Container {
		return r, nil
	}
	var err error
	r.ID, err = v.opened(r.ID)
	return r, err
}

// parent is what an item at the target lies in, which its path says: a sealed path
// a row is enough.
func (v *Veil) parent(shard int64, target item.Ref) item.Ref {
	i := strings.LastIndexByte(target.ID, '/')
	if i < 0 || target.Kind.Level() == item.Container {
		return item.Ref{}
	}
	v.mu.RLock()
	container := v.targets[shard]
	v.mu.RUnlock()
	if target.ID[:i] == strings.TrimSuffix(container.ID, "/") {
		return container
	}
	return item.Ref{Kind: item.Folder, ID: target.ID[:i]}
}

func (v *Veil) learn(s ledger.Shard) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.targets[s.Num] = s.Target
}

// Shard implements ledger.Ledger.
func (v *Veil) Shard(ctx context.Context, source item.Ref) (ledger.Shard, error) {
	s, err := v.Ledger.Shard(ctx, source)
	if err == nil {
		v.learn(s)
	}
	return s, err
}

// Shards implements ledger.Ledger.
func (v *Veil) Shards(ctx context.Context) ([]ledger.Shard, error) {
	all, err := v.Ledger.Shards(ctx)
	for _, s := range all {
		v.learn(s)
	}
	return all, err
}

// keys are how the ledger names items, and what they were called.
func (v *Veil) keys(keys []ledger.Key) (hidden []ledger.Key, names map[ledger.Key]ledger.Key) {
	if !v.sides.Source {
		return keys, nil
	}
	hidden, names = make([]ledger.Key, len(keys)), make(map[ledger.Key]ledger.Key, len(keys))
	for i, k := range keys {
		hidden[i] = v.Key(k)
		names[hidden[i]] = k
	}
	return hidden, names
}

func named(names map[ledger.Key]ledger.Key, k ledger.Key) ledger.Key {
	if was, ok := names[k]; ok {
		return was
	}
	return k
}

// Lookup implements ledger.Ledger. Rows come under the keys that were asked for.
func (v *Veil) Lookup(ctx context.Context, shard int64, keys []ledger.Key) ([]ledger.Row, error) {
	hidden, names := v.keys(keys)
	rows, err := v.Ledger.Lookup(ctx, shard, hidden)
	if err != nil {
		return nil, err
	}
	return rows, v.rows(shard, rows, names)
}

// Rows implements ledger.Ledger. The keys of a source whose ids are paths are the
// ledger's own names.
func (v *Veil) Rows(ctx context.Context, shard int64, after ledger.Key, limit int) ([]ledger.Row, error) {
	rows, err := v.Ledger.Rows(ctx, shard, v.Key(after), limit)
	if err != nil {
		return nil, err
	}
	return rows, v.rows(shard, rows, nil)
}

func (v *Veil) rows(shard int64, rows []ledger.Row, names map[ledger.Key]ledger.Key) (err error) {
	for i := range rows {
		r := &rows[i]
		r.Key = named(names, r.Key)
		if r.Target, err = v.show(r.Target); err != nil {
			return err
		}
		if v.sides.Target {
			r.Parent = v.parent(shard, r.Target)
		}
	}
	return nil
}

// Find implements ledger.Ledger.
func (v *Veil) Find(ctx context.Context, keys []ledger.Key) ([]ledger.Place, error) {
	hidden, names := v.keys(keys)
	places, err := v.Ledger.Find(ctx, hidden)
	if err != nil {
		return nil, err
	}
	for i := range places {
		p := &places[i]
		p.Key = named(names, p.Key)
		if p.Target, err = v.show(p.Target); err != nil {
			return nil, err
		}
	}
	return places, nil
}

// FindAliases implements ledger.Ledger. An alias must not be a path.
func (v *Veil) FindAliases(ctx context.Context, aliases []string) (map[string]ledger.Place, error) {
	places, err := v.Ledger.FindAliases(ctx, aliases)
	for alias, p := range places {
		if p.Target, err = v.show(p.Target); err != nil {
			return nil, err
		}
		places[alias] = p
	}
	return places, err
}

// Apply implements ledger.Ledger.
func (v *Veil) Apply(ctx context.Context, b ledger.Batch) error {
	if !b.Target.Zero() {
		v.learn(ledger.Shard{Num: b.Shard, Target: b.Target})
	}
	var err error
	rows := make([]ledger.Row, len(b.Rows))
	for i, r := range b.Rows {
		r.Key = v.Key(r.Key)
		if r.Target, err = v.hide(r.Target); err != nil {
			return err
		}
		if v.sides.Target {
			r.Parent = item.Ref{}
		}
		rows[i] = r
	}
	intents := make([]ledger.Intent, len(b.Intents))
	for i, in := range b.Intents {
		if intents[i], err = v.hideIntent(in); err != nil {
			return err
		}
	}
	failures := make([]ledger.Failure, len(b.Failures))
	for i, f := range b.Failures {
		if failures[i], err = v.hideFailure(f); err != nil {
			return err
		}
	}
	b.Rows, b.Intents, b.Failures = rows, intents, failures
	b.Clear, _ = v.keys(b.Clear)
	b.Remove, _ = v.keys(b.Remove)
	aliases, links := make([]ledger.Alias, len(b.Aliases)), make([]ledger.Link, len(b.Links))
	for i, a := range b.Aliases {
		aliases[i] = ledger.Alias{Alias: a.Alias, Key: v.Key(a.Key)}
	}
	for i, l := range b.Links {
		links[i] = ledger.Link{Alias: l.Alias, Key: v.Key(l.Key)}
	}
	b.Aliases, b.Links = aliases, links
	return v.Ledger.Apply(ctx, b)
}

func (v *Veil) hideIntent(in ledger.Intent) (_ ledger.Intent, err error) {
	in.Key = v.Key(in.Key)
	if in.Target, err = v.hide(in.Target); err != nil {
		return in, err
	}
	if v.sides.Target {
		in.Parent = item.Ref{}
	}
	if in.Mark, err = v.sealed(in.Mark); err != nil {
		return in, err
	}
	in.Session, err = v.sealed(in.Session)
	return in, err
}

// InDoubt implements ledger.Ledger.
func (v *Veil) InDoubt(ctx context.Context, shard int64) ([]ledger.Intent, error) {
	all, err := v.Ledger.InDoubt(ctx, shard)
	if err != nil {
		return nil, err
	}
	for i := range all {
		in := &all[i]
		if in.Target, err = v.show(in.Target); err != nil {
			return nil, err
		}
		if in.Mark, err = v.opened(in.Mark); err != nil {
			return nil, err
		}
		if in.Session, err = v.opened(in.Session); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// The reason of a failure carries the sealed path, so that whoever has the key is
// told which file it was.
const pathMark = "path:"

func (v *Veil) hideFailure(f ledger.Failure) (ledger.Failure, error) {
	if !v.sides.Source || !isPath(f.Key) {
		return f, nil
	}
	path, err := v.sealed(f.Key.ID)
	f.Key, f.Reason = v.Key(f.Key), pathMark+path+" "+f.Reason
	return f, err
}

// Failures implements ledger.Ledger: under the source's own ids.
func (v *Veil) Failures(ctx context.Context, shard int64, limit int) ([]ledger.Failure, error) {
	all, err := v.Ledger.Failures(ctx, shard, limit)
	if err != nil || !v.sides.Source {
		return all, err
	}
	for i := range all {
		f := &all[i]
		rest, ok := strings.CutPrefix(f.Reason, pathMark)
		if !ok {
			continue
		}
		path, reason, _ := strings.Cut(rest, " ")
		if f.Key.ID, err = v.opened(path); err != nil {
			return nil, err
		}
		f.Reason = reason
	}
	return all, nil
}
