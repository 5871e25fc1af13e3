package ftps

import (
	"context"
	"io"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/ftps/wire"
	"github.com/rialto-migrate/rialto/item"
)

// Open streams a stretch of a file. The file is held against its version before the
// first byte and after the last, so that none is read half old and half new.
func (c *cloud) Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if n == 0 || n < 0 && b.Bytes >= 0 && offset == b.Bytes && offset > 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	r := &reader{pool: c.pool, ctx: ctx, blob: b, left: n}
	if n < 0 && b.Bytes >= 0 {
		r.left = max(0, b.Bytes-offset)
	}
	r.part = n >= 0 && (b.Bytes < 0 || offset+n < b.Bytes)
	err := c.pool.again(ctx, true, func() (bool, error) {
		conn, err := c.pool.once(ctx, "RETR {object}", func(conn *wire.Conn) error {
			if err := pinned(conn, b); err != nil {
				return err
			}
			var err error
			r.data, err = conn.Retrieve(ctx, b.Ref.ID, offset)
			return err
		})
		if err == nil {
			r.conn = conn
			return false, nil
		}
		return c.pool.give(conn), err
	})
	if err != nil {
		return nil, err
	}
	r.stop = context.AfterFunc(ctx, r.conn.Close)
	return r, nil
}

// pinned holds a file against the version that is wanted.
func pinned(conn *wire.Conn, b item.Blob) error {
	e, err := conn.Stat(b.Ref.ID)
	if err != nil {
		return err
	}
	if e.Kind != wire.File || b.Version != "" && version(e) != b.Version {
		return connector.Errorf(connector.Conflict, "RETR {object}: it has changed since it was listed").WithHint("run again: it moves as it is then")
	}
	return nil
}

// A reader reads a file over a connection that is its own until it is closed.
type reader struct {
	pool *pool
	ctx  context.Context
	stop func() bool
	conn *wire.Conn
	data *wire.Data
	blob item.Blob
	left int64 // bytes that are still wanted, -1 for as many as there are
	part bool  // the file goes on behind them
	over error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.over == nil && r.ctx.Err() != nil {
		r.over = &connector.Error{Class: connector.Transient, Reason: "RETR {object}: stopped", Err: context.Cause(r.ctx)}
	}
	switch {
	case r.over != nil:
		return 0, r.over
	case r.left == 0:
		r.over = r.last()
		return 0, r.over
	case r.left > 0:
		p = p[:min(int64(len(p)), r.left)]
	}
	n, err := r.data.Read(p)
	if r.left > 0 {
		r.left -= int64(n)
	}
	switch {
	case err == io.EOF && r.left > 0:
		if r.over = r.same(); r.over == io.EOF {
			r.over = connector.Errorf(connector.Transient, "RETR {object}: the server sent less than it told")
		}
	case err == io.EOF:
		r.over = r.same()
	case err != nil:
		r.over = classed(r.ctx, "RETR {object}", err)
	}
	if n > 0 {
		return n, nil
	}
	return 0, r.over
}

// last is io.EOF if all that was wanted was read, and the file is still what it was.
func (r *reader) last() error {
	if !r.part {
		var one [1]byte
		n, err := r.data.Read(one[:])
		switch {
		case n > 0:
			return connector.Errorf(connector.Conflict, "RETR {object}: it is longer than it was told").WithHint("run again: it moves as it is then")
		case err != io.EOF:
			return classed(r.ctx, "RETR {object}", err)
		}
	}
	return r.same()
}

// same is io.EOF if the server says that it sent all, and the file is still what it was.
func (r *reader) same() error {
	err := r.data.Close()
	if err == nil && !r.conn.Broken() { // one that is, did not survive that a part was enough
		err = pinned(r.conn, r.blob)
	}
	if err != nil {
		return classed(r.ctx, "RETR {object}", err)
	}
	return io.EOF
}

func (r *reader) Close() error {
	if r.conn == nil {
		return nil
	}
	_ = r.data.Close() // what matters of its end was asked for when it was read
	if !r.stop() {
		r.conn.Close()
	}
	r.pool.give(r.conn)
	r.conn = nil
	return nil
}
