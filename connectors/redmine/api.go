package redmine

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/rialto-migrate/rialto/connector"
)

// pageSize is how many issues a page of a listing holds; the server allows 100
// (Rest_api, Collection resources and pagination).
const pageSize = 50

const maxLimit = 100

// api speaks Redmine's REST API. Its answers are Redmine's own; convert.go turns
// them into items.
type api struct {
	base *url.URL
	http *connector.Client
}

// dialect signs with Redmine's own header: a key in a query would end in the
// server's log, and one in Basic authentication would be tried as a name on
// every sign-in source first (app/controllers/application_controller.rb).
func dialect(key string) connector.Dialect {
	return connector.Dialect{
		Sign: func(_ context.Context, r *http.Request) error {
			r.Header.Set("X-Redmine-API-Key", key)
			r.Header.Set("Accept-Language", "en") // the language of 422's sentences
			return nil
		},
		Refuse: refuse,
	}
}

// at returns the address of a path; query may be nil.
func (a *api) at(path string, query url.Values) string {
	u := *a.base
	u.Path += path
	u.RawQuery = query.Encode()
	return u.String()
}

func (a *api) get(ctx context.Context, path string, query url.Values, out any) error {
	_, err := a.http.JSON(ctx, connector.Request{Method: http.MethodGet, URL: a.at(path, query)}, out)
	return err
}

func (a *api) post(ctx context.Context, path string, query url.Values, in, out any) error {
	_, err := a.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: a.at(path, query), JSON: in}, out)
	return err
}

// repost posts what is safe to send again.
func (a *api) repost(ctx context.Context, path string, in any) error {
	_, err := a.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: a.at(path, nil), JSON: in, Repeatable: true}, nil)
	return err
}

func (a *api) put(ctx context.Context, path string, in any) error {
	_, err := a.http.JSON(ctx, connector.Request{Method: http.MethodPut, URL: a.at(path, nil), JSON: in}, nil)
	return err
}

func (a *api) delete(ctx context.Context, path string) error {
	_, err := a.http.JSON(ctx, connector.Request{Method: http.MethodDelete, URL: a.at(path, nil)}, nil)
	return err
}

// pages yields the pages of a collection by offset. What read returns is how
// many the page held and how many there are in all.
func pages[T any](ctx context.Context, a *api, path string, query url.Values, read func(*T) (n, total int)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for offset := 0; ; {
			q := url.Values{}
			for k, v := range query {
				q[k] = v
			}
			q.Set("limit", strconv.Itoa(maxLimit))
			q.Set("offset", strconv.Itoa(offset))
			var page T
			if err := a.get(ctx, path, q, &page); err != nil {
				yield(page, err)
				return
			}
			n, total := read(&page)
			if !yield(page, nil) {
				return
			}
			offset += n
			if n == 0 || offset >= total {
				return
			}
		}
	}
}

// project reads one project by its number or identifier.
func (a *api) project(ctx context.Context, name, include string) (apiProject, error) {
	var out struct {
		Project apiProject `json:"project"`
	}
	q := url.Values{}
	if include != "" {
		q.Set("include", include)
	}
	err := a.get(ctx, "/projects/"+url.PathEscape(name)+".json", q, &out)
	return out.Project, err
}

// projects yields all projects that are to be seen, closed ones too.
func (a *api) projects(ctx context.Context) iter.Seq2[apiProject, error] {
	type page struct {
		Projects []apiProject `json:"projects"`
		Total    int          `json:"total_count"`
	}
	return flatten(pages(ctx, a, "/projects.json", url.Values{"status": {"1|5"}}, func(p *page) (int, int) { return len(p.Projects), p.Total }),
		func(p page) []apiProject { return p.Projects })
}

func (a *api) memberships(ctx context.Context, project int) iter.Seq2[apiMembership, error] {
	type page struct {
		Memberships []apiMembership `json:"memberships"`
		Total       int             `json:"total_count"`
	}
	return flatten(pages(ctx, a, "/projects/"+itoa(project)+"/memberships.json", nil, func(p *page) (int, int) { return len(p.Memberships), p.Total }),
		func(p page) []apiMembership { return p.Memberships })
}

// users yields the people of one status. For administrators.
func (a *api) users(ctx context.Context, status int) iter.Seq2[apiUser, error] {
	type page struct {
		Users []apiUser `json:"users"`
		Total int       `json:"total_count"`
	}
	q := url.Values{"status": {itoa(status)}}
	return flatten(pages(ctx, a, "/users.json", q, func(p *page) (int, int) { return len(p.Users), p.Total }),
		func(p page) []apiUser {
			for i := range p.Users {
				p.Users[i].Status = status
			}
			return p.Users
		})
}

// issues reads one page of issues, and how many match in all.
func (a *api) issues(ctx context.Context, project int, filter url.Values) ([]apiIssue, int, error) {
	q := url.Values{"project_id": {itoa(project)}, "subproject_id": {"!*"}, "status_id": {"*"}, "sort": {"id"}}
	for k, v := range filter {
		q[k] = v
	}
	var out struct {
		Issues []apiIssue `json:"issues"`
		Total  int        `json:"total_count"`
	}
	err := a.get(ctx, "/issues.json", q, &out)
	return out.Issues, out.Total, err
}

// What an issue can be read with.
const (
	withPeople = "watchers"
	withAll    = "attachments,journals,relations,watchers,children"
	withTalk   = "attachments,journals,watchers"
)

func (a *api) issue(ctx context.Context, id int, include string) (apiIssue, error) {
	var out struct {
		Issue apiIssue `json:"issue"`
	}
	err := a.get(ctx, "/issues/"+itoa(id)+".json", url.Values{"include": {include}}, &out)
	return out.Issue, err
}

func (a *api) categories(ctx context.Context, project int) ([]named, error) {
	var out struct {
		Categories []named `json:"issue_categories"`
	}
	err := a.get(ctx, "/projects/"+itoa(project)+"/issue_categories.json", nil, &out)
	return out.Categories, err
}

func (a *api) versions(ctx context.Context, project int) ([]apiVersion, error) {
	var out struct {
		Versions []apiVersion `json:"versions"`
	}
	err := a.get(ctx, "/projects/"+itoa(project)+"/versions.json", nil, &out)
	return out.Versions, err
}

// flatten turns pages into their entries.
func flatten[P, T any](pages iter.Seq2[P, error], of func(P) []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for p, err := range pages {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, e := range of(p) {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
