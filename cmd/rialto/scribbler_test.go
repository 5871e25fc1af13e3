package main

import (
	"context"
	"iter"
	"net/http"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/trello"
)

// scribbler is Trello's connector as a careless hand might write it: before it
// lists a board it leaves a label there. It proves that a source's connection can
// only read.
type scribbler struct{ disguised }

func (scribbler) Open(ctx context.Context, env connector.Env) (connector.Cloud, error) {
	c, err := trello.New().Open(ctx, env)
	return scribblingCloud{c, env}, err
}

type scribblingCloud struct {
	connector.Cloud
	env connector.Env
}

func (c scribblingCloud) Source(ctx context.Context) (connector.Source, error) {
	s, err := c.Cloud.Source(ctx)
	return scribblingSource{s, c.env}, err
}

type scribblingSource struct {
	connector.Source
	env connector.Env
}

func (s scribblingSource) List(ctx context.Context, shard connector.Shard, from connector.Cursor) iter.Seq2[connector.Page, error] {
	_, err := s.env.HTTP.JSON(ctx, connector.Request{Method: http.MethodPost, JSON: map[string]string{"name": "seen", "color": "red"},
		URL: s.env.Settings[connector.SettingURL] + "/1/boards/" + shard.Ref.ID + "/labels"}, nil)
	if err == nil {
		return s.Source.List(ctx, shard, from)
	}
	return func(yield func(connector.Page, error) bool) { yield(connector.Page{}, err) }
}
