package planner

import (
	"context"
	"net/http"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

// The board view by buckets sorts by a hint of its own, in the task's
// bucketTaskBoardFormat; the task's orderHint is that of the flat list.
// https://learn.microsoft.com/en-us/graph/api/resources/plannerbuckettaskboardtaskformat
//
// Both get the same hint here, so that people see the order that was moved.
// Whether a new task's format starts from the task's own hint is not
// documented: the first task of a connection tells.

type boardFormat struct {
	Etag string `json:"@odata.etag"`
	Hint string `json:"orderHint"`
}

func formatPath(taskID string) string {
	return "/planner/tasks/" + url.PathEscape(taskID) + "/bucketTaskBoardFormat"
}

// showInPlace gives tasks the place on the board that they have in the list.
func (t *target) showInPlace(ctx context.Context, jobs []*job) {
	var open []*job
	for _, j := range jobs {
		if j.live() && j.place.hint != "" && (j.ch.Op == connector.Update || j.anew || !t.formatsFollow(ctx, j)) {
			open = append(open, j)
		}
	}
	for attempt := 0; len(open) > 0 && attempt < tries; attempt++ {
		reads := make([]microsoft.BatchCall, len(open))
		for i, j := range open {
			reads[i] = microsoft.BatchCall{Method: http.MethodGet, Path: formatPath(j.now.task.ID)}
		}
		var writes []microsoft.BatchCall
		var of []*job
		for i, a := range t.graph.Batch(ctx, reads) {
			var f boardFormat
			if err := a.Decode(&f); err != nil {
				open[i].err = err
				continue
			}
			writes = append(writes, patch(formatPath(open[i].now.task.ID), f.Etag, map[string]any{"orderHint": open[i].place.hint}))
			of = append(of, open[i])
		}
		open = nil
		for i, a := range t.graph.Batch(ctx, writes) {
			switch {
			case a.Err == nil:
			case connector.ClassOf(a.Err) == connector.Conflict && attempt+1 < tries:
				open = append(open, of[i])
			default:
				of[i].err = a.Err
			}
		}
	}
}

// formatsFollow reports whether a new task's place on the board is the one of
// its orderHint. It asks for the first task only.
func (t *target) formatsFollow(ctx context.Context, j *job) bool {
	t.mu.Lock()
	known := t.formats
	t.mu.Unlock()
	if known != unknown {
		return known == yes
	}
	var f boardFormat
	if err := t.graph.Get(ctx, formatPath(j.now.task.ID), nil, &f); err != nil {
		return false // the task gets its place, or the same error
	}
	l := no
	if f.Hint == j.now.task.Hint {
		l = yes
	}
	t.mu.Lock()
	t.formats = l
	t.mu.Unlock()
	return l == yes
}
