package connectortest

import (
	"maps"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// testClosing closes a container twice and reopens it twice, where the source
// offers it: without the permit nothing is sent, with it the container is listed
// as it was, and afterwards it stands as before. Where a connection cannot, it says
// so and has steps for a person.
func (r *rig) testClosing() {
	o := r.client()
	o.Guard = &connector.Guard{}
	cloud, err := r.suite.Connector.Open(r.Context(), connector.Env{Settings: maps.Clone(r.set), HTTP: connector.NewClient(o), Log: o.Log, Now: time.Now,
		Renewed: func(string, string) error { return nil }})
	r.no(err, "Open")
	defer func() { r.no(cloud.Close(), "Close") }()
	source, err := cloud.Source(r.Context())
	r.no(err, "Source")
	closer, ok := source.(connector.Closer)
	if !ok {
		r.Log("this source offers no cut-over: a person closes what has moved")
		return
	}
	note := connector.Note{Link: "https://new.example/plan_1?a=b&c=d"}
	board := r.world.Board
	if r.target != nil {
		board = r.furnish().board
	}
	shard := connector.Shard{Ref: board, URL: "https://old.example/board"}
	if steps := closer.Steps(shard, note); len(steps) < 2 {
		r.Errorf("%d steps for a person who has to close a container", len(steps))
	}
	standing, err := closer.Standing(r.Context(), shard)
	if err != nil {
		if c := connector.ClassOf(err); c != connector.Unsupported && c != connector.Forbidden {
			r.Errorf("Standing: %v", err)
		}
		return
	}
	before := r.closingView(source, shard)
	if _, err := closer.CloseShard(r.Context(), shard, note, standing); connector.ClassOf(err) != connector.Forbidden {
		r.Errorf("a close that nobody permitted: %v", err)
	}
	if _, err := closer.CloseShard(o.Guard.Permit(r.Context(), connector.Reopening), shard, note, standing); connector.ClassOf(err) != connector.Forbidden {
		r.Errorf("a close where a reopening was permitted: %v", err)
	}
	for range 2 {
		closed, err := closer.CloseShard(o.Guard.Permit(r.Context(), connector.Closing), shard, note, standing)
		r.no(err, "CloseShard")
		if closed.ReadOnly == (closed.Why != "") {
			r.Errorf("closed: %+v; either nobody can change it, or the cloud has a reason", closed)
		}
		r.sameButHidden(r.closingView(source, shard), before)
	}
	for range 2 {
		r.no(closer.ReopenShard(o.Guard.Permit(r.Context(), connector.Reopening), shard, standing), "ReopenShard")
	}
	if now := r.closingView(source, shard); !maps.Equal(now, before) {
		r.Errorf("a reopened container is listed otherwise: %v, and was %v", now, before)
	}
	if again, err := closer.Standing(r.Context(), shard); err != nil || again != standing {
		r.Errorf("it stands %q after it was reopened, and stood %q: %v", again, standing, err)
	}
	if _, err := closer.Standing(r.Context(), connector.Shard{Ref: board}); err != nil {
		r.Errorf("Standing without an address: %v", err)
	}
}

// sameButHidden compares a closed container with what it was. A cloud may show
// fewer lists of it, for nobody is to write them; but nothing else, and nothing
// new.
func (r *rig) sameButHidden(now, before map[item.Ref]string) {
	r.Helper()
	for ref, text := range before {
		if got, there := now[ref]; got != text && (there || ref.Kind != item.List) {
			r.Errorf("%s of a closed container is %q, and was %q", ref, got, text)
		}
	}
	for ref := range now {
		if _, was := before[ref]; !was {
			r.Errorf("%s is new in a closed container: is it the note?", ref)
		}
	}
}

// closingView is what people have in a container: its own fields, and its lists
// and tasks by their names.
func (r *rig) closingView(source connector.Source, shard connector.Shard) map[item.Ref]string {
	r.Helper()
	out := map[item.Ref]string{}
	for page, err := range source.List(r.Context(), shard, "") {
		r.no(err, "List")
		for _, b := range page.Bundles {
			switch b.Item.Kind {
			case item.Board:
				out[b.Item.Ref] = item.Name.Get(b.Item) + "\n" + item.Description.Get(b.Item)
				if item.Closed.Get(b.Item) {
					out[b.Item.Ref] += "\nclosed"
				}
			case item.List, item.Task:
				out[b.Item.Ref] = item.Name.Get(b.Item) + item.Title.Get(b.Item)
			}
		}
	}
	return out
}
