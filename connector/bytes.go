package connector

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
)

// A Measured stream of a blob counts its bytes, and fails with a Conflict where they
// are not as many as were told, before the last of them is given out: no target has
// them all then. A stream that was cut off fails as Transient.
type Measured struct {
	in   io.Reader
	want int64 // -1 for any
	n    atomic.Int64
}

// Measure measures a stream that should hold so many bytes; -1 if nobody knows.
func Measure(in io.Reader, want int64) *Measured { return &Measured{in: in, want: want} }

// Bytes is how many bytes were read so far. Safe to ask while somebody reads.
func (m *Measured) Bytes() int64 { return m.n.Load() }

func (m *Measured) Read(p []byte) (int, error) {
	if m.want == 0 {
		return 0, m.End()
	}
	n, err := m.in.Read(p)
	all := m.n.Add(int64(n))
	if m.want >= 0 && all == m.want && err == nil {
		err = m.End()
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, &Error{Class: Transient, Reason: "what should be written was cut off", Err: io.ErrUnexpectedEOF}
	case err != nil && err != io.EOF:
		return 0, err
	case m.want >= 0 && (all > m.want || err == io.EOF && all < m.want):
		return 0, m.wrong()
	}
	return n, err
}

// End is io.EOF if the stream ends here.
func (m *Measured) End() error {
	var one [1]byte
	for {
		n, err := m.in.Read(one[:])
		switch {
		case n > 0:
			return m.wrong()
		case err != nil:
			return err
		}
	}
}

func (m *Measured) wrong() *Error {
	return Errorf(Conflict, "it has not the %d bytes that its source told", m.want).WithHint("run again: it changed while it was read")
}

// SameStreams reads two streams to the first difference.
func SameStreams(a, b io.Reader) (bool, error) {
	x, y := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		for _, err := range []error{errA, errB} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return false, err
			}
		}
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			return errA != nil && errB != nil, nil
		}
	}
}
