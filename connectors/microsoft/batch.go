package microsoft

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
)

// BatchParts is the most parts of one $batch:
// https://learn.microsoft.com/en-us/graph/json-batching
const BatchParts = 20

const (
	batchAttempts  = 6
	batchesAtATime = 4
)

// A BatchCall is one part of a batch.
type BatchCall struct {
	Method string
	Path   string // below the API: "/planner/tasks/…"
	Header map[string]string
	JSON   any // the body; nil for none
	// After are the places, in the same slice, of calls that must have succeeded
	// before this one is carried out. They come before it.
	After []int
	// Repeatable says that carrying it out twice is harmless. GET and DELETE are.
	Repeatable bool
	// Class is that of connector.Request, and the same for all parts of a batch;
	// Cost is its weight, 0 meaning 1.
	Class string
	Cost  int
}

func (b BatchCall) repeatable() bool {
	return b.Repeatable || b.Method == http.MethodGet || b.Method == http.MethodDelete || b.Method == http.MethodPut
}

// A BatchAnswer is what became of one part. Err is nil for a 2xx.
type BatchAnswer struct {
	Status int
	Header http.Header
	Body   json.RawMessage
	Err    error // an *connector.Error
}

// Decode reads the body, or returns Err.
func (a BatchAnswer) Decode(out any) error {
	if a.Err != nil {
		return a.Err
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return connector.Errorf(connector.Malformed, "a part of a batch: the answer is not as the contract has it")
	}
	return nil
}

// Batch carries out any number of calls, 20 a request, and answers in their
// order. What Graph refuses for its rate, or fails to answer, is sent again by
// itself after the pause that was asked for. A part counts as a request.
func (c *Client) Batch(ctx context.Context, calls []BatchCall) []BatchAnswer {
	answers := make([]BatchAnswer, len(calls))
	chained := slices.ContainsFunc(calls, func(b BatchCall) bool { return len(b.After) > 0 })
	var g errgroup.Group
	g.SetLimit(batchesAtATime)
	if chained {
		g.SetLimit(1)
	}
	for from := 0; from < len(calls); from += BatchParts {
		places := make([]int, 0, BatchParts)
		for i := from; i < min(from+BatchParts, len(calls)); i++ {
			places = append(places, i)
		}
		if chained { // a later batch depends on what an earlier one answered
			c.batchOne(ctx, calls, places, answers)
			continue
		}
		g.Go(func() error {
			c.batchOne(ctx, calls, places, answers)
			return nil
		})
	}
	_ = g.Wait() // the answers hold the errors
	return answers
}

type part struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers,omitempty"`
	Body      any               `json:"body,omitempty"`
	DependsOn []string          `json:"dependsOn,omitempty"`
}

type partAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// batchOne works off the calls at the given places, at most 20.
func (c *Client) batchOne(ctx context.Context, calls []BatchCall, places []int, answers []BatchAnswer) {
	open := places
	for attempt := 1; ; attempt++ {
		open = c.withoutOrphans(calls, open, answers)
		if len(open) == 0 {
			return
		}
		noted, used := note(ctx)
		if err := c.send(noted, calls, open, answers); err != nil {
			if attempt == 1 && c.renew(ctx, err, *used) {
				continue
			}
			for _, i := range open {
				answers[i] = BatchAnswer{Err: forPart(calls[i], err)}
			}
			return
		}
		var again []int
		var asked time.Duration
		refused, denied := 0, false
		for _, i := range open {
			e, ok := errors.AsType[*connector.Error](answers[i].Err)
			if !ok {
				continue
			}
			switch {
			case e.Class == connector.Throttled:
				refused++
			case answers[i].Status == http.StatusUnauthorized && attempt == 1:
				denied = true
			case e.Class != connector.Transient || e.InDoubt:
				continue
			}
			asked = max(asked, e.RetryAfter)
			again = append(again, i)
		}
		if refused > 0 {
			c.http.Stats().Refused.Add(int64(refused))
			c.tellPacer(ctx, calls[open[0]].Class, asked)
		}
		if len(again) == 0 || attempt == batchAttempts || denied && !c.tokens.Drop(ctx, *used) {
			return
		}
		c.http.Stats().Retries.Add(int64(len(again)))
		if !denied {
			if err := connector.Pause(ctx, attempt, asked); err != nil {
				return // the answers say what the last attempt met
			}
		}
		open = again
	}
}

// tellPacer reports a refusal inside a batch, whose own answer was a 200: all
// calls of its class rest as long as was asked.
func (c *Client) tellPacer(ctx context.Context, class string, asked time.Duration) {
	if done, err := c.http.Pacer().Take(ctx, class, 0); err == nil {
		done(connector.Outcome{Status: http.StatusTooManyRequests, Refused: true, RetryAfter: asked})
	}
}

// withoutOrphans answers, without sending them, the calls that depend on one
// which failed in an earlier request.
func (c *Client) withoutOrphans(calls []BatchCall, open []int, answers []BatchAnswer) []int {
	var out []int
	for _, i := range open {
		failed := slices.ContainsFunc(calls[i].After, func(j int) bool {
			return !slices.Contains(open, j) && answers[j].Err != nil
		})
		if failed {
			e := refuse(http.StatusFailedDependency, nil, nil)
			e.Reason = where(calls[i]) + ": what it depends on failed"
			answers[i] = BatchAnswer{Status: http.StatusFailedDependency, Err: e}
			continue
		}
		out = append(out, i)
	}
	return out
}

func (c *Client) send(ctx context.Context, calls []BatchCall, open []int, answers []BatchAnswer) error {
	var body struct {
		Requests []part `json:"requests"`
	}
	repeatable, reads, cost := true, true, 0
	for _, i := range open {
		call := calls[i]
		cost += max(call.Cost, 1)
		p := part{ID: strconv.Itoa(i), Method: call.Method, URL: call.Path, Body: call.JSON, Headers: call.Header}
		if call.JSON != nil {
			h := map[string]string{"Content-Type": "application/json"}
			for k, v := range call.Header {
				h[k] = v
			}
			p.Headers = h
		}
		for _, j := range call.After {
			if slices.Contains(open, j) {
				p.DependsOn = append(p.DependsOn, strconv.Itoa(j))
			}
		}
		body.Requests = append(body.Requests, p)
		repeatable = repeatable && call.repeatable()
		reads = reads && call.Method == http.MethodGet
	}
	var got struct {
		Responses []partAnswer `json:"responses"`
	}
	c.http.Stats().Requests.Add(int64(len(open) - 1)) // the client counts one itself
	_, err := c.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: c.URL("/$batch", nil), JSON: body, Class: calls[open[0]].Class, Cost: cost, Repeatable: repeatable, Reads: reads}, &got)
	if err != nil {
		return err
	}
	for _, i := range open {
		e := connector.Errorf(connector.Malformed, "%s: the answer of the batch lacks this part", where(calls[i]))
		e.InDoubt = !calls[i].repeatable()
		answers[i] = BatchAnswer{Err: e}
	}
	for _, a := range got.Responses {
		i, err := strconv.Atoi(a.ID)
		if err != nil || !slices.Contains(open, i) {
			continue
		}
		answers[i] = c.answer(calls[i], a)
	}
	return nil
}

// answer turns a part's answer into ours, with the class an answer of its own
// would have.
func (c *Client) answer(call BatchCall, a partAnswer) BatchAnswer {
	out := BatchAnswer{Status: a.Status, Header: http.Header{}, Body: a.Body}
	for k, v := range a.Headers {
		out.Header.Set(k, v)
	}
	if a.Status >= 200 && a.Status < 400 {
		return out
	}
	told := []byte(a.Body)
	var text string // a body that is not JSON comes as base64
	if json.Unmarshal(a.Body, &text) == nil {
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			told = b
		}
	}
	e := refuse(a.Status, out.Header, told)
	if secs, err := strconv.Atoi(out.Header.Get("Retry-After")); err == nil && secs > 0 {
		e.RetryAfter = time.Duration(secs) * time.Second
	}
	e.Reason = where(call) + ": " + e.Reason
	// As for a request of its own: a 5xx but 503 may hide a write that went through.
	e.InDoubt = a.Status >= 500 && a.Status != http.StatusServiceUnavailable && a.Status != http.StatusInsufficientStorage && !call.repeatable()
	out.Err = e
	return out
}

// forPart is the failure of a whole batch as one part has to see it.
func forPart(call BatchCall, err error) error {
	e := &connector.Error{Class: connector.ClassOf(err), Reason: where(call) + " in a batch", Err: err}
	if whole, ok := errors.AsType[*connector.Error](err); ok {
		e.Reason += ": " + whole.Reason
		e.Hint, e.RetryAfter = whole.Hint, whole.RetryAfter
	}
	e.InDoubt = connector.InDoubt(err) && !call.repeatable()
	return e
}

func where(call BatchCall) string {
	u, err := url.Parse(call.Path)
	if err != nil {
		return call.Method
	}
	return call.Method + " " + connector.Shape(u)
}
