package planner

import (
	"context"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
)

// A task and its files are made and deleted by requests of their own, and a run
// may be stopped between any two of them. What follows finds the files that no
// task refers to any more.

// reclaim deletes the folders of a plan's tasks to which no task refers. It is
// called when a task that was to be deleted is gone already, for whoever deleted
// it may have been stopped before its files went too; and when writes in doubt
// are settled, for files are sent before the task that is to refer to them. A
// task that was made and has no references yet gets its files once more when it
// is completed. Once a plan and target.
func (t *target) reclaim(ctx context.Context, planID string) error {
	t.mu.Lock()
	done := t.reclaimed[planID]
	t.mu.Unlock()
	groupID := t.known()
	if done || groupID == "" {
		return nil
	}
	d, err := t.drive(ctx, groupID, false)
	if microsoft.IsGone(err) || microsoft.IsForbidden(err) {
		return nil // where there is no drive there are no files
	}
	if err != nil {
		return err
	}
	names, err := t.names(ctx, d, planFolder(planID))
	if err != nil {
		return err
	}
	if len(names) > 0 {
		used, err := t.usedFolders(ctx, d, planID)
		if err != nil {
			return err
		}
		for _, name := range names {
			if used[name] {
				continue
			}
			if err := t.remove(ctx, d, planFolder(planID)+"/"+name); err != nil {
				return err
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reclaimed == nil {
		t.reclaimed = map[string]bool{}
	}
	t.reclaimed[planID] = true
	return nil
}

// removeLeft deletes the folder of a task that refers to no file any more: a run
// that was stopped after it took a reference away may have left the file.
func (t *target) removeLeft(ctx context.Context, groupID, planID, mark string) error {
	d, err := t.drive(ctx, groupID, false)
	if microsoft.IsGone(err) || microsoft.IsForbidden(err) {
		return nil // where there is no drive there are no files
	}
	if err != nil {
		return err
	}
	t.mu.Lock()
	names, known := t.folders[planID]
	t.mu.Unlock()
	if !known {
		if names, err = t.names(ctx, d, planFolder(planID)); err != nil {
			return err
		}
		t.mu.Lock()
		if t.folders == nil {
			t.folders = map[string][]string{}
		}
		t.folders[planID] = names
		t.mu.Unlock()
	}
	if !slices.Contains(names, digest(mark)) {
		return nil
	}
	return t.remove(ctx, d, taskFolder(planID, mark))
}

// names are those of what lies in a folder of the drive; none if it is not there.
func (t *target) names(ctx context.Context, d drive, dir string) ([]string, error) {
	items, err := microsoft.All(microsoft.List[driveItem](ctx, t.graph, d.byPath(dir, "/children"), nil))
	if microsoft.IsGone(err) {
		return nil, nil
	}
	var out []string
	for _, it := range items {
		out = append(out, it.Name)
	}
	return out, err
}

// usedFolders names the folders of a plan's tasks to which a task refers; none
// if the plan is gone.
func (t *target) usedFolders(ctx context.Context, d drive, planID string) (map[string]bool, error) {
	out := map[string]bool{}
	f, err := t.frame(ctx, planID)
	if microsoft.IsGone(err) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for chunk := range slices.Chunk(f.tasks, pageTasks) {
		readings, err := t.readDetails(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, r := range readings {
			for p := range referredPaths(d, r.details) {
				if rest, ok := strings.CutPrefix(p, planFolder(planID)+"/"); ok {
					name, _, _ := strings.Cut(rest, "/")
					out[name] = true
				}
			}
		}
	}
	return out, nil
}

// referredPaths are the places in the drive to which a task's references point.
func referredPaths(d drive, now details) map[string]bool {
	out := map[string]bool{}
	for key := range now.References {
		if p, ok := d.pathIn(withoutTwin(referenceAddress(key))); ok {
			out[p] = true
		}
	}
	return out
}

// tidy deletes the files in the folders of tasks to which they do not refer:
// where an update was half done, those that it had sent, or had still to delete.
// One that cannot be deleted stays: it is out of sight, and goes with the task.
func (t *target) tidy(ctx context.Context, jobs []*job) {
	groupID := t.known()
	for _, j := range jobs {
		if !j.live() || groupID == "" || len(j.ch.Dirty) > 0 {
			continue
		}
		d, err := t.drive(ctx, groupID, false)
		if err != nil {
			return
		}
		dir := taskFolder(j.ch.Item.Parent.ID, j.mark())
		used := referredPaths(d, j.now.details)
		names, err := t.names(ctx, d, dir)
		for _, name := range names {
			if err == nil && !used[dir+"/"+name] {
				err = t.remove(ctx, d, dir+"/"+name)
			}
		}
		if err != nil {
			t.log.Warn("files that a task no longer refers to could not be deleted", "task", j.now.task.ID)
		}
	}
}

// withdraw deletes the files that were sent for tasks which the cloud refused
// for good.
func (t *target) withdraw(ctx context.Context, jobs []*job) {
	groupID := t.known()
	for _, j := range jobs {
		if groupID == "" || len(j.links) == 0 || j.live() || connector.InDoubt(j.err) {
			continue
		}
		switch connector.ClassOf(j.err) {
		case connector.Full, connector.Permanent, connector.Unsupported:
		default:
			continue // the files are there for the next attempt
		}
		d, err := t.drive(ctx, groupID, false)
		if err == nil {
			err = t.remove(ctx, d, taskFolder(j.ch.Item.Parent.ID, j.mark()))
		}
		if err != nil {
			t.log.Warn("files of a task that was not made could not be deleted", "plan", j.ch.Item.Parent.ID)
		}
	}
}

// enterLost enters, in tasks that name no thread, the one that a stopped run
// made for them and had still to enter: without it nobody sees the comments.
func (t *target) enterLost(ctx context.Context, readings []reading) error {
	named := make([]bool, len(readings))
	for i, r := range readings {
		named[i] = r.task.Thread != ""
	}
	if err := t.findThreads(ctx, t.known(), readings); err != nil {
		return err
	}
	for i, r := range readings {
		if named[i] || r.task.Thread == "" {
			continue
		}
		if err := t.enterThread(ctx, r.task.ID, r.task.Thread); err != nil {
			return err
		}
	}
	return nil
}
