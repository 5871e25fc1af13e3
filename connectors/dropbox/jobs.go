package dropbox

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A launch is what a call answers that may go on by itself.
type launch struct {
	Tag string `json:".tag"`
	Job string `json:"async_job_id"`
}

// await asks for a job until it has ended; out takes what it answers.
func (c *cloud) await(ctx context.Context, route string, job launch, out any, s sort) error {
	me, err := c.whoami(ctx)
	if err != nil {
		return err
	}
	for wait := 50 * time.Millisecond; job.Tag == "async_job_id"; wait = min(2*wait, 2*time.Second) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return &connector.Error{Class: connector.Transient, InDoubt: true, Reason: route + ": stopped while Dropbox works on it", Err: context.Cause(ctx)}
		}
		var raw json.RawMessage
		if err := c.api.rpc(ctx, me.view, route, jobArg{ID: job.Job}, &raw, s); err != nil {
			return err
		}
		var told struct {
			Tag    string          `json:".tag"`
			Failed json.RawMessage `json:"failed"`
		}
		if err := json.Unmarshal(raw, &told); err != nil {
			return connector.Errorf(connector.Malformed, "%s: the answer is not as the contract has it", route)
		}
		switch told.Tag {
		case "in_progress":
		case "failed":
			return failure(route, told.Failed)
		default:
			if out != nil && json.Unmarshal(raw, out) != nil {
				return connector.Errorf(connector.Malformed, "%s: the answer is not as the contract has it", route)
			}
			return nil
		}
	}
	return nil
}

// A fileResult is what became of one member of a file.
type fileResult struct {
	Tag    string          `json:".tag"`
	Member json.RawMessage `json:"member_error"`
}

func (r fileResult) failed(call string) error {
	if r.Tag != "member_error" {
		return nil
	}
	return failure(call, r.Member)
}
