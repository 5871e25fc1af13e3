package dropbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A refusal is what Dropbox said no with: the tags of its error, from the outside in.
// It is the cause of an Error.
type refusal struct {
	status int
	tags   []string
	offset int64 // of incorrect_offset: what is there
}

func (r *refusal) Error() string { return strings.Join(r.tags, "/") }

// plainTag is what a tag looks like. Anything else may hold content.
var plainTag = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// has reports whether an error is a refusal with a tag.
func has(err error, tag string) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && slices.Contains(r.tags, tag)
}

func asRefusal(err error) (*refusal, bool) { return errors.AsType[*refusal](err) }

// refusedWith reports whether an error is a refusal with a status.
func refusedWith(err error, status int) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status == status
}

// tagsOf reads the tags of a union from the outside in, as of
// {".tag":"path","path":{".tag":"conflict","conflict":{".tag":"file"}}}. A text behind a
// tag is content.
func tagsOf(raw json.RawMessage) (tags []string, offset int64) {
	for range 6 {
		var o map[string]json.RawMessage
		var tag string
		_ = json.Unmarshal(raw, &o)
		_ = json.Unmarshal(o[".tag"], &tag)
		switch {
		case plainTag.MatchString(tag):
			tags = append(tags, tag)
		case o["reason"] == nil:
			return tags, offset
		}
		_ = json.Unmarshal(o["correct_offset"], &offset)
		if raw = o[tag]; raw == nil {
			raw = o["reason"] // of a RateLimitError, or an UploadWriteFailed
		}
	}
	return tags, offset
}

// refuse gives an answer that is not 2xx its class
// (https://www.dropbox.com/developers/documentation/http/documentation#error-handling).
func refuse(status int, _ http.Header, body []byte) *connector.Error {
	var told struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &told) != nil || told.Error == nil {
		e := connector.RefusePlain(status)
		e.Err = &refusal{status: status}
		if status == http.StatusBadRequest {
			e.Hint = "Dropbox does not take the request as it is: check the setting as, which only a team's app has; else please report this as a mistake of the connector"
		}
		return e
	}
	tags, offset := tagsOf(told.Error)
	e := classify(&refusal{status: status, tags: tags, offset: offset})
	if status == http.StatusTooManyRequests {
		var wait struct {
			Seconds int `json:"retry_after"`
		}
		_ = json.Unmarshal(told.Error, &wait)
		e.RetryAfter = time.Duration(wait.Seconds) * time.Second
	}
	if has(e, "missing_scope") {
		var scope struct {
			Needed string `json:"required_scope"`
		}
		if json.Unmarshal(told.Error, &scope) == nil && scopeName.MatchString(scope.Needed) {
			e.Hint = "allow the permission " + scope.Needed + " on the app's page, then ask for a new refresh token"
		}
	}
	return e
}

var scopeName = regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)*$`)

// failure is the error of one entry of a batch.
func failure(call string, raw json.RawMessage) *connector.Error {
	tags, offset := tagsOf(raw)
	e := classify(&refusal{status: http.StatusConflict, tags: tags, offset: offset})
	e.Reason = call + ": " + e.Reason
	return e
}

const inTheWay = "it is in the way: rename or remove it at the target, then run again"

// classify gives a refusal its class, by the innermost tag that says something.
func classify(r *refusal) *connector.Error {
	e := connector.RefusePlain(r.status)
	e.Err = r
	e.Reason = fmt.Sprintf("%d %s", r.status, strings.Join(r.tags, "/"))
	if r.status == http.StatusConflict { // 409 is any error of a route's own
		e.Class, e.Hint = connector.Permanent, ""
	}
	for _, tag := range slices.Backward(r.tags) {
		if class, hint, ok := meaning(tag); ok {
			e.Class, e.Hint = class, hint
			return e
		}
	}
	return e
}

// meaning is the class of a tag of the contract, and what helps.
func meaning(tag string) (class connector.Class, hint string, ok bool) {
	switch tag {
	case "too_many_requests", "too_many_write_operations", "rate_limit":
		return connector.Throttled, "", true
	case "not_found", "invalid_id", "invalid_file", "unmounted":
		return connector.Gone, "", true
	case "conflict":
		return connector.Conflict, inTheWay, true
	case "insufficient_space", "insufficient_quota":
		return connector.Full, "the account's space is full; make room there or raise its quota, then run again", true
	case "disallowed_name":
		return connector.Permanent, "Dropbox keeps no file of this name (https://help.dropbox.com/installs-integrations/sync-uploads/files-not-syncing): give it another at the source", true
	case "malformed_path":
		return connector.Permanent, "Dropbox takes no such name (https://help.dropbox.com/organize/file-names), or its folder is gone: give it another name at the source, or run again", true
	case "restricted_content":
		return connector.Permanent, "Dropbox refuses to serve this file, for a complaint about rights in it: its owner can ask Dropbox (https://help.dropbox.com/files-folders/share/banned-links)", true
	case "unsupported_file", "unsupported_content_type":
		return connector.Unsupported, "Dropbox serves this kind of document by export alone", true
	case "no_write_permission", "no_permission", "access_restricted", "operation_suppressed", "not_a_member", "team_folder", "route_access_denied", "user_suspended", "access_denied", "email_unverified":
		return connector.Forbidden, "the account may not do that there: ask the owner of the folder, or an administrator of the team", true
	case "missing_scope":
		return connector.Forbidden, "allow the app's missing permission on its page, then ask for a new refresh token", true
	case "invalid_access_token", "expired_access_token":
		return connector.Auth, "connect again: the token ended or was revoked", true
	case "invalid_select_user", "invalid_select_admin":
		return connector.Permanent, "correct the setting as: nobody of that id is on the team any more", true
	case "invalid_root":
		return connector.Conflict, "run again: the account joined or left a team, and its files are elsewhere now", true
	case "content_hash_mismatch", "length_mismatch", "incorrect_offset", "internal_error":
		return connector.Transient, "", true
	case "locked":
		return connector.Transient, "somebody has locked the file: run again when it is open", true
	case "payload_too_large", "too_large":
		return connector.Full, "Dropbox takes no files of this size", true
	case "insufficient_plan":
		return connector.Unsupported, "the account's plan does not allow that way of sharing", true
	case "inside_shared_folder", "contains_shared_folder", "cant_nest_shared_folder", "contains_team_folder", "contains_app_folder", "inside_app_folder", "is_app_folder", "is_vault", "is_family":
		return connector.Unsupported, "Dropbox shares no folder within a shared one (https://www.dropbox.com/developers/documentation/http/documentation#sharing-share_folder): share the outer one", true
	case "cant_share_outside_team", "group_not_on_team", "banned_member", "too_many_members", "too_many_pending_invites":
		return connector.Forbidden, "the team's rules or Dropbox's limits keep this member away: change the people map, or ask an administrator", true
	case "invalid_dropbox_id", "invalid_member", "unverified_dropbox_id", "group_deleted", "invalid_group", "bad_member", "automatic_group":
		return connector.Permanent, "the member is not known to Dropbox any more: change the people map", true
	case "too_many_files":
		return connector.Full, "the folder holds more than 10,000 files and folders, and Dropbox does not move that at once: move it by hand, or in pieces", true
	}
	return "", "", false
}
