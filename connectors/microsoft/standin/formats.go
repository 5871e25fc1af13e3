package standin

import (
	"net/http"
	"strings"
)

// The three board formats of a task hold its place in the views that group by
// bucket, by progress and by assignee (docs: planner-overview,
// "Visualization"). Planner's own board shows the first one
// (microsoft-graph-docs#6816).

func (s *Server) getBucketFormat(c *call) (answer, error) {
	return s.format(c, func(t *task) object { return t.formatObject(&t.inBucket, t.bucketHint) })
}

func (s *Server) getProgressFormat(c *call) (answer, error) {
	return s.format(c, func(t *task) object { return t.formatObject(&t.inProgress, t.progressHint) })
}

func (s *Server) getAssignedFormat(c *call) (answer, error) {
	return s.format(c, (*task).assignedObject)
}

func (s *Server) format(c *call, show func(*task) object) (answer, error) {
	t, err := s.task(c)
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "planner/tasks('"+t.id+"')/"+c.segs[3], show(t))
}

func (t *task) formatObject(v *version, hint string) object {
	return object{"@odata.etag": v.etag(), "id": t.id, "orderHint": hint}
}

func (t *task) assignedObject() object {
	hints := object{}
	for id, h := range t.assigneeHints {
		hints[id] = h
	}
	return object{"@odata.etag": t.inAssigned.etag(), "id": t.id, "unassignedOrderHint": t.unassignedHint, "orderHintsByAssignee": hints}
}

func (s *Server) patchBucketFormat(c *call) (answer, error) {
	return s.patchFormat(c, "microsoft.graph.plannerBucketTaskBoardTaskFormat", func(t *task) (*version, *string) { return &t.inBucket, &t.bucketHint })
}

func (s *Server) patchProgressFormat(c *call) (answer, error) {
	return s.patchFormat(c, "microsoft.graph.plannerProgressTaskBoardTaskFormat", func(t *task) (*version, *string) { return &t.inProgress, &t.progressHint })
}

func (s *Server) patchFormat(c *call, typ string, part func(*task) (*version, *string)) (answer, error) {
	t, err := s.task(c)
	if err != nil {
		return answer{}, err
	}
	p := parse(c, typ)
	v, hint := part(t)
	next := *hint
	if p.has("orderHint") {
		next = ""
		s.place(p, p, "orderHint", &next)
	}
	p.readOnly("id")
	if err := s.changed(c, v, p); err != nil {
		return answer{}, err
	}
	*hint = next
	s.touch(v, p.named()...)
	return s.updated(c, "planner/tasks('"+t.id+"')/"+c.segs[3], t.formatObject(v, next))
}

func (s *Server) patchAssignedFormat(c *call) (answer, error) {
	t, err := s.task(c)
	if err != nil {
		return answer{}, err
	}
	p := parse(c, "microsoft.graph.plannerAssignedToTaskBoardTaskFormat")
	unassigned, hints, touched := t.unassignedHint, cloneMap(t.assigneeHints), []string{"id"}
	if p.has("unassignedOrderHint") {
		unassigned = ""
		s.place(p, p, "unassignedOrderHint", &unassigned)
		touched = append(touched, "unassignedOrderHint")
	}
	if in := p.nested("orderHintsByAssignee", "microsoft.graph.plannerOrderHintsByAssignee"); in != nil {
		for _, id := range in.keys() {
			who := strings.ToLower(id)
			if t.assigned[who] == nil {
				p.fail("The task is not assigned to user '%s'.", id)
				continue
			}
			next := ""
			s.place(p, in, id, &next)
			hints[who] = next
			touched = append(touched, "orderHintsByAssignee/"+who)
		}
		if in.err != nil && p.err == nil {
			p.err = in.err
		}
	}
	p.readOnly("id")
	if err := s.changed(c, &t.inAssigned, p, touched...); err != nil {
		return answer{}, err
	}
	t.unassignedHint, t.assigneeHints = unassigned, hints
	s.touch(&t.inAssigned, touched...)
	return s.updated(c, "planner/tasks('"+t.id+"')/"+c.segs[3], t.assignedObject())
}
