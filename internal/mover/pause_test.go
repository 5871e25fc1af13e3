package mover

import (
	"fmt"
	"testing"
	"time"
)

// TestPause: the mover is told how it begins and each change, once; a mover that
// waits for one ends as any other.
func TestPause(t *testing.T) {
	for _, begin := range []bool{false, true} {
		t.Run(fmt.Sprintf("begins paused=%v", begin), func(t *testing.T) {
			told := make(chan string, 10)
			p, _ := start(t, Config{Job: job("pauses"), Paused: begin, OnEvent: func(b []byte) { told <- string(b) }})
			hears := func(want bool) {
				t.Helper()
				select {
				case got := <-told:
					if got != fmt.Sprint(want) {
						t.Fatalf("the mover heard %s, want %v", got, want)
					}
				case <-time.After(10 * time.Second):
					t.Fatalf("the mover did not hear %v", want)
				}
			}
			hears(begin)
			p.Pause(begin) // no change
			p.Pause(!begin)
			hears(!begin)
			p.Pause(begin)
			hears(begin)
			p.Stop()
			if _, err := result(t, p); err != nil {
				t.Error(err)
			}
			p.Pause(!begin) // nobody is left to hear it
			if len(told) > 0 {
				t.Errorf("the mover heard %s besides", <-told)
			}
		})
	}
}
