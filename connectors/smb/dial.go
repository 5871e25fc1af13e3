package smb

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"time"

	smb2 "github.com/cloudsoda/go-smb2"

	"github.com/rialto-migrate/rialto/connector"
)

// A link is one TCP connection that is signed in, with the shares that are in use on
// it.
type link struct {
	tcp     *sealed
	session *smb2.Session
	ctx     context.Context // ends with the link: nobody waits in it any longer
	end     context.CancelFunc
	busy    int // guarded by the pool

	mu     sync.Mutex
	shares map[string]*smb2.Share
}

func (l *link) close() {
	l.end()
	l.tcp.Close()
}

// await ends a link in which something hangs a while after its run was stopped, unless
// it is answered before: whoever else has something in this link does it again.
func (l *link) await(ctx context.Context) (answered func()) {
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-over:
		case <-time.After(grace):
			l.close()
		}
	})
	return func() {
		stop()
		close(over)
	}
}

// share mounts a share, once.
func (l *link) share(name string) (*smb2.Share, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.shares[name]; s != nil {
		return s, nil
	}
	s, err := l.session.WithContext(l.ctx).Mount(name)
	if err != nil {
		return nil, err
	}
	s = s.WithContext(l.ctx)
	l.shares[name] = s
	return s, nil
}

// dialects are those of SMB that encrypt, the best one first. Each is asked for
// alone, so that nobody between can talk both ends down to an older one.
func dialects() []uint16 { return []uint16{0x0311, 0x0302, 0x0300} }

// connect signs in.
func (p *pool) connect(ctx context.Context) (*link, error) {
	var err error
	for _, dialect := range dialects() {
		var l *link
		if l, err = p.signIn(ctx, dialect); err == nil {
			return l, nil
		}
		if !is(err, statusNotSupported) {
			break
		}
	}
	return nil, refused(ctx, err)
}

func (p *pool) signIn(ctx context.Context, dialect uint16) (*link, error) {
	tcp, err := p.http.Dial(ctx, p.cfg.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { tcp.Close() })
	defer stop()
	_ = tcp.SetDeadline(time.Now().Add(handshake))
	l := &link{tcp: &sealed{Conn: tcp}, shares: map[string]*smb2.Share{}}
	dialer := &smb2.Dialer{MaxCreditBalance: credits, Negotiator: smb2.Negotiator{RequireMessageSigning: true, SpecifiedDialect: dialect},
		Initiator: &smb2.NTLMInitiator{User: p.cfg.user, Password: p.cfg.password, Domain: p.cfg.domain}}
	if l.session, err = dialer.DialConn(ctx, l.tcp, p.cfg.host); err != nil {
		tcp.Close()
		return nil, err
	}
	_ = tcp.SetDeadline(time.Time{})
	l.ctx, l.end = context.WithCancel(context.Background())
	go l.watch()
	return l, nil
}

// watch ends a link whose server does not answer any more. It returns when the link
// ends.
func (l *link) watch() {
	defer l.close()
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, done := context.WithTimeout(l.ctx, alive)
		err := l.session.WithContext(ctx).Echo()
		done()
		if err != nil {
			return
		}
	}
}

// refused says why signing in failed.
func refused(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*connector.Error](err); ok {
		return e
	}
	auth := func(reason, hint string) error {
		return connector.Errorf(connector.Auth, "%s", reason).WithHint(hint)
	}
	said := err.Error()
	switch {
	case ctx.Err() != nil:
		return &connector.Error{Class: connector.Transient, Reason: "stopped while signing in", Err: context.Cause(ctx)}
	case is(err, statusNotSupported):
		return connector.Errorf(connector.Permanent, "the server speaks no SMB 3").
			WithHint("SMB 1 and 2 do not encrypt and are not spoken: have SMB 3 turned on, as Windows Server 2012 and Samba 4.1 or later have it, or move the files by way of a newer server")
	case is(err, statusLogonFailure, statusWrongPassword, statusNoSuchUser):
		return auth("the server refuses the account's name or password", "connect again with the right ones; an account of a domain needs the setting "+setDomain)
	case is(err, statusPasswordExpired, statusMustChange):
		return auth("the account's password has expired", "change it, then connect again with the new one")
	case is(err, statusAccountDisabled, statusAccountExpired):
		return auth("the account is disabled, or has expired", "have it enabled by whoever administers it")
	case is(err, statusLockedOut):
		return auth("the account is locked after too many wrong passwords", "have it unlocked, then connect again with the right password")
	case is(err, statusRestriction, statusLogonHours, statusWorkstation, statusLogonType, statusAuthFirewall):
		return auth("the account may not sign in to this server from here, or not now", "ask whoever administers it for the right to sign in over the network at any hour")
	case is(err, statusNTLMBlocked) || strings.Contains(said, "spnego"):
		return auth("the server takes no sign-in by NTLM", "Kerberos is not spoken: have NTLMv2 allowed for this account, or use an account of the server's own")
	case strings.Contains(said, "guest account") || strings.Contains(said, "anonymous account"):
		return auth("the server takes the account for a guest", "guests have no encryption: connect again with the name and password of a real account")
	case errors.Is(err, fs.ErrPermission):
		return auth("the server denies the account access", "ask its administrator for the right to sign in over the network; encryption may be asked for with a cipher that is not spoken (AES-128 is)")
	case strings.Contains(said, "cipher algorithm"):
		return connector.Errorf(connector.Permanent, "the server has no cipher in common with us").WithHint("have AES-128-GCM or AES-128-CCM allowed (Set-SmbServerConfiguration -EncryptionCiphers)")
	case errors.Is(err, smb2.ErrRequestNotAccepted) || is(err, statusNoResources):
		return connector.Errorf(connector.Transient, "the server takes no more connections")
	case status(err) != 0:
		r, _ := errors.AsType[*smb2.ResponseError](err)
		return &connector.Error{Class: connector.Permanent, Reason: "the server refuses the sign-in", Hint: "ask its administrator what its log says of it", Err: r}
	}
	return &connector.Error{Class: connector.Transient, Reason: "the server ended the connection before it was signed in",
		Hint: "where that stays so, the server speaks SMB 1 alone, which is not spoken, or no SMB at this port"}
}
