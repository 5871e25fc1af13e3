package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// A deed is what takes longer than a request should: a sign-in, a check, a scan.
// It has a limit of its own, ends with the site, and what came of it is known for a
// while, in memory alone.
type deed struct {
	id, org, about string
	num            int               // counts all deeds of the site
	form           map[string]string // what was typed, secrets apart

	cancel context.CancelFunc

	mu      sync.Mutex
	changed chan struct{} // closed at the next change
	version int
	told    any // how far it is
	result  any
	err     error
	ended   time.Time
}

// A sight is a deed at one moment.
type sight struct {
	version      int
	told, result any
	err          error
	done         bool
	changed      <-chan struct{}
}

func (d *deed) look() sight {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sight{d.version, d.told, d.result, d.err, !d.ended.IsZero(), d.changed}
}

// tell says how far the deed is.
func (d *deed) tell(how any) { d.change(func() { d.told = how }) }

func (d *deed) change(what func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what()
	d.version++
	close(d.changed)
	d.changed = make(chan struct{})
}

// The limits of deeds.
const (
	keptFor       = 30 * time.Minute // after its end
	mostOfOrg     = 4                // under way at a time
	mostDeeds     = 40
	mostRemembers = 400
)

// deeds are those of a site.
type deeds struct {
	now  func() time.Time
	ctx  context.Context
	stop context.CancelFunc
	all  sync.WaitGroup

	mu   sync.Mutex
	byID map[string]*deed
	num  int
}

func newDeeds(now func() time.Time) *deeds {
	ctx, stop := context.WithCancel(context.Background())
	return &deeds{now: now, ctx: ctx, stop: stop, byID: map[string]*deed{}}
}

// start begins a deed. One of the same organisation about the same thing that is
// under way is returned instead. Too many at a time are a Conflict.
func (s *deeds) start(org, about string, limit time.Duration, form map[string]string, do func(context.Context, *deed) (any, error)) (*deed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, connector.Errorf(connector.Transient, "the service is stopping")
	}
	own, running := 0, 0
	for id, d := range s.byID {
		now := d.look()
		switch {
		case now.done && s.now().Sub(d.ended) > keptFor:
			delete(s.byID, id)
		case now.done:
		case d.org == org && d.about == about:
			return d, nil
		default:
			running++
			if d.org == org {
				own++
			}
		}
	}
	if own >= mostOfOrg || running >= mostDeeds || len(s.byID) >= mostRemembers {
		return nil, connector.Errorf(connector.Conflict, "too much is under way at the moment: wait until something has ended")
	}
	d := &deed{id: uuid.NewString(), org: org, about: about, form: form, changed: make(chan struct{})}
	s.num++
	d.num = s.num
	s.byID[d.id] = d
	ctx, cancel := context.WithTimeoutCause(s.ctx, limit, fmt.Errorf("it took longer than %s", limit))
	d.cancel = cancel
	s.all.Go(func() {
		defer cancel()
		result, err := do(ctx, d)
		if why := context.Cause(ctx); err != nil && why != nil && s.ctx.Err() == nil {
			err = connector.Errorf(connector.Transient, "%v", why)
		}
		d.change(func() { d.result, d.err, d.ended = result, err, s.now() })
	})
	return d, nil
}

// one returns a deed of an organisation by its id, nil if there is none.
func (s *deeds) one(org, id string) *deed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.byID[id]; d != nil && d.org == org {
		return d
	}
	return nil
}

// last returns what last ended well, of an organisation and about one thing; nil for
// none that is remembered.
func (s *deeds) last(org, about string) *deed {
	return s.newest(org, about, func(now sight) bool { return now.done && now.err == nil })
}

// current returns what was begun last, of an organisation and about one thing.
func (s *deeds) current(org, about string) *deed {
	return s.newest(org, about, func(sight) bool { return true })
}

func (s *deeds) newest(org, about string, is func(sight) bool) (newest *deed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.byID {
		if d.org == org && d.about == about && (newest == nil || d.num > newest.num) && is(d.look()) {
			newest = d
		}
	}
	return newest
}

// forget ends a deed and forgets it, with what came of it.
func (s *deeds) forget(d *deed) {
	d.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, d.id)
}

// close ends all deeds and waits for them.
func (s *deeds) close() {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.all.Wait()
}

// Close ends what pages have begun, and the streams that follow it. It is safe to
// repeat.
func (s *Site) Close() { s.deeds.close() }

// streamFor is how long a stream of events lasts. The browser then asks for the next
// one, and is asked who it is again.
const streamFor = 50 * time.Second

// stream sends a deed's page as it changes, until the deed is done.
func (v *visit) stream(d *deed, show func(sight) look.Region) error {
	after := v.r.URL.Query().Get("after")
	if last := v.r.Header.Get("Last-Event-ID"); last != "" {
		after = last
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	v.wrote = true
	out := http.NewResponseController(v.w)
	if err := out.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	v.w.WriteHeader(http.StatusOK)
	limit := time.After(streamFor)
	for {
		now := d.look()
		if at := strconv.Itoa(now.version); at != after {
			after = at
			if err := v.look.Replace(v.w, at, show(now)); err != nil {
				return err
			}
		}
		if now.done {
			return errors.Join(v.look.End(v.w, after), out.Flush())
		}
		if err := out.Flush(); err != nil {
			return err
		}
		select {
		case <-now.changed:
		case <-limit:
			return nil
		case <-v.ctx().Done():
			return nil
		case <-v.deeds.ctx.Done():
			return nil
		}
	}
}

// soon waits a little for a deed's next change, so that what is quick is there
// when the page is.
func (v *visit) soon(d *deed) sight {
	now := d.look()
	for limit := time.After(soonIs); !now.done; now = d.look() {
		select {
		case <-now.changed:
		case <-limit:
			return d.look()
		case <-v.ctx().Done():
			return now
		}
	}
	return now
}

const soonIs = 700 * time.Millisecond
