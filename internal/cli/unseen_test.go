package cli

import (
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/job"
)

func TestSightLine(t *testing.T) {
	for _, c := range []struct {
		shard job.Shard
		want  string
	}{
		{job.Shard{Viewers: -1}, ""},
		{job.Shard{Viewers: 3}, "seen by 3"},
		{job.Shard{Viewers: -1, Visibility: connector.ForEverybody}, "seen by everybody who has the address"},
		{job.Shard{Viewers: 12, Visibility: connector.ForPeople, Owner: "Marketing", Active: time.Date(2025, 11, 2, 9, 0, 0, 0, time.UTC)},
			"seen by people who were added (12), in Marketing, last active 2025-11-02"},
		{job.Shard{Viewers: -1, Visibility: connector.ForOrganisation, Owner: "Sales"}, "seen by the whole organisation, in Sales"},
		{job.Shard{Viewers: 7, Visibility: connector.ForGroup}, "seen by everybody in its workspace or group (7)"},
	} {
		if got := sightLine(c.shard); got != c.want {
			t.Errorf("%+v: %q, want %q", c.shard, got, c.want)
		}
	}
}
