package planner

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// uploadsAtATime bounds the files that one Write sends in parallel.
const uploadsAtATime = 8

// A job is one change of a task on its way.
type job struct {
	ch    connector.Change
	place spot            // where it goes
	anew  bool            // a new task was placed once more: the board does not follow
	links map[int]string  // addresses of the uploaded files, by their place among the children
	files files           // what the drive made of them
	now   reading         // the task as the cloud has it
	err   error           // what ended the job
	gone  map[string]bool // paths of files that the task no longer has
}

// live reports whether the job goes on.
func (j *job) live() bool { return j.err == nil }

// writeTasks makes and changes tasks, a whole batch in step: files, tasks,
// details. The first request of a create carries the Shape; the mark is in the
// details, or in the first request too where this cloud takes both at once.
func (t *target) writeTasks(ctx context.Context, changes []connector.Change, open item.Opener) []connector.Result {
	jobs := make([]*job, len(changes))
	for i, ch := range changes {
		jobs[i] = &job{ch: ch}
	}
	places, errs := t.places(ctx, changes, func(ch connector.Change) string { return item.InList.Get(ch.Item).ID }, t.taskSiblings)
	var people []string
	var assigned []*job
	for i, j := range jobs {
		j.place, j.err = places[i], errs[i]
		if who := item.Assignees.Get(j.ch.Item); len(who) > 0 {
			people, assigned = append(people, who...), append(assigned, j)
		}
	}
	t.each(assigned, t.admitAll(ctx, people))
	t.uploadFiles(ctx, jobs, open)

	var made, changed []*job
	for _, j := range jobs {
		if j.ch.Op == connector.Create {
			made = append(made, j)
		} else {
			changed = append(changed, j)
		}
	}
	t.create(ctx, made)
	t.update(ctx, changed)
	t.forgetMoved(changed)
	t.dropFiles(ctx, jobs)
	t.tidy(ctx, changed)
	t.withdraw(ctx, made)

	out := make([]connector.Result, len(jobs))
	for i, j := range jobs {
		if !j.live() {
			out[i].Err = j.err
			continue
		}
		checks, references := len(j.now.details.Checklist), len(j.now.details.References)
		j.now.task.Checks, j.now.task.References = &checks, &references
		out[i].Stored, _ = t.bundle(j.now, j.files)
	}
	return out
}

// each ends all live jobs with an error, if there is one.
func (t *target) each(jobs []*job, err error) {
	if err == nil {
		return
	}
	for _, j := range jobs {
		if j.live() {
			j.err = err
		}
	}
}

func (t *target) admitAll(ctx context.Context, people []string) error {
	if len(people) == 0 {
		return nil
	}
	groupID, err := t.group(ctx)
	if err != nil {
		return err
	}
	return t.admit(ctx, groupID, people)
}

// mark is what a change's task carries: for an update without one, what the
// task has already.
func (j *job) mark() string {
	if j.ch.Mark != "" {
		return j.ch.Mark
	}
	return j.ch.Item.ID
}

// uploadFiles sends the files of all jobs, before the tasks that refer to them.
func (t *target) uploadFiles(ctx context.Context, jobs []*job, open item.Opener) {
	var g errgroup.Group
	g.SetLimit(uploadsAtATime)
	for _, j := range jobs {
		if !j.live() || j.ch.Op == connector.Update && !dirty(j.ch, string(item.Attachment)) {
			continue
		}
		j.links, j.files = map[int]string{}, files{}
		paths := map[int]string{}
		for n, child := range j.ch.Children {
			if child.Kind == item.Attachment && child.Blob != nil {
				paths[n] = filePath(j.ch.Item.Parent.ID, j.mark(), child)
			}
		}
		if len(paths) == 0 {
			continue
		}
		g.Go(func() error {
			if err := t.uploadOf(ctx, j, paths, open); err != nil {
				j.err = err
			}
			return nil
		})
	}
	_ = g.Wait() // each job holds its own error
}

func (t *target) uploadOf(ctx context.Context, j *job, paths map[int]string, open item.Opener) error {
	groupID, err := t.group(ctx)
	if err != nil {
		return err
	}
	d, err := t.drive(ctx, groupID, true)
	if err != nil {
		return err
	}
	for n := range j.ch.Children {
		path, ok := paths[n]
		if !ok {
			continue
		}
		stored, err := t.upload(ctx, d, path, *j.ch.Children[n].Blob, open)
		if err != nil {
			return err
		}
		if stored.File == nil {
			return connector.Errorf(connector.Malformed, "PUT content: the answer is no file")
		}
		if stored.Parent.Drive == "" {
			stored.Parent.Drive = d.ID
		}
		j.links[n] = d.addressOf(path)
		j.files[j.links[n]] = stored
	}
	return nil
}

// create makes tasks and writes their details.
func (t *target) create(ctx context.Context, jobs []*job) {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return !j.live() })
	if len(jobs) == 0 {
		return
	}
	if t.learned() == unknown { // the first task finds out what this cloud takes
		t.createOnce(ctx, jobs[:1], true)
		jobs = jobs[1:]
	}
	if len(jobs) > 0 {
		t.createOnce(ctx, jobs, t.learned() == yes)
	}
}

func (t *target) learned() learned {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.deep
}

func (t *target) learn(l learned) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deep = l
}

func (t *target) createOnce(ctx context.Context, jobs []*job, deep bool) {
	post := func(deep bool) []microsoft.BatchAnswer {
		calls := make([]microsoft.BatchCall, len(jobs))
		for i, j := range jobs {
			body := j.newTask()
			if deep {
				body["details"] = j.detailsPatch(details{})
			}
			calls[i] = microsoft.BatchCall{Method: http.MethodPost, Path: "/planner/tasks", JSON: body}
		}
		return t.graph.Batch(ctx, calls)
	}
	answers := post(deep)
	if deep && t.learned() == unknown && answers[0].Status == http.StatusBadRequest {
		t.learn(no) // refused, so nothing was made
		answers = post(false)
		deep = false
	}
	var made []*job
	for i, a := range answers {
		if err := a.Decode(&jobs[i].now.task); err != nil {
			jobs[i].err = decoded(a, err)
			continue
		}
		made = append(made, jobs[i])
	}
	if len(made) == 0 {
		return
	}
	t.keepOrder(ctx, made)
	t.finish(ctx, made, deep)
}

// keepOrder checks that tasks whose hints were composed without asking stand
// as they should, and places anew what does not. It remembers what stands last
// in a bucket: of what was made between others nothing is known.
func (t *target) keepOrder(ctx context.Context, made []*job) {
	for i, j := range made {
		bucketID := j.now.task.Bucket
		if i > 0 && j.ch.AfterPrevious && made[i-1].now.task.Bucket == bucketID && j.now.task.Hint <= made[i-1].now.task.Hint {
			path := "/planner/tasks/" + url.PathEscape(j.now.task.ID)
			j.place.hint, j.anew = between(made[i-1].now.task.Hint, j.place.next), true
			err := t.withEtag(ctx, path, map[string]any{"orderHint": j.place.hint})
			if err == nil {
				err = t.graph.Get(ctx, path, nil, &j.now.task)
			}
			if err != nil {
				j.err = inDoubt(err)
				continue
			}
		}
		if end, ok := t.tail(bucketID); j.place.next == "" && (!ok || j.now.task.Hint > end.hint) {
			t.remember(bucketID, tail{j.now.task.ID, j.now.task.Hint})
		}
	}
}

// forgetMoved forgets what stands last where tasks were moved: one of them may
// by now, even if its move failed.
func (t *target) forgetMoved(jobs []*job) {
	for _, j := range jobs {
		if dirty(j.ch, item.Position.Name, item.InList.Name) {
			t.remember(item.InList.Get(j.ch.Item).ID, tail{})
		}
	}
}

// finish writes the details of tasks that were just made. What fails here
// leaves a task without its mark: it is taken back where it must fail again,
// and in doubt otherwise.
func (t *target) finish(ctx context.Context, made []*job, deep bool) {
	t.readDetailsOf(ctx, made)
	open := slices.DeleteFunc(slices.Clone(made), func(j *job) bool { return !j.live() })
	if deep && t.learned() == unknown && len(open) > 0 {
		l := no
		if has(open[0].now.details, open[0].ch.Mark) {
			l = yes
		}
		t.learn(l)
	}
	if deep {
		open = slices.DeleteFunc(open, func(j *job) bool { return has(j.now.details, j.ch.Mark) })
	}
	t.patchDetails(ctx, open, func(j *job) any { return j.detailsPatch(j.now.details) })
	t.showInPlace(ctx, made)
	for _, j := range made {
		if j.live() {
			continue
		}
		switch connector.ClassOf(j.err) {
		case connector.Full, connector.Permanent, connector.Unsupported:
			path := "/planner/tasks/" + url.PathEscape(j.now.task.ID)
			if t.guarded(ctx, path, func(etag string) error { return t.delete(ctx, path, etag) }) == nil {
				t.remember(j.now.task.Bucket, tail{})
				continue
			}
		}
		j.err = inDoubt(j.err)
	}
}

// has reports whether details carry a mark.
func has(d details, mark string) bool {
	if mark == "" {
		return len(d.References)+len(d.Checklist) > 0 || d.Description != ""
	}
	_, ok := d.References[referenceKey(mark)]
	return ok
}

func (t *target) delete(ctx context.Context, path, etag string) error {
	_, err := t.graph.JSON(ctx, connector.Request{Method: http.MethodDelete, URL: t.graph.URL(path, nil), Header: http.Header{"If-Match": {etag}}}, nil)
	if microsoft.IsGone(err) {
		return nil
	}
	return err
}

// readDetailsOf reads the details, and their etags, of jobs.
func (t *target) readDetailsOf(ctx context.Context, jobs []*job) {
	calls := make([]microsoft.BatchCall, len(jobs))
	for i, j := range jobs {
		calls[i] = microsoft.BatchCall{Method: http.MethodGet, Path: "/planner/tasks/" + url.PathEscape(j.now.task.ID) + "/details"}
	}
	for i, a := range t.graph.Batch(ctx, calls) {
		j := jobs[i]
		if !j.live() {
			continue
		}
		var d details
		if err := a.Decode(&d); err != nil {
			j.err = err
			continue
		}
		j.now.details = d
	}
}

// patchDetails writes details with their etags and takes what the cloud made of
// them; body nil means that nothing is to be written.
func (t *target) patchDetails(ctx context.Context, jobs []*job, body func(*job) any) {
	open := jobs
	for attempt := 0; len(open) > 0 && attempt < tries; attempt++ {
		if attempt > 0 {
			t.readDetailsOf(ctx, open)
		}
		var calls []microsoft.BatchCall
		var of []*job
		for _, j := range open {
			if !j.live() {
				continue
			}
			if b := body(j); b != nil && j.live() {
				calls = append(calls, patch("/planner/tasks/"+url.PathEscape(j.now.task.ID)+"/details", j.now.details.Etag, b))
				of = append(of, j)
			}
		}
		open = nil
		for i, a := range t.graph.Batch(ctx, calls) {
			j := of[i]
			var d details
			err := t.represented(ctx, a, "/planner/tasks/"+url.PathEscape(j.now.task.ID)+"/details", &d)
			switch {
			case err == nil:
				j.now.details = d
			case connector.ClassOf(err) == connector.Conflict && attempt+1 < tries:
				open = append(open, j)
			default:
				j.err = err
			}
		}
	}
}

// patch is a change with the etag of what it changes, answered by what became
// of it. Sending it again writes the same values: it is refused with 412 at
// worst, and then the task is read again.
func patch(path, etag string, body any) microsoft.BatchCall {
	return microsoft.BatchCall{Method: http.MethodPatch, Path: path, JSON: body, Repeatable: true,
		Header: map[string]string{"If-Match": etag, "Prefer": "return=representation"}}
}

// represented reads what a change answered, or, where the service did not
// honour the wish for it, what is there now.
func (t *target) represented(ctx context.Context, a microsoft.BatchAnswer, path string, out any) error {
	if a.Err == nil && (a.Status == http.StatusNoContent || len(a.Body) == 0) {
		return t.graph.Get(ctx, path, nil, out)
	}
	return a.Decode(out)
}

// update changes the dirty fields of tasks.
func (t *target) update(ctx context.Context, jobs []*job) {
	open := slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return !j.live() })
	for attempt := 0; len(open) > 0 && attempt < tries; attempt++ {
		t.reread(ctx, open)
		var calls []microsoft.BatchCall
		var of []*job
		for _, j := range open {
			if !j.live() {
				continue
			}
			if j.err = j.contested(); !j.live() {
				continue
			}
			if b := j.taskPatch(); len(b) > 0 {
				calls = append(calls, patch("/planner/tasks/"+url.PathEscape(j.now.task.ID), j.now.task.Etag, b))
				of = append(of, j)
			}
		}
		open = nil
		for i, a := range t.graph.Batch(ctx, calls) {
			j := of[i]
			var now task
			err := t.represented(ctx, a, "/planner/tasks/"+url.PathEscape(j.now.task.ID), &now)
			switch {
			case err == nil:
				j.now.task = now
			case connector.ClassOf(err) == connector.Conflict && attempt+1 < tries:
				open = append(open, j)
			default:
				j.err = err
			}
		}
	}
	t.patchDetails(ctx, jobs, func(j *job) any {
		if !dirty(j.ch, item.Description.Name, string(item.Checklist), string(item.Attachment)) {
			return nil
		}
		if j.err = j.contested(); !j.live() {
			return nil
		}
		b := j.detailsPatch(j.now.details)
		if len(b) == 0 {
			return nil
		}
		return b
	})
	t.showInPlace(ctx, jobs)
	t.knowFiles(ctx, jobs)
}

// reread reads the tasks of jobs afresh, with their details.
func (t *target) reread(ctx context.Context, jobs []*job) {
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ch.Item.ID
	}
	readings, err := t.read(ctx, ids)
	if err != nil {
		t.each(jobs, err)
		return
	}
	for _, j := range jobs {
		i := slices.IndexFunc(readings, func(r reading) bool { return r.task.ID == j.ch.Item.ID })
		if i < 0 {
			j.err = connector.Errorf(connector.Gone, "the task is no longer there")
			continue
		}
		j.now = readings[i]
	}
}

// contested tells whether somebody else changed a field that the job is to
// write, since it was decided to write it.
func (j *job) contested() error {
	if j.ch.Prev == nil || len(j.ch.Dirty) == 0 {
		return nil
	}
	was := j.ch.Prev.Item
	now := taskFields(j.now)
	for _, name := range j.ch.Dirty {
		if name == item.Position.Name {
			continue // whoever moves last decides
		}
		info, _ := item.Info(item.Task)
		if _, ok := info.Field(name); !ok {
			continue
		}
		if !same(was.Fields[name], now[name]) && !same(now[name], j.ch.Item.Fields[name]) {
			return connector.Errorf(connector.Conflict, "somebody else changed the field %s of the task meanwhile", name).
				WithHint("run again")
		}
	}
	return nil
}

func same(a, b any) bool {
	if item.IsZero(a) && item.IsZero(b) {
		return true
	}
	x := item.Item{Ref: item.Ref{Kind: item.Task}, Fields: item.Fields{item.Title.Name: a}}
	y := item.Item{Ref: item.Ref{Kind: item.Task}, Fields: item.Fields{item.Title.Name: b}}
	d := item.NewDigester(nil)
	all := func(item.Kind, item.Field) bool { return true }
	return d.Items(all, x) == d.Items(all, y)
}

// knowFiles finds the files of updated tasks that this write did not send.
func (t *target) knowFiles(ctx context.Context, jobs []*job) {
	var readings []reading
	for _, j := range jobs {
		if j.live() {
			readings = append(readings, j.now)
		}
	}
	found, err := t.filesOf(ctx, t.known(), readings, true)
	t.each(jobs, err)
	for _, j := range jobs {
		if j.files == nil {
			j.files = files{}
		}
		for a, f := range found {
			if _, ok := j.files[a]; !ok {
				j.files[a] = f
			}
		}
	}
}

// dropFiles deletes the files of ours that updated tasks no longer refer to.
// One that cannot be deleted stays: it is out of sight, and goes with the task.
func (t *target) dropFiles(ctx context.Context, jobs []*job) {
	groupID := t.known()
	for _, j := range jobs {
		if !j.live() || len(j.gone) == 0 || groupID == "" {
			continue
		}
		d, err := t.drive(ctx, groupID, false)
		if err != nil {
			return
		}
		for address := range j.gone {
			if p, ok := d.pathIn(address); ok && len(p) > len(folder) && p[:len(folder)+1] == folder+"/" {
				if err := t.remove(ctx, d, p); err != nil {
					t.log.Warn("a file that a task no longer refers to could not be deleted", "task", j.now.task.ID, "class", connector.ClassOf(err))
				}
			}
		}
	}
}
