package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/store"
)

// The kinds of reports that are kept of a forecast.
const (
	reportForecast  = "forecast"
	reportSignature = "signature"
)

// A Forecast is one that is kept: ids, fields and counts, no names.
type Forecast struct {
	Num     int64 // among the reports of its migration
	Made    time.Time
	Version int64  // of the plan that it is of
	Hash    string // of all that it says: what is signed
	Says    *migrate.Forecast
	Signed  []Signature
}

// A Signature says who agreed to a forecast, and when.
type Signature struct {
	Of   int64 // the forecast's number
	Hash string
	By   string // a person
	At   time.Time
}

// A forecastKept is a forecast as it is sealed. Its bytes are what is hashed.
type forecastKept struct {
	Migration string
	Version   int64
	Made      time.Time
	Says      *migrate.Forecast
}

// MakeForecast tells what a run of a plan would do, and keeps it. It only reads.
func (a *App) MakeForecast(ctx context.Context, p Plan, events func(migrate.Event)) (int64, error) {
	out, err := a.Do(ctx, Request{Verb: job.Forecast, File: p.File, Events: events})
	if err != nil {
		return 0, err
	}
	if out.Error != nil {
		return 0, out.Error
	}
	made := time.Now().UTC()
	b, err := json.Marshal(forecastKept{p.Name, p.Version, made, out.Forecast})
	if err != nil {
		return 0, err
	}
	return a.store.AddReport(ctx, a.Organisation, store.Report{Migration: p.Name, Kind: reportForecast, Made: made, Content: b})
}

// Forecasts lists when forecasts of a migration were made, by their numbers, the
// newest first.
func (a *App) Forecasts(ctx context.Context, migration string) ([]store.Report, error) {
	all, err := a.store.Reports(ctx, a.Organisation, migration)
	return slices.DeleteFunc(all, func(r store.Report) bool { return r.Kind != reportForecast }), err
}

// Forecast returns a forecast that is kept, with who signed it. One that is not
// there is Gone.
func (a *App) Forecast(ctx context.Context, migration string, num int64) (f Forecast, err error) {
	r, err := a.store.Report(ctx, a.Organisation, migration, num)
	if err != nil {
		return f, err
	}
	if r.Kind != reportForecast {
		return f, connector.Errorf(connector.Gone, "there is no such forecast")
	}
	var k forecastKept
	if err := json.Unmarshal(r.Content, &k); err != nil {
		return f, fmt.Errorf("app: a forecast cannot be read: %w", err)
	}
	sum := sha256.Sum256(r.Content)
	f = Forecast{Num: num, Made: k.Made, Version: k.Version, Hash: hex.EncodeToString(sum[:]), Says: k.Says}
	all, err := a.store.Reports(ctx, a.Organisation, migration)
	if err != nil {
		return f, err
	}
	for _, one := range all {
		if one.Kind != reportSignature {
			continue
		}
		r, err := a.store.Report(ctx, a.Organisation, migration, one.Num)
		if err != nil {
			return f, err
		}
		var s Signature
		if err := json.Unmarshal(r.Content, &s); err != nil {
			return f, fmt.Errorf("app: a signature cannot be read: %w", err)
		}
		if s.Of == num && s.Hash == f.Hash {
			f.Signed = append(f.Signed, s)
		}
	}
	return f, nil
}

// SignForecast keeps that a person agrees to a forecast, by the hash of what was
// seen. A forecast of a plan that was changed since is a Conflict. Safe to repeat.
func (a *App) SignForecast(ctx context.Context, migration string, num int64, hash, person string) error {
	f, err := a.Forecast(ctx, migration, num)
	if err != nil {
		return err
	}
	p, err := a.Plan(ctx, migration)
	if err != nil {
		return err
	}
	switch {
	case f.Hash != hash:
		return connector.Errorf(connector.Conflict, "this is not the forecast that was shown")
	case f.Version != p.Version:
		return connector.Errorf(connector.Conflict, "the plan was changed after this forecast").WithHint("make a new one")
	case slices.ContainsFunc(f.Signed, func(s Signature) bool { return s.By == person }):
		return nil
	}
	now := time.Now().UTC()
	b, err := json.Marshal(Signature{num, hash, person, now})
	if err != nil {
		return err
	}
	_, err = a.store.AddReport(ctx, a.Organisation, store.Report{Migration: migration, Kind: reportSignature, Made: now, Content: b})
	return err
}
