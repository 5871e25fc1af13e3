package app

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/report"
)

// Record makes the record of processing of a migration from what verify found and
// what is known of its connections. It asks no cloud.
func (a *App) Record(ctx context.Context, f *migrate.File, v *migrate.Verdict) (*report.Record, error) {
	r := &report.Record{Migration: f.Name, Made: time.Now(), Program: "rialto " + a.Version, Decided: f.Decisions().Choices}
	var err error
	if r.From, err = a.party(ctx, f.From); err != nil {
		return nil, err
	}
	if r.To, err = a.party(ctx, f.To); err != nil {
		return nil, err
	}
	r.To.Place = places(f)
	if !a.Unconfined {
		r.Confined = "the kernel refuses it every file to write, every program and every connection that it was not handed (Landlock, seccomp), and keeps its memory out of dumps and swap"
	}
	r.Keeps = a.keeps()
	r.Describe(v)
	return r, nil
}

// places are where the migration file sends containers, in its own words.
func places(f *migrate.File) string {
	all := []string{f.Place}
	for _, row := range f.Map {
		if !row.Out {
			all = append(all, row.Place)
		}
	}
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
	return strings.Join(all, ", ")
}

func (a *App) party(ctx context.Context, name string) (p report.Party, err error) {
	conn, err := a.store.Connection(ctx, a.Organisation, name)
	if err != nil {
		return p, err
	}
	c, err := a.Connector(conn.Connector)
	if err != nil {
		return p, err
	}
	m := c.Manifest()
	p = report.Party{Connection: name, Cloud: m.Title, Account: conn.Identity, Hosts: m.Hosts}
	if u, err := url.Parse(conn.Settings[connector.SettingURL]); err == nil && u.Host != "" {
		p.Hosts = []string{u.Host}
	}
	for _, s := range m.Settings {
		if s.Path && conn.Settings[s.Name] != "" {
			p.Hosts = []string{"files of this machine"}
		}
	}
	return p, nil
}

// keeps says what stays behind on this machine.
func (a *App) keeps() []report.Keep {
	where := "a PostgreSQL database"
	if a.Getenv(DatabaseVariable) == "" {
		dir, err := a.stateDir()
		if err != nil {
			dir = "the state directory"
		}
		where = "encrypted files below " + dir
	}
	return []report.Keep{
		{What: "the ledger: ids of items at both ends, versions and keyed hashes of fields, states, times, and the reasons of failures",
			Where: where, Until: "an undo of all of it, or until its files are deleted"},
		{What: "the connections: secrets, sealed with AES-256-GCM", Where: where, Until: "rialto connections remove"},
		{What: "this report and its tables", Where: "where they were written to", Until: "whoever holds them deletes them"},
		{What: "contents: titles, texts, names, files", Where: "nowhere", Until: "they were in memory while they moved"},
	}
}
