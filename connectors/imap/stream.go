package imap

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
)

// stream reads one message, or a part of it, as it comes.
func (c *cloud) stream(ctx context.Context, f *folder, validity, uid uint32, offset, n int64) (io.ReadCloser, error) {
	ctx, end := context.WithCancel(ctx)
	out, in := io.Pipe()
	began := make(chan error, 1)
	c.work.Go(func() {
		found := false
		err := c.with(ctx, f.name, func(conn *wire.Conn) error {
			section := "BODY.PEEK[]"
			if offset > 0 || n >= 0 {
				count := n
				if n < 0 {
					count = math.MaxInt32
				}
				section = fmt.Sprintf("BODY.PEEK[]<%d.%d>", offset, max(count, 1))
			}
			for _, fresh := range []bool{false, true} {
				if fresh {
					conn.Unselect()
				}
				if err := conn.Select(f.name, true); err != nil {
					return err
				}
				if conn.Selected().Validity != validity {
					continue
				}
				err := conn.Fetch(true, fmt.Sprint(uid), "UID "+section, nil, func(_ *wire.Message, _ int64, from io.Reader) error {
					if !found {
						found = true
						began <- nil
					}
					if n >= 0 {
						from = io.LimitReader(from, n)
					}
					_, err := io.Copy(in, from)
					return err
				})
				if err != nil || found {
					return err
				}
			}
			return nil
		})
		if err == nil && !found {
			err = connector.Errorf(connector.Gone, "message %s is no longer there", messageID(f.id, validity, uid))
		}
		if !found {
			began <- err
		}
		in.CloseWithError(err)
	})
	if err := <-began; err != nil {
		end()
		return nil, err
	}
	return &streamed{out, end}, nil
}

// streamed is a message under way. Closed before its end, it gives its connection up.
type streamed struct {
	*io.PipeReader
	end context.CancelFunc
}

func (s *streamed) Close() error {
	err := s.PipeReader.Close()
	s.end()
	return err
}
