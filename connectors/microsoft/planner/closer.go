package planner

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf16"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

var _ connector.Closer = (*source)(nil)

// noteBucket is how the name of the bucket ends that is a plan's note.
const noteBucket = "Rialto"

func isNote(b bucket) bool {
	rest, had := connector.WithoutTitle(b.Name)
	return had && rest == noteBucket
}

// frame reads a plan as people made it: without the bucket that is the note of a
// cut-over.
func (s *source) frame(ctx context.Context, planID string) (frame, error) {
	f, err := s.cloud.frame(ctx, planID)
	for _, b := range f.buckets {
		for i := range f.tasks {
			if isNote(b) && f.tasks[i].Bucket == b.ID {
				f.tasks[i].Bucket = "" // whoever put it there did not read
			}
		}
	}
	f.buckets = slices.DeleteFunc(f.buckets, isNote)
	return f, err
}

// Standing implements connector.Closer: there are no closed plans.
func (s *source) Standing(ctx context.Context, shard connector.Shard) (connector.Standing, error) {
	_, _, err := s.notes(ctx, shard.Ref.ID)
	return "", err
}

// notes returns the buckets of a plan that are notes, and its first bucket.
func (s *source) notes(ctx context.Context, planID string) (notes []bucket, first bucket, err error) {
	all, err := microsoft.All(microsoft.List[bucket](ctx, s.graph, "/planner/plans/"+url.PathEscape(planID)+"/buckets", nil))
	sortBuckets(all)
	for _, b := range all {
		switch {
		case isNote(b):
			notes = append(notes, b)
		case first.ID == "":
			first = b
		}
	}
	return notes, first, err
}

// CloseShard implements connector.Closer. Graph v1.0 can neither archive a plan
// nor make it read-only (beta can, and is not for production:
// https://learn.microsoft.com/en-us/graph/api/plannerplan-archive?view=graph-rest-beta),
// so a plan gets a note alone: an empty bucket, the leftmost, whose name is the
// new link. A bucket sends nobody a message, as a task would that is assigned.
func (s *source) CloseShard(ctx context.Context, shard connector.Shard, note connector.Note, _ connector.Standing) (connector.Closed, error) {
	done := connector.Closed{Why: "Microsoft Graph v1.0 cannot archive a plan; its owners can in Planner: choose Archive plan in the plan's menu"}
	name := note.Title(noteBucket)
	if len(utf16.Encode([]rune(name))) > titleChars {
		return done, connector.Errorf(connector.Unsupported, "the new link is too long for the name of a bucket")
	}
	notes, first, err := s.notes(ctx, shard.Ref.ID)
	if err != nil {
		return done, err
	}
	if slices.ContainsFunc(notes, func(b bucket) bool { return b.Name == name }) {
		return done, nil
	}
	if len(notes) > 0 { // of an earlier cut-over, to another place
		_, err = s.graph.JSON(ctx, connector.Request{Method: http.MethodPatch, URL: s.graph.URL("/planner/buckets/"+url.PathEscape(notes[0].ID), nil), JSON: map[string]any{"name": name},
			Header: http.Header{"If-Match": {notes[0].Etag}}, Deed: connector.Closing}, nil)
		return done, err
	}
	_, err = s.graph.JSON(ctx, connector.Request{Method: http.MethodPost, URL: s.graph.URL("/planner/buckets", nil), Deed: connector.Closing,
		JSON: map[string]any{"name": name, "planId": shard.Ref.ID, "orderHint": between("", first.Hint)}}, nil)
	return done, err
}

// ReopenShard implements connector.Closer. Deleting a bucket deletes its tasks
// (https://learn.microsoft.com/en-us/graph/api/plannerbucket-delete), so one in
// which people put some stays.
func (s *source) ReopenShard(ctx context.Context, shard connector.Shard, _ connector.Standing) error {
	notes, _, err := s.notes(ctx, shard.Ref.ID)
	if err != nil {
		return err
	}
	for _, b := range notes {
		tasks, err := microsoft.All(microsoft.List[task](ctx, s.graph, "/planner/buckets/"+url.PathEscape(b.ID)+"/tasks", nil))
		if err != nil {
			return err
		}
		if len(tasks) > 0 {
			return connector.Errorf(connector.Conflict, "people put %d tasks into the bucket that is the note", len(tasks)).
				WithHint("move them to another bucket, then try again")
		}
		_, err = s.graph.JSON(ctx, connector.Request{Method: http.MethodDelete, URL: s.graph.URL("/planner/buckets/"+url.PathEscape(b.ID), nil),
			Header: http.Header{"If-Match": {b.Etag}}, Deed: connector.Reopening}, nil)
		if err != nil && !microsoft.IsGone(err) {
			return err
		}
	}
	return nil
}

// Steps implements connector.Closer.
func (s *source) Steps(shard connector.Shard, note connector.Note) []string {
	return []string{
		"open " + shard.URL + " as an owner of its group",
		"add a bucket, the leftmost, named \"Moved to " + note.Link + "\"",
		"choose Archive plan in the plan's menu",
	}
}
