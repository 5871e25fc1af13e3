package planner

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// Comments of a task are the posts of one thread of its group's conversations,
// named by the task's conversationThreadId. Threads and replies need a person's
// rights: https://learn.microsoft.com/en-us/graph/api/group-post-threads
// https://learn.microsoft.com/en-us/graph/api/conversationthread-reply

// replyWait bounds the wait for a reply, which is only accepted (202), to
// appear in its thread.
const replyWait = 2 * time.Minute

func lower(s string) string { return strings.ToLower(s) }

// author is who wrote a post: the sender, where from is the group itself.
func (p post) author() recipient {
	if p.Sender.Address.Address != "" {
		return p.Sender
	}
	return p.From
}

func commentID(taskID, postID string) string { return taskID + "/" + postID }

func commentItem(taskID string, p post) item.Item {
	it := item.Item{Ref: item.Ref{Kind: item.Comment, ID: commentID(taskID, p.ID)}, Parent: item.Ref{Kind: item.Task, ID: taskID}}
	item.Body.Set(&it, postText(p.Body))
	at := p.Created.Time
	if at.IsZero() {
		at = p.Received.Time
	}
	item.Created.Set(&it, at)
	dropEmpty(&it)
	return it
}

type taskPosts struct {
	posts  []post
	hidden bool // there are comments, and this connection may not read them
}

func threadPath(groupID, threadID string) string {
	return "/groups/" + groupID + "/threads/" + url.PathEscape(threadID)
}

// posts reads the comments of tasks, the oldest first.
func (c *cloud) posts(ctx context.Context, groupID string, readings []reading) ([]taskPosts, error) {
	out := make([]taskPosts, len(readings))
	var calls []microsoft.BatchCall
	var of []int
	for i, r := range readings {
		if r.task.Thread != "" {
			calls = append(calls, microsoft.BatchCall{Method: http.MethodGet, Path: threadPath(groupID, r.task.Thread) + "/posts"})
			of = append(of, i)
		}
	}
	for j, a := range c.graph.Batch(ctx, calls) {
		switch {
		case microsoft.IsForbidden(a.Err):
			out[of[j]].hidden = true
			continue
		case microsoft.IsGone(a.Err): // the thread was deleted
			continue
		case a.Err != nil:
			return nil, a.Err
		}
		posts, err := microsoft.All(microsoft.Rest[post](ctx, c.graph, a.Body))
		if err != nil {
			return nil, err
		}
		sortPosts(posts)
		out[of[j]].posts = posts
	}
	return out, nil
}

func sortPosts(p []post) {
	slices.SortStableFunc(p, func(a, b post) int {
		return cmp.Or(cmp.Or(a.Created.Time, a.Received.Time).Compare(cmp.Or(b.Created.Time, b.Received.Time)))
	})
}

// A talk is the thread of one task, while comments are written to it.
type talk struct {
	thread string // "" before the first comment
	topic  string // of the thread to be made
	posts  []post
}

// writeComments writes one after the other; those of one task stay in order.
func (t *target) writeComments(ctx context.Context, changes []connector.Change) iter.Seq2[connector.Result, error] {
	return func(yield func(connector.Result, error) bool) {
		talks := map[string]*talk{}
		stuck := map[string]bool{} // tasks of which a comment may still come about
		for _, ch := range changes {
			var r connector.Result
			if stuck[ch.Item.Parent.ID] {
				if !yield(connector.Result{Err: connector.Errorf(connector.Transient, "not written, because the comment before it was not")}, nil) {
					return
				}
				continue
			}
			p, err := t.writeComment(ctx, ch, talks)
			if err != nil {
				r.Err = err
				c := connector.ClassOf(err)
				stuck[ch.Item.Parent.ID] = connector.InDoubt(err) || c == connector.Transient || c == connector.Throttled || c == connector.Malformed || c == connector.Auth
			} else {
				r.Stored = item.Bundle{Item: commentItem(ch.Item.Parent.ID, p), CheckItems: -1}
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (t *target) writeComment(ctx context.Context, ch connector.Change, talks map[string]*talk) (post, error) {
	if !t.graph.Delegated() {
		return post{}, connector.Errorf(connector.Unsupported, "an app on its own may not write to a group's conversations").
			WithHint("sign in as a person to write comments as posts")
	}
	if ch.Op != connector.Create {
		return post{}, connector.Errorf(connector.Unsupported, "a post of a conversation cannot be changed")
	}
	groupID, err := t.group(ctx)
	if err != nil {
		return post{}, err
	}
	taskID := ch.Item.Parent.ID
	talking := talks[taskID]
	if talking == nil {
		if talking, err = t.openTalk(ctx, groupID, taskID); err != nil {
			return post{}, err
		}
		talks[taskID] = talking
	}
	body := map[string]any{"body": map[string]string{"contentType": "html", "content": postHTML(item.Body.Get(ch.Item))}}
	if talking.thread == "" {
		return t.beginTalk(ctx, groupID, taskID, talking, body)
	}
	_, err = t.graph.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.graph.URL(threadPath(groupID, talking.thread)+"/reply", nil),
		JSON: map[string]any{"post": body}}, nil)
	if err != nil {
		return post{}, err
	}
	return t.appeared(ctx, groupID, talking, item.Body.Get(ch.Item))
}

// openTalk finds the thread of a task: the one it names, or one of ours that
// was made and not yet entered in the task when a run was stopped.
func (t *target) openTalk(ctx context.Context, groupID, taskID string) (*talk, error) {
	var now task
	if err := t.graph.Get(ctx, "/planner/tasks/"+url.PathEscape(taskID), nil, &now); err != nil {
		return nil, err
	}
	out := &talk{thread: now.Thread}
	if out.thread == "" {
		out.topic = now.Title
		lost, err := t.lostThread(ctx, groupID, taskID)
		if err != nil || lost == "" {
			return out, err
		}
		out.thread = lost
		if err := t.enterThread(ctx, taskID, out.thread); err != nil {
			return nil, err
		}
	}
	var err error
	out.posts, err = t.thread(ctx, groupID, out.thread)
	return out, err
}

func (t *target) thread(ctx context.Context, groupID, threadID string) ([]post, error) {
	posts, err := microsoft.All(microsoft.List[post](ctx, t.graph, threadPath(groupID, threadID)+"/posts", nil))
	sortPosts(posts)
	return posts, err
}

// topicMark ends the topic of a thread of ours and names its task, so that it
// is found again if the task does not name the thread yet.
func topicMark(taskID string) string { return "(#" + digest(taskID) + ")" }

// lostThread finds the thread that bears our mark for a task, "" if there is
// none. The group's threads are read once; later ones are this target's own, but
// for those in doubt, which Find looks for.
func (t *target) lostThread(ctx context.Context, groupID, taskID string) (string, error) {
	t.mu.Lock()
	known := t.listed
	t.mu.Unlock()
	if !known {
		if err := t.listThreads(ctx, groupID); err != nil {
			return "", err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.threads[digest(taskID)], nil
}

// listThreads learns which threads of the group bear a mark of ours. What is
// known already stays: a listing that began earlier may end later.
func (t *target) listThreads(ctx context.Context, groupID string) error {
	found := map[string]string{}
	for th, err := range microsoft.List[thread](ctx, t.graph, "/groups/"+groupID+"/threads", url.Values{"$select": {"id,topic"}}) {
		if err != nil {
			return err
		}
		if i := strings.LastIndex(th.Topic, "(#"); i >= 0 && strings.HasSuffix(th.Topic, ")") {
			found[th.Topic[i+2:len(th.Topic)-1]] = th.ID
		}
	}
	for mark, id := range found {
		t.knowThread(mark, id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listed = true
	return nil
}

// knowThread takes note of the thread that bears a mark; the first one stays.
func (t *target) knowThread(mark, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.threads == nil {
		t.threads = map[string]string{}
	}
	if t.threads[mark] == "" {
		t.threads[mark] = id
	}
}

// beginTalk makes the thread with its first post and enters it in the task.
func (t *target) beginTalk(ctx context.Context, groupID, taskID string, talking *talk, body map[string]any) (post, error) {
	var made thread
	_, err := t.graph.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.graph.URL("/groups/"+groupID+"/threads", nil),
		JSON: map[string]any{"topic": talking.topic + " " + topicMark(taskID), "posts": []any{body}}}, &made)
	if err != nil {
		return post{}, err
	}
	talking.thread = made.ID
	t.knowThread(digest(taskID), made.ID)
	if err := t.enterThread(ctx, taskID, made.ID); err != nil {
		return post{}, inDoubt(err)
	}
	var first post
	err = t.until(ctx, replyWait, "a new conversation", func() (bool, error) {
		posts, err := t.thread(ctx, groupID, made.ID)
		if microsoft.IsGone(err) {
			return false, nil
		}
		if err != nil || len(posts) == 0 {
			return false, err
		}
		talking.posts, first = posts, posts[0]
		return true, nil
	})
	return first, inDoubt(err)
}

// enterThread sets the thread of a task with its fresh etag.
func (t *target) enterThread(ctx context.Context, taskID, threadID string) error {
	return t.withEtag(ctx, "/planner/tasks/"+url.PathEscape(taskID), map[string]any{"conversationThreadId": threadID})
}

// appeared waits until a reply is in its thread: a post that was not there,
// with this text.
func (t *target) appeared(ctx context.Context, groupID string, talking *talk, text string) (post, error) {
	var found post
	want := postText(postBody{Type: "html", Content: postHTML(text)})
	err := t.until(ctx, replyWait, "a reply", func() (bool, error) {
		posts, err := t.thread(ctx, groupID, talking.thread)
		if err != nil {
			return false, err
		}
		for _, p := range posts {
			known := slices.ContainsFunc(talking.posts, func(q post) bool { return q.ID == p.ID })
			if !known && postText(p.Body) == want {
				talking.posts = append(talking.posts, p)
				found = p
				return true, nil
			}
		}
		return false, nil
	})
	return found, inDoubt(err)
}

// inDoubt marks an error of a write whose first step was carried out.
func inDoubt(err error) error {
	if err == nil {
		return nil
	}
	e := connector.Error{Class: connector.ClassOf(err), Reason: "the write was begun and not finished", InDoubt: true, Err: err}
	if was, ok := errors.AsType[*connector.Error](err); ok {
		e.Reason, e.Hint, e.RetryAfter = was.Reason, was.Hint, was.RetryAfter
	}
	return &e
}
