package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memory is the most that the program and its mover held, in bytes: what the
// kernel calls VmHWM, of each process since it began.
type memory struct{ parent, mover int64 }

func (m memory) both() int64 { return m.parent + m.mover }

func (m memory) String() string {
	return fmt.Sprintf("%d MiB (%d + %d)", m.both()>>20, m.parent>>20, m.mover>>20)
}

// watchMemory reads the peaks of a process and of its child until it is told to
// end, and then sends them. A peak never falls, so that what is read last counts.
// Where the system has no /proc they are 0.
func watchMemory(pid int, ended <-chan struct{}) <-chan memory {
	out := make(chan memory, 1)
	go func() {
		var m memory
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			m.parent = max(m.parent, peakOf(pid))
			for _, child := range childrenOf(pid) {
				m.mover = max(m.mover, peakOf(child))
			}
			select {
			case <-ended:
				out <- m
				return
			case <-tick.C:
			}
		}
	}()
	return out
}

// peakOf is the most memory that a process ever held; 0 if it is gone.
func peakOf(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

func childrenOf(pid int) (out []int) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
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
