package redmine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

// codes are what a 422 said, as "field:reason". They are words of this file
// alone: the server's sentences may hold names that people gave.
type codes []string

func (c codes) Error() string { return strings.Join(c, ", ") }

// fieldNames are the fields by which Redmine's English sentences begin
// (config/locales/en.yml, field_*). Longer names stand before their beginnings.
var fieldNames = [...][2]string{
	{"% Done", "done_ratio"}, {"Assignee", "assignee"}, {"Category", "category"}, {"Description", "description"},
	{"Due date", "due_date"}, {"File", "file"}, {"Filename", "filename"}, {"Homepage", "homepage"}, {"Identifier", "identifier"}, {"Name", "name"},
	{"Parent task", "parent"}, {"Principal", "user"}, {"Priority", "priority"}, {"Project", "project"}, {"Role", "role"},
	{"Start date", "start_date"}, {"Status", "status"}, {"Subject", "subject"}, {"Target version", "version"},
	{"Tracker", "tracker"}, {"User", "user"},
}

// reasons are how those sentences go on (config/locales/en.yml, errors.messages).
var reasons = [...][2]string{
	{"has already been taken", "taken"}, {"cannot be blank", "blank"}, {"cannot be empty", "blank"}, {"is too long", "too-long"},
	{"is not included in the list", "not-in-list"}, {"is invalid", "invalid"}, {"must be greater than start date", "before-start"},
	{"is reserved", "reserved"}, {"cannot be earlier than", "too-early"}, {"is not a number", "not-a-number"},
}

// sentences stand alone.
var sentences = [...][2]string{
	{"An open issue cannot be attached to a closed parent task", "parent:closed"},
	{"exceeds the maximum allowed file size", "file:too-large"},
	{"file(s) could not be saved", "file:not-there"},
	{"is not allowed", "file:extension"},
}

// classify turns Redmine's sentences into codes. What it does not know is
// "other": a server that speaks another language, or a plugin.
func classify(sentence string) string {
	for _, s := range sentences {
		if strings.Contains(sentence, s[0]) {
			return s[1]
		}
	}
	for _, r := range reasons {
		i := strings.Index(sentence, " "+r[0])
		if i < 0 {
			continue
		}
		for _, f := range fieldNames {
			if sentence[:i] == f[0] {
				return f[1] + ":" + r[1]
			}
		}
		return "custom-field:" + r[1]
	}
	return "other"
}

// invalid reports whether an error is a 422 with sentences. Which ones is known
// of servers that answer in English only: what follows from one is therefore
// read from the server, not from the sentence.
func invalid(err error) bool {
	var c codes
	return errors.As(err, &c)
}

// refuse gives Redmine's refusals a class.
func refuse(status int, _ http.Header, body []byte) *connector.Error {
	switch status {
	case http.StatusUnauthorized:
		return connector.RefusePlain(status).WithHint("connect again with the API access key of My account; the one given is wrong or was reset")
	case http.StatusForbidden:
		return connector.RefusePlain(status).WithHint("give the person whose key this is a role with that right in the project")
	case http.StatusNotFound:
		return connector.Errorf(connector.Gone, "404 not there, or not to be seen with this key")
	case http.StatusPreconditionFailed:
		// app/controllers/application_controller.rb: the switched user must be active.
		return connector.Errorf(connector.Permanent, "412 the author's account is locked or gone").
			WithHint("unlock the person in Redmine, or map them to somebody else")
	case http.StatusNotAcceptable:
		return connector.Errorf(connector.Malformed, "406 something between here and Redmine changed the content type of the upload").
			WithHint("check the proxy in front of Redmine")
	case http.StatusRequestEntityTooLarge:
		return connector.Errorf(connector.Permanent, "413 the web server in front of Redmine takes no bodies of this size").
			WithHint("raise its limit (nginx: client_max_body_size)")
	case http.StatusUnprocessableEntity:
		return unprocessable(body)
	}
	return nil
}

func unprocessable(body []byte) *connector.Error {
	var answer struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return connector.Errorf(connector.Permanent, "422 refused without a reason")
	}
	if len(answer.Errors) == 0 {
		// app/controllers/issues_controller.rb: a stale lock_version is refused so.
		return connector.Errorf(connector.Conflict, "422 somebody else wrote to it at the same moment").WithHint("run again")
	}
	var c codes
	for _, s := range answer.Errors {
		if code := classify(s); !slices.Contains(c, code) {
			c = append(c, code)
		}
	}
	e := &connector.Error{Class: connector.Permanent, Reason: "422 refused (" + c.Error() + ")", Err: c}
	gone := func(code string) bool { return code == "category:not-in-list" || code == "version:not-in-list" }
	switch {
	case !slices.ContainsFunc(c, func(code string) bool { return !gone(code) }):
		e.Class, e.Hint = connector.Conflict, "the list was deleted or closed in Redmine meanwhile; run again"
	case slices.Contains(c, "assignee:invalid"):
		e.Hint = "make the assignee a member of the project, in a role to which issues can be assigned"
	case slices.Contains(c, "due_date:before-start"):
		e.Hint = "Redmine refuses a due date before the start date: correct one of them at the source"
	case slices.Contains(c, "custom-field:blank"):
		e.Hint = "a custom field of the tracker is required: make it optional for the time of the migration, or choose another tracker"
	case slices.Contains(c, "file:too-large"):
		e.Hint = fmt.Sprintf("raise Administration, Settings, Files: Maximum attachment size, or lower the setting %s", setLimit)
	case slices.Contains(c, "file:extension"):
		e.Hint = "an administrator forbids files of this kind: Administration, Settings, Files"
	case slices.Contains(c, "parent:closed"):
		e.Hint = "Redmine takes no open sub-issue of a closed issue: reopen the parent, or close the sub-issue at the source"
	case slices.ContainsFunc(c, func(code string) bool { return strings.HasSuffix(code, ":too-long") }):
		e.Hint = "Redmine takes no text of this length there: shorten it at the source, then run again"
	case slices.Contains(c, "other"):
		e.Hint = "set the language of the key's owner to English in My account for a clearer reason, and look at the server's log"
	default:
		e.Hint = "Redmine takes no such value: change it at the source, then run again"
	}
	return e
}
