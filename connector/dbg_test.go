package connector
import ("testing";"context";"sync";"time";"fmt")
func TestDbg(t *testing.T){
	for _, seed := range []uint64{0,1,2,3,4,5} {
	c := newSimCloud(seed*31)
	simulate(t, func() tally {
		w := c.window("token", fixedWindow, 100, 10*time.Second)
		p := NewPacer([]Quota{{Requests: 100, Per: 10*time.Second}})
		ctx, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		t0 := time.Now()
		for range 24 { wg.Go(func(){ for { done, err := p.Take(ctx,"",1); if err!=nil {return}; o := c.call("",1)
			done(o)
			if o.Refused { p.mu.Lock(); q:=p.limiter.quotas["token"]; fmt.Println("seed",seed,"refused at",time.Since(t0), "phase",q.phase.from.Sub(t0), q.phase.to.Sub(t0), "true", (time.Duration(t0.UnixNano())-w.phase)%(10*time.Second), "flying",len(q.flying)); p.mu.Unlock() }
		}})}
		time.Sleep(60*time.Second)
		stop(); wg.Wait()
		return tally{}
	})
	}
}
