//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// measureStart measures how long the program takes to begin, and its size.
func measureStart(ctx context.Context, s settings) (t table, err error) {
	dir, err := os.MkdirTemp("", "rialto-bench-")
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stripped := filepath.Join(dir, "rialto")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", stripped, "./cmd/rialto").CombinedOutput(); err != nil {
		return t, fmt.Errorf("build: %w: %s", err, out)
	}
	info, err := os.Stat(stripped)
	if err != nil {
		return t, err
	}
	t.head = []string{"", "median of 20", "slowest"}
	for _, args := range [][]string{{"--help"}, {"connections", "--state", filepath.Join(dir, "state")}} {
		if _, err := timed(ctx, stripped, args); err != nil { // once, so that the state and the file are there
			return t, err
		}
		var took []time.Duration
		for range 20 {
			d, err := timed(ctx, stripped, args)
			if err != nil {
				return t, err
			}
			took = append(took, d)
		}
		slices.Sort(took)
		ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
		t.add("`rialto "+args[0]+"`", ms((took[9]+took[10])/2), ms(took[19]))
	}
	t.add("size of the binary, stripped", fmt.Sprintf("%.1f MiB", float64(info.Size())/(1<<20)), "")
	t.note = "Goal: under 100 ms."
	return t, nil
}

func timed(ctx context.Context, program string, args []string) (time.Duration, error) {
	began := time.Now()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("rialto %s: %w: %s", args[0], err, out)
	}
	return time.Since(began), nil
}
