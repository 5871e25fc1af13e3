package redmine

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/rialto-migrate/rialto/connector"
)

var _ connector.Closer = (*source)(nil)

// projectActive is the status of a project in which people work
// (app/models/project.rb: STATUS_ACTIVE).
const projectActive = 1

// UnmarshalJSON reads a project without the note of a cut-over: that is none of
// what people have in it. A note is only ever put on an open project.
func (p *apiProject) UnmarshalJSON(raw []byte) error {
	type plain apiProject
	if err := json.Unmarshal(raw, (*plain)(p)); err != nil {
		return err
	}
	var had bool
	if p.Description, had = connector.WithoutNote(p.Description); had && p.Status == projectClosed {
		p.Status = projectActive
	}
	return nil
}

// A face is what of a project tells that it has moved, as Redmine stores it.
type face struct {
	Description string `json:"description"`
	Status      int    `json:"status"`
}

func (s *source) face(ctx context.Context, id string) (f face, err error) {
	var out struct {
		Project face `json:"project"`
	}
	err = s.api.get(ctx, "/projects/"+id+".json", nil, &out)
	return out.Project, err
}

// Standing implements connector.Closer.
func (s *source) Standing(ctx context.Context, sh connector.Shard) (connector.Standing, error) {
	f, err := s.face(ctx, sh.Ref.ID)
	if err != nil {
		return "", unseen(err)
	}
	if _, noted := connector.WithoutNote(f.Description); f.Status == projectClosed && !noted {
		return connector.WasClosed, nil
	}
	return "", nil
}

// CloseShard implements connector.Closer: the note stands before the project's
// description, which is the first thing on its overview, and the project is
// closed, so that it can be read and nothing in it changed. Redmine does so
// through its API from 5.0 on (app/controllers/projects_controller.rb:
// accept_api_auth … :close, :reopen), with the permission close_project, and
// closes all subprojects with it (app/models/project.rb: close), as it reopens
// them all: a project that has some is left open.
func (s *source) CloseShard(ctx context.Context, sh connector.Shard, note connector.Note, before connector.Standing) (connector.Closed, error) {
	if before == connector.WasClosed {
		return connector.Closed{ReadOnly: true}, nil // people did, and need no way on
	}
	now, err := s.face(ctx, sh.Ref.ID)
	if err != nil {
		return connector.Closed{}, unseen(err)
	}
	bare, _ := connector.WithoutNote(now.Description)
	want := note.Before(bare)
	if now.Description != want {
		if now.Status == projectClosed { // somebody closed it meanwhile, and a closed one takes no note
			if err := s.turn(ctx, sh.Ref.ID, "reopen", connector.Closing); err != nil {
				return connector.Closed{}, err
			}
			now.Status = projectActive
		}
		if err := s.describe(ctx, sh.Ref.ID, want, connector.Closing); err != nil {
			return connector.Closed{}, err
		}
	}
	if now.Status == projectClosed {
		return connector.Closed{ReadOnly: true}, nil
	}
	parent, err := s.hasChildren(ctx, sh.Ref.ID)
	if err != nil {
		return connector.Closed{}, err
	}
	if parent {
		return connector.Closed{Why: "Redmine closes a project with all its subprojects; close it by hand when they have moved too"}, nil
	}
	if err := s.turn(ctx, sh.Ref.ID, "close", connector.Closing); connector.ClassOf(err) == connector.Forbidden {
		return connector.Closed{Why: "the person whose key this is has no role with the permission to close the project"}, nil
	} else if err != nil {
		return connector.Closed{}, err
	}
	return connector.Closed{ReadOnly: true}, nil
}

// ReopenShard implements connector.Closer.
func (s *source) ReopenShard(ctx context.Context, sh connector.Shard, before connector.Standing) error {
	if before == connector.WasClosed {
		return nil
	}
	now, err := s.face(ctx, sh.Ref.ID)
	if err != nil {
		return unseen(err)
	}
	bare, noted := connector.WithoutNote(now.Description)
	if !noted {
		return nil
	}
	if now.Status == projectClosed { // it takes no other description as long as it is
		parent, err := s.hasChildren(ctx, sh.Ref.ID)
		if err != nil {
			return err
		}
		if parent {
			return connector.Errorf(connector.Unsupported, "project %s was closed by somebody, and Redmine reopens all its subprojects with it", sh.Ref.ID)
		}
		if err := s.turn(ctx, sh.Ref.ID, "reopen", connector.Reopening); err != nil {
			return err
		}
	}
	return s.describe(ctx, sh.Ref.ID, bare, connector.Reopening)
}

// turn closes or reopens a project.
func (s *source) turn(ctx context.Context, id, what string, deed connector.Deed) error {
	_, err := s.api.http.JSON(ctx, connector.Request{Method: http.MethodPut, URL: s.api.at("/projects/"+id+"/"+what+".json", nil), Deed: deed}, nil)
	return err
}

func (s *source) describe(ctx context.Context, id, text string, deed connector.Deed) error {
	_, err := s.api.http.JSON(ctx, connector.Request{Method: http.MethodPut, URL: s.api.at("/projects/"+id+".json", nil),
		JSON: map[string]any{"project": map[string]any{"description": text}}, Deed: deed}, nil)
	return err
}

// hasChildren reports whether a project has subprojects, as far as this person
// sees them.
func (s *source) hasChildren(ctx context.Context, id string) (bool, error) {
	for p, err := range s.api.projects(ctx) {
		if err != nil {
			return false, err
		}
		if p.Parent != nil && itoa(p.Parent.ID) == id {
			return true, nil
		}
	}
	return false, nil
}

// unseen: a project that cannot be seen with this key cannot be closed with it.
func unseen(err error) error {
	if gone(err) {
		return connector.Errorf(connector.Forbidden, "the project is gone, or not to be seen with this key")
	}
	return err
}

// Steps implements connector.Closer.
func (s *source) Steps(sh connector.Shard, note connector.Note) []string {
	return []string{
		"open " + sh.URL + " as a manager of the project",
		"put \"Moved to " + note.Link + "\" first into its description, under Settings",
		"choose Close on its overview; that closes its subprojects too",
	}
}
