package standin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

type plan struct {
	version
	id, group, title string
	by               caller
	created          time.Time
	details          version
	categories       map[string]string // "category7" to its name
	shared           map[string]bool   // user ids
	tasks, active    int
	buckets          int
}

type bucket struct {
	version
	id, plan, name, hint string
}

// categories are the 25 that a plan has (contract: plannerCategoryDescriptions).
func categoryNames() []string {
	out := make([]string, 25)
	for i := range out {
		out[i] = fmt.Sprintf("category%d", i+1)
	}
	return out
}

// mayUse holds Planner's rule that a person works on plans of their groups
// only (docs: planner-overview, "Plan containers"). An app on its own may use
// all of them.
func (s *Server) mayUse(c *call, groupID string) error {
	if c.who.delegated() {
		if g := s.groups[groupID]; g == nil || !g.has(c.who.user) {
			return plannerRefuse(http.StatusForbidden, "You do not have the required permissions to access this item.")
		}
	}
	return nil
}

func (s *Server) plan(c *call) (*plan, error) {
	p := s.plans[c.vars["plan"]]
	if p == nil {
		return nil, plannerNotFound()
	}
	return p, s.mayUse(c, p.group)
}

func (s *Server) createPlan(c *call) (answer, error) {
	p := parse(c, "microsoft.graph.plannerPlan")
	n := &plan{version: s.newVersion("Plan"), details: s.newVersion("PlanDetails"), id: s.plannerID(), by: c.who, created: s.now(), categories: map[string]string{}, shared: map[string]bool{}}
	p.must("Plan", "title", s.limits.TitleChars, &n.title)
	box := p.nested("container", "microsoft.graph.plannerPlanContainer")
	var owner, address, id, kind string
	p.text("owner", &owner) // how plans named their group before containers came
	if box != nil {
		box.text("url", &address)
		box.text("containerId", &id)
		box.choice("type", []string{"group", "roster"}, &kind)
		if err := box.end(); err != nil {
			return answer{}, err
		}
	}
	p.readOnly("createdBy", "createdDateTime", "id")
	if err := p.end(); err != nil {
		return answer{}, err
	}
	if n.title == "" {
		p.invalid("Plan", "Title", "A non-null value must be specified for this field.")
		return answer{}, p.err
	}
	switch {
	case address != "":
		u, err := url.Parse(address)
		parts := []string{}
		if err == nil {
			parts = strings.Split(strings.Trim(u.Path, "/"), "/")
		}
		if len(parts) < 2 || parts[len(parts)-2] != "groups" {
			return answer{}, plannerRefuse(http.StatusBadRequest, "The request is invalid:\r\nThe url of the container is not that of a group.")
		}
		n.group = strings.ToLower(parts[len(parts)-1])
	case id != "" && kind == "group":
		n.group = strings.ToLower(id)
	case owner != "":
		n.group = strings.ToLower(owner)
	default:
		p.invalid("Plan", "Container", "A non-null value must be specified for this field.")
		return answer{}, p.err
	}
	g := s.groups[n.group]
	if g == nil || !slices.Contains(g.types, "Unified") {
		return answer{}, plannerNotFound()
	}
	if err := s.mayUse(c, n.group); err != nil {
		return answer{}, err
	}
	count := 0
	for _, other := range s.plans {
		if other.group == n.group {
			count++
		}
	}
	if over(count+1, s.limits.PlansPerGroup) {
		return answer{}, limit("MaximumProjectsOwnedByUser")
	}
	s.plans[n.id] = n
	return s.entity(c, http.StatusCreated, "planner/plans", n.object(c))
}

func over(n, most int) bool { return most > 0 && n > most }

// limit is docs: planner-overview, "403 Forbidden".
func limit(code string) *refusal {
	return refuse(http.StatusForbidden, code, "The request exceeds a service-defined limit: %s.", code)
}

func (p *plan) object(c *call) object {
	return object{
		"@odata.etag": p.etag(), "id": p.id, "title": p.title, "owner": p.group, "createdDateTime": stamp(p.created), "createdBy": p.by.identity(),
		"container": object{"containerId": p.group, "type": "group", "url": c.base + "/v1.0/groups/" + p.group},
	}
}

func (s *Server) getPlan(c *call) (answer, error) {
	p, err := s.plan(c)
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "planner/plans", p.object(c))
}

func (s *Server) listPlans(c *call) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	if err := s.mayUse(c, g.id); err != nil {
		return answer{}, err
	}
	var all []object
	for _, id := range sortedIDs(s.plans) {
		if p := s.plans[id]; p.group == g.id {
			all = append(all, p.object(c))
		}
	}
	return s.plannerListing(c, "groups('"+g.id+"')/planner/plans", all)
}

// plannerListing: Planner takes neither $filter nor $orderby, and does not
// expand the tasks of a plan (microsoft-graph-docs#8730).
func (s *Server) plannerListing(c *call, context string, all []object) (answer, error) {
	for _, option := range []string{"filter", "orderby", "search"} {
		if c.query.Has("$" + option) {
			return answer{}, plannerRefuse(http.StatusBadRequest, "The query specified in the URI is not valid. Query option '%s' is not allowed.", option)
		}
	}
	page, err := top(c, s.limits.PlannerPage, 0)
	if err != nil {
		return answer{}, err
	}
	if s.limits.PlannerPage > 0 {
		page = min(page, s.limits.PlannerPage)
	}
	return s.listing(c, context, all, page)
}

func (s *Server) patchPlan(c *call) (answer, error) {
	n, err := s.plan(c)
	if err != nil {
		return answer{}, err
	}
	p, title := parse(c, "microsoft.graph.plannerPlan"), n.title
	p.must("Plan", "title", s.limits.TitleChars, &title)
	p.readOnly("container", "owner", "createdBy", "createdDateTime", "id")
	if err := s.changed(c, &n.version, p); err != nil {
		return answer{}, err
	}
	n.title = title
	s.touch(&n.version, p.named()...)
	return s.updated(c, "planner/plans", n.object(c))
}

// named are the properties that a patch names.
func (p *patch) named() []string { return p.keys() }

// changed holds a patch of plain properties against what is wrong with it and
// against If-Match, in Planner's order: the header first.
func (s *Server) changed(c *call, v *version, p *patch, fields ...string) error {
	if fields == nil {
		fields = p.named()
	}
	if c.header.Get("If-Match") == "" {
		_, err := v.match(c.header)
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	return v.mayChange(c.header, fields)
}

// updated is 204, or 200 with the object if Prefer asks for it.
func (s *Server) updated(c *call, context string, o object) (answer, error) {
	for _, prefer := range c.header.Values("Prefer") {
		for part := range strings.SplitSeq(prefer, ",") {
			if strings.EqualFold(strings.TrimSpace(part), "return=representation") {
				a, err := s.entity(c, http.StatusOK, context, o)
				a.header = http.Header{"Preference-Applied": {"return=representation"}}
				return a, err
			}
		}
	}
	return noContent()
}

func (s *Server) deletePlan(c *call) (answer, error) {
	p, err := s.plan(c)
	if err != nil {
		return answer{}, err
	}
	if err := p.mayDelete(c.header); err != nil {
		return answer{}, err
	}
	s.dropPlan(p)
	return noContent()
}

func (s *Server) dropPlan(p *plan) {
	for _, t := range s.tasks {
		if t.plan == p.id {
			s.dropTask(t)
		}
	}
	for id, b := range s.buckets {
		if b.plan == p.id {
			delete(s.buckets, id)
		}
	}
	delete(s.plans, p.id)
}

func (p *plan) detailsObject() object {
	categories, shared := object{}, object{}
	for _, name := range categoryNames() {
		categories[name] = orNull(p.categories[name])
	}
	for id := range p.shared {
		shared[id] = true
	}
	return object{"@odata.etag": p.details.etag(), "id": p.id, "categoryDescriptions": categories, "sharedWith": shared}
}

func (s *Server) getPlanDetails(c *call) (answer, error) {
	p, err := s.plan(c)
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "planner/plans('"+p.id+"')/details", p.detailsObject())
}

func (s *Server) patchPlanDetails(c *call) (answer, error) {
	n, err := s.plan(c)
	if err != nil {
		return answer{}, err
	}
	p := parse(c, "microsoft.graph.plannerPlanDetails")
	names, shared := map[string]string{}, map[string]bool{}
	var touched []string
	if in := p.nested("categoryDescriptions", "microsoft.graph.plannerCategoryDescriptions"); in != nil {
		for _, name := range categoryNames() {
			var text string
			if in.text(name, &text) {
				if over(chars(text), s.limits.CategoryChars) {
					p.invalid("PlanDetails", name, fmt.Sprintf("The length of the value is more than the maximum of %d.", s.limits.CategoryChars))
				}
				names[name] = text
				touched = append(touched, "categoryDescriptions/"+name)
			}
		}
		if err := in.end(); err != nil && p.err == nil {
			p.err = err
		}
	}
	if in := p.nested("sharedWith", "microsoft.graph.plannerUserIds"); in != nil {
		for _, id := range in.keys() {
			var yes bool
			in.boolean(id, &yes)
			shared[strings.ToLower(id)] = yes
			touched = append(touched, "sharedWith/"+strings.ToLower(id))
			if s.users[strings.ToLower(id)] == nil {
				p.fail("The user '%s' does not exist.", id)
			}
		}
		if err := in.end(); err != nil && p.err == nil {
			p.err = err
		}
	}
	p.readOnly("id")
	if touched == nil {
		touched = []string{"id"}
	}
	if err := s.changed(c, &n.details, p, touched...); err != nil {
		return answer{}, err
	}
	count := len(n.shared)
	for id, yes := range shared {
		if yes && !n.shared[id] {
			count++
		}
	}
	if over(count, s.limits.PlansSharedWith) {
		return answer{}, limit("MaximumUsersSharedWithProject")
	}
	for name, text := range names {
		if text == "" {
			delete(n.categories, name)
		} else {
			n.categories[name] = text
		}
	}
	for id, yes := range shared {
		if yes {
			n.shared[id] = true
		} else {
			delete(n.shared, id)
		}
	}
	s.touch(&n.details, touched...)
	return s.updated(c, "planner/plans('"+n.id+"')/details", n.detailsObject())
}

func (s *Server) bucket(c *call) (*bucket, error) {
	b := s.buckets[c.vars["bucket"]]
	if b == nil {
		return nil, plannerNotFound()
	}
	return b, s.mayUse(c, s.plans[b.plan].group)
}

func (b *bucket) object() object {
	return object{"@odata.etag": b.etag(), "id": b.id, "name": b.name, "planId": b.plan, "orderHint": b.hint}
}

func (s *Server) createBucket(c *call) (answer, error) {
	p := parse(c, "microsoft.graph.plannerBucket")
	n := &bucket{version: s.newVersion("Bucket"), id: s.plannerID()}
	var hint string
	p.must("Bucket", "name", s.limits.TitleChars, &n.name)
	p.text("planId", &n.plan)
	p.text("orderHint", &hint)
	p.readOnly("id")
	if err := p.end(); err != nil {
		return answer{}, err
	}
	for _, need := range []struct{ field, value string }{{"Name", n.name}, {"PlanId", n.plan}} {
		if need.value == "" {
			p.invalid("Bucket", need.field, "A non-null value must be specified for this field.")
			return answer{}, p.err
		}
	}
	owner := s.plans[n.plan]
	if owner == nil {
		return answer{}, plannerNotFound()
	}
	if err := s.mayUse(c, owner.group); err != nil {
		return answer{}, err
	}
	if over(owner.buckets+1, s.limits.BucketsPerPlan) {
		return answer{}, limit("MaximumBucketsInProject")
	}
	var err error
	if n.hint, err = s.hint(hint); err != nil {
		return answer{}, err
	}
	owner.buckets++
	s.buckets[n.id] = n
	return s.entity(c, http.StatusCreated, "planner/buckets", n.object())
}

func (s *Server) getBucket(c *call) (answer, error) {
	b, err := s.bucket(c)
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "planner/buckets", b.object())
}

func (s *Server) listBuckets(c *call) (answer, error) {
	p, err := s.plan(c)
	if err != nil {
		return answer{}, err
	}
	var all []object
	for _, id := range sortedIDs(s.buckets) {
		if b := s.buckets[id]; b.plan == p.id {
			all = append(all, b.object())
		}
	}
	return s.plannerListing(c, "planner/plans('"+p.id+"')/buckets", all)
}

func (s *Server) patchBucket(c *call) (answer, error) {
	b, err := s.bucket(c)
	if err != nil {
		return answer{}, err
	}
	p, n := parse(c, "microsoft.graph.plannerBucket"), *b
	var hint string
	p.must("Bucket", "name", s.limits.TitleChars, &n.name)
	placed := p.text("orderHint", &hint)
	if p.text("planId", &n.plan) && n.plan != b.plan {
		p.fail("The bucket cannot move to another plan.")
	}
	p.readOnly("id")
	if err := s.changed(c, &b.version, p); err != nil {
		return answer{}, err
	}
	if placed {
		if n.hint, err = s.hint(hint); err != nil {
			return answer{}, err
		}
	}
	*b = n
	s.touch(&b.version, p.named()...)
	return s.updated(c, "planner/buckets", b.object())
}

// deleteBucket takes the bucket's tasks with it, as Planner does.
func (s *Server) deleteBucket(c *call) (answer, error) {
	b, err := s.bucket(c)
	if err != nil {
		return answer{}, err
	}
	if err := b.mayDelete(c.header); err != nil {
		return answer{}, err
	}
	for _, t := range s.tasks {
		if t.bucket == b.id {
			s.dropTask(t)
		}
	}
	s.plans[b.plan].buckets--
	delete(s.buckets, b.id)
	return noContent()
}
