package migrate

import (
	"github.com/rialto-migrate/rialto/item"
)

// wavesBeside is how many waves are written at the same time, while the next one is
// read: so nothing waits for the last item of a wave.
const wavesBeside = 2

// A relay writes waves beside the listing. The zero relay is ready. One goroutine uses
// it; it calls wait before it lets go of it.
type relay struct {
	under []underWay // the oldest first
	err   error
}

// An underWay is a wave that is being written.
type underWay struct {
	holds map[item.Ref]bool
	ended chan error // has room for the one that is sent
}

// room waits until another wave may be made ready: there are not too many, and none of
// them holds what the next one does. What a listing gives twice must be in the ledger
// before it is looked up there again. The error is that of a wave.
func (r *relay) room(next []item.Bundle) error {
	for len(r.under) >= wavesBeside || r.holdsAny(next) {
		r.join()
	}
	return r.err
}

func (r *relay) holdsAny(next []item.Bundle) bool {
	for _, w := range r.under {
		for _, b := range next {
			if w.holds[b.Item.Ref] {
				return true
			}
		}
	}
	return false
}

// run writes a wave.
func (r *relay) run(jobs []*job, write func() error) {
	w := underWay{holds: make(map[item.Ref]bool, len(jobs)), ended: make(chan error, 1)}
	for _, j := range jobs {
		w.holds[j.bundle.Item.Ref] = true
	}
	r.under = append(r.under, w)
	go func() { w.ended <- write() }()
}

// join waits for the oldest wave.
func (r *relay) join() {
	if err := <-r.under[0].ended; r.err == nil {
		r.err = err
	}
	r.under = r.under[1:]
}

// wait waits for all of them, and returns the error of the first that failed.
func (r *relay) wait() error {
	for len(r.under) > 0 {
		r.join()
	}
	return r.err
}
