package connector

import (
	"context"
	"time"
)

// Pause waits as the Client does before it sends a request for the attempt-th
// time again (1 is the first repetition): at least what the cloud asked for,
// with jitter, doubling from 250 ms to 30 s. It is for the parts of a batch,
// which the Client cannot see. It fails only when ctx ends.
func Pause(ctx context.Context, attempt int, asked time.Duration) error {
	return sleep(ctx, backoff(max(attempt, 1), asked))
}
