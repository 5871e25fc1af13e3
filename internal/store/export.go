package store

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A Summary counts what a ledger holds.
type Summary struct {
	Shards   int                            `json:"shards"`
	Items    map[item.Kind]map[string]int64 `json:"items"`    // by kind and state
	Failures map[item.Kind]map[string]int64 `json:"failures"` // by kind and class
	InDoubt  int64                          `json:"in_doubt"`
	Links    int64                          `json:"links"`
	Passes   []ledger.Pass                  `json:"passes"`
}

// stateName is a state as exports and summaries call it.
func stateName(s ledger.State) string {
	switch s {
	case ledger.Made:
		return "made"
	case ledger.Adopted:
		return "adopted"
	case ledger.Folded:
		return "folded"
	case ledger.Dropped:
		return "dropped"
	case ledger.Half:
		return "half"
	case ledger.Refused:
		return "refused"
	}
	return fmt.Sprintf("state-%d", s)
}

func opName(o ledger.Op) string {
	switch o {
	case ledger.Create:
		return "create"
	case ledger.Update:
		return "update"
	case ledger.Delete:
		return "delete"
	}
	return fmt.Sprintf("op-%d", o)
}

func cutName(s ledger.CutState) string {
	switch s {
	case 0:
		return ""
	case ledger.Closing:
		return "closing"
	case ledger.CutOver:
		return "cut over"
	case ledger.Reopened:
		return "reopened"
	}
	return fmt.Sprintf("cut-%d", s)
}

// Summary counts the ledger. It reads all of it: about a second for a million
// items.
func (l *Ledger) Summary(ctx context.Context) (out Summary, err error) {
	out.Items, out.Failures = map[item.Kind]map[string]int64{}, map[item.Kind]map[string]int64{}
	err = l.db.view(ctx, func(s session) (err error) {
		err = s.query(countRows, func(r row) error {
			return l.count(out.Items, r.blob(0), stateName(ledger.State(r.int(1))), r.int(2))
		})
		if err != nil {
			return err
		}
		err = s.query(countFailures, func(r row) error { return l.count(out.Failures, r.blob(0), string(r.blob(1)), r.int(2)) })
		if err != nil {
			return err
		}
		if out.InDoubt, err = one(s, countIntents); err != nil {
			return err
		}
		out.Links, err = one(s, countLinks)
		return err
	})
	if err != nil {
		return Summary{}, err
	}
	shards, err := l.Shards(ctx)
	if err != nil {
		return Summary{}, err
	}
	out.Shards = len(shards)
	out.Passes, err = l.Passes(ctx)
	return out, err
}

// count adds n to the kind that the head of a packed ref numbers.
func (l *Ledger) count(to map[item.Kind]map[string]int64, head []byte, name string, n int64) error {
	kind, ok := l.kinds.name(int(head[0]) / int(forms))
	if !ok {
		return damaged("a row of no known kind")
	}
	if to[kind] == nil {
		to[kind] = map[string]int64{}
	}
	to[kind][name] += n
	return nil
}

// A line is one line of an export. Exactly one of its parts is set, besides
// Shard, which most parts belong to.
type line struct {
	Shard   int64        `json:"shard,omitempty"`
	Pass    *linePass    `json:"pass,omitempty"`
	Begin   *lineShard   `json:"container,omitempty"`
	Row     *lineRow     `json:"row,omitempty"`
	Intent  *lineIntent  `json:"intent,omitempty"`
	Failure *lineFailure `json:"failure,omitempty"`
	Alias   *lineAlias   `json:"alias,omitempty"`
	Link    *lineAlias   `json:"link,omitempty"`
}

type linePass struct {
	Num     int64     `json:"num"`
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended,omitzero"`
	Outcome string    `json:"outcome,omitempty"`
}

type lineShard struct {
	Source string `json:"source"`
	Target string `json:"target,omitempty"`
	Cursor string `json:"cursor,omitempty"`
	Swept  bool   `json:"swept,omitempty"`

	Cut       string    `json:"cut,omitempty"` // closing, cut over, reopened
	CutAt     time.Time `json:"cut_at,omitzero"`
	CutBefore string    `json:"cut_before,omitempty"`

	Since string `json:"since,omitempty"`
}

type lineRow struct {
	Source  string `json:"source"`
	Target  string `json:"target,omitempty"`
	Parent  string `json:"parent,omitempty"`
	State   string `json:"state"`
	Version string `json:"version,omitempty"`
	Print   string `json:"print,omitempty"`
	Base    string `json:"base,omitempty"`
}

type lineIntent struct {
	Source    string    `json:"source"`
	Op        string    `json:"op"`
	Target    string    `json:"target,omitempty"`
	Container string    `json:"container,omitempty"`
	Parent    string    `json:"parent,omitempty"`
	Version   string    `json:"version,omitempty"`
	Shape     string    `json:"shape,omitempty"`
	Mark      string    `json:"mark,omitempty"`
	At        time.Time `json:"at"`
}

type lineFailure struct {
	Source string `json:"source"`
	Class  string `json:"class"`
	Reason string `json:"reason"`
}

type lineAlias struct {
	Alias  string `json:"alias"`
	Source string `json:"source"`
}

// exportPage is how many rows an export reads at a time.
const exportPage = 1000

// Export writes the ledger as JSON lines: passes, then shard by shard the
// container, its intents, failures, links and rows, then aliases. Ids,
// versions, states and times only. Refs read "kind:id", digests are 16 hex
// digits. What is applied meanwhile may be in it or not.
func (l *Ledger) Export(ctx context.Context, w io.Writer) error {
	buffered := bufio.NewWriter(w)
	e := json.NewEncoder(buffered)
	e.SetEscapeHTML(false)
	passes, err := l.Passes(ctx)
	if err != nil {
		return err
	}
	for _, p := range passes {
		if err := e.Encode(line{Pass: &linePass{p.Num, p.Began, p.Ended, p.Outcome}}); err != nil {
			return err
		}
	}
	shards, err := l.Shards(ctx)
	if err != nil {
		return err
	}
	for _, sh := range shards {
		if err := l.exportShard(ctx, sh, e); err != nil {
			return err
		}
	}
	err = l.db.view(ctx, func(s session) error {
		return s.query(listAliases, func(r row) error {
			alias, err := unpackAlias(r.blob(0))
			if err != nil {
				return err
			}
			key, err := l.kinds.unpack(r.blob(2))
			if err != nil {
				return err
			}
			return e.Encode(line{Shard: r.int(1), Alias: &lineAlias{alias, key.String()}})
		})
	})
	if err != nil {
		return err
	}
	return buffered.Flush()
}

func (l *Ledger) exportShard(ctx context.Context, sh ledger.Shard, e *json.Encoder) error {
	lines := []line{{Begin: &lineShard{Source: ref(sh.Source), Target: ref(sh.Target), Cursor: sh.Cursor, Swept: sh.Swept,
		Cut: cutName(sh.Cut.State), CutAt: sh.Cut.At, CutBefore: sh.Cut.Before, Since: sh.Since}}}
	intents, err := l.InDoubt(ctx, sh.Num)
	if err != nil {
		return err
	}
	for _, in := range intents {
		lines = append(lines, line{Intent: &lineIntent{ref(in.Key), opName(in.Op), ref(in.Target), ref(in.Container),
			ref(in.Parent), digest(in.Version), digest(in.Shape), in.Mark, in.At}})
	}
	failures, err := l.Failures(ctx, sh.Num, 1<<30)
	if err != nil {
		return err
	}
	for _, f := range failures {
		lines = append(lines, line{Failure: &lineFailure{ref(f.Key), f.Class, f.Reason}})
	}
	err = l.db.view(ctx, func(s session) error {
		return s.query(listLinks, func(r row) error {
			ln, err := l.link(r)
			lines = append(lines, line{Link: &lineAlias{ln.Alias, ref(ln.Key)}})
			return err
		}, sh.Num)
	})
	if err != nil {
		return err
	}
	for _, ln := range lines {
		ln.Shard = sh.Num
		if err := e.Encode(ln); err != nil {
			return err
		}
	}
	after := ledger.Key{}
	for {
		rows, err := l.Rows(ctx, sh.Num, after, exportPage)
		if err != nil {
			return err
		}
		for _, r := range rows {
			out := lineRow{ref(r.Key), ref(r.Target), ref(r.Parent), stateName(r.State), digest(r.Version), digest(r.Print), hex.EncodeToString([]byte(r.Base))}
			if err := e.Encode(line{Shard: sh.Num, Row: &out}); err != nil {
				return err
			}
		}
		if len(rows) < exportPage {
			return nil
		}
		after = rows[len(rows)-1].Key
	}
}

// ref is "kind:id", or "" for the zero Ref.
func ref(r item.Ref) string { return strings.TrimPrefix(r.String(), ":") }

func digest(d item.Digest) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%016x", uint64(d))
}
