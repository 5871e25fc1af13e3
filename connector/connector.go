// Package connector is the contract of a connector: how one cloud is read,
// written and described. The engine knows this package and no cloud.
//
// A connector is a folder under connectors/ that offers a Connector. What a
// cloud can hold is data (Capabilities); what can go wrong has a class (Error);
// pacing, retry and logging are the client's (Client), never the connector's.
// connectortest runs the conformance suite, which is the definition of done.
package connector

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// A Connector is the code for one cloud.
type Connector interface {
	// Manifest says who this connector is and what a connection needs. Pure data.
	Manifest() Manifest
	// Capabilities says what the cloud can hold through a connection with these
	// settings. Pure: it asks nobody.
	Capabilities(Settings) Capabilities
	// Open makes a connection ready. It may read local files that the settings
	// name, but sends nothing to the cloud. The caller closes it.
	Open(ctx context.Context, env Env) (Cloud, error)
}

// A Manifest describes a connector to people and to the vault.
type Manifest struct {
	Name     string    // "trello"
	Title    string    // "Trello"
	Settings []Setting // what connect asks for, in order
	// Hosts the connector talks to when no url setting overrides them.
	Hosts []string
	// SignIn lets a person sign in on a page of the cloud's own; nil if the cloud
	// has no such way. show is called with the page's address and the code to
	// type there. It returns the settings that came of it, secrets among them.
	SignIn func(ctx context.Context, env Env, show func(url, code string)) (map[string]string, error)
}

// A Setting is one value that a connection needs.
type Setting struct {
	Name   string // as --set name=value takes it
	Help   string // one line: what it is and where a person finds it
	Secret bool   // sealed in the vault, never shown again
	// Path marks the name of a local file or folder that the mover must be
	// allowed to read.
	Path     bool
	Optional bool
}

// Settings are a connection's values by setting name, secrets among them. They
// are never logged. SettingURL overrides where the cloud is.
type Settings map[string]string

// SettingURL is the one setting that every connector knows: the base URL of
// the cloud, for stand-ins, national clouds and servers of one's own.
const SettingURL = "url"

// Env is what a connection is given to work with.
type Env struct {
	Settings Settings // the connection's own: nobody changes them after Open
	HTTP     *Client  // paced, retried, logged; the only way to the network
	Log      *slog.Logger
	Now      func() time.Time
	// Renewed tells the parent that a secret changed (a refreshed token), so
	// that it is sealed again. Safe to call from any goroutine.
	Renewed func(name, value string) error
}

// A Cloud is an open connection. Its methods are safe for concurrent use.
type Cloud interface {
	// Check tries the credentials and says who they are and what they may do.
	Check(context.Context) (Identity, error)
	// Source reads; Target writes into a place ("group:Marketing",
	// "workspace:Acme"). Both fail with class Unsupported where this connection
	// cannot do it (an export file is no target), and with class Permanent and a
	// helpful message where the place does not exist and cannot be made.
	Source(context.Context) (Source, error)
	Target(ctx context.Context, place string) (Target, error)
	Close() error
}

// An Identity is who a connection acts as.
type Identity struct {
	ID      string
	Name    string   // shown to the person who connects; never kept
	Account string   // the tenant, workspace or server
	Rights  []string // what it may do, in words: "read boards", "create plans"
	Missing []string // what it may not do and a migration would need
	// Settings are what Check learned of this account and Capabilities needs to
	// know without asking (the id of a custom field that holds labels). The
	// connect command stores them with the connection; a value that the user set
	// is not replaced. Ids and plain words only, never a secret.
	Settings map[string]string
}

// A Shard is one container of a source: the unit of listing and checkpoint.
type Shard struct {
	Ref    item.Ref
	Name   string
	URL    string
	Closed bool
	// Counts are the cloud's own numbers by kind where it tells them cheaply,
	// else nil; Bytes is the size of the blobs, -1 if unknown.
	Counts map[item.Kind]int
	Bytes  int64
	// Who sees it, as the cloud tells in the listing itself. People is how many,
	// -1 if it does not tell or if there is no end to them; Active is when
	// something last happened there, zero if unknown; Owner is the name of the
	// workspace, group or project that it belongs to, "" for none: shown, never
	// kept; Visibility is one of the constants below, "" if unknown.
	People     int
	Active     time.Time
	Owner      string
	Visibility string
	// Members are the ids of those who belong to it by name, Viewers of all who
	// see it; nil where the listing does not tell, or where there is no end to them.
	Members, Viewers []string
}

// Who sees a shard, from few to many.
const (
	ForPeople       = "people"       // those who were added, by name
	ForGroup        = "group"        // everybody in the workspace or group that owns it
	ForOrganisation = "organisation" // everybody with an account of the organisation
	ForEverybody    = "everybody"    // whoever has the address
)

// Visibilities returns the legal values of Shard.Visibility, from few to many
// people; "" is legal too.
func Visibilities() []string { return []string{ForPeople, ForGroup, ForOrganisation, ForEverybody} }

// A Cursor is a source's own mark of how far a listing came. Opaque, holds ids
// and tokens only, survives a restart. "" is the beginning.
type Cursor string

// A Page is a stretch of a shard's listing.
type Page struct {
	// Bundles come containers first, then what frames them (members, labels,
	// fields, lists), then tasks; siblings come in their order.
	Bundles []item.Bundle
	Gone    []item.Ref // what a change feed says was deleted
	Next    Cursor     // resumes after this page
	// Whole names the kinds of which this listing, from the beginning to its
	// end, is complete: what the ledger knows of them and the listing lacks was
	// deleted. Set on the last page.
	Whole []item.Kind
	// Since, on the last page, is a cursor from which List tells what changed since
	// this listing began; "" if the source cannot tell that. It holds ids, versions and
	// tokens only. From one that is too old, or was made with other settings, List
	// tells everything.
	Since Cursor
	// Same, on the last page of a listing from a Since, names folders of which what
	// lies in them by itself, folders excepted, was told only where it changed, and the
	// container where that holds for everything: what else the ledger knows there, and
	// Gone does not name, is as it was. Of a folder that is gone, what lies in it need not
	// be named: whatever was not put elsewhere went with it. What is told comes after the
	// folders that it lies in, which are told, too.
	Same []item.Ref
	// Full, beside a container in Same, names folders of which what lies in them by itself
	// was told whole: what the ledger knows there and the listing lacked is gone.
	Full []item.Ref
	// Alone, beside a container in Same, names folders of which something that lies in
	// them was not told. Of one that the ledger does not know, and that came from
	// elsewhere, it does not know that either: the source is asked for everything.
	Alone []item.Ref
}

// A Source reads one cloud. It never writes to it.
type Source interface {
	// Shards yields every container that this connection can see.
	Shards(context.Context) iter.Seq2[Shard, error]
	// List yields the pages of one shard from a cursor on: that of a page, or one
	// from which changes are told (Page.Since). It stops after the first error. Reading a page again is harmless.
	List(context.Context, Shard, Cursor) iter.Seq2[Page, error]
	// Fetch yields the named items afresh; one that is gone is left out.
	Fetch(context.Context, Shard, []item.Ref) iter.Seq2[item.Bundle, error]
	// Open streams n bytes (to the end if n < 0) of a blob from an offset,
	// pinned to Blob.Version; a changed blob is a Conflict. The caller closes it.
	Open(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error)
	// Locate tells which item a URL names, as one of that item's Aliases or its
	// id; ok is false for an address that is not of this cloud. Pure.
	Locate(url string) (alias string, ok bool)
}

// An Op is what a Change does.
type Op int

const (
	Create Op = iota + 1
	Update
)

// A Change is one write. Its items are fitted: they hold only what the
// target's capabilities keep, their Parent, references and people are the
// target's own ids, and their texts are in its format.
type Change struct {
	Op   Op
	Item item.Item // for Update, Item.ID is the target's id; for Create, ""
	// Children are the items of kinds that the capabilities embed in this kind,
	// in order: written with it in one go. An update replaces them all.
	Children []item.Item
	// Dirty names the fields to write in an Update, and the kinds of the
	// children that differ; DirtyParent if Moved. Empty means everything (a write that
	// was half done).
	Dirty []string
	// Moved says of an Update that the item lies in another folder than Prev, or
	// bears another name: Item.Parent and its name say where it goes. Where ids are
	// paths, Result.Stored has the new one. Where something else stands there, it is a
	// Conflict with the hint that it is in the way. Only for a kind that Moves.
	Moved bool
	// Prev is what the target holds before an Update, as Fetch returned it; nil
	// for Create.
	Prev *item.Bundle
	// After is the target's id of the sibling that this item follows in its
	// parent or list; "" puts it first. Changes of one call that share a parent
	// or list follow one another: AfterPrevious is set and After is "". Where the
	// previous one fails, what comes after it follows what that one was to follow.
	After         string
	AfterPrevious bool
	// AfterGone is what the item follows where After is no longer among its
	// siblings, because people deleted it or put it elsewhere: the first of these
	// that is; "" is the first place. Where none is, the item goes to the end.
	AfterGone []string
	// Doubted says that an earlier attempt at this write may have come to something:
	// an upload in parts that it began, and whose session nobody learned, is ours.
	Doubted bool
	// Mark is what the target must carry so that this item can be found again,
	// from Target.Carrier. "" for a kind without a mark.
	Mark string
}

// Writes reports whether an Update has a field to write.
func (c Change) Writes(field string) bool {
	return len(c.Dirty) == 0 || slices.Contains(c.Dirty, field)
}

// DirtyParent stands in Change.Dirty for what the item lies in.
const DirtyParent = "parent"

// A Result is what became of one Change, in the order of the changes.
type Result struct {
	// Stored is the item and its embedded children as the target now holds them,
	// as Fetch would return them. Meaningful without Err only.
	Stored item.Bundle
	// Adopted is true if the target already had this item and it was taken over,
	// not made: an undo leaves it alone.
	Adopted bool
	Err     error // an *Error; its InDoubt says that the write may have happened
}

// Found is an item of a target container that may be one of ours.
type Found struct {
	Bundle item.Bundle // as Fetch returns it
	Mark   string      // what it carries, "" if nothing
	Made   time.Time   // by the target's clock; zero if it does not tell
}

// A Target writes one cloud, within one place.
type Target interface {
	// Write applies changes of one kind and yields a Result for each, in order. An
	// error yielded in place of a Result is that of its change, as Result.Err is.
	// The batch is at most Capabilities.Kinds[kind].Batch long.
	Write(ctx context.Context, changes []Change, open item.Opener) iter.Seq2[Result, error]
	// Fetch yields the named items of one container of this target as they are
	// now, embedded children included; one that is gone is left out. container
	// is the board; for a board itself it names that board.
	Fetch(ctx context.Context, container item.Ref, refs []item.Ref) iter.Seq2[item.Bundle, error]
	// Find yields what this connection made in a container since a time (zero:
	// ever), marked or not, by the target's clock with generous slack. With a
	// zero container it yields containers of the place. Rebuild and the settling
	// of writes in doubt rest on it.
	Find(ctx context.Context, container item.Ref, since time.Time) iter.Seq2[Found, error]
	// Delete removes an item if accept says yes to what it holds at that moment
	// (undo: "unchanged since we wrote it"), with the fresh etag where there is
	// one. Removed is false if accept refused. An item that is gone already
	// counts as removed.
	Delete(ctx context.Context, container, ref item.Ref, accept func(item.Bundle) bool) (removed bool, err error)
	// Carrier returns what the target will carry as the mark of a source item,
	// given the item's mark text (its URL, or "rialto:kind:id"). Pure.
	Carrier(k item.Kind, mark string) string
	// Finish is called once after all of a container is written.
	Finish(ctx context.Context, container item.Ref) error
	// Link returns the address of a target item for people; "" if it has none.
	// Pure, so that links can be rewritten without asking.
	Link(ref item.Ref, container item.Ref) string
	// Members yields the people of the place who can be assigned, as items.
	Members(context.Context) iter.Seq2[item.Item, error]
}
