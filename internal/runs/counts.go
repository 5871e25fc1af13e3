package runs

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// Counts say how far a run is. They are exact however many events are kept.
type Counts struct {
	Items    map[item.Kind]map[string]int64 `json:"items,omitempty"` // by kind and what became of them
	Shards   []Shard                        `json:"shards,omitempty"`
	Failures []Failures                     `json:"failures,omitempty"`
	Looked   int64                          `json:"looked"`          // items looked at in this attempt
	Total    int64                          `json:"total,omitempty"` // to look at; 0 if unknown
	Requests int64                          `json:"requests"`
	Refused  int64                          `json:"refused"`
	Bytes    int64                          `json:"bytes"`
	Rates    []Rate                         `json:"rates,omitempty"` // of the last minutes
	Quota    float64                        `json:"quota,omitempty"` // requests a second that both clouds allow together; 0 if unknown
	Share    float64                        `json:"share,omitempty"` // of the quotas that are used at most; 0 for all
	Waits    string                         `json:"waits,omitempty"` // why nothing new is sent; "" if it is
	Until    time.Time                      `json:"until,omitzero"`  // when that ends, if it is known
	Again    int                            `json:"again,omitempty"` // how often it went on after its process had ended

	before  migrate.Progress // requests and bytes of the processes before this one
	byShard map[string]int
	second  int64 // of the newest rate
	told    int64 // requests when it began
}

// A Shard is a container under way.
type Shard struct {
	ID     string `json:"id"`
	Done   int64  `json:"done"` // items
	Failed int64  `json:"failed,omitempty"`
	Ended  bool   `json:"ended,omitempty"`
}

// Failures are those of one class and kind, with the newest as an example.
type Failures struct {
	Class  string    `json:"class"`
	Kind   item.Kind `json:"kind"`
	Count  int64     `json:"count"`
	Reason string    `json:"reason,omitempty"`
}

// A Rate is how many requests were sent in a second.
type Rate struct {
	At       int64 `json:"at"` // seconds since 1970
	Requests int64 `json:"requests"`
}

const mostRates = 180

// countsOf reads counts that were kept, to go on with them.
func countsOf(b []byte) (c Counts, err error) {
	if len(b) > 0 {
		err = json.Unmarshal(b, &c)
	}
	c.byShard = map[string]int{}
	for i, s := range c.Shards {
		c.byShard[s.ID] = i
	}
	if c.Items == nil {
		c.Items = map[item.Kind]map[string]int64{}
	}
	c.before = migrate.Progress{Requests: c.Requests, Refused: c.Refused, Bytes: c.Bytes}
	return c, err
}

// take counts an event.
func (c *Counts) take(e Event) {
	switch e.Event {
	case "item", "kept":
		op := e.Op
		if op == "" {
			op = e.Event
		}
		if c.Items[e.Kind] == nil {
			c.Items[e.Kind] = map[string]int64{}
		}
		c.Items[e.Kind][op]++
		if s := c.shard(e.Shard); s != nil {
			s.Done++
		}
	case "failure":
		c.failed(e)
		if s := c.shard(e.Shard); s != nil {
			s.Failed++
		}
	case "shard":
		if s := c.shard(cmp.Or(e.Shard, e.Source)); s != nil {
			s.Ended = true
		}
	case "difference":
		c.failed(e)
	case job.Waiting:
		c.Waits, c.Until = e.Reason, e.Until
	case job.Pacing:
		c.Waits, c.Until, c.Share = "", e.Until, e.Share
	}
	if e.Counts != nil {
		if e.Event != job.Traffic {
			c.Looked, c.Total = int64(e.Counts.Items), int64(e.Counts.Total)
		}
		c.Requests = max(c.Requests, c.before.Requests+e.Counts.Requests)
		c.Refused = max(c.Refused, c.before.Refused+e.Counts.Refused)
		c.Bytes = max(c.Bytes, c.before.Bytes+e.Counts.Bytes)
	}
}

func (c *Counts) shard(id string) *Shard {
	if id == "" {
		return nil
	}
	i, ok := c.byShard[id]
	if !ok {
		i = len(c.Shards)
		c.byShard[id] = i
		c.Shards = append(c.Shards, Shard{ID: id})
	}
	return &c.Shards[i]
}

func (c *Counts) failed(e Event) {
	class := cmp.Or(e.Class, e.Event)
	i := slices.IndexFunc(c.Failures, func(f Failures) bool { return f.Class == class && f.Kind == e.Kind })
	if i < 0 {
		i = len(c.Failures)
		c.Failures = append(c.Failures, Failures{Class: class, Kind: e.Kind})
	}
	c.Failures[i].Count++
	if e.Reason != "" {
		c.Failures[i].Reason = e.Reason
	}
}

// tick closes the seconds that are over.
func (c *Counts) tick(now time.Time) {
	second := now.Unix()
	switch {
	case c.second == 0:
		c.second, c.told = second, c.Requests
	case second > c.second:
		took := second - c.second
		c.Rates = append(c.Rates, Rate{At: second, Requests: (c.Requests - c.told) / took})
		if len(c.Rates) > mostRates {
			c.Rates = slices.Clone(c.Rates[len(c.Rates)-mostRates:])
		}
		c.second, c.told = second, c.Requests
	}
}

// Written sums what became of all kinds of items, by what it was.
func (c Counts) Written() map[string]int64 {
	sum := map[string]int64{}
	for _, ops := range c.Items {
		for op, n := range ops {
			sum[op] += n
		}
	}
	return sum
}
