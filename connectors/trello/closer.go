package trello

import (
	"context"
	"net/http"
	"net/url"
	"unicode/utf16"

	"github.com/rialto-migrate/rialto/connector"
)

var _ connector.Closer = (*source)(nil)

// longestText is the most that Trello stores of a board's name or description
// (contract, PUT /boards/{id}: "1 to 16384 characters", "0 to 16384 characters").
const longestText = 16384

// A face is what of a board tells that it has moved, as Trello stores it: with
// the note, which a board read in any other way is without.
type face struct {
	Name   text `json:"name"`
	Desc   text `json:"desc"`
	Closed flag `json:"closed"`
}

// bare returns the face without a note, and whether there was one. A note is only
// ever put on an open board.
func (f face) bare() (out face, had bool) {
	name, inName := connector.WithoutTitle(string(f.Name))
	desc, inDesc := connector.WithoutNote(string(f.Desc))
	had = inName || inDesc
	return face{text(name), text(desc), f.Closed && flag(!had)}, had
}

func (s *source) face(ctx context.Context, id string) (f face, err error) {
	err = s.api.get(ctx, "/boards/"+url.PathEscape(id), url.Values{"fields": {"name,desc,closed"}}, &f)
	return f, err
}

// Standing implements connector.Closer.
func (s *source) Standing(ctx context.Context, shard connector.Shard) (connector.Standing, error) {
	f, err := s.face(ctx, shard.Ref.ID)
	if now, _ := f.bare(); err != nil || !bool(now.Closed) {
		return "", err
	}
	return connector.WasClosed, nil
}

// CloseShard implements connector.Closer. Trello has no board that is only read: what
// ends the work on one is to close it, which its admins may and may take back
// (https://community.atlassian.com/t5/Trello-articles/Manage-Trello-board-users-and-Permissions/ba-p/2207643). A closed board
// hides its cards; its name is what people who follow an old link, a search or the
// list of closed boards see of it, so the new link stands there, and once more in
// the description, where it can be clicked. One request does it all, and none of
// its parts sends anybody a message.
func (s *source) CloseShard(ctx context.Context, shard connector.Shard, note connector.Note, before connector.Standing) (connector.Closed, error) {
	if before == connector.WasClosed {
		return connector.Closed{ReadOnly: true}, nil // people did, and need no way on
	}
	now, err := s.face(ctx, shard.Ref.ID)
	if err != nil {
		return connector.Closed{}, err
	}
	bare, _ := now.bare()
	want := face{bare.Name, bare.Desc, true}
	if t := text(note.Title(string(bare.Name))); fits(t) {
		want.Name = t
	}
	if t := text(note.Before(string(bare.Desc))); fits(t) {
		want.Desc = t
	}
	return connector.Closed{ReadOnly: true}, s.show(ctx, shard.Ref.ID, now, want, connector.Closing)
}

// ReopenShard implements connector.Closer.
func (s *source) ReopenShard(ctx context.Context, shard connector.Shard, before connector.Standing) error {
	if before == connector.WasClosed {
		return nil
	}
	now, err := s.face(ctx, shard.Ref.ID)
	if err != nil {
		return err
	}
	bare, had := now.bare()
	if !had {
		return nil
	}
	return s.show(ctx, shard.Ref.ID, now, bare, connector.Reopening)
}

// show writes what differs of a board's face, in one request.
func (s *source) show(ctx context.Context, id string, now, want face, deed connector.Deed) error {
	p := params{}
	if now.Name != want.Name {
		p["name"] = string(want.Name)
	}
	if now.Desc != want.Desc {
		p["desc"] = string(want.Desc)
	}
	if now.Closed != want.Closed {
		p["closed"] = bool(want.Closed)
	}
	if len(p) == 0 {
		return nil
	}
	_, err := s.api.http.JSON(ctx, connector.Request{Method: http.MethodPut, URL: s.api.base + "/boards/" + url.PathEscape(id), JSON: p, Deed: deed}, nil)
	return err
}

func fits(t text) bool { return len(utf16.Encode([]rune(string(t)))) <= longestText }

// Steps implements connector.Closer.
func (s *source) Steps(shard connector.Shard, note connector.Note) []string {
	return steps(shard, note)
}

func steps(shard connector.Shard, note connector.Note) []string {
	return []string{
		"open " + shard.URL + " as an admin of the board",
		"put \"Moved to " + note.Link + "\" before its name, and into About this board",
		"choose Close board in the board's menu",
	}
}

var _ connector.Closer = (*exportSource)(nil)

func notHere() error {
	return connector.Errorf(connector.Unsupported, "an export file is no board that could be closed")
}

// Standing implements connector.Closer: an export tells nothing of the board as
// it is by now.
func (s *exportSource) Standing(context.Context, connector.Shard) (connector.Standing, error) {
	return "", notHere()
}

// CloseShard implements connector.Closer: a person has to.
func (s *exportSource) CloseShard(context.Context, connector.Shard, connector.Note, connector.Standing) (connector.Closed, error) {
	return connector.Closed{}, notHere()
}

// ReopenShard implements connector.Closer: a person has to.
func (s *exportSource) ReopenShard(context.Context, connector.Shard, connector.Standing) error {
	return notHere()
}

// Steps implements connector.Closer.
func (s *exportSource) Steps(shard connector.Shard, note connector.Note) []string {
	return steps(shard, note)
}
