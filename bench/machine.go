//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// thisMachine names the machine, and how busy others keep it: a bench on a
// machine that is shared says so.
func thisMachine() string {
	s := fmt.Sprintf("%s, %d cores, %s of memory, Linux, %s, %s", procLine("/proc/cpuinfo", "model name"), runtime.NumCPU(),
		memory(procLine("/proc/meminfo", "MemTotal")), runtime.Version(), time.Now().UTC().Format("2 January 2006"))
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		one, _, _ := strings.Cut(string(b), " ")
		s += "; load before: " + one
	}
	return s
}

// procLine returns what a file of /proc says behind a name.
func procLine(path, name string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// memory turns "24105 kB" into GiB.
func memory(kib string) string {
	var n int64
	if _, err := fmt.Sscanf(kib, "%d kB", &n); err != nil {
		return kib
	}
	return fmt.Sprintf("%.0f GiB", float64(n)/(1<<20))
}
