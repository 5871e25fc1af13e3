package sftp

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/rialto-migrate/rialto/connector"
)

// connect signs in. A server shows one of its host keys only: where it is not the
// pinned one, the next family of keys is asked for.
func (p *pool) connect(ctx context.Context) (*ssh.Client, error) {
	var shown *stranger
	offers := p.cfg.pin.offers()
	for i, algorithms := range offers {
		conn, err := p.signIn(ctx, algorithms)
		if err == nil {
			return conn, nil
		}
		other, foreign := errors.AsType[*stranger](err)
		if foreign && shown == nil {
			shown = other
		}
		none := strings.Contains(err.Error(), "no common algorithm")
		if (foreign || none) && i < len(offers)-1 {
			continue
		}
		if shown != nil {
			return nil, p.cfg.pin.refusal(shown.key)
		}
		return nil, p.refused(ctx, err)
	}
	return nil, connector.Errorf(connector.Permanent, "the host key of the setting %s is of a kind that is not taken", setHostKey).
		WithHint("use the server's ed25519, ECDSA or RSA key (with SHA-2)")
}

func (p *pool) signIn(ctx context.Context, algorithms []string) (*ssh.Client, error) {
	tcp, err := p.http.Dial(ctx, p.cfg.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { tcp.Close() })
	defer stop()
	_ = tcp.SetDeadline(time.Now().Add(handshake))
	// Ciphers, MACs and key exchanges are those of x/crypto, which leaves out what
	// is broken.
	conn, channels, requests, err := ssh.NewClientConn(tcp, p.cfg.address, &ssh.ClientConfig{
		User: p.cfg.user, Auth: p.cfg.auth, HostKeyCallback: p.cfg.pin.check, HostKeyAlgorithms: algorithms, ClientVersion: "SSH-2.0-Rialto",
	})
	if err != nil {
		tcp.Close()
		return nil, err
	}
	_ = tcp.SetDeadline(time.Time{})
	client := ssh.NewClient(conn, channels, requests)
	go watch(client)
	return client, nil
}

// watch ends a connection whose server does not answer any more. It returns when
// the connection ends.
func watch(c *ssh.Client) {
	over := make(chan struct{})
	go func() {
		_ = c.Wait()
		close(over)
	}()
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		late := time.AfterFunc(alive, func() { c.Close() })
		// OpenSSH's own; other servers answer that they do not know it, which is an
		// answer, too (RFC 4254, 4).
		_, _, _ = c.SendRequest("keepalive@openssh.com", true, nil)
		late.Stop()
	}
}

// refused says why signing in failed.
func (p *pool) refused(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*connector.Error](err); ok {
		return e
	}
	said := err.Error()
	switch {
	case ctx.Err() != nil:
		return &connector.Error{Class: connector.Transient, Reason: "stopped while signing in", Err: context.Cause(ctx)}
	case strings.Contains(said, "unable to authenticate"):
		return connector.Errorf(connector.Auth, "the server refuses the account's password or key").
			WithHint("connect again with the right ones; the key's public half must stand in the account's authorized_keys")
	case strings.Contains(said, "no common algorithm"):
		return connector.Errorf(connector.Permanent, "the server speaks nothing but ciphers or keys that are broken").
			WithHint("ask its administrator to update it")
	}
	return &connector.Error{Class: connector.Transient, Reason: "the server ended the connection before it was signed in"}
}
