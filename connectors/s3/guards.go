package s3

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// guards are what is known of a server and the conditions of writes. Amazon's
// refuses a PUT whose If-None-Match or If-Match does not hold
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html);
// older compatibles write over what stands there, or know no such header at all.
// Until one has shown that it refuses, it is asked what stands there before each
// write, which leaves a moment in which somebody else may write.
type guards struct {
	state  atomic.Int32
	trying atomic.Bool
	first  sync.Mutex // held by the write that tries the server
	tries  atomic.Int32
}

// mostTries is how many writes are held up to learn what a server does.
const mostTries = 3

// alone lets the first writes come one by one, until one has shown what the server
// does: hundreds at once would all ask what stands there. The caller calls done when
// the write has ended.
func (g *guards) alone(ch connector.Change) (done func()) {
	if ch.Op != connector.Create || ch.Item.Blob == nil || ch.Item.Blob.Bytes > mostWhole || g.state.Load() != untried || g.tries.Load() >= mostTries {
		return func() {}
	}
	g.first.Lock()
	if g.state.Load() != untried || g.tries.Add(1) > mostTries {
		g.first.Unlock()
		return func() {}
	}
	return g.first.Unlock
}

const (
	untried int32 = iota
	honoured
	ignored
)

// standing looks before a write whether what stands there lets it through. It says
// nothing where the server itself will.
func (t *target) standing(ctx context.Context, ch connector.Change, bucket, key string) *connector.Error {
	if t.guards.state.Load() == honoured {
		return nil
	}
	h, err := t.look(ctx, bucket, key)
	var e *connector.Error
	switch {
	case err != nil && !errors.As(err, &e):
		return &connector.Error{Class: connector.Transient, Reason: "HEAD {object}: it failed", Err: err}
	case e != nil && e.Class != connector.Gone:
		return e
	case e != nil && ch.Op == connector.Create:
		return nil
	case e != nil:
		return connector.Errorf(connector.Conflict, "an object is gone that an update would replace")
	case ch.Op == connector.Create:
		return connector.Errorf(connector.Conflict, "an object stands where a file goes")
	case ch.Prev != nil && ch.Prev.Item.Blob != nil && ch.Prev.Item.Blob.Version != etagOf(h):
		return connector.Errorf(connector.Conflict, "an object changed that an update would replace")
	}
	return nil
}

// try puts a small object that was just made where it is once more: a server that
// refuses honours conditions. It is tried with one object, of bytes that are there
// already.
func (t *target) try(ctx context.Context, q connector.Request, s *source, stored *item.Blob) {
	if s.held == nil || q.Header["If-None-Match"] == nil || t.guards.state.Load() != untried || !t.guards.trying.CompareAndSwap(false, true) {
		return
	}
	resp, err := t.do(ctx, q)
	switch {
	case err == nil:
		resp.Body.Close()
		// What was written again is the same; a server that keeps versions has one more.
		if etagOf(resp.Header) == stored.Version {
			t.guards.state.Store(ignored)
			return
		}
	case connector.ClassOf(err) == connector.Conflict:
		t.guards.state.Store(honoured)
		return
	}
	t.guards.trying.Store(false)
}

// refusesConditions reports whether a server refused a request for its condition
// alone, which it does not know, and remembers that. The request then goes without.
func (t *target) refusesConditions(q connector.Request, e *connector.Error) bool {
	if e.InDoubt || !strings.HasSuffix(e.Reason, "NotImplemented") && !strings.HasSuffix(e.Reason, "501 "+http.StatusText(http.StatusNotImplemented)) || q.Header["If-None-Match"] == nil && q.Header["If-Match"] == nil {
		return false
	}
	delete(q.Header, "If-None-Match")
	delete(q.Header, "If-Match")
	t.guards.state.Store(ignored)
	return true
}
