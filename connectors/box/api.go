package box

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

// classUpload is the class of calls that send a file's bytes: 240 a minute and user
// (https://developer.box.com/guides/api-calls/permissions-and-errors/rate-limits).
const classUpload = "upload"

// tries is how often a request is sent whose answer was lost.
const tries = 4

// An api makes the calls. "as" is the id of the user in whose name one is made, ""
// for the connection's own.
type api struct {
	http *connector.Client
	cfg  config
}

// json makes a call once. The client renews a token that is refused, but once: one that
// ends while a call waits for its quota again and again is seen to here.
func (a *api) json(ctx context.Context, r connector.Request, out any) (http.Header, error) {
	for attempt := 1; ; attempt++ {
		h, err := a.http.JSON(ctx, r, out)
		if err == nil || connector.ClassOf(err) != connector.Auth || attempt == tries {
			return h, err
		}
	}
}

// q makes a query of names and values.
func q(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}

// fields asks for these fields of what is answered.
func fields(list string) url.Values { return q("fields", list) }

// request is a call of the API proper.
func (a *api) request(as, method, path string, query url.Values, in any) connector.Request {
	return a.to(a.cfg.base+"/2.0"+path, as, method, query, in)
}

// upload is a call of the server that takes files.
func (a *api) upload(as, method, path string, query url.Values, in any) connector.Request {
	r := a.to(a.cfg.uploads+"/api/2.0"+path, as, method, query, in)
	r.Class = classUpload
	return r
}

func (a *api) to(address, as, method string, query url.Values, in any) connector.Request {
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r := connector.Request{Method: method, URL: address, Header: http.Header{}, JSON: in}
	if as != "" {
		r.Header.Set("As-User", as)
	}
	return r
}

// get reads into out.
func (a *api) get(ctx context.Context, as, path string, query url.Values, out any) error {
	return a.send(ctx, a.request(as, http.MethodGet, path, query, nil), out)
}

// send makes a call that may be repeated, and once more where what answered was not
// Box.
func (a *api) send(ctx context.Context, r connector.Request, out any) error {
	for attempt := 1; ; attempt++ {
		_, err := a.json(ctx, r, out)
		if err == nil || connector.ClassOf(err) != connector.Malformed || attempt == tries || ctx.Err() != nil {
			return err
		}
		if connector.Pause(ctx, attempt, 0) != nil {
			return err
		}
	}
}

// only is the condition that something is as it was read.
func only(r connector.Request, etag string) connector.Request {
	if etag != "" {
		r.Header.Set("If-Match", etag)
	}
	return r
}

// A refusal is what Box refused with: the cause of its error.
type refusal struct {
	status int
	code   string
	there  *entry // what bears the name already
}

func (r refusal) Error() string { return r.code }

// refused reports whether an error is a refusal with this code.
func refused(err error, code string) bool {
	r, ok := errors.AsType[refusal](err)
	return ok && r.code == code
}

// standing is what bears the name that a refusal speaks of; nil for any other error.
func standing(err error) *entry {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.there
	}
	return nil
}

// isCode reports whether a text is one of Box's codes, such as item_name_in_use.
func isCode(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_-0123456789") == ""
}

const inTheWay = "it is in the way: rename or remove it at the target, then run again"

// refuse gives refusals a class
// (https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors).
func refuse(status int, _ http.Header, body []byte) *connector.Error {
	var told struct {
		Code    string `json:"code"`
		Context struct {
			Conflicts json.RawMessage `json:"conflicts"`
		} `json:"context_info"`
	}
	e := connector.RefusePlain(status)
	if json.Unmarshal(body, &told) != nil || !isCode(told.Code) {
		return e
	}
	e.Reason += " " + told.Code
	e.Err = refusal{status: status, code: told.Code, there: conflicting(told.Context.Conflicts)}
	as := func(c connector.Class, hint string) { e.Class, e.Hint = c, hint }
	switch told.Code {
	case "item_name_in_use":
		as(connector.Conflict, inTheWay)
	case "operation_blocked_temporary", "name_temporarily_reserved":
		as(connector.Transient, "another operation holds the folder: run again when it is done")
	case "storage_limit_exceeded", "quota_exceeded":
		as(connector.Full, "the account's storage is full: make room there or ask its admin for more, then run again")
	case "file_size_limit_exceeded", "file_size_too_big":
		as(connector.Permanent, "the file is larger than the account's plan takes")
	case "item_name_invalid", "item_name_too_long":
		as(connector.Permanent, "Box takes no such name: give it another one at the source")
	case "bad_digest":
		as(connector.Transient, "other bytes arrived than were sent: run again")
	case "folder_not_empty", "user_already_collaborator", "cyclical_folder_structure", "overlapping_range":
		as(connector.Conflict, "somebody changed it at the same moment: run again")
	case "precondition_failed":
		as(connector.Conflict, "somebody changed it at the same moment: run again")
	case "trashed":
		as(connector.Gone, "")
	case "insufficient_scope":
		as(connector.Forbidden, "the app lacks a scope: tick it on the app's Configuration page, have an admin authorize the app again, then connect again")
	case "access_denied_insufficient_permissions", "access_denied_item_locked", "forbidden", "forbidden_by_policy":
		as(connector.Forbidden, "the account may not do that there: ask the owner of the folder, or the enterprise's admin")
	case "collaborations_not_available_on_root_folder":
		as(connector.Permanent, "nobody can be let at the root of All Files: set the place to a folder")
	}
	return e
}

// conflicting is what bears the name already. For a file Box tells it by itself, and
// for a folder in a list, whatever its reference says
// (forum.box.com/t/2353).
func conflicting(raw json.RawMessage) *entry {
	var one entry
	if json.Unmarshal(raw, &one) == nil && one.ID != "" {
		return &one
	}
	var many []entry
	if json.Unmarshal(raw, &many) == nil && len(many) > 0 && many[0].ID != "" {
		return &many[0]
	}
	return nil
}
