package microsoft

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

// A Refusal is what Graph said no with. It lies in the Err of an Error.
type Refusal struct {
	Status int
	Code   string // error.code, "" if it was none or did not look like a code
	// Waiting is true where the message says that something is still being made:
	// a new group's drive (microsoftgraph/microsoft-graph-docs#631).
	Waiting bool
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s", r.Status, r.Code) }

// plainCode is what a code looks like. Anything else may hold content and is
// not repeated in errors and logs; the message never is.
var plainCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// limits says what Planner's codes for an exceeded limit mean and what helps:
// https://learn.microsoft.com/en-us/graph/api/resources/planner-overview
func limits(code string) (hint string, ok bool) {
	switch code {
	case "MaximumProjectsOwnedByUser", "MaximumPlannerPlans":
		return "the group holds no more plans: migrate into another group or delete plans", true
	case "MaximumProjectsSharedWithUser":
		return "a person takes part in too many plans: take them out of some", true
	case "MaximumTasksCreatedByUser":
		return "the account has created as many tasks as Planner allows: use another account", true
	case "MaximumTasksAssignedToUser":
		return "a person has as many tasks as Planner allows: map them to somebody else", true
	case "MaximumTasksInProject":
		return "the plan holds no more tasks: split the board", true
	case "MaximumActiveTasksInProject":
		return "the plan holds no more tasks that are not completed: complete some or split the board", true
	case "MaximumBucketsInProject":
		return "the plan holds no more buckets: join lists at the source", true
	case "MaximumUsersSharedWithProject":
		return "the plan is shared with as many people as Planner allows", true
	case "MaximumReferencesOnTask":
		return "the task holds no more attachments: set references-max to what your tenant allows", true
	case "MaximumChecklistItemsOnTask":
		return "the task holds no more checklist entries", true
	case "MaximumAssigneesInTasks":
		return "the task holds no more people", true
	}
	return "", strings.HasPrefix(code, "Maximum")
}

// refuse gives an answer of Graph its class. Body: {error:{code,message,…}}.
func refuse(status int, h http.Header, body []byte) *connector.Error {
	var told struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	r := &Refusal{Status: status}
	if json.Unmarshal(body, &told) == nil && plainCode.MatchString(told.Error.Code) {
		r.Code = told.Error.Code
	}
	r.Waiting = strings.Contains(strings.ToLower(told.Error.Message), "provisioning")
	e := connector.RefusePlain(status)
	e.Err = r
	if r.Code != "" {
		e.Reason = fmt.Sprintf("%d %s", status, r.Code)
	}
	if hint, ok := limits(r.Code); ok && status == http.StatusForbidden {
		e.Class, e.Hint = connector.Full, hint
		return e
	}
	switch status {
	case http.StatusForbidden:
		e.Hint = "give the app or the account the missing right, and make it a member of the group"
		if r.Code == "MaximumSizeExceeded" || r.Code == "quotaLimitReached" {
			e.Class = connector.Full
		}
	case http.StatusInsufficientStorage:
		e.Hint = "free space in the drive, or raise its quota"
	case http.StatusBadRequest:
		e.Hint = "the service did not accept a value; the failed item's id tells which to look at"
	case http.StatusFailedDependency:
		e.Class = connector.Transient
	case http.StatusLocked: // docs: errors, "resourceLocked"
		e.Class, e.Hint = connector.Transient, "somebody has the file open or checked it out: run again when it is closed"
	}
	switch r.Code {
	case "pathIsTooLong":
		e.Class, e.Hint = connector.Permanent, "the names of the folders above and its own are too long together: shorten some, or choose a place with a shorter path"
	case "malwareDetected", "virusSuspicious":
		e.Class, e.Hint = connector.Permanent, "the service found malware in the file and gives it to nobody: remove it"
	}
	return e
}
