package mover

import (
	"context"
	"errors"
	"net"
	"net/rpc"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/mover/wire"
)

// serve offers the parent's services to one mover; sockets is where connections
// are handed over.
func (p *Process) serve(sockets *net.UnixConn) (*rpc.Server, error) {
	server := rpc.NewServer()
	var errs []error
	for name, service := range map[string]any{
		"Ledger":  &ledgerService{ctx: p.calls, ledger: p.config.Ledger},
		"Network": &networkService{ctx: p.life, dialer: dialer{lookup: p.config.Resolve, reach: p.config.Reach}, hander: &hander{conn: sockets}},
		"Events":  &eventService{take: p.config.OnEvent},
		"Secrets": &secretService{renewed: p.config.OnRenewed},
		"Job":     &jobService{process: p, job: p.config.Job},
		"Control": &controlService{process: p},
	} {
		errs = append(errs, server.RegisterName(name, service))
	}
	return server, errors.Join(errs...)
}

// ledgerService is the ledger, a method for a method. A call that has arrived
// is carried out even if the mover dies meanwhile, and Process.Wait waits for
// it: ctx never ends.
type ledgerService struct {
	ctx    context.Context
	ledger ledger.Ledger
}

func (s *ledgerService) Begin(now time.Time, a *wire.Answer[wire.Began]) error {
	pass, resumed, err := s.ledger.Begin(s.ctx, now)
	return a.Set(wire.Began{Pass: pass, Resumed: resumed}, err)
}

func (s *ledgerService) End(q wire.End, a *wire.Done) error {
	return a.Set(s.ledger.End(s.ctx, q.Now, q.Outcome))
}

func (s *ledgerService) Passes(_ wire.None, a *wire.Answer[[]ledger.Pass]) error {
	return a.Set(s.ledger.Passes(s.ctx))
}

func (s *ledgerService) Shard(q wire.Ref, a *wire.Answer[ledger.Shard]) error {
	return a.Set(s.ledger.Shard(s.ctx, q.Ref))
}

func (s *ledgerService) Shards(_ wire.None, a *wire.Answer[[]ledger.Shard]) error {
	return a.Set(s.ledger.Shards(s.ctx))
}

func (s *ledgerService) Lookup(q wire.Lookup, a *wire.Answer[wire.Packed]) error {
	rows, err := s.ledger.Lookup(s.ctx, q.Shard, q.Keys)
	return a.Set(rows, err)
}

func (s *ledgerService) Rows(q wire.Rows, a *wire.Answer[wire.Packed]) error {
	rows, err := s.ledger.Rows(s.ctx, q.Shard, q.After, q.Limit)
	return a.Set(rows, err)
}

func (s *ledgerService) Find(keys wire.Keys, a *wire.Answer[[]ledger.Place]) error {
	return a.Set(s.ledger.Find(s.ctx, keys))
}

func (s *ledgerService) FindAliases(aliases []string, a *wire.Answer[map[string]ledger.Place]) error {
	return a.Set(s.ledger.FindAliases(s.ctx, aliases))
}

func (s *ledgerService) Apply(q wire.Apply, a *wire.Done) error {
	return a.Set(s.ledger.Apply(s.ctx, q.Whole()))
}

func (s *ledgerService) InDoubt(shard int64, a *wire.Answer[[]ledger.Intent]) error {
	return a.Set(s.ledger.InDoubt(s.ctx, shard))
}

func (s *ledgerService) Failures(q wire.Failures, a *wire.Answer[[]ledger.Failure]) error {
	return a.Set(s.ledger.Failures(s.ctx, q.Shard, q.Limit))
}

func (s *ledgerService) Count(shard int64, a *wire.Answer[int]) error {
	return a.Set(s.ledger.Count(s.ctx, shard))
}

func (s *ledgerService) Dangling(shard int64, a *wire.Answer[[]ledger.Link]) error {
	return a.Set(s.ledger.Dangling(s.ctx, shard))
}

func (s *ledgerService) Forget(_ wire.None, a *wire.Done) error {
	return a.Set(s.ledger.Forget(s.ctx))
}

// networkService connects to hosts: the mover may make no socket, and read no
// /etc/resolv.conf. ctx ends with the mover.
type networkService struct {
	ctx    context.Context
	dialer dialer
	hander *hander
}

// Dial connects, where the mover may reach to, and hands the connection over
// before it answers.
func (s *networkService) Dial(q wire.Dial, a *wire.Handed) error {
	ctx, cancel := context.WithTimeout(s.ctx, dialTime)
	defer cancel()
	conn, err := s.dialer.dial(ctx, q.Address, q.Plain)
	if err != nil {
		return a.Set(false, err)
	}
	defer conn.Close() // the mover has a copy of its own
	return a.Set(true, s.hander.hand(q.Wish, conn))
}

// eventService passes events on, one at a time.
type eventService struct {
	mu   sync.Mutex
	take func([]byte)
}

func (s *eventService) Emit(event []byte, a *wire.Done) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.take != nil {
		s.take(event)
	}
	return a.Set(nil)
}

// secretService seals what a cloud renewed.
type secretService struct {
	renewed func(connection, name, value string) error
}

func (s *secretService) Renewed(q wire.Secret, a *wire.Done) error {
	if s.renewed == nil {
		return a.Set(connector.Errorf(connector.Unsupported, "a renewed secret has no vault to go to"))
	}
	return a.Set(s.renewed(q.Connection, q.Name, q.Value))
}

// jobService hands the job over, once, to a mover that is confined as it was
// told to be, and takes the outcome.
type jobService struct {
	process *Process
	mu      sync.Mutex
	job     []byte
	ready   bool // the mover is confined
	handed  bool
}

// Policy tells the mover how to confine itself.
func (s *jobService) Policy(_ wire.None, a *wire.Policy) error {
	return a.Set(s.process.config.Policy, nil)
}

// Confined takes the mover's report.
func (s *jobService) Confined(r confine.Report, a *wire.Done) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process.reported(r)
	if !r.Confined && !s.process.config.Policy.Unconfined {
		return a.Set(connector.Errorf(connector.Permanent, "the mover is not confined and gets no job"))
	}
	s.ready = true
	return a.Set(nil)
}

// Get hands the job over and forgets it.
func (s *jobService) Get(_ wire.None, a *wire.Job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.ready:
		return a.Set(nil, connector.Errorf(connector.Permanent, "the mover asked for its job before it was confined"))
	case s.handed:
		return a.Set(nil, connector.Errorf(connector.Permanent, "the job was handed over already"))
	}
	job := s.job
	s.job, s.handed = nil, true
	s.process.config.Job = nil
	s.process.begun()
	return a.Set(job, nil)
}

// Done takes the outcome.
func (s *jobService) Done(o wire.Outcome, a *wire.Done) error {
	s.process.finished(o)
	return a.Set(nil)
}

// controlService lets the mover wait to be stopped or paused.
type controlService struct{ process *Process }

// Wait answers when the parent asks the mover to stop, with the reason, or ""
// when the mover is gone.
func (s *controlService) Wait(_ wire.None, a *wire.Reason) error {
	select {
	case <-s.process.stopping:
		return a.Set(s.process.stopReason(), nil)
	case <-s.process.gone:
		return a.Set("", nil)
	}
}

// Paused answers when the parent's wish has changed more often than the mover
// has seen, or when the mover is gone.
func (s *controlService) Paused(seen int, a *wire.Answer[wire.Paused]) error {
	for {
		now, changed := s.process.isPaused()
		if now.Change != seen {
			return a.Set(now, nil)
		}
		select {
		case <-changed:
		case <-s.process.gone:
			return a.Set(now, nil)
		}
	}
}

// Gone answers when the mover cannot hear it any more.
func (s *controlService) Gone(_ wire.None, a *wire.Reason) error {
	<-s.process.gone
	return a.Set("", nil)
}
