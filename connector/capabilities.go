package connector

import (
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// Capabilities say what a cloud can hold. Forecast, run and verify read the
// same table, so a loss that was not forecast is a bug by definition.
type Capabilities struct {
	Kinds map[item.Kind]KindCaps
	// Absent gives, for every kind that Kinds lacks, why the cloud has no place
	// for it: the vendor's reason.
	Absent map[item.Kind]string
	// Format is what the cloud's Text fields hold.
	Format Format
	// Mention is what stands before a user name in a text to notify somebody
	// ("@"); "" if nothing does.
	Mention string
	// SettleDelay is how long a request of a dead client may still land:
	// absence proves nothing before.
	SettleDelay time.Duration
	// Quiet says in words how the cloud's people or administrators keep messages
	// away that no way of writing prevents; "" if there are none.
	Quiet string
	// Paths says that ids are paths, as in a bucket or on a server of files: the id of
	// what lies in another is that one's, a slash, and its name (Below). Such ids say
	// too much to be remembered, so that the engine seals them; and whatever is
	// written stands where its id says, so that a write in doubt is looked up there.
	Paths bool
	// TellsChanges says that the cloud tells when a task last changed
	// (item.Item.Changed).
	TellsChanges bool
	// Untold names fields of which the source's feed of changes (Page.Since) may not tell
	// that they alone changed: for a target that keeps one of them all is listed.
	Untold []string
	// Quotas are the documented limits; empty if the vendor publishes none.
	Quotas []Quota
	// ReadRequests estimates the requests to list a shard of n tasks, files or
	// messages.
	ReadRequests func(tasks int) float64
}

// A Format is how a cloud's long texts are written.
type Format string

const (
	Plain    Format = "plain"
	Markdown Format = "markdown"
	Textile  Format = "textile"
	HTML     Format = "html"
)

// KindCaps say what a cloud holds of one kind. A kind that Capabilities.Kinds
// lacks is lost whole.
type KindCaps struct {
	// Fields are kept, within their limits.
	Fields map[string]FieldCaps
	// Lost gives, for every other field of the kind, why the cloud cannot hold
	// it: the vendor's reason. The conformance suite refuses a field that is
	// neither here nor in Fields.
	Lost map[string]string
	// Embedded names the kind that this one is written with in one go: a
	// Planner checklist is part of its task. "" for an item of its own.
	Embedded item.Kind
	// Max is how many one parent holds; 0 for no limit. Why cites the vendor.
	Max int
	// MaxOpen is how many open items one container holds, 0 for no limit: not
	// archived, where a container keeps archived items, else not done.
	MaxOpen int
	Why     string
	// MaxBytes is how large the bytes of an item may be where Content is Lost, since the
	// cloud keeps them in a form of its own; 0 for no limit, and Why cites the vendor. A
	// kind that keeps Content says it there.
	MaxBytes int64
	// MaxMade is how many one account makes in all its time, 0 for no limit, and
	// MaxMadeWhy cites the vendor.
	MaxMade    int
	MaxMadeWhy string
	// Ordered kinds keep an order among siblings that can be written.
	Ordered bool
	// Moves says that an Update takes an item to another folder or gives it another
	// name (Change.Moved). A kind without it is made anew there, and deleted where it
	// was; so are folders whose ids are paths.
	Moves bool
	// Batch is the most changes that one Write takes; at least 1.
	Batch int
	// Parts is set for a kind whose blobs, from a size on, are written in parts that
	// outlive a process: the Target is then an Uploader.
	Parts *PartCaps
	// Shape names the fields that the very first request of a Create carries: a
	// write in doubt whose mark came too late is found by them.
	Shape []string
	// Carrier says in words what carries the mark, for the docs: "a reference
	// whose key is the source's URL". "" if the kind is found by its shape.
	Carrier string
	// Undo is what an undo can do for this kind.
	Undo Undo
	// UndoWhy explains anything but UndoExact.
	UndoWhy string
	// Requests estimates the requests to create one, for the forecast.
	Requests float64
	// RequestsOf estimates them for one item as it is written, where much depends
	// on what it holds; nil where Requests does.
	RequestsOf func(item.Item) float64
	// Notices say whom a write of this kind tells by mail or push; none if nobody.
	Notices []Notice
}

// NameCaps are what a cloud asks of the names of files and folders. The engine
// gives a name that it refuses another one, by one rule for all clouds.
type NameCaps struct {
	Forbidden string   // characters that no name holds; a slash never does
	Controls  bool     // refuses control characters, too
	Reserved  []string // names that are taken, whatever their case and their extension: CON
	Ends      string   // characters that no name ends with: ". "
	Begins    string   // characters that no name begins with
	MaxBytes  int      // of a name in UTF-8; 0 for no limit
	MaxChars  int      // of a name in UTF-16 units; 0 for no limit
	UTF8      bool     // refuses what is not UTF-8
	Empty     bool     // takes an empty name, and dots, too: the keys "a//b" and "a/../b" of a bucket
	// MaxPathBytes and MaxPathChars are of all the names from below the container on,
	// with a slash between them, as MaxBytes and MaxChars count; 0 for no limit.
	MaxPathBytes, MaxPathChars int
	Folds                      bool // names that differ in case alone are the same to it
	Forms                      bool // names that differ in their Unicode form alone are the same to it
	Twins                      bool // two things in one folder may have the same name
}

// PartCaps are the limits of an upload in parts.
type PartCaps struct {
	From   int64  // bytes: a smaller blob goes in one piece
	Least  int64  // bytes of a part, but for the last
	Most   int64  // bytes of a part
	Parts  int    // of one upload, at most
	Serial bool   // parts go in their order, one after the other
	Why    string // cites the vendor
}

// FieldCaps are the limits of one field. The zero value keeps everything.
type FieldCaps struct {
	MaxChars int  // characters of a text (UTF-16 units, as the clouds count); 0 for no limit
	MaxCount int  // entries of a set or list; 0 for no limit
	Days     bool // a time loses its clock
	// Values is the closed set of a Choice, a Line or Options (whose case is no matter), or the steps of a Number as text in
	// rising order, of which a value strictly between the first and the last never
	// becomes one of these two: what was begun stays begun. nil for any.
	Values []string
	// Without names the Options that the cloud does not hold, whatever else it takes.
	Without []string
	// Needed says that the cloud takes no item of which this text is empty, or
	// that stands in no list: it is given one.
	Needed bool
	// Unique says that no two items of one container may have the same value of
	// this field: each of a plan's labels is one of Planner's 25 colours.
	Unique bool
	// AtLeast marks a set that the cloud or its people add to by themselves, as
	// whoever makes a board becomes its member: what is there beyond what was
	// written is no difference.
	AtLeast bool
	// Told marks a field that the cloud sets itself and that cannot be written:
	// readable here, but lost as a target.
	Told bool
	// Inside marks an address that must lead to something of this cloud: what leads
	// elsewhere is not made.
	Inside bool
	// Fixed marks a field that cannot change after the item was made.
	Fixed    bool
	MaxBytes int64 // of a blob; 0 for no limit
	// Names are the rules for the name of a file or folder; nil takes every name
	// that is not empty and holds no slash.
	Names *NameCaps
	Why   string // cites the vendor for the limit
}

// Undo says what an undo can do.
type Undo string

const (
	UndoExact      Undo = "exact"
	UndoPartial    Undo = "partial"
	UndoImpossible Undo = "impossible"
)

// A Quota is one documented limit of a cloud.
type Quota struct {
	Class    string // of calls, as Client.Do names it; "" for all
	Requests int
	Per      time.Duration
	Source   string // where the vendor says so
}

// Writes reports whether a target with these capabilities holds items of a
// kind that can be written: some of its fields at least. People are matched and
// not written, and a server may hold custom fields that only its administrator
// can make.
func (c Capabilities) Writes(k item.Kind) bool {
	for _, f := range c.Kinds[k].Fields {
		if !f.Told {
			return true
		}
	}
	return false
}

// Keeps reports whether a target with these capabilities keeps a field of a
// kind as something that can be written.
func (c Capabilities) Keeps(k item.Kind, field string) bool {
	f, ok := c.Kinds[k].Fields[field]
	return ok && !f.Told
}

// Below is the id of what lies in a container or folder by a name, where ids are
// paths.
func Below(parent, name string) string {
	if parent == "/" {
		return "/" + name
	}
	return parent + "/" + name
}

// Container is the kind of container that the cloud has: each has one.
func (c Capabilities) Container() item.Kind {
	for _, info := range item.Kinds() {
		if _, ok := c.Kinds[info.Kind]; ok && info.Level == item.Container {
			return info.Kind
		}
	}
	return ""
}

// Peopled reports whether people are assigned to what the cloud holds: to tasks, or
// to entries of checklists. Nobody is to a file or a message.
func (c Capabilities) Peopled() bool {
	_, tasks := c.Kinds[item.Task]
	return tasks
}

// Leaf is the kind of what the cloud's containers are there for: tasks, files or
// messages.
func (c Capabilities) Leaf() item.Kind {
	for _, info := range item.Kinds() {
		if _, ok := c.Kinds[info.Kind]; ok && info.Level == item.Leaf {
			return info.Kind
		}
	}
	return ""
}
