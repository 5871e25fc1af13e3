//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// An outcome is how one command of the program ended.
type outcome struct {
	took time.Duration
	// parent and mover are the most memory that each process held (VmHWM), in
	// bytes, and processor the time that both were computing.
	parent, mover int64
	processor     time.Duration
	done          map[string]any // the last line of --json
}

func (o outcome) peak() int64 { return o.parent + o.mover }

// command runs the program with --json and watches its memory.
func command(ctx context.Context, program string, args ...string) (o outcome, err error) {
	o, last, err := spend(exec.CommandContext(ctx, program, append(args, "--json")...))
	if err != nil {
		return o, fmt.Errorf("rialto %s: %w", args[0], err)
	}
	if len(last) > 0 {
		err = json.Unmarshal(last, &o.done)
	}
	return o, err
}

// spend runs a program to its end, and returns the last line that it wrote. What it
// and the processes that it waited for computed counts.
func spend(cmd *exec.Cmd) (o outcome, last []byte, err error) {
	var told bytes.Buffer
	cmd.Stderr = &told
	out, err := cmd.StdoutPipe()
	if err != nil {
		return o, nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return o, nil, err
	}
	watched := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(watched)
		o.watch(cmd.Process.Pid, ended)
	}()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		last = append(last[:0], lines.Bytes()...)
	}
	close(ended)
	<-watched
	err = errors.Join(lines.Err(), cmd.Wait())
	o.took = time.Since(began)
	o.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(told.String()))
	}
	return o, last, err
}

// watch reads the peaks of a process and of its child until it ends. A peak
// never falls, so that what is read last counts, and that is some milliseconds
// before the end.
func (o *outcome) watch(pid int, ended <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		o.parent = max(o.parent, peakOf(pid))
		for _, child := range children(pid) {
			o.mover = max(o.mover, peakOf(child))
		}
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
}

// peakOf is the most memory that a process ever held, in bytes; 0 if it is gone.
func peakOf(pid int) int64 {
	kib, _, _ := strings.Cut(procLine(fmt.Sprintf("/proc/%d/status", pid), "VmHWM"), " ")
	n, err := strconv.ParseInt(kib, 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

func children(pid int) []int {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	var out []int
	for _, path := range lists {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the thread is gone
		}
		for f := range strings.FieldsSeq(string(b)) {
			if n, err := strconv.Atoi(f); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

func mib(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }
