package rclone

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rclone/rclone/fs"
)

// values are the backend's options as the library asks for them, by its
// configmap.Mapper: in memory alone. Of what it sets, a secret is told to the parent: a
// refreshed token.
type values struct {
	cfg     config
	renewed func(name, value string) error

	mu      sync.Mutex
	set     map[string]string
	secrets map[string]string
}

func newValues(c config, renewed func(name, value string) error) *values {
	v := &values{cfg: c, renewed: renewed, set: map[string]string{}, secrets: maps.Clone(c.secrets)}
	// A large file is not held in many pieces at once; folders get an object of their
	// own where the backend can; and a bucket is somebody's to
	// make, not ours. MEGA would send files over HTTP.
	for name, value := range map[string]string{"upload_concurrency": "2", "copy_concurrency": "2", "directory_markers": "true", "no_check_bucket": "true", "no_check_container": "true",
		"use_https": "true"} {
		if c.info != nil && c.option(name) != nil {
			v.set[name] = value
		}
	}
	maps.Copy(v.set, c.options)
	for name, value := range c.secrets {
		v.set[name] = c.obscured(name, value)
	}
	return v
}

// Get implements configmap.Getter: what is set, else the option's default.
func (v *values) Get(name string) (string, bool) {
	v.mu.Lock()
	value, ok := v.set[name]
	v.mu.Unlock()
	if ok {
		return value, true
	}
	opt := v.cfg.option(name)
	if opt == nil || opt.Default == nil {
		return "", false
	}
	return (&fs.Option{Default: opt.Default}).String(), true
}

// Set implements configmap.Setter.
func (v *values) Set(name, value string) {
	v.mu.Lock()
	old := v.set[name]
	v.set[name] = value
	if _, secret := v.secrets[name]; !secret && name != "token" || old == value {
		v.mu.Unlock()
		return
	}
	v.secrets[name] = value
	lines := make([]string, 0, len(v.secrets))
	for _, name := range slices.Sorted(maps.Keys(v.secrets)) {
		lines = append(lines, name+"="+v.secrets[name])
	}
	v.mu.Unlock()
	if v.renewed != nil {
		_ = v.renewed(setSecrets, strings.Join(lines, "\n")) // an old one is refused by the next run, which says so
	}
}
