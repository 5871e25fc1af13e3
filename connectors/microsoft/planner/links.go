package planner

import (
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

// link is the address of a plan or task for people; "" for anything else.
func (c *cloud) link(ref, container item.Ref) string {
	tail := ""
	if tenant := c.settings[microsoft.SettingTenant]; tenant != "" {
		tail = "?tid=" + url.QueryEscape(tenant)
	}
	switch ref.Kind {
	case item.Board:
		return c.web + "/webui/plan/" + ref.ID + "/view/board" + tail
	case item.Task:
		return c.web + "/webui/plan/" + container.ID + "/view/board/task/" + ref.ID + tail
	}
	return ""
}

// locate reads the forms in which Planner has shown addresses of plans and
// tasks over the years:
//
//	https://planner.cloud.microsoft/webui/plan/PLAN/view/board/task/TASK
//	https://tasks.office.com/TENANT/Home/Task/TASK
//	https://tasks.office.com/TENANT/en-US/Home/PlanViews/PLAN
//	https://tasks.office.com/TENANT/en-US/Home/Planner/#/plantaskboard?groupId=…&planId=PLAN&taskId=TASK
func (c *cloud) locate(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || !c.ours(u) {
		return "", false
	}
	if _, query, ok := strings.Cut(u.Fragment, "?"); ok {
		if q, err := url.ParseQuery(query); err == nil {
			for _, name := range []string{"taskId", "planId"} {
				if id := q.Get(name); plannerID(id) {
					return id, true
				}
			}
		}
	}
	found := ""
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	for i := 0; i+1 < len(parts); i++ {
		switch name, id := strings.ToLower(parts[i]), parts[i+1]; {
		case !plannerID(id):
		case name == "task":
			return id, true
		case name == "plan" || name == "planviews":
			found = id
		}
	}
	return found, found != ""
}

func (c *cloud) ours(u *url.URL) bool {
	switch strings.ToLower(u.Host) {
	case "planner.cloud.microsoft", "tasks.office.com", "tasks.office365.us", "planner.office.com":
		return u.Scheme == "https" || u.Scheme == "http"
	}
	return u.Scheme+"://"+u.Host == c.web
}

// plannerID reports whether a text can be an id of Planner: a base64url text
// (28 characters at Microsoft).
func plannerID(s string) bool {
	return len(s) >= 6 && len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}
