package planner

import (
	"encoding/json"
	"strings"
	"time"
)

// The resources as Graph sends them (graph-v1.0 CSDL): what this connector
// reads of them.

// A stamp is a time of Graph, whose fractions and zone vary; zero for null.
type stamp struct{ time.Time }

func (s *stamp) UnmarshalJSON(b []byte) error {
	var text *string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	if text == nil || *text == "" {
		s.Time = time.Time{}
		return nil
	}
	v := *text
	if !strings.HasSuffix(v, "Z") && !strings.ContainsAny(v[min(len(v), 10):], "+-") {
		v += "Z"
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	s.Time = t.UTC()
	return err
}

type identitySet struct {
	User *struct {
		ID string `json:"id"`
	} `json:"user"`
}

func (i identitySet) id() string {
	if i.User == nil {
		return ""
	}
	return i.User.ID
}

type group struct {
	ID    string   `json:"id"`
	Name  string   `json:"displayName"`
	Types []string `json:"groupTypes"`
	// Visibility is Private, Public or HiddenMembership; null for a group that is
	// not of Microsoft 365.
	Visibility string `json:"visibility"`
}

type user struct {
	Type string `json:"@odata.type"`
	ID   string `json:"id"`
	Name string `json:"displayName"`
	Mail string `json:"mail"`
	UPN  string `json:"userPrincipalName"`
	// What follows needs a right of its own: see standing.
	Enabled  *bool       `json:"accountEnabled"`
	Relation string      `json:"userType"`
	Licences *[]struct{} `json:"assignedLicenses"`
}

type plan struct {
	Etag      string      `json:"@odata.etag"`
	ID        string      `json:"id"`
	Title     string      `json:"title"`
	Owner     string      `json:"owner"`
	Created   stamp       `json:"createdDateTime"`
	CreatedBy identitySet `json:"createdBy"`
	Container *struct {
		ID   string `json:"containerId"`
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"container"`
}

// group is the group that the plan belongs to; owner is its older name.
func (p plan) group() string {
	if p.Container != nil {
		if p.Container.ID != "" {
			return p.Container.ID
		}
		if i := strings.LastIndexByte(p.Container.URL, '/'); i >= 0 {
			return p.Container.URL[i+1:]
		}
	}
	return p.Owner
}

type planDetails struct {
	Etag       string `json:"@odata.etag"`
	Categories open   `json:"categoryDescriptions"`
	SharedWith open   `json:"sharedWith"`
}

// open is an OData open type: whatever keys, among them annotations.
type open map[string]json.RawMessage

// text returns a text value, "" if there is none.
func (o open) text(key string) string {
	var s string
	if json.Unmarshal(o[key], &s) != nil {
		return ""
	}
	return s
}

// set yields the keys whose value is true or an object, without annotations.
func (o open) set() []string {
	var out []string
	for k, v := range o {
		if strings.Contains(k, "@") {
			continue
		}
		if t := strings.TrimSpace(string(v)); t == "true" || strings.HasPrefix(t, "{") {
			out = append(out, k)
		}
	}
	return out
}

type bucket struct {
	Etag string `json:"@odata.etag"`
	ID   string `json:"id"`
	Name string `json:"name"`
	Plan string `json:"planId"`
	Hint string `json:"orderHint"`
}

type task struct {
	Etag       string      `json:"@odata.etag"`
	ID         string      `json:"id"`
	Plan       string      `json:"planId"`
	Bucket     string      `json:"bucketId"`
	Title      string      `json:"title"`
	Hint       string      `json:"orderHint"`
	Percent    int         `json:"percentComplete"`
	Priority   *int        `json:"priority"`
	Start      stamp       `json:"startDateTime"`
	Due        stamp       `json:"dueDateTime"`
	Created    stamp       `json:"createdDateTime"`
	CreatedBy  identitySet `json:"createdBy"`
	Assigned   open        `json:"assignments"`
	Categories open        `json:"appliedCategories"`
	Thread     string      `json:"conversationThreadId"`
	Checks     *int        `json:"checklistItemCount"`
	References *int        `json:"referenceCount"`
}

type details struct {
	Etag        string                `json:"@odata.etag"`
	Description string                `json:"description"`
	Checklist   entries[checkItem]    `json:"checklist"`
	References  entries[extReference] `json:"references"`
}

// entries is an open type whose values are all of one type. Annotations
// ("@odata.type") are left out.
type entries[T any] map[string]T

func (e *entries[T]) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*e = entries[T]{}
	for k, v := range raw {
		if strings.HasPrefix(k, "@") || strings.Contains(k, "@odata.") || string(v) == "null" {
			continue
		}
		var t T
		if err := json.Unmarshal(v, &t); err != nil {
			return err
		}
		(*e)[k] = t
	}
	return nil
}

type checkItem struct {
	Title   string `json:"title"`
	Checked bool   `json:"isChecked"`
	Hint    string `json:"orderHint"`
}

type extReference struct {
	Alias     string      `json:"alias"`
	Type      string      `json:"type"`
	Preview   string      `json:"previewPriority"`
	Changed   stamp       `json:"lastModifiedDateTime"`
	ChangedBy identitySet `json:"lastModifiedBy"`
}

type post struct {
	ID       string    `json:"id"`
	Created  stamp     `json:"createdDateTime"`
	Received stamp     `json:"receivedDateTime"`
	Body     postBody  `json:"body"`
	From     recipient `json:"from"`
	Sender   recipient `json:"sender"`
}

type postBody struct {
	Type    string `json:"contentType"`
	Content string `json:"content"`
}

type recipient struct {
	Address struct {
		Name    string `json:"name"`
		Address string `json:"address"`
	} `json:"emailAddress"`
}

type thread struct {
	ID    string `json:"id"`
	Topic string `json:"topic"`
}

type drive struct {
	ID  string `json:"id"`
	Web string `json:"webUrl"`
}

type driveItem struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"`
	Etag string `json:"eTag"`
	Ctag string `json:"cTag"`
	File *struct {
		MimeType string `json:"mimeType"`
	} `json:"file"`
	Parent struct {
		Drive string `json:"driveId"`
	} `json:"parentReference"`
}

// version pins the bytes: the cTag changes only with the content.
func (d driveItem) version() string {
	if d.Ctag != "" {
		return d.Ctag
	}
	return d.Etag
}
