//go:build linux

package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/ftps/ftpstest"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
	"github.com/rialto-migrate/rialto/connectors/sftp/sftptest"
	"github.com/rialto-migrate/rialto/connectors/webdav/webdavtest"
)

// TestKillAnywhereFiles proves for files what TestKillAnywhere proves for boards:
// the program, or its mover alone, is killed at every step while it moves a folder
// with many small files, an empty folder and a large file that goes in parts. Run
// again, it always comes to the same end: the target holds the source's files byte
// for byte, nothing twice and nothing half, no upload is open, no part that was
// there is sent again, one more run writes nothing, and an undo leaves nothing.
func TestKillAnywhereFiles(t *testing.T) {
	n := *seedCount
	switch {
	case n > 0:
	case soaking():
		n = 300
	case testing.Short():
		n = 4
	default:
		n = 18
	}
	dead := &census{at: map[string]int{}}
	t.Run("seeds", func(t *testing.T) {
		for i := range n {
			seed := *firstSeed + uint64(i)
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				newFileTrial(t, seed, dead).carryOut()
			})
		}
	})
	t.Log(dead)
	for _, step := range fileSteps() {
		if n >= 300 && !*calm && dead.of(step) == 0 {
			t.Errorf("no process died at %s: the test did not prove what it says", step)
		}
	}
}

// A store is a server of files with a folder on this machine in which it keeps them.
type store struct {
	connector string
	settings  connector.Settings
	place     string
	dir       string             // of the place, on this machine
	tally     *tally             // in front of an S3 server; nil for others
	bucket    string             // the folder of an S3 server's bucket; "" for others
	quiet     func() bool        // no request is under way; nil if that cannot be told
	scope     connector.Settings // what narrows a connection to the place, to read it
}

func storeS3(t *testing.T) *store {
	srv := s3test.Start(t)
	front := newTally(t, srv.Address)
	set := maps.Clone(srv.Settings)
	set[connector.SettingURL], set["settle-delay"] = front.url, settleDelay.String()
	return &store{connector: "s3", settings: set, place: "bucket/archive", dir: filepath.Join(srv.Folder, "bucket", "archive"), tally: front,
		bucket: filepath.Join(srv.Folder, "bucket"), quiet: front.quiet, scope: connector.Settings{"bucket": "bucket", "prefix": "archive"}}
}

func storeSFTP(t *testing.T) *store {
	srv := sftptest.OpenSSH(t)
	set := srv.Settings()
	set["settle-delay"] = settleDelay.String()
	return &store{connector: "sftp", settings: set, place: "archive", dir: filepath.Join(srv.Dir, "archive")}
}

func storeFTPS(t *testing.T) *store {
	srv := ftpstest.ProFTPD(t)
	set := srv.Settings()
	set["settle-delay"], set["tls"] = settleDelay.String(), "none"
	return &store{connector: "ftps", settings: set, place: "archive", dir: filepath.Join(srv.Dir, "archive")}
}

func storeWebDAV(t *testing.T) *store {
	srv := webdavtest.Apache(t)
	return &store{connector: "webdav", settings: connector.Settings{"url": srv.URL, "user": srv.User, "password": srv.Password, "settle-delay": settleDelay.String()},
		place: "archive", dir: filepath.Join(srv.Dir, "archive")}
}

// A fileTrial is one seed: a folder, a server, a migration between them, and what
// happens to its runs.
type fileTrial struct {
	t      *testing.T
	seed   uint64
	make   *maker
	rialto *install
	dir    string // the folder that people work in
	to     *store
	legs   []*leg
	dead   *census
	log    []string
}

// A leg is one migration: those between two servers have two, the first of which
// nothing happens to.
type leg struct {
	file string
	to   *store
}

func newFileTrial(t *testing.T, seed uint64, dead *census) *fileTrial {
	tr := &fileTrial{t: t, seed: seed, make: newMaker(seed), rialto: newInstall(t), dir: t.TempDir(), dead: dead}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again: go test ./cmd/rialto -run TestKillAnywhereFiles -seed %d -seeds 1\n%s", seed, strings.Join(tr.log, "\n"))
		}
	})
	large := int64(70 << 20) // in parts, to an S3
	first, servers := 0, []*store{}
	switch seed % 6 {
	case 1:
		servers, large = append(servers, storeSFTP(t)), 5<<20+3
	case 3:
		servers, large = append(servers, storeWebDAV(t)), 5<<20+3
	case 4:
		servers, large = append(servers, storeFTPS(t)), 5<<20+3
	case 5: // S3 to S3
		servers = append(servers, storeS3(t), storeS3(t))
	default:
		servers = append(servers, storeS3(t))
	}
	tr.fill(large)
	from := "folder"
	tr.rialto.must("connect", "local", "--name", from, "--set", "folder="+tr.dir)
	for _, s := range servers {
		to := fmt.Sprintf("server%d", first)
		tr.rialto.connectStore(to, s.connector, s.settings)
		tr.legs = append(tr.legs, &leg{to: s, file: tr.migration(to, from, to, s.place)})
		if s.scope != nil {
			set := maps.Clone(s.settings)
			maps.Copy(set, s.scope)
			from = to + "-read"
			tr.rialto.connectStore(from, s.connector, set)
		}
		first++
	}
	tr.to = servers[len(servers)-1]
	return tr
}

// connectStore seals a connection.
func (in *install) connectStore(name, connector string, set connector.Settings) {
	in.t.Helper()
	args := []string{"connect", connector, "--name", name}
	for _, k := range slices.Sorted(maps.Keys(set)) {
		args = append(args, "--set", k+"="+set[k])
	}
	in.must(args...)
}

func (tr *fileTrial) migration(name, from, to, place string) string {
	tr.t.Helper()
	path := filepath.Join(tr.rialto.temp, name+".yaml")
	text := fmt.Sprintf("name: %s\nfrom: {connection: %s, scope: [\"*\"]}\nto: {connection: %s, place: %s}\npolicies: {deletions: delete}\naccept: widening\n", name, from, to, place)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tr.t.Fatal(err)
	}
	return path
}

func (tr *fileTrial) note(format string, args ...any) {
	tr.log = append(tr.log, fmt.Sprintf(format, args...))
}

func (tr *fileTrial) no(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

// put writes a file of the folder.
func (tr *fileTrial) put(name string, content []byte) {
	tr.t.Helper()
	path := filepath.Join(tr.dir, name)
	tr.no(os.MkdirAll(filepath.Dir(path), 0o755))
	tr.no(os.WriteFile(path, content, 0o644))
}

func (tr *fileTrial) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(tr.make.Uint32())
	}
	return b
}

// fill makes the folder. The large file is full of holes, which cost nothing, but
// no two of its parts are alike.
func (tr *fileTrial) fill(large int64) {
	tr.t.Helper()
	for i := range 120 {
		tr.put(fmt.Sprintf("many/%d/file %03d.bin", i%6, i), tr.bytes(tr.make.IntN(20000)))
	}
	tr.put("no bytes", nil)
	tr.put("日本語/名前　漢字.txt", []byte("a name in another script"))
	tr.no(os.MkdirAll(filepath.Join(tr.dir, "empty folder", "in it"), 0o755))
	tr.no(os.WriteFile(filepath.Join(tr.dir, "large.bin"), nil, 0o644))
	tr.no(os.Truncate(filepath.Join(tr.dir, "large.bin"), large))
	tr.stamp()
}

// stamp changes some bytes in each stretch of the large file.
func (tr *fileTrial) stamp() {
	tr.t.Helper()
	f, err := os.OpenFile(filepath.Join(tr.dir, "large.bin"), os.O_WRONLY, 0)
	tr.no(err)
	defer f.Close()
	info, err := f.Stat()
	tr.no(err)
	for at := int64(0); at < info.Size(); at += 1 << 20 {
		_, err := f.WriteAt(tr.bytes(int(min(16, info.Size()-at))), at)
		tr.no(err)
	}
}

// edit is what people do in the folder between two passes.
func (tr *fileTrial) edit() {
	tr.t.Helper()
	for range 1 + tr.make.IntN(4) {
		name := fmt.Sprintf("many/%d/file %03d.bin", tr.make.IntN(6), tr.make.IntN(120))
		path := filepath.Join(tr.dir, name)
		_, err := os.Lstat(path)
		there, dice := err == nil, tr.make.Float64()
		switch {
		case there && dice < 0.3:
			tr.no(os.Remove(path))
			tr.note("edit: removed %s", name)
		case there && dice < 0.5:
			tr.no(os.Rename(path, path+" renamed"))
			tr.note("edit: renamed %s", name)
		default:
			tr.put(name, tr.bytes(tr.make.IntN(20000)))
			tr.note("edit: wrote %s", name)
		}
	}
	if tr.make.chance(0.4) {
		tr.stamp()
		tr.note("edit: the large file")
	}
	if tr.make.chance(0.3) {
		name := fmt.Sprintf("new/%d/empty", tr.make.IntN(9))
		tr.no(os.MkdirAll(filepath.Join(tr.dir, name), 0o755))
		tr.note("edit: made %s", name)
	}
}

// carryOut takes the files through a full pass, edits and a delta, with processes
// that die, and looks at the target after each.
func (tr *fileTrial) carryOut() {
	tr.bring("full", 1+tr.make.IntN(4))
	tr.edit()
	tr.bring("delta", 1+tr.make.IntN(2))
	last := tr.legs[len(tr.legs)-1]
	before := tr.to.tally.writes()
	var rep report
	again := tr.rialto.run(fate{}, "", "run", "--json", last.file)
	if err := again.done(&rep); err != nil || again.code != 0 {
		tr.t.Fatalf("one more run: %v\n%v", err, again)
	}
	if n := tr.to.tally.writes() - before; n > 0 || rep.written() > 0 {
		tr.t.Errorf("one more run sent %d requests that write; it says: %s", n, tail(again.out))
	}
	if e := tr.rialto.run(fate{}, "", "verify", "--json", last.file); e.code != 0 {
		tr.t.Errorf("verify: exit code %d%s\n%s", e.code, e.events("difference"), tail(e.err))
	}
	undo := tr.rialto.run(fate{}, "", "undo", "--json", last.file)
	if undo.code != 0 {
		tr.t.Errorf("undo: exit code %d%s\n%s", undo.code, undo.events("failure", "done"), tail(undo.err))
	}
	if left := onDisk(tr.t, tr.to.dir); len(left) > 0 {
		tr.t.Errorf("an undo left %q%s", slices.Sorted(maps.Keys(left)), undo.events("done", "kept"))
	}
	tr.open("after an undo")
}

// bring runs the migration until it is complete. So many of its first runs die.
func (tr *fileTrial) bring(phase string, deaths int) {
	tr.t.Helper()
	for _, s := range tr.legs[:len(tr.legs)-1] {
		if e := tr.rialto.run(fate{}, "", "run", "--json", s.file); e.code != 0 {
			tr.t.Fatal(e)
		}
	}
	file := tr.legs[len(tr.legs)-1].file
	for run := range 10 {
		var f fate
		if run < deaths && !*calm {
			f = tr.fate()
		}
		e := tr.rialto.run(f, "", "run", "--json", file)
		tr.note("%s run %d: %v: exit code %d after %v%s", phase, run, f, e.code, e.took.Round(time.Millisecond), e.events("resumed", "failure", "waiting", "conflict"))
		if e.killed() && f != (fate{}) {
			tr.dead.add(phase, f)
			continue
		}
		var rep report
		if err := e.done(&rep); err != nil || e.code != 0 {
			tr.t.Fatalf("the %s pass, run %d: %v\n%v", phase, run, err, e)
		}
		tr.look("after the " + phase + " pass")
		return
	}
	tr.t.Fatalf("the %s pass does not come to an end", phase)
}

// fate decides how a run dies.
func (tr *fileTrial) fate() fate {
	m := tr.make
	if m.chance(0.15) {
		return fate{after: time.Duration(50+m.IntN(2500)) * time.Millisecond}
	}
	steps := fileSteps()
	if m.chance(0.3) && tr.to.tally != nil {
		steps = uploadSteps()
	}
	step := pick(m, steps)
	most := 1
	switch {
	case strings.HasSuffix(step, "-request") || step == "any" || step == "after-answer":
		most = 150
	case step == "after-part" || strings.HasSuffix(step, "-intent") || step == "after-write" || step == "after-commit":
		most = 4
	}
	return fate{failpoint: fmt.Sprintf("%s:%d", step, 1+m.IntN(most))}
}

// look compares the folder with what the server holds.
func (tr *fileTrial) look(when string) {
	tr.t.Helper()
	if tr.to.quiet != nil {
		for range 1000 {
			if tr.to.quiet() {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	want, have := onDisk(tr.t, tr.dir), onDisk(tr.t, tr.to.dir)
	for name, text := range want {
		if other, ok := have[name]; !ok {
			tr.t.Errorf("%s: %q is missing", when, name)
		} else if other != text {
			tr.t.Errorf("%s: %q is not as it is at the source", when, name)
		}
	}
	for name := range have {
		if _, ok := want[name]; !ok {
			tr.t.Errorf("%s: %q is too many", when, name)
		}
	}
	tr.open(when)
	for _, part := range tr.to.tally.twice() {
		tr.t.Errorf("%s: %s was sent again, though it was there", when, part)
	}
	if tr.t.Failed() {
		tr.t.FailNow()
	}
}

// open looks for uploads in parts that nobody will end.
func (tr *fileTrial) open(when string) {
	tr.t.Helper()
	if tr.to.bucket == "" {
		return
	}
	for name, text := range onDisk(tr.t, filepath.Join(tr.to.bucket, ".sgwtmp")) {
		if text != "/" {
			tr.t.Errorf("%s: the server still holds %q of an upload", when, name)
		}
	}
}

// onDisk is what lies in a folder: the sum of each file by its path, and "/" for a
// folder. Holes are read at no cost worth speaking of.
func onDisk(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if out[name] = "/"; d.IsDir() {
			return nil
		}
		out[name], err = sumOf(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
