package googledrive

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/rialto-migrate/rialto/connector"
)

// A refusal is what Drive said no with: the cause of its error.
type refusal struct {
	status int
	reason string // error.errors[0].reason, "" if it did not look like one
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.reason) }

// status is that of a refusal, 0 for any other error.
func status(err error) int {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.status
	}
	return 0
}

func gone(err error) bool { return err != nil && connector.ClassOf(err) == connector.Gone }

// plainCode is what a reason looks like. Anything else may hold content and is not
// repeated; the message never is.
var plainCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// A meaning is what a reason of Drive's comes down to.
type meaning struct {
	class connector.Class
	hint  string
}

// meanings of the reasons of 400, 403 and 409
// (https://developers.google.com/workspace/drive/api/guides/handle-errors,
// https://developers.google.com/workspace/drive/api/guides/limits).
func means(reason string) (m meaning, ok bool) {
	const roomy = "make room there, or spread the files over other folders or drives, then run again"
	m, ok = map[string]meaning{
		"rateLimitExceeded":        {connector.Throttled, ""},
		"userRateLimitExceeded":    {connector.Throttled, "if it stays, the account has uploaded its 750 GB of the day: run again tomorrow"},
		"sharingRateLimitExceeded": {connector.Permanent, "the account has shared as much as it may today: run again tomorrow"},
		"dailyLimitExceeded":       {connector.Throttled, "the Cloud project has used its quota of the day: raise it in the console, or run again tomorrow"},
		"downloadQuotaExceeded":    {connector.Permanent, "this file was downloaded too often today: run again tomorrow"},

		"storageQuotaExceeded":                    {connector.Full, "the account's storage is full: make room or buy more, then run again (a service account of its own has none: set as, or write to a shared drive)"},
		"quotaExceeded":                           {connector.Full, "the account's storage is full: make room or buy more, then run again"},
		"teamDriveFileLimitExceeded":              {connector.Full, "the shared drive holds no more than 500,000 things: " + roomy},
		"activeItemCreationLimitExceeded":         {connector.Full, "the account may own no more than 500 million things: " + roomy},
		"numChildrenInNonRootLimitExceeded":       {connector.Full, "the folder holds no more: " + roomy},
		"teamDriveHierarchyTooDeep":               {connector.Full, "folders of a shared drive may not lie deeper than 100 levels: write to a place further up"},
		"myDriveHierarchyDepthLimitExceeded":      {connector.Full, "folders of My Drive may not lie deeper than 100 levels: write to a place further up"},
		"teamDriveMembershipLimitExceeded":        {connector.Full, "more people may not be let at it: use groups"},
		"maximumPermissionsExceeded":              {connector.Full, "more people may not be let at it: use groups"},
		"publishOutNotPermitted":                  {connector.Forbidden, "the domain's policy forbids to share it like this: an administrator can allow it"},
		"shareOutNotPermitted":                    {connector.Forbidden, "the domain's policy forbids to share it outside: an administrator can allow it"},
		"cannotShareTeamDriveTopFolderWithAnyone": {connector.Forbidden, "the domain's policy forbids to share it like this: an administrator can allow it"},
		"invalidSharingRequest":                   {connector.Permanent, "somebody has no Google account with that address, or may not be let in: take them out of the people map"},

		"exportSizeLimitExceeded":      {connector.Permanent, "Google exports no document of more than 10 MB: try documents=pdf, make it smaller, or download it by hand"},
		"fileNotExportable":            {connector.Permanent, "Google does not export this document: download it by hand"},
		"fileNotDownloadable":          {connector.Unsupported, "it has no bytes that could be read"},
		"cannotDownloadAbusiveFile":    {connector.Forbidden, "Google takes it for malware or spam: its owner can download it by hand"},
		"cannotDownloadFile":           {connector.Forbidden, "its owner lets viewers not download it: ask for the right to edit"},
		"cannotCopyFile":               {connector.Forbidden, "its owner lets viewers not copy it: ask for the right to edit"},
		"domainPolicy":                 {connector.Forbidden, "an administrator of the domain has closed Drive to apps: ask for this one to be allowed"},
		"appNotAuthorizedToFile":       {connector.Forbidden, "the credentials have the scope drive.file: connect with " + scopeAll},
		"insufficientPermissions":      {connector.Forbidden, "the credentials lack a scope: connect with " + scopeAll},
		"insufficientFilePermissions":  {connector.Forbidden, "this account may not do that with this file: ask its owner, or a manager of the shared drive, for the right"},
		"insufficientParentPermission": {connector.Forbidden, "this account may not write into this folder: ask for the right to edit it"},
		"accessNotConfigured":          {connector.Forbidden, "enable the Google Drive API in the Cloud project of the credentials"},
		"authError":                    {connector.Auth, "connect again: the sign-in is wrong, expired or revoked"},
		"fileIdInUse":                  {connector.Conflict, ""},
		"notFound":                     {connector.Gone, ""},
	}[reason]
	return m, ok
}

// refuse gives an answer of Drive's its class: {error:{code,errors:[{reason}]}}.
func refuse(status int, _ http.Header, body []byte) *connector.Error {
	var told struct {
		Error struct {
			Errors []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	r := &refusal{status: status}
	if json.Unmarshal(body, &told) == nil && len(told.Error.Errors) > 0 && plainCode.MatchString(told.Error.Errors[0].Reason) {
		r.reason = told.Error.Errors[0].Reason
	}
	e := connector.RefusePlain(status)
	e.Err = r
	if r.reason != "" {
		e.Reason = fmt.Sprintf("%d %s", status, r.reason)
	}
	if m, ok := means(r.reason); ok && status < 500 {
		e.Class = m.class
		if m.hint != "" {
			e.Hint = m.hint
		}
	}
	return e
}
