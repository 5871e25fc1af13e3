package web

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/runs"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

const (
	// heartbeat is how often a stream says that it lives, and looks whether whoever
	// reads it still may.
	heartbeat = 15 * time.Second
	// drawnEvery is how often the regions of a run's page change, at most.
	drawnEvery = 500 * time.Millisecond
	// writeWithin is how long a reader may take to accept what is sent.
	writeWithin = time.Minute
)

// A drawing is how a run's page stands, drawn once for all who look at it: events of
// the stream without their first line, which is the reader's own place in the log.
type drawing struct {
	mu      sync.Mutex
	at      time.Time
	run     runs.Run
	regions []drawn
	// The newest batch of lines.
	from, to int64
	lines    []byte
}

type drawn struct {
	text []byte
	sum  uint64
}

// drawings are those of the runs that somebody looks at.
type drawings struct {
	seed maphash.Seed
	mu   sync.Mutex
	of   map[string]*drawing
	eyes map[string]int
}

func newDrawings() *drawings {
	return &drawings{seed: maphash.MakeSeed(), of: map[string]*drawing{}, eyes: map[string]int{}}
}

// open returns the drawing of a run for one more reader, who closes it.
func (d *drawings) open(organisation string, num int64) (*drawing, func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := organisation + "/" + strconv.FormatInt(num, 10)
	if d.of[key] == nil {
		d.of[key] = &drawing{}
	}
	d.eyes[key]++
	return d.of[key], func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.eyes[key]--; d.eyes[key] == 0 {
			delete(d.of, key)
			delete(d.eyes, key)
		}
	}
}

// runEvents is the stream of a run's page. It goes on after the event that the
// browser says it had last, without a gap or a repeat.
func (v *visit) runEvents() error {
	r, err := v.run()
	if err != nil {
		return err
	}
	last := v.r.Header.Get("Last-Event-ID")
	if last == "" {
		last = v.r.URL.Query().Get("after")
	}
	after, err := strconv.ParseInt(last, 10, 64)
	if err != nil || after < 0 {
		after = r.Last
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies pass it on at once
	v.wrote = true
	control := http.NewResponseController(v.w)
	_ = control.SetReadDeadline(time.Time{}) // the server's own is for requests that end

	d, done := v.drawings.open(v.org.ID, r.Num)
	defer done()
	ctx, cancel := context.WithCancel(v.ctx())
	defer cancel()
	batches, ended := make(chan []runs.Event), make(chan error, 1)
	go func() { ended <- follow(ctx, v.Runs, v.org.ID, r.Num, after, batches) }()

	s := &stream{visit: v, d: d, num: r.Num, sent: after, control: control, shown: map[int]uint64{}}
	beat, redraw := time.NewTicker(heartbeat), time.NewTimer(0)
	defer beat.Stop()
	defer redraw.Stop()
	if err := s.write([]byte("retry: 1000\n\n")); err != nil {
		return nil
	}
	for {
		select {
		case batch := <-batches:
			err = s.log(batch)
			if since := time.Since(s.redrawn); since < drawnEvery {
				redraw.Reset(drawnEvery - since)
			} else {
				redraw.Reset(0)
			}
		case <-redraw.C:
			err = s.draw(false)
		case <-beat.C:
			if !v.stillMay() {
				return nil
			}
			if err = s.write([]byte(": here\n\n")); err == nil {
				err = s.draw(false)
			}
		case err = <-ended:
			if is, gone := v.run(); err == nil && gone == nil && is.State.Over() {
				if err = s.draw(true); err == nil {
					err = s.end()
				}
			}
			if err != nil && ctx.Err() == nil {
				v.Log.Debug("a stream ended", "request", v.id, "reason", reason(err))
			}
			return nil
		}
		if err != nil { // the reader left, or comes again
			return nil
		}
	}
}

// follow passes a run's batches on until it is over.
func follow(ctx context.Context, r *runs.Registry, org string, num, after int64, to chan<- []runs.Event) error {
	for batch, err := range r.Follow(ctx, org, num, after) {
		if err != nil {
			return err
		}
		select {
		case to <- batch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// stillMay reports whether whoever reads a stream may go on: reading does not count
// as being there, so a session that nobody uses ends.
func (v *visit) stillMay() bool {
	s, err := v.App.Store().Session(v.ctx(), v.signed.Session.TokenHash)
	if err != nil || v.Now().Sub(s.Seen) > account.IdleAfter || v.Now().Sub(s.Created) > account.EndsAfter {
		return false
	}
	role, err := v.App.Store().Role(v.ctx(), v.org.ID, v.signed.Person.ID)
	if err != nil || role == "" {
		return false
	}
	v.role = access.Role(role)
	return v.may(access.ReadRuns)
}

// A stream is one reader's.
type stream struct {
	*visit
	d       *drawing
	num     int64
	sent    int64 // the number of the last event that was sent
	control *http.ResponseController
	shown   map[int]uint64 // what each region shows
	acted   string         // for which state the buttons are
	redrawn time.Time
}

func (s *stream) write(text []byte) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}

// event sends an event of which the first line is missing.
func (s *stream) event(rest []byte) error {
	return s.write(append([]byte("id: "+strconv.FormatInt(s.sent, 10)+"\n"), rest...))
}

// rest cuts an event's first line off.
func rest(event []byte) []byte {
	_, after, _ := bytes.Cut(event, []byte("\n"))
	return after
}

// log sends the lines of a batch.
func (s *stream) log(batch []runs.Event) error {
	first, last := batch[0].Num, batch[len(batch)-1].Num
	s.d.mu.Lock()
	if s.d.from != first || s.d.to != last {
		var all []look.LogLine
		for _, e := range batch {
			all = append(all, lines(e)...)
		}
		s.d.from, s.d.to, s.d.lines = first, last, nil
		if len(all) > 0 {
			var b bytes.Buffer
			if err := s.look.Append(&b, "0", "log", all...); err != nil {
				s.d.mu.Unlock()
				return err
			}
			s.d.lines = rest(b.Bytes())
		}
	}
	text := s.d.lines
	s.d.mu.Unlock()
	s.sent = last
	if text == nil {
		return nil
	}
	return s.event(text)
}

// draw sends the regions that changed, drawn anew if that is due or asked for.
func (s *stream) draw(now bool) error {
	s.redrawn = time.Now()
	run, regions, err := s.drawn(now)
	if err != nil {
		return err
	}
	for i, g := range regions {
		if s.shown[i] == g.sum {
			continue
		}
		s.shown[i] = g.sum
		if err := s.event(g.text); err != nil {
			return err
		}
	}
	state := string(run.State) + strconv.FormatBool(run.Stopping)
	if state == s.acted {
		return nil
	}
	s.acted = state
	var b bytes.Buffer
	if err := s.look.Replace(&b, "0", look.Region{ID: "acts", Parts: s.acts(run)}); err != nil {
		return err
	}
	return s.event(rest(b.Bytes()))
}

func (s *stream) drawn(now bool) (runs.Run, []drawn, error) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if !now && time.Since(s.d.at) < drawnEvery/2 {
		return s.d.run, s.d.regions, nil
	}
	run, err := s.Runs.Run(s.ctx(), s.org.ID, s.num)
	if err != nil {
		return run, nil, err
	}
	regions, err := s.regions(run)
	if err != nil {
		return run, nil, err
	}
	all := make([]drawn, len(regions))
	for i, g := range regions {
		var b bytes.Buffer
		if err := s.look.Replace(&b, "0", g); err != nil {
			return run, nil, err
		}
		text := rest(b.Bytes())
		all[i] = drawn{text, maphash.Bytes(s.drawings.seed, text)}
	}
	s.d.at, s.d.run, s.d.regions = time.Now(), run, all
	return run, all, nil
}

func (s *stream) end() error {
	var b bytes.Buffer
	if err := s.look.End(&b, "0"); err != nil {
		return err
	}
	return s.event(rest(b.Bytes()))
}
