package mover

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger"
)

// canned answers look-ups with rows it holds ready, so that a benchmark
// measures the line and no ledger.
type canned struct {
	*memory
	rows []ledger.Row
}

func (c canned) Lookup(_ context.Context, _ int64, keys []ledger.Key) ([]ledger.Row, error) {
	return c.rows[:min(len(keys), len(c.rows))], nil
}

func benchLookups(ctx context.Context, line *Line, args map[string]string) ([]byte, error) {
	keys := make([]ledger.Key, number(args["keys"]))
	for i := range keys {
		keys[i] = someRow(i).Key
	}
	began := time.Now()
	for range number(args["calls"]) {
		if _, err := line.Ledger().Lookup(ctx, 1, keys); err != nil {
			return nil, err
		}
	}
	return json.Marshal(time.Since(began))
}

// BenchmarkLookup measures look-ups of 1,000 keys from a confined mover, of
// which all, or none, are known.
func BenchmarkLookup(b *testing.B) {
	for _, known := range []int{0, 1000} {
		b.Run(fmt.Sprintf("known=%d", known), func(b *testing.B) {
			rows := make([]ledger.Row, known)
			for i := range rows {
				rows[i] = someRow(i)
			}
			p, _ := start(b, Config{Job: job("bench", "calls", strconv.Itoa(b.N), "keys", "1000"), Ledger: canned{memory: newMemory(), rows: rows}})
			got, err := result(b, p)
			if err != nil {
				b.Fatal(err)
			}
			var took time.Duration
			if err := json.Unmarshal(got, &took); err != nil {
				b.Fatal(err)
			}
			calls := float64(b.N) / took.Seconds()
			b.ReportMetric(calls, "calls/s")
			b.ReportMetric(calls*1000, "keys/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
