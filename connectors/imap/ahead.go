package imap

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
)

// How much is read ahead.
const (
	aheadBudget  = 16 << 20  // bytes that are held, of all folders
	aheadMessage = 1 << 20   // bytes of a message that is still read ahead
	aheadCommand = 512 << 10 // bytes that one command asks for
	aheadFirst   = 64        // messages that the first commands ask for
	aheadMost    = 256       // messages that one command asks for
	aheadListed  = 16 << 10  // messages of listed stretches that are remembered, and one stretch more
	unknownSize  = 32 << 10  // what a message of unknown size counts
)

// Ahead reads the small messages of what was fetched last before they are asked for:
// who opens one after the other waits for one answer in hundreds. Several may do so in
// several places of one folder at once. What is fetched is what is new or changed, so
// that nearly all of it is opened; where it is not, less is read ahead.
type ahead struct {
	c *cloud

	mu    sync.Mutex
	runs  []*run // the latest last
	held  int64  // bytes read ahead or under way, and not yet closed
	depth int    // messages that the next command asks for
	hits  int    // messages that were read ahead and opened since depth last changed
	jobs  int    // commands under way
}

// A run is a listed stretch of a folder.
type run struct {
	folder   *folder
	validity uint32
	uids     []uint32
	sizes    []int64
	opened   []bool
	slots    map[uint32]*slot
	any      bool // something of it was opened
	retired  bool
}

// A slot holds a message that was read ahead.
type slot struct {
	ready chan struct{} // closed when data or err is there
	data  []byte
	err   error
	cost  int64
	asked bool // somebody waits for it, or will
}

func newAhead(c *cloud) *ahead { return &ahead{c: c, depth: aheadFirst} }

func newRun(f *folder, validity uint32) *run {
	return &run{folder: f, validity: validity, slots: map[uint32]*slot{}}
}

func (r *run) add(uid uint32, size int64) {
	r.uids = append(r.uids, uid)
	r.sizes = append(r.sizes, size)
	r.opened = append(r.opened, false)
}

func (r *run) cost(i int) int64 {
	if r.sizes[i] < 0 {
		return unknownSize
	}
	return r.sizes[i]
}

// fresh reports whether a message was neither read ahead nor opened.
func (r *run) fresh(i int) bool { return !r.opened[i] && r.slots[r.uids[i]] == nil }

// listed remembers a stretch, and forgets the oldest. Where what was listed before was
// read, its reading begins at once.
func (a *ahead) listed(r *run) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.runs); n > 0 && a.runs[n-1].any {
		a.further(r, -1)
	}
	a.runs = append(a.runs, r)
	known := 0
	for i := len(a.runs) - 1; i >= 0; i-- {
		if known > aheadListed {
			a.forget(a.runs[i])
			a.runs[i].retired = true
			a.runs = append(a.runs[:i:i], a.runs[i+1:]...)
			continue
		}
		known += len(a.runs[i].uids)
	}
}

// forget drops what of a run was read and not asked for. The caller holds the lock.
func (a *ahead) forget(r *run) {
	for uid, s := range r.slots {
		select {
		case <-s.ready:
			if !s.asked {
				a.held -= s.cost
				delete(r.slots, uid)
				a.depth, a.hits = max(a.depth/2, 1), 0 // it was read for nothing
			}
		default:
		}
	}
}

// find returns the run that lists a message, and where.
func (a *ahead) find(f *folder, validity, uid uint32) (*run, int) {
	for _, r := range slices.Backward(a.runs) {
		if r.folder.id == f.id && r.validity == validity {
			if i, ok := slices.BinarySearch(r.uids, uid); ok {
				return r, i
			}
		}
	}
	return nil, 0
}

// open returns a message that was or is read ahead; ok is false for one that is to
// be read by itself.
func (a *ahead) open(ctx context.Context, f *folder, validity, uid uint32) (_ io.ReadCloser, ok bool, _ error) {
	a.mu.Lock()
	r, i := a.find(f, validity, uid)
	if r == nil || r.cost(i) > aheadMessage {
		a.mu.Unlock()
		return nil, false, nil
	}
	s := r.slots[uid]
	if s != nil && s.asked { // somebody has it: twins are rare
		a.mu.Unlock()
		return nil, false, nil
	}
	if s == nil {
		if a.held+r.cost(i) > aheadBudget {
			for _, old := range a.runs {
				if old != r {
					a.forget(old)
				}
			}
		}
		if a.held+r.cost(i) > aheadBudget {
			a.mu.Unlock()
			return nil, false, nil
		}
		r.opened[i] = false // it is read again
		a.read(r, i)
		s = r.slots[uid]
	} else if a.hits++; a.hits >= a.depth {
		a.depth, a.hits = min(2*a.depth, aheadMost), 0
	}
	s.asked, r.opened[i], r.any = true, true, true
	a.further(r, i)
	a.mu.Unlock()
	select {
	case <-s.ready:
	case <-ctx.Done():
		go func() { // its bytes are given back when they are there
			<-s.ready
			a.done(r, uid, s)
		}()
		return nil, true, &connector.Error{Class: connector.Transient, Reason: "stopped while a message was read", Err: context.Cause(ctx)}
	}
	if s.err != nil {
		a.done(r, uid, s)
		return nil, false, nil // by itself it is tried again, and says what is wrong
	}
	return &taken{Reader: bytes.NewReader(s.data), end: func() { a.done(r, uid, s) }}, true, nil
}

// taken is a message in memory; closing it makes room.
type taken struct {
	*bytes.Reader
	once sync.Once
	end  func()
}

func (t *taken) Close() error {
	t.once.Do(t.end)
	return nil
}

func (a *ahead) done(r *run, uid uint32, s *slot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held -= s.cost
	delete(r.slots, uid)
}

// further begins to read what comes after i, where little of it is under way yet. What
// somebody else opened ends the stretch: they read on from there. The caller holds the
// lock.
func (a *ahead) further(r *run, i int) {
	for j := i + 1; j < len(r.uids) && j <= i+1+a.depth && !r.opened[j]; j++ {
		if r.cost(j) > aheadMessage || !r.fresh(j) {
			continue
		}
		if a.jobs < max(a.c.pool.size()-1, 1) && a.held+aheadCommand <= aheadBudget {
			a.read(r, j)
		}
		return
	}
}

// read begins a command for the messages from i on, as far as nobody reads them yet.
// The caller holds the lock.
func (a *ahead) read(r *run, i int) {
	var uids []uint32
	var bytes int64
	slots := map[uint32]*slot{}
	for ; i < len(r.uids) && len(uids) < a.depth && r.fresh(i); i++ {
		if r.cost(i) > aheadMessage {
			continue
		}
		if len(uids) > 0 && (bytes+r.cost(i) > aheadCommand || a.held+r.cost(i) > aheadBudget) {
			break
		}
		s := &slot{ready: make(chan struct{}), cost: r.cost(i)}
		uid := r.uids[i]
		r.slots[uid], slots[uid] = s, s
		bytes += s.cost
		a.held += s.cost
		uids = append(uids, uid)
	}
	a.jobs++
	a.c.work.Go(func() { a.job(r, uids, slots) })
}

// job carries a command out.
func (a *ahead) job(r *run, uids []uint32, slots map[uint32]*slot) {
	err := a.c.with(a.c.ctx, r.folder.name, func(conn *wire.Conn) error {
		if err := conn.SelectLater(r.folder.name, true); err != nil {
			return err
		}
		var data []byte
		whole := false
		err := conn.Fetch(true, wire.Set(uids), "UID BODY.PEEK[]", func(m wire.Message) error {
			if s := slots[m.UID]; s != nil && whole && conn.Selected().Validity == r.validity {
				s.data = data
				close(s.ready)
				delete(slots, m.UID)
			}
			data, whole = nil, false
			return nil
		}, func(_ *wire.Message, n int64, from io.Reader) error {
			if n > 2*aheadMessage {
				return nil // larger than it was said to be: it is read by itself
			}
			data = make([]byte, n)
			_, err := io.ReadFull(from, data)
			whole = err == nil
			return err
		})
		if err != nil {
			return err
		}
		return conn.Select(r.folder.name, true)
	})
	if err == nil {
		err = connector.Errorf(connector.Gone, "the message is no longer there")
	}
	for _, s := range slots {
		s.err = err
		close(s.ready)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs--
	if r.retired {
		a.forget(r)
	}
}
