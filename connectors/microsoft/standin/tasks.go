package standin

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

type task struct {
	version
	id, plan, bucket, title, hint, assigneePriority string
	by, completedBy                                 caller
	created, start, due, completed                  time.Time
	percent, priority                               int
	preview                                         string
	thread                                          string // conversationThreadId
	assigned                                        map[string]*assignment
	categories                                      map[string]bool

	details     version
	description string
	checklist   map[string]*check
	references  map[string]*reference // by the key as it travels: percent-encoded

	inBucket, inProgress, inAssigned         version
	bucketHint, progressHint, unassignedHint string
	assigneeHints                            map[string]string
}

type assignment struct {
	by   caller
	at   time.Time
	hint string
}

type check struct {
	title string
	done  bool
	hint  string
	by    caller
	at    time.Time
}

type reference struct {
	alias, kind, hint string
	by                caller
	at                time.Time
}

func previews() []string {
	return []string{"automatic", "noPreview", "checklist", "description", "reference"}
}

func (s *Server) task(c *call) (*task, error) {
	t := s.tasks[c.vars["task"]]
	if t == nil {
		return nil, plannerNotFound()
	}
	return t, s.mayUse(c, s.plans[t.plan].group)
}

func (t *task) object() object {
	assigned, categories := object{}, object{}
	for id, a := range t.assigned {
		assigned[id] = object{"@odata.type": "#microsoft.graph.plannerAssignment", "assignedDateTime": stamp(a.at), "orderHint": a.hint, "assignedBy": a.by.identity()}
	}
	for name := range t.categories {
		categories[name] = true
	}
	open := 0
	for _, c := range t.checklist {
		if !c.done {
			open++
		}
	}
	o := object{
		"@odata.etag": t.etag(), "id": t.id, "planId": t.plan, "bucketId": orNull(t.bucket), "title": t.title, "orderHint": t.hint,
		"assigneePriority": t.assigneePriority, "percentComplete": t.percent, "priority": t.priority, "createdDateTime": stamp(t.created),
		"startDateTime": stamp(t.start), "dueDateTime": stamp(t.due), "completedDateTime": stamp(t.completed), "hasDescription": t.description != "",
		"previewType": t.preview, "referenceCount": len(t.references), "checklistItemCount": len(t.checklist), "activeChecklistItemCount": open,
		"conversationThreadId": orNull(t.thread), "createdBy": t.by.identity(), "completedBy": nil, "appliedCategories": categories, "assignments": assigned,
	}
	if t.percent == 100 {
		o["completedBy"] = t.completedBy.identity()
	}
	return o
}

func (s *Server) getTask(c *call) (answer, error) {
	t, err := s.task(c)
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "planner/tasks", t.object())
}

func (s *Server) listTasks(c *call) (answer, error) {
	p, err := s.plan(c)
	if err != nil {
		return answer{}, err
	}
	return s.taskListing(c, "planner/plans('"+p.id+"')/tasks", func(t *task) bool { return t.plan == p.id })
}

func (s *Server) listBucketTasks(c *call) (answer, error) {
	b, err := s.bucket(c)
	if err != nil {
		return answer{}, err
	}
	return s.taskListing(c, "planner/buckets('"+b.id+"')/tasks", func(t *task) bool { return t.bucket == b.id })
}

func (s *Server) listMyTasks(c *call) (answer, error) {
	if !c.who.delegated() {
		return answer{}, refuse(http.StatusBadRequest, "BadRequest", "/me request is only valid with delegated authentication flow.")
	}
	return s.taskListing(c, "users('"+c.who.user+"')/planner/tasks", func(t *task) bool { return t.assigned[c.who.user] != nil })
}

// taskListing lists by id, which is by chance: a client that wants an order
// must sort by order hints.
func (s *Server) taskListing(c *call, context string, keep func(*task) bool) (answer, error) {
	var ids []string
	for id, t := range s.tasks {
		if keep(t) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	// Only a page of them is needed, and one more that says so.
	if after, err := base64.RawURLEncoding.DecodeString(c.query.Get("$skiptoken")); err == nil {
		from, found := slices.BinarySearch(ids, string(after))
		if found {
			from++
		}
		ids = ids[from:]
	}
	if page := s.limits.PlannerPage; page > 0 {
		ids = ids[:min(len(ids), page+1)]
	}
	all := make([]object, len(ids))
	for i, id := range ids {
		all[i] = s.tasks[id].object()
	}
	return s.plannerListing(c, context, all)
}

// write reads a body's properties into t, which is new or a copy. It returns
// the fields that change, for the etag.
func (t *task) write(s *Server, c *call, p *patch) (touched []string) {
	set := func(yes bool, names ...string) {
		if yes {
			touched = append(touched, names...)
		}
	}
	set(p.must("Task", "title", s.limits.TitleChars, &t.title), "title")
	set(p.number("percentComplete", 0, 100, &t.percent), "percentComplete")
	set(p.number("priority", 0, 10, &t.priority), "priority")
	set(p.when("startDateTime", &t.start), "startDateTime")
	set(p.when("dueDateTime", &t.due), "dueDateTime")
	set(p.choice("previewType", previews(), &t.preview), "previewType")
	set(p.text("conversationThreadId", &t.thread), "conversationThreadId")
	set(p.text("bucketId", &t.bucket), "bucketId")
	for name, into := range map[string]*string{"orderHint": &t.hint, "assigneePriority": &t.assigneePriority} {
		var in string
		if p.text(name, &in) {
			v, err := s.hint(in)
			if err != nil && p.err == nil {
				p.err = err
			}
			*into = v
			set(true, name)
		}
	}
	if !t.start.IsZero() && !t.due.IsZero() && t.start.After(t.due) {
		p.fail("The start date of the task is later than its due date.")
	}
	if in := p.nested("appliedCategories", "microsoft.graph.plannerAppliedCategories"); in != nil {
		t.categories = cloneMap(t.categories)
		for _, name := range in.keys() {
			if !slices.Contains(categoryNames(), name) {
				p.fail("The property '%s' does not exist on type 'microsoft.graph.plannerAppliedCategories'. Make sure to only use property names that are defined by the type.", name)
			}
			var yes bool
			if v, _ := in.take(name); !isNull(v) {
				in.boolean(name, &yes)
			}
			if yes {
				t.categories[name] = true
			} else {
				delete(t.categories, name)
			}
			set(true, "appliedCategories/"+name)
		}
		if in.err != nil && p.err == nil {
			p.err = in.err
		}
	}
	if in := p.nested("assignments", "microsoft.graph.plannerAssignments"); in != nil {
		t.assigned = cloneMap(t.assigned)
		for _, id := range in.keys() {
			who := strings.ToLower(id)
			set(true, "assignments/"+who)
			a := in.typed(id, "microsoft.graph.plannerAssignment")
			if a == nil {
				delete(t.assigned, who)
				continue
			}
			if s.users[who] == nil {
				p.fail("The user '%s' does not exist.", id)
				continue
			}
			n := assignment{by: c.who, at: s.now()}
			if was := t.assigned[who]; was != nil {
				n = *was
			}
			var hint string
			if !a.text("orderHint", &hint) && n.hint == "" {
				p.invalid("Assignment", "OrderHint", "A non-null value must be specified for this field.")
			} else if hint != "" || n.hint == "" {
				v, err := s.hint(hint)
				if err != nil && p.err == nil {
					p.err = err
				}
				n.hint = v
			}
			a.readOnly("assignedBy", "assignedDateTime")
			if err := a.end(); err != nil && p.err == nil {
				p.err = err
			}
			t.assigned[who] = &n
		}
		if in.err != nil && p.err == nil {
			p.err = in.err
		}
	}
	p.readOnly("id", "createdBy", "createdDateTime", "completedBy", "completedDateTime", "hasDescription", "referenceCount", "checklistItemCount", "activeChecklistItemCount")
	return touched
}

// fits holds a task that is about to be written against the plan and the
// limits; was is nil for a new one.
func (s *Server) fits(t, was *task) error {
	p := s.plans[t.plan]
	if t.bucket != "" && (was == nil || was.bucket != t.bucket) {
		if b := s.buckets[t.bucket]; b == nil || b.plan != t.plan {
			return plannerNotFound()
		}
	}
	if t.thread != "" && (was == nil || was.thread != t.thread) && len(t.thread) > 1024 {
		return plannerRefuse(http.StatusBadRequest, "Schema validation has failed. Validation for field 'ConversationThreadId', on entity 'Task' has failed: The length of the value is more than the maximum of 1024.")
	}
	wasActive := was != nil && was.percent < 100
	if was == nil && over(p.tasks+1, s.limits.TasksPerPlan) {
		return limit("MaximumTasksInProject")
	}
	if t.percent < 100 && !wasActive && over(p.active+1, s.limits.ActiveTasks) {
		return limit("MaximumActiveTasksInProject")
	}
	if was == nil && over(s.made[t.by.user+"/"+t.by.app]+1, s.limits.TasksCreatedBy) {
		return limit("MaximumTasksCreatedByUser")
	}
	if over(len(t.assigned), s.limits.Assignees) {
		return limit("MaximumAssigneesInTasks")
	}
	for id := range t.assigned {
		if (was == nil || was.assigned[id] == nil) && over(s.owed[id]+1, s.limits.TasksAssignedTo) {
			return limit("MaximumTasksAssignedToUser")
		}
	}
	return nil
}

// count keeps the plan's and the people's numbers; by is +1 or -1.
func (s *Server) count(t *task, by int) {
	p := s.plans[t.plan]
	p.tasks += by
	if t.percent < 100 {
		p.active += by
	}
	s.made[t.by.user+"/"+t.by.app] += by
	for id := range t.assigned {
		s.owed[id] += by
	}
}

func (s *Server) createTask(c *call) (answer, error) {
	p := parse(c, "microsoft.graph.plannerTask")
	t := &task{
		version: s.newVersion("Task"), details: s.newVersion("TaskDetails"), inBucket: s.newVersion("BucketTaskBoardFormat"),
		inProgress: s.newVersion("ProgressTaskBoardFormat"), inAssigned: s.newVersion("AssignedToTaskBoardFormat"),
		id: s.plannerID(), by: c.who, created: s.now(), priority: 5, preview: "automatic",
		assigned: map[string]*assignment{}, categories: map[string]bool{}, checklist: map[string]*check{}, references: map[string]*reference{}, assigneeHints: map[string]string{},
	}
	p.text("planId", &t.plan)
	t.write(s, c, p)
	details := p.nested("details", "microsoft.graph.plannerTaskDetails")
	for _, format := range []string{"assignedToTaskBoardFormat", "bucketTaskBoardFormat", "progressTaskBoardFormat"} {
		p.take(format) // unsettled, like details: ignored
	}
	if err := p.end(); err != nil {
		return answer{}, err
	}
	for _, need := range []struct{ field, value string }{{"PlanId", t.plan}, {"Title", t.title}} {
		if need.value == "" {
			p.invalid("Task", need.field, "A non-null value must be specified for this field.")
			return answer{}, p.err
		}
	}
	owner := s.plans[t.plan]
	if owner == nil {
		return answer{}, plannerNotFound()
	}
	if err := s.mayUse(c, owner.group); err != nil {
		return answer{}, err
	}
	if details != nil && s.opts.DeepInsert {
		t.writeDetails(s, c, details)
		if err := details.end(); err != nil {
			return answer{}, err
		}
		if err := s.detailsFit(t); err != nil {
			return answer{}, err
		}
	}
	if err := s.fits(t, nil); err != nil {
		return answer{}, err
	}
	if t.hint == "" {
		t.hint = s.freshHint()
	}
	if t.assigneePriority == "" {
		t.assigneePriority = t.hint
	}
	for _, into := range []*string{&t.bucketHint, &t.progressHint, &t.unassignedHint} {
		if *into = t.hint; s.opts.FormatsApart {
			*into = s.freshHint()
		}
	}
	s.finished(c, t, 0)
	s.assigneesChanged(t)
	s.tasks[t.id] = t
	s.count(t, 1)
	s.tellAssigned(c, t, nil)
	return s.entity(c, http.StatusCreated, "planner/tasks", t.object())
}

// finished notes when and by whom a task was completed.
func (s *Server) finished(c *call, t *task, was int) {
	switch {
	case t.percent == 100 && was < 100:
		t.completed, t.completedBy = s.now(), c.who
	case t.percent < 100:
		t.completed, t.completedBy = time.Time{}, caller{}
	}
}

// assigneesChanged keeps the hints of the board that groups by assignee: those
// of others go (docs: plannerorderhintsbyassignee).
func (s *Server) assigneesChanged(t *task) {
	for id := range t.assigneeHints {
		if t.assigned[id] == nil {
			delete(t.assigneeHints, id)
		}
	}
	for id := range t.assigned {
		if t.assigneeHints[id] == "" {
			t.assigneeHints[id] = t.hint
		}
	}
}

func (s *Server) patchTask(c *call) (answer, error) {
	t, err := s.task(c)
	if err != nil {
		return answer{}, err
	}
	p, n := parse(c, "microsoft.graph.plannerTask"), *t
	touched := n.write(s, c, p)
	if p.text("planId", &n.plan) && n.plan != t.plan {
		p.fail("The task cannot move to another plan.")
	}
	if p.has("details") {
		// msgraph-sdk-powershell#224
		p.take("details")
		p.fail("Cannot apply PATCH to navigation property 'details' on entity type 'microsoft.taskServices.task'.")
	}
	if err := s.changed(c, &t.version, p, append(touched, "id")...); err != nil {
		return answer{}, err
	}
	if err := s.fits(&n, t); err != nil {
		return answer{}, err
	}
	s.count(t, -1)
	s.finished(c, &n, t.percent)
	s.tellAssigned(c, &n, t)
	*t = n
	s.assigneesChanged(t)
	s.count(t, 1)
	s.touch(&t.version, touched...)
	return s.updated(c, "planner/tasks", t.object())
}

func (s *Server) deleteTask(c *call) (answer, error) {
	t, err := s.task(c)
	if err != nil {
		return answer{}, err
	}
	if err := t.mayDelete(c.header); err != nil {
		return answer{}, err
	}
	s.dropTask(t)
	return noContent()
}

func (s *Server) dropTask(t *task) {
	s.count(t, -1)
	delete(s.tasks, t.id)
}

func cloneMap[T any](m map[string]T) map[string]T {
	out := make(map[string]T, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
