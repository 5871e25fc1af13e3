package redminetest

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

//go:embed setup.rb
var setup string

// What a template folder holds.
const (
	plainDB  = "plain.db"
	fieldsDB = "fields.db"
	mailsDB  = "mails.db"
	keyFile  = "key"
)

// gemfile loads what Redmine's own does, and SQLite also where the system's
// database.yml, which names the adapter, may not be read by this user.
const gemfile = `eval_gemfile "` + share + `/Gemfile"
gem "sqlite3", "~> 1.4.0" unless dependencies.any? { |d| d.name == "sqlite3" }
`

// configuration keeps Redmine from writing below /usr/share.
const configuration = "production:\n  mirror_plugins_assets_on_startup: false\n"

// prepared returns the folder with the databases, set up if need be. Test
// processes that need it at once wait for one of them.
func prepared() (string, error) {
	version, err := os.ReadFile(share + "/lib/redmine/version.rb")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(string(version) + setup + gemfile + configuration))
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "rialto-test")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(cache, "redmine.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "redmine-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	made, err := os.MkdirTemp(cache, "setup-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(made)
	if err := build(made); err != nil {
		return "", err
	}
	return dir, os.Rename(filepath.Join(made, "out"), dir)
}

// build makes made/out with the databases and the key.
func build(made string) error {
	out := filepath.Join(made, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return err
	}
	if err := layOut(made, filepath.Join(made, "redmine.db")); err != nil {
		return err
	}
	script := filepath.Join(made, "setup.rb")
	if err := os.WriteFile(script, []byte(setup), 0o600); err != nil {
		return err
	}
	cmd := command(made, "ruby", "bin/rails", "runner", script)
	cmd.Env = append(cmd.Env, "RIALTO_KEY_FILE="+filepath.Join(out, keyFile),
		"RIALTO_PLAIN="+filepath.Join(out, plainDB), "RIALTO_FIELDS="+filepath.Join(out, fieldsDB), "RIALTO_MAILS="+filepath.Join(out, mailsDB))
	p, err := launch(cmd)
	if err != nil {
		return err
	}
	defer p.kill()
	<-p.ended
	if p.err != nil {
		return fmt.Errorf("%w\n%s", p.err, p.said.tail())
	}
	return nil
}

// layOut makes the folders and files that Debian's Redmine expects of an
// instance (lib/redmine/multi_tenancy.rb there).
func layOut(dir, database string) error {
	for _, d := range []string{"config", "files", "log", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"Gemfile":                  gemfile,
		"config/configuration.yml": configuration,
		"config/secret_key.txt":    strings.Repeat("0123456789abcdef", 4) + "\n",
		"config/database.yml":      "production:\n  adapter: sqlite3\n  database: " + database + "\n  timeout: 10000\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// command runs a program in Redmine's folder for the instance in dir. Redmine
// joins REDMINE_INSTANCE to a folder of the system's, hence the way up.
func command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = share
	cmd.Env = append(os.Environ(), "RAILS_ENV=production", "BUNDLE_GEMFILE="+filepath.Join(dir, "Gemfile"),
		"REDMINE_INSTANCE="+strings.Repeat("../", 16)+strings.TrimPrefix(dir, "/"))
	return cmd
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		dst.Close()
		return err
	}
	return dst.Close()
}
