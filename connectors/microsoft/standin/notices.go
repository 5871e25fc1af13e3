package standin

import (
	"slices"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// The messages of Microsoft 365, as a group's and Planner's pages tell of them:
// https://learn.microsoft.com/en-us/graph/group-set-options
// https://support.microsoft.com/en-us/office/cce223d6-b0ae-43cf-a080-266e2414a859
const (
	noticeWelcome    = "welcome"    // to who is added to a group
	noticeAssigned   = "assigned"   // to who is assigned to a task
	noticeUnassigned = "unassigned" // to who was
	noticePost       = "post"       // of a group's conversations, to each follower
)

// tell sends a message to everybody but who did it.
func (s *Server) tell(c *call, kind, about string, to ...string) {
	for _, id := range to {
		if id != c.who.user {
			s.outbox.Send(shared.Notice{Kind: kind, To: id, About: about})
		}
	}
}

// tellAssigned tells those who are assigned to a task and were not, and those
// who are not any more. was is nil for a new task.
func (s *Server) tellAssigned(c *call, t, was *task) {
	before := map[string]*assignment{}
	if was != nil {
		before = was.assigned
	}
	for _, id := range sortedIDs(t.assigned) {
		if before[id] == nil {
			s.tell(c, noticeAssigned, t.id, id)
		}
	}
	for _, id := range sortedIDs(before) {
		if t.assigned[id] == nil {
			s.tell(c, noticeUnassigned, t.id, id)
		}
	}
}

// welcome greets who was added to a group.
func (s *Server) welcome(c *call, g *group, people ...string) {
	if !slices.Contains(g.behavior, "WelcomeEmailDisabled") {
		s.tell(c, noticeWelcome, g.id, people...)
	}
}

// tellPost mails a post to the followers of a group. Here every member follows
// it, and a group that was made by Graph is followed only where it was made so.
func (s *Server) tellPost(c *call, g *group, t *thread) {
	if g.behavior == nil || slices.Contains(g.behavior, "SubscribeNewGroupMembers") {
		s.tell(c, noticePost, t.id, g.members...)
	}
}

// Notices implements standin.Notifier.
func (s *Server) Notices() []shared.Notice { return s.outbox.Notices() }

// ForgetNotices implements standin.Notifier.
func (s *Server) ForgetNotices() { s.outbox.ForgetNotices() }
