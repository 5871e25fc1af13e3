package s3

import (
	"io"
	"math/bits"
	"sync"
)

// mostWhole is up to which size a file is read whole before it is sent.
const mostWhole = 256 << 10

// buffers lends memory for small files, by powers of two.
type buffers [19]sync.Pool

// A buffer is lent to a file on its way. The transport may still read what it was
// given when its answer is there, so that the memory goes back when the file is
// done and each reader of it closed.
type buffer struct {
	pool  *sync.Pool
	bytes []byte
	mu    sync.Mutex
	users int
}

// lend returns a buffer of n bytes, n at most mostWhole.
func (b *buffers) lend(n int) *buffer {
	class := bits.Len(uint(max(n, 512) - 1))
	pool := &b[class]
	if have, ok := pool.Get().(*buffer); ok {
		have.bytes, have.users = have.bytes[:n], 1
		return have
	}
	return &buffer{pool: pool, bytes: make([]byte, 1<<class)[:n], users: 1}
}

// free says that one user less needs it.
func (b *buffer) free() {
	b.mu.Lock()
	b.users--
	last := b.users == 0
	b.mu.Unlock()
	if last {
		b.pool.Put(b)
	}
}

// body is a reader of it that is a user until it is closed.
func (b *buffer) body() io.ReadCloser {
	b.mu.Lock()
	b.users++
	b.mu.Unlock()
	return &body{of: b, left: b.bytes}
}

type body struct {
	mu   sync.Mutex // a transport that gives up closes while it reads
	of   *buffer    // nil once it is closed
	left []byte
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of != nil {
		b.of.free()
	}
	b.of, b.left = nil, nil
	return nil
}
