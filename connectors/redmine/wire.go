package redmine

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// The answers of Redmine's REST API, as app/views/*/*.api.rsb of 5.0 write
// them. What is not carried is not decoded, but for what must be reported.

type named struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type apiUser struct {
	ID        int    `json:"id"`
	Login     string `json:"login"`
	Admin     bool   `json:"admin"`
	FirstName string `json:"firstname"`
	LastName  string `json:"lastname"`
	Mail      string `json:"mail"`
	// Status is told to administrators only, and of single users only
	// (app/views/users/show.api.rsb); a list of one status has it from there.
	Status int `json:"status"`
}

// The statuses of a user (app/models/principal.rb). Who is registered or locked
// cannot sign in (Rest_Users).
const (
	userActive     = 1
	userRegistered = 2
	userLocked     = 3
)

// standing is what the server tells of an account; "" where it does not.
func (u apiUser) standing() string {
	switch u.Status {
	case userActive:
		return item.Active
	case userRegistered, userLocked:
		return item.Disabled
	}
	return ""
}

func (u apiUser) name() string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

// The states of a project (app/models/project.rb).
const projectClosed = 5

type apiProject struct {
	ID           int           `json:"id"`
	Name         string        `json:"name"`
	Identifier   string        `json:"identifier"`
	Description  string        `json:"description"`
	Homepage     string        `json:"homepage"`
	Parent       *named        `json:"parent"`
	Status       int           `json:"status"`
	Public       *bool         `json:"is_public"` // not told before 2.6
	CreatedOn    time.Time     `json:"created_on"`
	CustomFields []customValue `json:"custom_fields"`
	Trackers     []named       `json:"trackers"`
	Modules      []named       `json:"enabled_modules"`
}

type apiMembership struct {
	ID    int       `json:"id"`
	User  *named    `json:"user"`
	Group *named    `json:"group"`
	Roles []apiRole `json:"roles"`
}

type apiRole struct {
	named
	Inherited bool `json:"inherited"`
}

type apiStatus struct {
	named
	IsClosed bool `json:"is_closed"`
}

type apiPriority struct {
	named
	IsDefault bool  `json:"is_default"`
	Active    *bool `json:"active"`
}

type apiTracker struct {
	named
	Fields []string `json:"enabled_standard_fields"`
}

type apiVersion struct {
	named
	Project named  `json:"project"`
	Status  string `json:"status"` // open, locked or closed
}

type apiField struct {
	named
	Of       string     `json:"customized_type"`
	Format   string     `json:"field_format"`
	Multiple bool       `json:"multiple"`
	Possible []possible `json:"possible_values"`
}

// possible is one entry of a custom field.
type possible struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

type customValue struct {
	named
	Value json.RawMessage `json:"value"`
}

// values returns the texts that a custom field holds; none if it is empty.
func (v customValue) values() []string {
	raw := bytes.TrimSpace(v.Value)
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		many = []json.RawMessage{raw}
	}
	var out []string
	for _, m := range many {
		var s string
		if json.Unmarshal(m, &s) != nil {
			s = string(m)
		}
		if s != "" && s != "null" {
			out = append(out, s)
		}
	}
	return out
}

type apiIssue struct {
	ID             int             `json:"id"`
	Project        named           `json:"project"`
	Tracker        named           `json:"tracker"`
	Status         apiIssueStatus  `json:"status"`
	Priority       named           `json:"priority"`
	Author         *named          `json:"author"`
	AssignedTo     *named          `json:"assigned_to"`
	Category       *named          `json:"category"`
	Version        *named          `json:"fixed_version"`
	Parent         *named          `json:"parent"`
	Subject        string          `json:"subject"`
	Description    string          `json:"description"`
	StartDate      string          `json:"start_date"`
	DueDate        string          `json:"due_date"`
	DoneRatio      float64         `json:"done_ratio"`
	Private        bool            `json:"is_private"`
	EstimatedHours *float64        `json:"estimated_hours"`
	SpentHours     float64         `json:"spent_hours"`
	CustomFields   []customValue   `json:"custom_fields"`
	CreatedOn      time.Time       `json:"created_on"`
	UpdatedOn      time.Time       `json:"updated_on"`
	Attachments    []apiAttachment `json:"attachments"`
	Journals       []apiJournal    `json:"journals"`
	Watchers       []named         `json:"watchers"`
	Children       []named         `json:"children"`
	Relations      []struct {
		ID int `json:"id"`
	} `json:"relations"`
}

// apiIssueStatus says is_closed since 5.0 only.
type apiIssueStatus struct {
	named
	IsClosed *bool `json:"is_closed"`
}

type apiJournal struct {
	ID        int       `json:"id"`
	User      *named    `json:"user"`
	Notes     string    `json:"notes"`
	CreatedOn time.Time `json:"created_on"`
	Private   bool      `json:"private_notes"`
	Details   []struct {
		Property string `json:"property"`
	} `json:"details"`
}

type apiAttachment struct {
	ID          int       `json:"id"`
	Filename    string    `json:"filename"`
	Filesize    int64     `json:"filesize"`
	ContentType string    `json:"content_type"`
	Description string    `json:"description"`
	Author      *named    `json:"author"`
	CreatedOn   time.Time `json:"created_on"`
}
