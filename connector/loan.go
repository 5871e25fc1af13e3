package connector

import (
	"io"
	"sync"
)

// A Loan is a stream that a request reads until it is returned. A request that has
// failed, or was answered early, may go on to read its body for a while
// (https://pkg.go.dev/net/http#RoundTripper): whoever means to go on with what is behind
// the body takes it back first.
type Loan struct {
	mu   sync.Mutex
	in   io.Reader
	back bool
}

// Lend lends a stream.
func Lend(in io.Reader) *Loan { return &Loan{in: in} }

func (l *Loan) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.back {
		return 0, io.ErrClosedPipe
	}
	return l.in.Read(p)
}

// Return takes the stream back: it waits for a read that is under way, and lets no other
// begin. Safe to repeat.
func (l *Loan) Return() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back = true
}
