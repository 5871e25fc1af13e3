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
	"strings"
	"sync/atomic"
	"time"

	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
	"github.com/rialto-migrate/rialto/connectors/sftp/sftptest"
	"github.com/rialto-migrate/rialto/connectors/webdav/webdavtest"
)

// rclone's flags for S3: it asks as little as it can. Of 8, 16 and 32 transfers, each
// tried once near by, 16 were among the fastest.
var rcloneBest = []string{"--transfers", "16", "--checkers", "16", "--no-check-dest", "--no-traverse", "--fast-list", "--use-server-modtime", "--s3-no-head",
	"--s3-no-head-object", "--s3-no-check-bucket", "--s3-disable-checksum", "--ignore-checksum"}

// files is what the cases of files share.
type files struct {
	settings
	h      *hosted
	rclone string
}

// withFiles finds the peer and gives a measure its servers.
func withFiles(ctx context.Context, s settings, do func(files, *table) error) (t table, err error) {
	rclone, err := findRclone(ctx)
	if err != nil {
		return t, err
	}
	t.head = contestHead()
	err = withServers(func(h *hosted) error { return do(files{s, h, rclone}, &t) })
	return t, err
}

// A bucketed is an S3 server and where it keeps buckets.
type bucketed struct {
	end
	folder string
}

// newS3 starts versitygw. Rialto carries the bytes alone, as rclone does with the
// flags above.
func (f files) newS3() bucketed {
	s := s3test.Start(f.h)
	set := map[string]string{"metadata": "drop"}
	for k, v := range s.Settings {
		set[k] = v
	}
	return bucketed{end{"s3", set}, s.Folder}
}

// s3Pair is two servers, the first of which holds a tree in the bucket src.
type s3Pair struct {
	from, to bucketed
	tree     tree
}

func (f files) newPair(ctx context.Context, t tree) (p s3Pair, err error) {
	p = s3Pair{f.newS3(), f.newS3(), t}
	p.from.set["bucket"] = "src"
	if err := os.Mkdir(filepath.Join(p.from.folder, "src"), 0o755); err != nil {
		return p, err
	}
	r := peer{f.rclone, filepath.Join(f.h.TempDir(), "rclone.conf")}
	if err := r.remotes(ctx, map[string]end{"src": p.from.end}); err != nil {
		return p, err
	}
	_, err = r.copy(ctx, t.dir, "src:src", "--transfers", "16", "--s3-upload-cutoff", "5G", "--multi-thread-streams", "0", "--no-check-dest", "--s3-no-check-bucket")
	return p, err
}

// ways are the ends as a contestant sees them in round 0, and later.
type ways struct {
	from, to [2]end
	asked    *atomic.Int64
}

// by makes the ways of a contestant: round 0 through what counts requests where the
// ends speak HTTP, the others through a delay if there is one.
func (f files) by(from, to end, roundTrip time.Duration) (w ways, err error) {
	w.asked = &atomic.Int64{}
	through := func(e end) (both [2]end, err error) {
		both = [2]end{e, e}
		if e.cloud == "s3" || e.cloud == "webdav" {
			address, err := counted(f.h, e.address(), w.asked)
			if err != nil {
				return both, err
			}
			if both[0], err = e.at(address); err != nil {
				return both, err
			}
		}
		if roundTrip > 0 && e.cloud != "local" {
			address, err := delayed(f.h, e.address(), roundTrip)
			if err != nil {
				return both, err
			}
			if both[1], err = e.at(address); err != nil {
				return both, err
			}
		}
		return both, nil
	}
	if w.from, err = through(from); err != nil {
		return w, err
	}
	w.to, err = through(to)
	return w, err
}

func later(round int) int { return min(round, 1) }

// in is the place of a round: a server may remember what was in an earlier one.
func in(place string, round int) string { return fmt.Sprintf("%s-%d", place, round) }

// rialto is the entry of Rialto from one end to a place in another. root is the
// folder of the machine where that place comes to lie.
func (f files) rialto(w ways, place, root string, t tree) contestant {
	m := mover{f.settings.rialto, f.h.TempDir()}
	return contestant{name: "Rialto", asked: w.asked,
		ready: func(ctx context.Context, round int) error {
			return errors.Join(os.RemoveAll(in(root, round-1)), os.RemoveAll(in(root, round)), m.connect(ctx, w.from[later(round)], w.to[later(round)], in(place, round)))
		},
		attempt: func(ctx context.Context, _ int) (outcome, error) { return m.run(ctx) },
		done:    func(round int) error { return t.equals(in(root, round), round == 0) },
	}
}

// peerCopy is the entry of rclone.
func (f files) peerCopy(n named, w ways, from, to, root string, t tree, bucket bool) contestant {
	p := peer{f.rclone, filepath.Join(f.h.TempDir(), "rclone.conf")}
	return contestant{name: n.name, asked: w.asked, goal: n.goal,
		ready: func(ctx context.Context, round int) error {
			if err := errors.Join(os.RemoveAll(in(root, round-1)), os.RemoveAll(in(root, round))); err != nil {
				return err
			}
			if bucket { // rclone was told not to make it
				if err := os.Mkdir(in(root, round), 0o755); err != nil {
					return err
				}
			}
			ends := map[string]end{"dst": w.to[later(round)]}
			if w.from[0].cloud != "local" {
				ends["src"] = w.from[later(round)]
			}
			return p.remotes(ctx, ends)
		},
		attempt: func(ctx context.Context, round int) (outcome, error) {
			return p.copy(ctx, from, in(to, round), n.flags...)
		},
		done: func(round int) error { return t.equals(in(root, round), round == 0) },
	}
}

// bareLoop is the entry of a loop of one GET and one PUT for each object.
func (f files) bareLoop(p s3Pair, w ways, goal string, workers int) contestant {
	root := filepath.Join(p.to.folder, "bare")
	return contestant{name: "a bare loop of GET and PUT", asked: w.asked, goal: goal,
		ready: func(context.Context, int) error { return errors.Join(os.RemoveAll(root), os.Mkdir(root, 0o755)) },
		attempt: func(ctx context.Context, round int) (outcome, error) {
			from, to := w.from[later(round)], w.to[later(round)]
			return f.own(ctx, bareArgument, "-from", from.set["url"]+"/src", "-to", to.set["url"]+"/bare", "-dir", p.tree.dir, "-key", from.set["access-key-id"],
				"-secret", from.set["secret-access-key"], "-workers", fmt.Sprint(workers))
		},
		done: func(round int) error { return p.tree.equals(root, round == 0) },
	}
}

// floor is the entry of `cat`: the same bytes through one socket into one file.
func (f files) floor(t tree) contestant {
	path := filepath.Join(f.h.TempDir(), "floor")
	return contestant{name: "the floor: cat through a socket",
		ready:   func(context.Context, int) error { return os.RemoveAll(path) },
		attempt: func(ctx context.Context, _ int) (outcome, error) { return f.own(ctx, pipeArgument, t.dir, path) },
		done: func(int) error {
			info, err := os.Stat(path)
			if err == nil && info.Size() != int64(t.files)*t.size {
				err = fmt.Errorf("%d bytes came", info.Size())
			}
			return errors.Join(err, os.RemoveAll(path))
		},
	}
}

// own runs this program as another one.
func (f files) own(ctx context.Context, args ...string) (outcome, error) {
	exe, err := os.Executable()
	if err != nil {
		return outcome{}, err
	}
	o, _, err := spend(exec.CommandContext(ctx, exe, args...))
	return o, err
}

// s3Case is one contest from S3 to S3.
func (f files) s3Case(ctx context.Context, t *table, title string, p s3Pair, roundTrip time.Duration, peers []named, bareGoal string, workers int) error {
	var ws []ways
	for range 2 + len(peers) {
		w, err := f.by(p.from.end, p.to.end, roundTrip)
		if err != nil {
			return err
		}
		ws = append(ws, w)
	}
	ours := f.rialto(ws[0], "rialto", filepath.Join(p.to.folder, "rialto"), p.tree)
	c := contest{title: title, files: p.tree.files, bytes: int64(p.tree.files) * p.tree.size, rounds: f.rounds, counted: true, entries: []contestant{ours}}
	for i, one := range peers {
		bucket := fmt.Sprintf("rclone%d", i)
		c.entries = append(c.entries, f.peerCopy(one, ws[i+1], "src:src", "dst:"+bucket, filepath.Join(p.to.folder, bucket), p.tree, true))
	}
	c.entries = append(c.entries, f.bareLoop(p, ws[len(ws)-1], bareGoal, workers))
	if roundTrip == 0 {
		c.entries = append(c.entries, f.floor(p.tree))
	}
	return c.hold(ctx, t)
}

// measureS3 moves 10,000 files of 20 KB from one S3 server to another, near and far.
func measureS3(ctx context.Context, s settings) (table, error) {
	return withFiles(ctx, s, func(f files, t *table) error {
		small, err := makeTree(f.h.TempDir(), f.small, 20_000)
		if err != nil {
			return err
		}
		p, err := f.newPair(ctx, small)
		if err != nil {
			return err
		}
		title := fmt.Sprintf("%d files of 20 KB", small.files)
		if err := f.s3Case(ctx, t, title, p, 0, []named{{"rclone", "1.6", rcloneBest}}, "0.9", 16); err != nil {
			return err
		}
		t.note = "Goal beside: at most 0.2 ms of Rialto's processor time a file. rclone's flags: `" + strings.Join(rcloneBest, " ") + "`; far away with 64 transfers and checkers."
		far := append(slices.Clip(rcloneBest), "--transfers", "64", "--checkers", "64")
		return f.s3Case(ctx, t, title+", 20 ms of round trip", p, 20*time.Millisecond, []named{{"rclone", "2", far}}, "", 64)
	})
}

// measureLarge moves one large object.
func measureLarge(ctx context.Context, s settings) (table, error) {
	return withFiles(ctx, s, func(f files, t *table) error {
		large, err := makeTree(f.h.TempDir(), 1, f.object<<20)
		if err != nil {
			return err
		}
		p, err := f.newPair(ctx, large)
		if err != nil {
			return err
		}
		// Without its HEAD, rclone takes a large object in one PUT for an empty one.
		common := []string{"--no-check-dest", "--no-traverse", "--use-server-modtime", "--s3-no-check-bucket", "--s3-disable-checksum", "--ignore-checksum"}
		one := append(slices.Clip(common), "--s3-upload-cutoff", "5G", "--multi-thread-streams", "0")
		parts := append(slices.Clip(common), "--s3-chunk-size", "16M", "--s3-upload-concurrency", "4", "--multi-thread-streams", "4", "--multi-thread-chunk-size", "64M")
		t.note = "Goals: 1.4 times as fast as rclone in one PUT, 1.25 times as fast in parts; under 64 MiB, and at most 1 s of processor time a GiB."
		return f.s3Case(ctx, t, fmt.Sprintf("one object of %d MiB", f.object), p, 0, []named{{"rclone, in one PUT", "1.4", one}, {"rclone, in parts", "1.25", parts}}, "", 1)
	})
}

// measureWebDAV moves a folder of this machine to WebDAV.
func measureWebDAV(ctx context.Context, s settings) (table, error) {
	return withFiles(ctx, s, func(f files, t *table) error {
		small, err := makeTree(f.h.TempDir(), f.few, 20_000)
		if err != nil {
			return err
		}
		if err := os.Setenv("RCLONE", f.rclone); err != nil {
			return err
		}
		quick := []string{"--transfers", "16", "--checkers", "16", "--no-check-dest", "--no-traverse", "--webdav-pacer-min-sleep", "0", "--webdav-nextcloud-chunk-size", "0"}
		for _, one := range []struct {
			name      string
			server    *webdavtest.Server
			roundTrip time.Duration
		}{
			{"Apache", webdavtest.Apache(f.h), 0},
			{"rclone serve webdav", webdavtest.Rclone(f.h), 0},
			{"Apache, 50 ms of round trip", webdavtest.Apache(f.h), 50 * time.Millisecond},
		} {
			to := end{"webdav", map[string]string{"url": one.server.URL, "user": one.server.User, "password": one.server.Password}}
			peers := []named{{"rclone, as it comes", "15", nil}, {"rclone, its pacer off", "1", quick}}
			if one.roundTrip > 0 {
				peers[0].goal, peers[1].goal = "2", "2"
			}
			if err := f.folderCase(ctx, t, fmt.Sprintf("%d files of 20 KB to %s", small.files, one.name), small, to, "", one.server.Dir, one.roundTrip, peers); err != nil {
				return err
			}
		}
		t.note = "rclone with its pacer off: `" + strings.Join(quick, " ") + "`."
		return nil
	})
}

type named struct {
	name, goal string
	flags      []string
}

// folderCase is one contest from a folder of this machine.
func (f files) folderCase(ctx context.Context, t *table, title string, tr tree, to end, within, root string, roundTrip time.Duration, peers []named) error {
	from := end{"local", map[string]string{"folder": tr.dir}}
	w, err := f.by(from, to, roundTrip)
	if err != nil {
		return err
	}
	c := contest{title: title, files: tr.files, rounds: f.rounds, counted: true, entries: []contestant{f.rialto(w, "rialto", filepath.Join(root, "rialto"), tr)}}
	if to.cloud == "sftp" {
		c.entries[0].asked = nil
	}
	for i, p := range peers {
		w, err := f.by(from, to, roundTrip)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("rclone%d", i)
		e := f.peerCopy(p, w, tr.dir, "dst:"+filepath.Join(within, name), filepath.Join(root, name), tr, false)
		if to.cloud == "sftp" {
			e.asked = nil
		}
		c.entries = append(c.entries, e)
	}
	return c.hold(ctx, t)
}

// measureSFTP moves a folder of this machine to SFTP.
func measureSFTP(ctx context.Context, s settings) (table, error) {
	return withFiles(ctx, s, func(f files, t *table) error {
		small, err := makeTree(f.h.TempDir(), f.few, 20_000)
		if err != nil {
			return err
		}
		best := []string{"--transfers", "16", "--checkers", "16", "--no-check-dest", "--no-traverse", "--sftp-disable-hashcheck", "--sftp-set-modtime=true"}
		server := sftptest.OpenSSH(f.h, "MaxStartups 200", "MaxSessions 100")
		to := end{"sftp", map[string]string{}}
		for k, v := range server.Settings() {
			to.set[k] = v
		}
		// Far away a fifth of them: rclone would take six minutes for 2,000.
		fewer, err := makeTree(f.h.TempDir(), max(f.few/5, 1), 20_000)
		if err != nil {
			return err
		}
		for _, one := range []struct {
			tree
			how, goal string
			roundTrip time.Duration
		}{{small, "", "1", 0}, {fewer, ", 50 ms of round trip", "2", 50 * time.Millisecond}} {
			title, peers := fmt.Sprintf("%d files of 20 KB to OpenSSH%s", one.files, one.how), []named{{"rclone, as it comes", one.goal, nil}, {"rclone, 16 transfers", one.goal, best}}
			if err := f.folderCase(ctx, t, title, one.tree, to, server.Dir, server.Dir, one.roundTrip, peers); err != nil {
				return err
			}
		}
		t.note = "rclone with 16 transfers: `" + strings.Join(best, " ") + "`."
		return nil
	})
}

// measureAgain runs a second pass in which nothing changed, near and far.
func measureAgain(ctx context.Context, s settings) (table, error) {
	return withFiles(ctx, s, func(f files, t *table) error {
		many, err := makeTree(f.h.TempDir(), f.many, 100)
		if err != nil {
			return err
		}
		p, err := f.newPair(ctx, many)
		if err != nil {
			return err
		}
		title := fmt.Sprintf("second pass over %d objects", many.files)
		if err := f.againCase(ctx, t, title, p, 0); err != nil {
			return err
		}
		return f.againCase(ctx, t, title+", 20 ms of round trip", p, 20*time.Millisecond)
	})
}

// againCase is one contest of second passes. Near by, round 0 counts requests.
func (f files) againCase(ctx context.Context, t *table, title string, p s3Pair, roundTrip time.Duration) error {
	ours, err := f.by(p.from.end, p.to.end, roundTrip)
	if err != nil {
		return err
	}
	theirs, err := f.by(p.from.end, p.to.end, roundTrip)
	if err != nil {
		return err
	}
	place := fmt.Sprint("again", roundTrip.Milliseconds())
	movers, counted := [2]mover{{f.settings.rialto, f.h.TempDir()}, {f.settings.rialto, f.h.TempDir()}}, roundTrip == 0
	for way, m := range movers { // each with a ledger of its own: a connection by another way is another one
		if way == 0 && !counted {
			continue
		}
		if err := m.connect(ctx, ours.from[way], ours.to[way], in(place, way)); err != nil {
			return err
		}
		if _, err := m.run(ctx); err != nil {
			return err
		}
	}
	nothing := func(context.Context, int) error { return nil }
	held := func(int) error { return p.tree.equals(filepath.Join(p.to.folder, in(place, 1)), false) }
	flags := []string{"--transfers", "16", "--checkers", "16", "--fast-list", "--size-only", "--s3-no-check-bucket", "--s3-list-chunk", "1000"}
	copies := peer{f.rclone, filepath.Join(f.h.TempDir(), "rclone.conf")}
	t.note = "rclone's flags: `" + strings.Join(flags, " ") + "`. It looks at both sides; Rialto lists the source alone and trusts its ledger for the target (`rialto verify` looks). Goal: half the requests."
	return contest{title: title, files: p.tree.files, rounds: f.rounds, counted: counted, entries: []contestant{
		{name: "Rialto", asked: ours.asked, ready: nothing, done: held, attempt: func(ctx context.Context, round int) (outcome, error) {
			return movers[later(round)].run(ctx)
		}},
		{name: "rclone", asked: theirs.asked, done: held, goal: "2 (3 with parallel listing)",
			ready: func(ctx context.Context, round int) error {
				return copies.remotes(ctx, map[string]end{"src": theirs.from[later(round)], "dst": theirs.to[later(round)]})
			},
			attempt: func(ctx context.Context, _ int) (outcome, error) {
				return copies.copy(ctx, "src:src", "dst:"+in(place, 1), flags...)
			}},
	}}.hold(ctx, t)
}
