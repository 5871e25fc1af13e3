package googledrive

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/oauth"
)

// Classes of calls, and what each kind of call costs of the quota
// (https://developers.google.com/workspace/drive/api/guides/limits#per-method-quota).
const (
	classLogin  = "login"
	classDrive  = "drive"
	classUpload = "upload" // the parts of an upload whose beginning was counted

	costRead     = 5
	costList     = 100
	costDownload = 200
	costWrite    = 50
)

// pageSize is the most that a listing gives at once.
const pageSize = "1000"

// quotas are those of one person in one Cloud project, or of the project where the
// connection acts as several.
func (c config) quotas() []connector.Quota {
	const source = "https://developers.google.com/workspace/drive/api/guides/limits"
	if c.queries {
		return []connector.Quota{{Class: classDrive, Requests: 12_000, Per: time.Minute, Source: source + " (as of 2025)"}}
	}
	return []connector.Quota{{Class: classDrive, Requests: min(1_000_000, 325_000*len(c.as)), Per: time.Minute, Source: source}}
}

// An api speaks to Drive as one person.
type api struct {
	base    string
	queries bool
	http    *connector.Client
	tokens  *oauth.Tokens
}

func newAPI(c config, http *connector.Client, t *oauth.Tokens) *api {
	d := connector.Dialect{Ready: t.Ready, Sign: t.Sign, Renew: t.Renew(), Refuse: refuse}
	return &api{base: c.base.String(), queries: c.queries, http: http.With(d), tokens: t}
}

// cost is the weight of a call.
func (a *api) cost(units int) int {
	if a.queries {
		return 1
	}
	return units
}

// everywhere are the parameters of a call that finds items of shared drives, too.
func everywhere(pairs ...string) url.Values {
	q := url.Values{"supportsAllDrives": {"true"}}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

// read asks for something. path is below the API's version.
func (a *api) read(ctx context.Context, call, path string, q url.Values, cost int, out any) error {
	_, err := a.http.JSON(ctx, connector.Request{Method: http.MethodGet, URL: a.base + "/drive/v3" + path + "?" + q.Encode(), Call: call, Class: classDrive, Cost: a.cost(cost)}, out)
	return err
}

// write changes something in a way that may be repeated.
func (a *api) write(ctx context.Context, method, call, path string, q url.Values, body, out any) error {
	_, err := a.http.JSON(ctx, connector.Request{Method: method, URL: a.base + "/drive/v3" + path + "?" + q.Encode(), Call: call, Class: classDrive, Cost: a.cost(costWrite),
		JSON: body, Repeatable: true}, out)
	return err
}

func (a *api) about(ctx context.Context) (about, error) {
	var out about
	err := a.read(ctx, "GET /about", "/about", url.Values{"fields": {"user(permissionId,displayName,emailAddress)"}}, costRead, &out)
	return out, err
}

func at(id string) string { return "/files/" + url.PathEscape(id) }

func (a *api) get(ctx context.Context, id, fields string) (file, error) {
	var out file
	err := a.read(ctx, "GET /files/{}", at(id), everywhere("fields", fields), costRead, &out)
	return out, err
}

// list reads one page of what a query finds. drive is a shared drive's id, "" for what
// the person has of their own.
func (a *api) list(ctx context.Context, drive, query, fields, token string) (fileList, error) {
	q := everywhere("q", query, "fields", "nextPageToken,incompleteSearch,files("+fields+")", "pageSize", pageSize, "corpora", "user")
	if drive != "" {
		q.Set("corpora", "drive")
		q.Set("driveId", drive)
		q.Set("includeItemsFromAllDrives", "true")
	}
	if token != "" {
		q.Set("pageToken", token)
	}
	var out fileList
	err := a.read(ctx, "GET /files", "/files", q, costList, &out)
	return out, err
}

// all reads every page of what a query finds, and calls give for each file.
func (a *api) all(ctx context.Context, drive, query, fields string, give func(file) bool) (whole bool, err error) {
	whole = true
	for token := ""; ; {
		p, err := a.list(ctx, drive, query, fields, token)
		if err != nil {
			return false, err
		}
		whole = whole && !p.Incomplete
		for _, f := range p.Files {
			if !give(f) {
				return whole, nil
			}
		}
		if p.Next == "" || p.Next == token {
			return whole, nil
		}
		token = p.Next
	}
}

// startToken is from where changes are told that come later. drive is as in list.
func (a *api) startToken(ctx context.Context, drive string) (string, error) {
	q := everywhere("fields", "startPageToken")
	if drive != "" {
		q.Set("driveId", drive)
	}
	var out struct {
		Token string `json:"startPageToken"`
	}
	err := a.read(ctx, "GET /changes/startPageToken", "/changes/startPageToken", q, costRead, &out)
	return out.Token, err
}

// changes reads one page of what changed. Items of shared drives are told in the log of
// a person, too: else nothing would say that something went from their drive into one.
func (a *api) changes(ctx context.Context, drive, token string) (changeList, error) {
	q := everywhere("pageToken", token, "pageSize", pageSize, "includeRemoved", "true", "includeItemsFromAllDrives", "true",
		"fields", "nextPageToken,newStartPageToken,changes(changeType,fileId,removed,file("+fileFields+"))")
	if drive != "" {
		q.Set("driveId", drive)
	}
	var out changeList
	err := a.read(ctx, "GET /changes", "/changes", q, costList, &out)
	return out, err
}

// drives lists the shared drives of which the person is a member.
func (a *api) drives(ctx context.Context, give func(sharedDrive) bool) error {
	for token := ""; ; {
		q := url.Values{"pageSize": {"100"}, "fields": {"nextPageToken,drives(id,name,createdTime)"}}
		if token != "" {
			q.Set("pageToken", token)
		}
		var p driveList
		if err := a.read(ctx, "GET /drives", "/drives", q, costList, &p); err != nil {
			return err
		}
		for _, d := range p.Drives {
			if !give(d) {
				return nil
			}
		}
		if p.Next == "" || p.Next == token {
			return nil
		}
		token = p.Next
	}
}

// permissions lists who was let at a file or shared drive.
func (a *api) permissions(ctx context.Context, id string) ([]permission, error) {
	var out []permission
	for token := ""; ; {
		q := everywhere("pageSize", "100", "fields", "nextPageToken,permissions("+permissionFields+")")
		if token != "" {
			q.Set("pageToken", token)
		}
		var p permissionList
		if err := a.read(ctx, "GET /files/{}/permissions", at(id)+"/permissions", q, costList, &p); err != nil {
			return nil, err
		}
		out = append(out, p.Permissions...)
		if p.Next == "" || p.Next == token {
			return out, nil
		}
		token = p.Next
	}
}

// quoted is a value in a query
// (https://developers.google.com/workspace/drive/api/guides/search-files).
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
