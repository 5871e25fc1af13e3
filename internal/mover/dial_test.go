package mover

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDialRaces(t *testing.T) {
	refused := errors.New("refused")
	for _, c := range []struct {
		name   string
		hosts  []string
		behave map[string]time.Duration // how long until it answers; negative refuses after that time
		want   string                   // the address that wins; "" for none
		after  time.Duration
	}{
		{"the only one", []string{"10.0.0.1"}, map[string]time.Duration{"10.0.0.1:443": 30 * time.Millisecond}, "10.0.0.1:443", 30 * time.Millisecond},
		{"the first is slow", []string{"2001:db8::1", "10.0.0.1"}, map[string]time.Duration{"[2001:db8::1]:443": time.Hour, "10.0.0.1:443": 10 * time.Millisecond}, "10.0.0.1:443", 260 * time.Millisecond},
		{"the first refuses", []string{"10.0.0.1", "10.0.0.2"}, map[string]time.Duration{"10.0.0.1:443": -time.Millisecond, "10.0.0.2:443": time.Millisecond}, "10.0.0.2:443", 2 * time.Millisecond},
		{"all refuse", []string{"10.0.0.1", "10.0.0.2"}, map[string]time.Duration{"10.0.0.1:443": -time.Millisecond, "10.0.0.2:443": -time.Millisecond}, "", 2 * time.Millisecond},
		{"nobody answers", []string{"10.0.0.1", "10.0.0.2"}, map[string]time.Duration{"10.0.0.1:443": time.Hour, "10.0.0.2:443": time.Hour}, "", dialTime},
		{"an address within an address", []string{"::ffff:10.0.0.1"}, map[string]time.Duration{"10.0.0.1:443": time.Millisecond}, "10.0.0.1:443", time.Millisecond},
		{"no addresses", nil, nil, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				open := map[string]net.Conn{}
				d := dialer{
					reach: Reach{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}},
					lookup: func(context.Context, string) ([]netip.Addr, error) {
						var addrs []netip.Addr
						for _, h := range c.hosts {
							addrs = append(addrs, netip.MustParseAddr(h))
						}
						return addrs, nil
					},
					connect: func(ctx context.Context, network, address string) (net.Conn, error) {
						wait, known := c.behave[address]
						if !known {
							t.Errorf("%s was tried", address)
						}
						select {
						case <-ctx.Done():
							return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
						case <-time.After(max(wait, -wait)):
						}
						if wait < 0 {
							return nil, &net.OpError{Op: "dial", Net: network, Err: refused}
						}
						near, far := net.Pipe()
						t.Cleanup(func() { far.Close() })
						open[address] = near
						return near, nil
					},
				}
				began := time.Now()
				conn, err := d.dial(t.Context(), "cloud.example:443", false)
				if took := time.Since(began); took != c.after {
					t.Errorf("it took %v, want %v", took, c.after)
				}
				if c.want == "" {
					if err == nil {
						t.Error("it connected")
					}
					return
				}
				if err != nil || conn != open[c.want] {
					t.Errorf("%v: connected to another", err)
				}
				synctest.Wait()
			})
		})
	}
}

func TestDialBadAddresses(t *testing.T) {
	d := dialer{lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}}
	for _, c := range []struct{ address, want string }{
		{"nowhere.invalid:443", "no such host"},
		{"nowhere.invalid", "missing port"},
		{"nowhere.invalid:https", "a number from 1"},
		{"nowhere.invalid:70000", "a number from 1"},
	} {
		_, err := d.dial(t.Context(), c.address, false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.address, err)
		}
	}
	_, err := d.dial(t.Context(), "nowhere.invalid:443", false)
	if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsNotFound {
		t.Errorf("%#v does not say that the name is unknown", err)
	}
}

// A peer that says nothing is given up; one that goes on slowly is not, and a
// read that waits while something is written is not either.
func TestSilence(t *testing.T) {
	const silence = 10 * time.Minute
	t.Run("nothing comes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			c := newAlive(near, silence)
			defer c.Close()
			began := time.Now()
			_, err := c.Read(make([]byte, 1))
			if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != silence {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		})
	})
	t.Run("nothing is taken", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			c := newAlive(near, silence)
			defer c.Close()
			if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%v", err)
			}
		})
	})
	t.Run("a slow transfer while a read waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			c := newAlive(near, silence)
			read := make(chan error, 1)
			go func() { _, err := c.Read(make([]byte, 1)); read <- err }()
			go func() {
				b := make([]byte, 1)
				for range 20 {
					far.Read(b)
				}
				far.Write([]byte("done"))
			}()
			for range 20 {
				time.Sleep(silence * 9 / 10)
				if _, err := c.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
			}
			if err := <-read; err != nil {
				t.Errorf("the read that waited ended in %v", err)
			}
			c.Close()
			far.Close()
		})
	})
}

func TestTransportOptions(t *testing.T) {
	l := &Line{}
	a, err := l.Transport(TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := l.Transport(TransportOptions{HeaderTimeout: 2 * time.Minute}); a != b {
		t.Error("what the defaults say made another transport")
	}
	if b, err := l.Transport(TransportOptions{Proxy: "socks5://127.0.0.1:1080"}); err != nil || a == b {
		t.Errorf("a proxy changed nothing (%v)", err)
	}
	for _, bad := range []string{"127.0.0.1:8080", "ftp://host", "http://", "http://%zz"} {
		if _, err := l.Transport(TransportOptions{Proxy: bad}); err == nil || !strings.Contains(err.Error(), "http://host:port") {
			t.Errorf("the proxy %q: %v", bad, err)
		}
	}
}
