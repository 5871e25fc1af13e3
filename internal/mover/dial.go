package mover

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rialto-migrate/rialto/internal/mover/wire"
)

const (
	dialTime  = 20 * time.Second       // for all addresses of a host
	dialAhead = 250 * time.Millisecond // before the next address is tried as well (RFC 8305, section 5)
)

// A dialer is how the parent connects to hosts for a mover.
type dialer struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	reach  Reach
	// connect makes one connection; nil means net.Dialer.
	connect func(ctx context.Context, network, address string) (net.Conn, error)
}

// dial connects to "host:port", trying those of the host's addresses that may
// be reached one after the other, the next one starting a little later or as soon
// as one failed. The addresses are looked up once: what was judged is what is
// connected to.
func (d dialer) dial(ctx context.Context, address string, plain bool) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	targets, err := d.resolve(ctx, address)
	if err != nil {
		return nil, err
	}
	if targets, err = d.reach.sift(targets, plain); err != nil {
		return nil, err
	}
	return d.race(ctx, "tcp", targets)
}

// dial has the parent connect to "host:port". An error is a *net.OpError of a
// dial, so that callers know that nothing was sent.
func (l *Line) dial(ctx context.Context, address string, plain bool) (net.Conn, error) {
	wish, come := l.taker.wish()
	defer l.taker.drop(wish)
	_, err := ask[bool](ctx, l.rpc, "Network.Dial", wire.Dial{Wish: wish, Address: address, Plain: plain})
	if err == nil {
		select {
		case got := <-come:
			if got.err == nil {
				return got.conn, nil
			}
			err = got.err
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
}

func (d dialer) resolve(ctx context.Context, address string) ([]netip.AddrPort, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, &net.AddrError{Err: "a port is a number from 1 to 65535", Addr: portText}
	}
	addrs := []netip.Addr{}
	if literal, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, literal)
	} else if addrs, err = d.lookup(ctx, host); err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	targets := make([]netip.AddrPort, len(addrs))
	for i, a := range addrs {
		targets[i] = netip.AddrPortFrom(a.Unmap(), uint16(port))
	}
	return targets, nil
}

// race returns the first connection that stands; the others are closed. If
// none does, it returns the first address's error.
func (d dialer) race(ctx context.Context, network string, targets []netip.AddrPort) (net.Conn, error) {
	connect := d.connect
	if connect == nil {
		connect = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type end struct {
		conn net.Conn
		err  error
		rank int
	}
	ends := make(chan end)
	next, running := 0, 0
	launch := func() {
		rank, target := next, targets[next].String()
		next++
		running++
		go func() {
			conn, err := connect(ctx, network, target)
			select {
			case ends <- end{conn, err, rank}:
			case <-ctx.Done():
				if conn != nil {
					conn.Close()
				}
			}
		}()
	}
	launch()
	ahead := time.NewTimer(dialAhead)
	defer ahead.Stop()
	var first end
	for running > 0 {
		select {
		case e := <-ends:
			running--
			if e.err == nil {
				return e.conn, nil
			}
			if first.err == nil || e.rank < first.rank {
				first = e
			}
			if next < len(targets) {
				launch()
				ahead.Reset(dialAhead)
			}
		case <-ahead.C:
			if next < len(targets) {
				launch()
				ahead.Reset(dialAhead)
			}
		case <-ctx.Done():
			if first.err == nil {
				first.err = ctx.Err()
			}
			return nil, first.err
		}
	}
	return nil, first.err
}

// alive is a connection that fails when it carries nothing for too long: a
// peer that vanished without a word is noticed, however long a transfer takes
// that does go on. A read that waits while something is written is not silent.
type alive struct {
	net.Conn
	silence time.Duration
	until   atomic.Int64 // the deadline that is set, in nanoseconds of Unix time
}

func newAlive(c net.Conn, silence time.Duration) net.Conn {
	if silence <= 0 {
		return c
	}
	return &alive{Conn: c, silence: silence}
}

// NetConn is the connection itself.
func (a *alive) NetConn() net.Conn { return a.Conn }

// push moves the deadline, at most once in a sixteenth of the silence.
func (a *alive) push() error {
	now := time.Now()
	until := now.Add(a.silence)
	if old := a.until.Load(); until.UnixNano()-old < int64(a.silence/16) {
		return nil
	}
	a.until.Store(until.UnixNano())
	return a.Conn.SetDeadline(until)
}

func (a *alive) Read(b []byte) (int, error) {
	if err := a.push(); err != nil {
		return 0, err
	}
	n, err := a.Conn.Read(b)
	if n > 0 && err == nil {
		err = a.push()
	}
	return n, err
}

func (a *alive) Write(b []byte) (int, error) {
	if err := a.push(); err != nil {
		return 0, err
	}
	n, err := a.Conn.Write(b)
	if n > 0 && err == nil {
		err = a.push()
	}
	return n, err
}
