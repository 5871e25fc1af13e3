package mailfiles

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// A wire reads a file as a mail server gives it: each line feed that follows no
// carriage return gets one.
type wire struct {
	r    *bufio.Reader
	last byte
	feed bool // a line feed is to follow
}

func newWire(r io.Reader) *wire { return &wire{r: bufio.NewReaderSize(r, 32<<10)} }

func (w *wire) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if w.feed {
			p[n], w.feed, w.last = '\n', false, '\n'
			n++
			continue
		}
		if n > 0 && w.r.Buffered() == 0 {
			return n, nil
		}
		b, err := w.r.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if b == '\n' && w.last != '\r' {
			w.feed = true
			b = '\r'
		}
		p[n], w.last = b, b
		n++
	}
	return n, nil
}

// mostHeader is how much of a header is looked at, in bytes.
const mostHeader = 1 << 20

// headOf reads a header with the empty line that ends it, as far as it is looked at.
func headOf(r *bufio.Reader) ([]byte, error) {
	var out []byte
	for len(out) < mostHeader {
		line, err := r.ReadSlice('\n')
		out = append(out, line...)
		if err == io.EOF || err == nil && len(bytes.TrimRight(line, "\r\n")) == 0 {
			return out, nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
	return out, nil
}
