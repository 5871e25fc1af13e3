package app

import (
	"context"
	"io"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/certificate"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/report"
	"github.com/rialto-migrate/rialto/internal/store"
)

// certificateRows is how many rows are read at once: the database is not held up
// while whoever takes the certificate is slow.
const certificateRows = 1000

// CertificateSigner signs the certificates of the service.
func (a *App) CertificateSigner(ctx context.Context) (*certificate.Signer, error) {
	seed, err := a.store.ServiceKey(ctx, "signature of certificates")
	if err != nil {
		return nil, err
	}
	return certificate.NewSigner(seed)
}

// Certify writes the certificate of a migration. bytes is what its runs sent to the
// target. begins is told that there is one, before the first of it is written. It asks no
// cloud; a migration that has moved nothing is Gone.
func (a *App) Certify(ctx context.Context, f *migrate.File, bytes int64, w io.Writer, begins func()) error {
	signer, err := a.CertificateSigner(ctx)
	if err != nil {
		return err
	}
	led, err := a.store.Look(ctx, a.Organisation, f.Name)
	if err == nil && led == nil {
		err = connector.Errorf(connector.Gone, "the migration has moved nothing yet")
	}
	if err != nil {
		return err
	}
	defer led.Close()
	c := certificate.Certificate{Organisation: a.Organisation, Migration: f.Name, Program: "rialto " + a.Version, Made: time.Now(), Bytes: bytes}
	for _, end := range []struct {
		name string
		to   *string
	}{{f.From, &c.From}, {f.To, &c.To}} {
		var p report.Party
		if p, err = a.party(ctx, end.name); err != nil {
			return err
		}
		*end.to = p.Cloud + ", account " + p.Account
	}
	passes, err := led.Passes(ctx)
	if err != nil {
		return err
	}
	if c.Passes = len(passes); c.Passes > 0 {
		c.First, c.Last = passes[0].Began, passes[c.Passes-1].Ended
	}
	sum, err := led.Summary(ctx)
	if err != nil {
		return err
	}
	for _, classes := range sum.Failures {
		for _, n := range classes {
			c.Failed += n
		}
	}
	begins()
	return signer.Write(w, c, ledgerRows(ctx, led))
}

// ledgerRows yields all rows of a ledger: shard by shard, by kind and id.
func ledgerRows(ctx context.Context, led *store.Ledger) certificate.Rows {
	return func(yield func(ledger.Row, error) bool) {
		shards, err := led.Shards(ctx)
		if err != nil {
			yield(ledger.Row{}, err)
			return
		}
		for _, s := range shards {
			for after := (ledger.Key{}); ; {
				rows, err := led.Rows(ctx, s.Num, after, certificateRows)
				if err != nil {
					yield(ledger.Row{}, err)
					return
				}
				for _, r := range rows {
					if !yield(r, nil) {
						return
					}
				}
				if len(rows) < certificateRows {
					break
				}
				after = rows[len(rows)-1].Key
			}
		}
	}
}
