package redmine

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
)

// Names of custom fields that an administrator can make for Rialto.
const (
	markField   = "Rialto"
	labelsField = "Labels"
)

// liking names what is chosen where no setting says so, the best first.
type liking string

const (
	preferredTrackers liking = "Task,Feature,Support"
	preferredRoles    liking = "Developer"
)

// facts are what a server says of itself, asked once for each connection. An
// error is not kept.
type facts struct {
	api *api

	user      kept[apiUser]
	state     kept[[]apiStatus]
	priority  kept[[]apiPriority]
	tracker   kept[[]apiTracker]
	field     kept[[]apiField]
	role      kept[[]named]
	everybody kept[map[int]apiUser]

	mu     sync.Mutex
	people map[int]apiUser // those asked one by one
}

// kept is a value that is asked for once.
type kept[T any] struct {
	mu   sync.Mutex
	have bool
	v    T
}

func (k *kept[T]) get(ask func() (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.have {
		return k.v, nil
	}
	v, err := ask()
	if err != nil {
		return v, err
	}
	k.v, k.have = v, true
	return v, nil
}

// me returns the person whose key this is.
func (f *facts) me(ctx context.Context) (apiUser, error) {
	return f.user.get(func() (apiUser, error) {
		var out struct {
			User apiUser `json:"user"`
		}
		err := f.api.get(ctx, "/my/account.json", nil, &out)
		out.User.Status = userActive // who is not gets no answer
		return out.User, err
	})
}

func (f *facts) statuses(ctx context.Context) ([]apiStatus, error) {
	return f.state.get(func() ([]apiStatus, error) {
		var out struct {
			All []apiStatus `json:"issue_statuses"`
		}
		err := f.api.get(ctx, "/issue_statuses.json", nil, &out)
		return out.All, err
	})
}

// priorities returns the active priorities, the least first.
func (f *facts) priorities(ctx context.Context) ([]apiPriority, error) {
	return f.priority.get(func() ([]apiPriority, error) {
		var out struct {
			All []apiPriority `json:"issue_priorities"`
		}
		err := f.api.get(ctx, "/enumerations/issue_priorities.json", nil, &out)
		return slices.DeleteFunc(out.All, func(p apiPriority) bool { return p.Active != nil && !*p.Active }), err
	})
}

func (f *facts) trackers(ctx context.Context) ([]apiTracker, error) {
	return f.tracker.get(func() ([]apiTracker, error) {
		var out struct {
			All []apiTracker `json:"trackers"`
		}
		err := f.api.get(ctx, "/trackers.json", nil, &out)
		return out.All, err
	})
}

// roles returns those that members can be given.
func (f *facts) roles(ctx context.Context) ([]named, error) {
	return f.role.get(func() ([]named, error) {
		var out struct {
			All []named `json:"roles"`
		}
		err := f.api.get(ctx, "/roles.json", nil, &out)
		return out.All, err
	})
}

// fields returns the custom fields of issues. Only administrators see them
// (Rest_CustomFields): for everybody else there are none.
func (f *facts) fields(ctx context.Context) ([]apiField, error) {
	return f.field.get(func() ([]apiField, error) {
		var out struct {
			All []apiField `json:"custom_fields"`
		}
		err := f.api.get(ctx, "/custom_fields.json", nil, &out)
		if err != nil && connector.ClassOf(err) == connector.Forbidden {
			return nil, nil
		}
		return slices.DeleteFunc(out.All, func(d apiField) bool { return d.Of != "issue" }), err
	})
}

// person returns what the server tells of somebody; only the id and the name
// where it tells no more, as of groups.
func (f *facts) person(ctx context.Context, who named) (apiUser, error) {
	me, err := f.me(ctx)
	if err != nil {
		return apiUser{}, err
	}
	bare := apiUser{ID: who.ID, LastName: who.Name}
	if me.Admin {
		all, err := f.everybody.get(func() (map[int]apiUser, error) {
			out := map[int]apiUser{}
			for _, status := range []int{userActive, userRegistered, userLocked} {
				for u, err := range f.api.users(ctx, status) {
					if err != nil {
						return nil, err
					}
					out[u.ID] = u
				}
			}
			return out, nil
		})
		if u, ok := all[who.ID]; ok || err != nil {
			return u, err
		}
		return bare, nil
	}
	if who.ID == me.ID {
		return me, nil
	}
	f.mu.Lock()
	u, ok := f.people[who.ID]
	f.mu.Unlock()
	if ok {
		return u, nil
	}
	var out struct {
		User apiUser `json:"user"`
	}
	switch err := f.api.get(ctx, "/users/"+itoa(who.ID)+".json", nil, &out); {
	case err == nil:
		u = out.User
	case connector.ClassOf(err) == connector.Gone, connector.ClassOf(err) == connector.Forbidden:
		u = bare
	default:
		return apiUser{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.people == nil {
		f.people = map[int]apiUser{}
	}
	f.people[who.ID] = u
	return u, nil
}

func findField(all []apiField, name string) (apiField, bool) {
	i := slices.IndexFunc(all, func(d apiField) bool { return strings.EqualFold(d.Name, name) })
	if i < 0 {
		return apiField{}, false
	}
	return all[i], true
}

func fieldByID(all []apiField, id int) (apiField, bool) {
	i := slices.IndexFunc(all, func(d apiField) bool { return d.ID == id })
	if i < 0 {
		return apiField{}, false
	}
	return all[i], true
}

// closedStatus returns the status that a done issue gets.
func closedStatus(all []apiStatus) (apiStatus, bool) {
	var first *apiStatus
	for _, s := range all {
		if !s.IsClosed {
			continue
		}
		if s.Name == "Closed" {
			return s, true
		}
		if first == nil {
			first = &s
		}
	}
	if first == nil {
		return apiStatus{}, false
	}
	return *first, true
}

// rankPriorities finds which of Redmine's priorities stand for ours: the one
// above the server's default is important, the next one urgent, the one below
// it low.
func rankPriorities(all []apiPriority) map[string]int {
	out := map[string]int{}
	d := slices.IndexFunc(all, func(p apiPriority) bool { return p.IsDefault })
	if d < 0 {
		return out
	}
	if d > 0 {
		out["low"] = all[d-1].ID
	}
	if d+1 < len(all) {
		out["important"] = all[d+1].ID
	}
	if d+2 < len(all) {
		out["urgent"] = all[d+2].ID
	}
	return out
}

// ourPriority says what one of Redmine's priorities means: what lies beyond
// those that rankPriorities names counts like the nearest of them.
func ourPriority(all []apiPriority, ranks map[string]int, id int) string {
	pos := func(id int) int { return slices.IndexFunc(all, func(p apiPriority) bool { return p.ID == id }) }
	at, def := pos(id), slices.IndexFunc(all, func(p apiPriority) bool { return p.IsDefault })
	best, dist := "", 0
	for _, name := range priorityOrder {
		num, ok := ranks[name]
		if !ok {
			continue
		}
		if num == id {
			return name
		}
		p := pos(num)
		if p < 0 || at < 0 || def < 0 || at == def || (at > def) != (p > def) {
			continue
		}
		if d := max(at-p, p-at); best == "" || d < dist {
			best, dist = name, d
		}
	}
	return best
}

// chooseNamed picks by the wish (a name or a number), else by liking, else the
// first. ok is false if the wish is not there or there is none at all.
func chooseNamed(all []named, wish string, liked liking) (named, bool) {
	if wish != "" {
		for _, n := range all {
			if strings.EqualFold(n.Name, wish) || itoa(n.ID) == wish {
				return n, true
			}
		}
		return named{}, false
	}
	for l := range strings.SplitSeq(string(liked), ",") {
		for _, n := range all {
			if strings.EqualFold(n.Name, l) {
				return n, true
			}
		}
	}
	if len(all) == 0 {
		return named{}, false
	}
	return all[0], true
}
