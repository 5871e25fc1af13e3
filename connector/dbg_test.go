package connector

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestDbg(t *testing.T) {
	const per = 10 * time.Second
	for range 6 {
		seed := uint64(4)
		c := newSimCloud(seed * 41)
		simulate(t, func() tally {
			token := c.window("token", counting(seed%3), 100, per)
			c.window("key", counting(seed/3%3), 300, per)
			slow := c.window("members", counting(seed%3), 100, 900*time.Second)
			slow.class = "members"
			p := NewPacer([]Quota{{Requests: 100, Per: per}, {Requests: 300, Per: per}, {Class: "members", Requests: 100, Per: 900 * time.Second}})
			ctx, stop := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			c.work(ctx, p, &wg, 24, "", 1)
			c.work(ctx, p, &wg, 8, "members", 1)
			last := c.mark(token)
			bad := 0
			for i := range 30 {
				time.Sleep(time.Minute)
				got := c.since(token, last, time.Minute)
				last = c.mark(token)
				if got.use() < 0.9 && bad < 3 {
					bad++
					p.mu.Lock()
					l := p.limiter
					now := time.Now()
					fmt.Println("minute", i, got)
					for n, e := range l.classes {
						at, full := l.ask(now, n, 1)
						fmt.Printf(" class %q load %+v lesson %+v ask %v full %v\n", n, e.load, e.lesson, at.Sub(now), full)
					}
					for n, q := range l.quotas {
						free, rate, again := q.room(now)
						fmt.Printf(" quota %s limit %v told %v level %v ago %v flying %d free %.1f rate %.2f again %v spare %.2f blocked %v probe %v others %.2f bucket %v phase %v pace %v ours %v\n", n, q.limit, q.told, q.level.remaining, now.Sub(q.level.at), len(q.flying), free, rate, again.Sub(now), q.spare, q.blocked.Sub(now), q.probe, q.others(), q.bucket.After(now), q.phase, now.Sub(q.pace), q.passed.within(now, q.window))
					}
					p.mu.Unlock()
				}
			}
			stop()
			wg.Wait()
			return tally{}
		})
	}
}
