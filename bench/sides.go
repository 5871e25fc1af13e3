//go:build linux

package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// An end is one connection: the cloud and its settings, as `rialto connect` takes
// them.
type end struct {
	cloud string
	set   map[string]string
}

// at is the same end by another way: through what delays it, or counts.
func (e end) at(address string) (end, error) {
	moved := end{e.cloud, maps.Clone(e.set)}
	if e.cloud == "imap" {
		moved.set["server"] = address
		return moved, nil
	}
	u, err := url.Parse(e.set["url"])
	if err != nil {
		return end{}, err
	}
	u.Host = address
	moved.set["url"] = u.String()
	return moved, nil
}

func (e end) address() string {
	if e.cloud == "imap" {
		return e.set["server"]
	}
	u, err := url.Parse(e.set["url"])
	if err != nil {
		return ""
	}
	return u.Host
}

// A mover is Rialto as people run it: connections and a migration in a state folder.
type mover struct {
	program, dir string
}

// connect makes the state folder anew.
func (m mover) connect(ctx context.Context, from, to end, place string) error {
	if err := os.RemoveAll(m.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return err
	}
	for name, e := range map[string]end{"src": from, "dst": to} {
		args := []string{"connect", e.cloud, "--name", name, "--state", filepath.Join(m.dir, "state")}
		for k, v := range e.set {
			args = append(args, "--set", k+"="+v)
		}
		if _, err := command(ctx, m.program, args...); err != nil {
			return err
		}
	}
	spec := fmt.Sprintf("name: bench\nfrom: {connection: src, scope: [\"*\"]}\nto: {connection: dst, place: %q}\n", place)
	return os.WriteFile(filepath.Join(m.dir, "bench.yaml"), []byte(spec), 0o600)
}

// run moves, or applies what changed.
func (m mover) run(ctx context.Context) (outcome, error) {
	o, err := command(ctx, m.program, "run", filepath.Join(m.dir, "bench.yaml"), "--state", filepath.Join(m.dir, "state"))
	if err == nil && o.done["status"] != "complete" {
		err = fmt.Errorf("the run ended %v", o.done["status"])
	}
	return o, err
}

// A peer is rclone with a configuration of its own.
type peer struct {
	program, config string
}

// remotes writes rclone's configuration: a section for each end.
func (p peer) remotes(ctx context.Context, of map[string]end) error {
	var b strings.Builder
	for name, e := range of {
		fmt.Fprintf(&b, "[%s]\n", name)
		switch e.cloud {
		case "s3":
			fmt.Fprintf(&b, "type = s3\nprovider = Other\nforce_path_style = true\naccess_key_id = %s\nsecret_access_key = %s\nendpoint = %s\n", e.set["access-key-id"], e.set["secret-access-key"], e.set["url"])
		case "webdav":
			hidden, err := exec.CommandContext(ctx, p.program, "obscure", e.set["password"]).Output()
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "type = webdav\nvendor = %s\nurl = %s\nuser = %s\npass = %s\n", or(e.set["vendor"], "other"), e.set["url"], e.set["user"], strings.TrimSpace(string(hidden)))
		case "sftp":
			host, port, _ := strings.Cut(e.address(), ":")
			key := p.config + ".key"
			if err := os.WriteFile(key, []byte(e.set["key"]), 0o600); err != nil {
				return err
			}
			fmt.Fprintf(&b, "type = sftp\nhost = %s\nport = %s\nuser = %s\nkey_file = %s\n", host, port, e.set["user"], key)
		default:
			return fmt.Errorf("rclone has no %s", e.cloud)
		}
	}
	return os.WriteFile(p.config, []byte(b.String()), 0o600)
}

// copy runs `rclone copy`.
func (p peer) copy(ctx context.Context, from, to string, flags ...string) (outcome, error) {
	o, _, err := spend(exec.CommandContext(ctx, p.program, append([]string{"copy", from, to, "--config", p.config, "--stats", "0"}, flags...)...))
	return o, err
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
