package connectortest

import (
	"context"
	"io"
	"iter"
	"net/http"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// small is a board for reading in trouble.
func (r *rig) small() connector.Shard {
	r.Helper()
	if r.target == nil {
		return connector.Shard{Ref: r.world.Board}
	}
	return connector.Shard{Ref: r.lively(3)}
}

// tail is a reading of a container from its beginning, an error included.
func (r *rig) tail(ctx context.Context, s connector.Shard) ([]item.Bundle, error) {
	pages, err := collect(r.source.List(ctx, s, ""))
	return bundlesOf(pages), err
}

// testReadingInTrouble lets each request of a listing meet each trouble: one
// that passes is overcome, one that stays ends the listing with its class.
func (r *rig) testReadingInTrouble() {
	if r.world.Transport == nil {
		return
	}
	s := r.small()
	want, err := r.tail(r.Context(), s)
	r.no(err, "List")
	passing := []fate{throttled, failing, truncated, lost, throttledFor}
	if r.suite.Sockets { // the pacer rests for real seconds after a refusal
		passing = passing[1:4]
	}
	for i := range passing {
		if r.suite.Sockets && i > 0 {
			break
		}
		for n := 1; n <= r.tried() && !r.Failed(); n++ {
			f := passing[i]
			if r.suite.Sockets { // by turns
				f = passing[n%len(passing)]
			}
			r.connect()
			r.wire.decide(only(n, f))
			have, err := r.tail(r.Context(), s)
			r.saw(err)
			if r.spared() {
				break
			}
			if err != nil {
				r.Errorf("request %d of a listing %s: %v", n, f, err)
				continue
			}
			if len(have) != len(want) {
				r.Errorf("request %d of a listing %s: %d items, want %d", n, f, len(have), len(want))
				continue
			}
			for i := range want {
				r.bundlesAlike("a listing, and one in trouble", want[i], have[i])
			}
		}
	}
	for _, t := range []struct {
		fate    fate
		classes []connector.Class
		hint    bool
	}{
		{signedOut, []connector.Class{connector.Auth}, true},
		{failing, []connector.Class{connector.Transient}, false},
		{throttled, []connector.Class{connector.Throttled}, false},
		{lost, []connector.Class{connector.Transient}, false},
		{truncated, []connector.Class{connector.Transient, connector.Malformed}, false},
		{webPage, []connector.Class{connector.Malformed}, true},
	} {
		for n := 1; n <= r.tried() && !r.Failed(); n++ {
			if r.suite.Sockets && (t.fate == throttled || n > 1 && (t.fate != signedOut || n > 3)) {
				break
			}
			r.connect()
			r.wire.decide(from(n, t.fate))
			_, err := r.tail(r.Context(), s)
			e := r.saw(err)
			if r.spared() {
				break
			}
			if e == nil {
				r.Errorf("a listing from whose request %d on all are %s ends without an error", n, t.fate)
				continue
			}
			if !slices.Contains(t.classes, e.Class) || t.hint && e.Hint == "" {
				r.Errorf("a listing from whose request %d on all are %s: class %s, hint %q: %v; want class %v, with a hint %v", n, t.fate, e.Class, e.Hint, err, t.classes, t.hint)
			}
		}
	}
	r.expires(s, want)
	r.filesInTrouble(want)
}

// expires ends the access token while a listing is under way: it goes on.
func (r *rig) expires(s connector.Shard, want []item.Bundle) {
	r.Helper()
	if r.world.Expire == nil {
		return
	}
	for n := 1; n <= r.tried() && !r.Failed(); n++ {
		r.connect()
		reached := false
		r.wire.decide(func(i int, _ *http.Request) fate {
			if i == n {
				reached = true
				r.world.Expire()
			}
			return pass
		})
		have, err := r.tail(r.Context(), s)
		r.saw(err)
		r.wire.decide(nil)
		if !reached {
			return
		}
		if err != nil || len(have) != len(want) {
			r.Errorf("a token that expires at request %d of a listing: %d items of %d, %v", n, len(have), len(want), err)
		}
	}
}

// filesInTrouble breaks the reading of a file: a short one never passes for
// whole.
func (r *rig) filesInTrouble(all []item.Bundle) {
	r.Helper()
	for _, b := range all {
		for _, c := range b.Children {
			if c.Blob == nil {
				continue
			}
			for _, f := range []fate{truncated, failing, lost} {
				for n := 1; n <= 4; n++ {
					r.connect()
					r.wire.decide(only(n, f))
					got, err := r.read(*c.Blob, 0, -1)
					if r.spared() {
						break
					}
					if err == nil && int64(len(got)) != c.Blob.Bytes {
						r.Errorf("request %d of reading a file %s: %d bytes of %d pass for all of it", n, f, len(got), c.Blob.Bytes)
					}
				}
			}
			return
		}
	}
}

// soon is how long something may go on after it was told to stop.
const soon = 2 * time.Second

// testReadingStopped stops reading while each request hangs, and by having
// enough: it ends at once, and leaves nothing behind.
func (r *rig) testReadingStopped() {
	s := r.small()
	tries := map[string]func(context.Context) error{
		"Shards": func(ctx context.Context) error { return drain(r.source.Shards(ctx)) },
		"List":   func(ctx context.Context) error { return drain(r.source.List(ctx, s, "")) },
		"Fetch": func(ctx context.Context) error {
			return drain(r.source.Fetch(ctx, s, []item.Ref{s.Ref, {Kind: item.Task, ID: "1"}}))
		},
	}
	if r.target != nil {
		tries["Find"] = func(ctx context.Context) error { return drain(r.target.Find(ctx, s.Ref, time.Time{})) }
		tries["Find of boards"] = func(ctx context.Context) error { return drain(r.target.Find(ctx, item.Ref{}, time.Time{})) }
		tries["Members"] = func(ctx context.Context) error { return drain(r.target.Members(ctx)) }
		tries["Target.Fetch"] = func(ctx context.Context) error {
			return drain(r.target.Fetch(ctx, s.Ref, []item.Ref{s.Ref}))
		}
	}
	for _, name := range sortedKeys(tries) {
		for n := 1; n <= r.tried() && !r.Failed(); n++ {
			if r.suite.Sockets && n > 1 {
				break
			}
			r.connect()
			r.wire.decide(only(n, hanging))
			if r.world.Transport == nil {
				n = r.tried() // there is nothing to hang
			}
			if !r.stops(name, tries[name]) {
				break
			}
		}
		r.stoppedBefore(name, tries[name])
	}
	r.enough(s)
}

// stops runs something that hangs and stops it; false if it came to its end.
func (r *rig) stops(what string, run func(context.Context) error) bool {
	r.Helper()
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	wait := time.Minute
	if r.suite.Sockets {
		wait = 100 * time.Millisecond
	}
	timer := time.AfterFunc(wait, stop)
	defer timer.Stop()
	began := time.Now()
	err := run(ctx)
	took := time.Since(began)
	r.saw(err)
	if r.spared() {
		return false
	}
	if err == nil {
		r.Errorf("%s was stopped and ends without an error", what)
	}
	if took > wait+soon {
		r.Errorf("%s went on for %s after it was stopped", what, took-wait)
	}
	return true
}

// stoppedBefore runs something with a context that has ended already.
func (r *rig) stoppedBefore(what string, run func(context.Context) error) {
	r.Helper()
	r.wire.decide(nil)
	ctx, stop := context.WithCancel(r.Context())
	stop()
	began := time.Now()
	r.saw(run(ctx))
	if took := time.Since(began); took > soon {
		r.Errorf("%s goes on for %s under a context that has ended", what, took)
	}
	if n, _ := r.wire.counted(); n > 0 && what == "List" {
		r.Errorf("%s sends %d requests under a context that has ended", what, n)
	}
}

// enough takes the first of each sequence and no more.
func (r *rig) enough(s connector.Shard) {
	for range r.source.Shards(r.Context()) {
		break
	}
	for range r.source.List(r.Context(), s, "") {
		break
	}
	for range r.source.Fetch(r.Context(), s, []item.Ref{s.Ref}) {
		break
	}
	for _, b := range r.firstFile(s) {
		body, err := r.source.Open(r.Context(), b, 0, -1)
		if err != nil {
			r.saw(err)
			continue
		}
		_, _ = io.ReadFull(body, make([]byte, 1))
		body.Close() // the rest is not wanted
	}
	if r.target == nil {
		return
	}
	for range r.target.Find(r.Context(), s.Ref, time.Time{}) {
		break
	}
	for range r.target.Find(r.Context(), item.Ref{}, time.Time{}) {
		break
	}
	for range r.target.Members(r.Context()) {
		break
	}
}

func (r *rig) firstFile(s connector.Shard) []item.Blob {
	all, err := r.tail(r.Context(), s)
	r.no(err, "List")
	for _, b := range all {
		for _, c := range b.Children {
			if c.Blob != nil {
				return []item.Blob{*c.Blob}
			}
		}
	}
	return nil
}

func drain[T any](seq iter.Seq2[T, error]) error {
	_, err := collect(seq)
	return err
}

// testWritingStopped stops writing while each request hangs. Every change gets
// its result, and all of it can be completed.
func (r *rig) testWritingStopped() {
	for _, k := range r.written() {
		if r.adopts(k) {
			continue
		}
		p := r.furnish()
		p.fields = p.fields[:min(2, len(p.fields))]
		var m *migration
		for n := 1; n <= r.tried() && !r.Failed(); n++ {
			if r.suite.Sockets && n > 1 {
				break
			}
			r.connect()
			if r.narrow(k) {
				p, m = home{board: r.newBoard()}, nil
			}
			m = r.migrateAfter(m, k, p, r.batchOf(k, p)...)
			r.wire.decide(only(n, hanging))
			hung := r.stops("writing a "+string(k), func(ctx context.Context) error {
				m.batch(ctx, nil)
				if slices.ContainsFunc(m.wants, func(w *wanted) bool { return !w.done }) {
					return connector.Errorf(connector.Transient, "stopped")
				}
				return nil
			})
			r.connect()
			m.finish("stopped while a request hangs")
			if !hung {
				break
			}
		}
		ch := r.batchOf(k, p)
		if len(ch) == 0 || r.narrow(k) {
			continue
		}
		for res, err := range r.target.Write(r.Context(), r.inARow(r.lastOf(k, p), ch), r.make.open) {
			if err != nil {
				res.Err = err
			}
			r.saw(res.Err)
			break // the caller has enough
		}
	}
}
