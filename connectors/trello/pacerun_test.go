package trello

import (
	"testing"
	"testing/synctest"

	"github.com/rialto-migrate/rialto/connector"
	clouds "github.com/rialto-migrate/rialto/connector/standin"
)

// A whole run keeps to the pace while that changes: three tenths of the quota,
// nothing at all, and all of it again; nobody is refused, and nothing is lost by
// the wait.
func TestRunKeepsItsPace(t *testing.T) {
	const slow, still, fast = 3, 9, 13 // the windows in which each pace begins
	for _, kind := range []clouds.WindowKind{clouds.Fixed, clouds.Sliding, clouds.TokenBucket} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sh := shapes()[3]
				sh.cards = 1600
				counts := runAtTheQuota(t, sh, kind, 5, func(window int, a *allowance) {
					pace := a.env.HTTP.Pacer().SetPace
					switch window {
					case slow:
						pace(connector.Pace{Share: 0.3})
					case still:
						pace(connector.Pace{})
					case fast:
						pace(connector.FullPace())
					}
				})
				t.Log("by window:", byWindow(counts))
				for _, c := range []struct {
					what        string
					from, to    int
					least, most int // requests
				}{
					{"slow", slow + 1, still, 28 * (still - slow - 1), 31 * (still - slow - 1)},
					{"still", still + 1, fast, 0, 0},
					{"fast again", fast + 3, fast + 7, 370, 500}, // a bucket saved some
				} {
					if n := counts[c.to].Passed - counts[c.from].Passed; n < c.least || n > c.most {
						t.Errorf("%s: %d requests in %d windows, want %d to %d", c.what, n, c.to-c.from, c.least, c.most)
					}
				}
				if n := counts[still].Refused - counts[slow+1].Refused; n > 0 {
					t.Errorf("%d requests were refused at three tenths of the quota", n)
				}
			})
		})
	}
}
