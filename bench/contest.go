//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// A contestant does what a contest asks for, once a round.
type contestant struct {
	name string
	// ready makes room for a round; attempt does it, and is measured; done holds that
	// it is what was to be done. Round 0 counts for nothing.
	ready   func(ctx context.Context, round int) error
	attempt func(ctx context.Context, round int) (outcome, error)
	done    func(round int) error
	asked   *atomic.Int64 // requests of round 0, which goes through what counts them; nil where nothing does
	goal    string
}

// A contest is one case, with Rialto first.
type contest struct {
	title   string
	files   int // for what one of them costs; 0 where that says nothing
	bytes   int64
	rounds  int
	before  func(round int) error // what happens at the source before a round
	entries []contestant
	counted bool // round 0 is an attempt of each that counts requests
}

// A score is a contestant's medians.
type score struct {
	took, processor time.Duration
	peak, requests  int64
}

// contestHead is the head of every table of contests.
func contestHead() []string {
	return []string{"", "median of", "time", "Rialto is", "goal", "processor", "a file or GiB", "most memory", "requests"}
}

// hold lets the contestants do it in turn, round after round, so that what else the
// machine does falls on all of them, and adds a row for each.
func (c contest) hold(ctx context.Context, t *table) error {
	got := make([][]outcome, len(c.entries))
	asked := make([]int64, len(c.entries))
	first := 1
	if c.counted {
		first = 0
	}
	for round := first; round <= c.rounds; round++ {
		if c.before != nil {
			if err := c.before(round); err != nil {
				return err
			}
		}
		for k := range c.entries {
			i := (k + round) % len(c.entries)
			e := c.entries[i]
			o, err := e.once(ctx, round)
			if err != nil {
				return fmt.Errorf("%s, %s, round %d: %w", c.title, e.name, round, err)
			}
			fmt.Fprintf(os.Stderr, "bench: %s, %s, round %d: %.2f s, %.2f s of processor time\n", c.title, e.name, round, o.took.Seconds(), o.processor.Seconds())
			if round > 0 {
				got[i] = append(got[i], o)
			} else if e.asked != nil {
				asked[i] = e.asked.Load()
			}
		}
	}
	var ours score
	for i, e := range c.entries {
		s := medians(got[i])
		s.requests = asked[i]
		ratio := ""
		if i == 0 {
			ours = s
		} else {
			ratio = fmt.Sprintf("**%.2f** times as fast", s.took.Seconds()/ours.took.Seconds())
		}
		t.add(c.title+": "+e.name, fmt.Sprint(len(got[i])), fmt.Sprintf("%.2f s", s.took.Seconds()), ratio, e.goal,
			fmt.Sprintf("%.2f s", s.processor.Seconds()), c.each(s.processor), mib(s.peak), number(s.requests))
	}
	return nil
}

func (e contestant) once(ctx context.Context, round int) (o outcome, err error) {
	if err := e.ready(ctx, round); err != nil {
		return o, err
	}
	if e.asked != nil {
		e.asked.Store(0)
	}
	if o, err = e.attempt(ctx, round); err != nil {
		return o, err
	}
	return o, errors.Join(ctx.Err(), e.done(round))
}

// each is the processor time of one file, or of one GiB where there is one file.
func (c contest) each(processor time.Duration) string {
	switch {
	case c.files > 1:
		return fmt.Sprintf("%.2f ms", processor.Seconds()*1000/float64(c.files))
	case c.bytes > 0:
		return fmt.Sprintf("%.2f s", processor.Seconds()/(float64(c.bytes)/(1<<30)))
	}
	return ""
}

func medians(of []outcome) score {
	return score{took: median(of, func(o outcome) time.Duration { return o.took }), processor: median(of, func(o outcome) time.Duration { return o.processor }),
		peak: median(of, outcome.peak)}
}

// median is the middle one, or the lower one of two.
func median[T cmp.Ordered](of []outcome, what func(outcome) T) (m T) {
	var all []T
	for _, o := range of {
		all = append(all, what(o))
	}
	if len(all) == 0 {
		return m
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
