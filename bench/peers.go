//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// rcloneVersion is the rclone that stands beside Rialto: https://rclone.org/changelog/.
const rcloneVersion = "v1.76.0"

// findRclone returns rclone, built once by the Go at hand and kept in this user's
// cache. No cgo and no tags: it is built as Rialto is.
func findRclone(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "rialto-bench", "rclone-"+rcloneVersion)
	program := filepath.Join(dir, "rclone")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	fmt.Fprintln(os.Stderr, "bench: building rclone", rcloneVersion)
	cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags=-s -w", "github.com/rclone/rclone@"+rcloneVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building rclone: %w: %s", err, out)
	}
	return program, nil
}

// findMbsync returns mbsync of Debian's package isync, which root installs where it
// is missing.
func findMbsync(ctx context.Context) (string, error) {
	if path, err := exec.LookPath("mbsync"); err == nil {
		return path, nil
	}
	if os.Getuid() != 0 {
		return "", errors.New("mbsync is not installed: apt-get install isync, as root")
	}
	for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", "isync"}} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("installing isync: %w: %s", err, out)
		}
	}
	return exec.LookPath("mbsync")
}
