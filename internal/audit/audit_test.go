package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/rialto-migrate/rialto/connector"
)

// A heap keeps logs in memory. What a write puts is there when it returns nil.
type heap struct {
	mu      sync.Mutex
	logs    map[string]*heapLog
	broken  error         // what the next appends come to
	appends int           // transactions
	entered chan struct{} // gets one for each append, if there is one
	release chan struct{} // each append waits for one, if there is one
}

type heapLog struct {
	records     [][]byte
	hashes      []tlog.Hash
	checkpoints [][]byte
}

func (h *heap) of(organisation string) *heapLog {
	if h.logs == nil {
		h.logs = map[string]*heapLog{}
	}
	if h.logs[organisation] == nil {
		h.logs[organisation] = &heapLog{}
	}
	return h.logs[organisation]
}

func (h *heap) Append(_ context.Context, organisation string, write func(Rows) error) error {
	if h.entered != nil {
		h.entered <- struct{}{}
		<-h.release
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.appends++
	if h.broken != nil {
		return h.broken
	}
	return write(h.of(organisation))
}

func (h *heap) View(_ context.Context, organisation string, read func(Rows) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return read(h.of(organisation))
}

func (l *heapLog) Checkpoint() ([]byte, error) {
	if len(l.checkpoints) == 0 {
		return nil, nil
	}
	return l.checkpoints[len(l.checkpoints)-1], nil
}

func (l *heapLog) Records(from, to int64, each func([]byte) error) error {
	for i := max(from, 0); i < min(to, int64(len(l.records))); i++ {
		if err := each(l.records[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *heapLog) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		if i >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("there is no hash %d", i)
		}
		out = append(out, l.hashes[i])
	}
	return out, nil
}

func (l *heapLog) Put(b Batch) error {
	if b.First != int64(len(l.records)) || b.FirstHash != int64(len(l.hashes)) || b.Size != b.First+int64(len(b.Records)) {
		return fmt.Errorf("a batch of %d records from %d on does not follow on %d", len(b.Records), b.First, len(l.records))
	}
	l.records, l.hashes, l.checkpoints = append(l.records, b.Records...), append(l.hashes, b.Hashes...), append(l.checkpoints, b.Checkpoint)
	return nil
}

// locks seal by writing the key's name before the value, and open what has it
// until that key is destroyed.
type locks map[string]bool

func (k locks) Seal(_ context.Context, organisation, person, field string, value []byte) ([]byte, error) {
	if k[person] {
		return nil, connector.Errorf(connector.Gone, "destroyed")
	}
	return append([]byte(organisation+"|"+person+"|"+field+"|"), value...), nil
}

func (k locks) Open(_ context.Context, organisation, person, field string, sealed []byte) ([]byte, error) {
	if k[person] {
		return nil, connector.Errorf(connector.Gone, "destroyed")
	}
	value, ok := bytes.CutPrefix(sealed, []byte(organisation+"|"+person+"|"+field+"|"))
	if !ok {
		return nil, connector.Errorf(connector.Permanent, "it does not open")
	}
	return value, nil
}

func newLog(t interface{ Fatal(...any) }, s Storage, k Keys) *Log {
	l, err := New(s, k, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func entry(action string) Entry {
	return Entry{Organisation: "acme", Actor: ByPerson("p-ana"), Action: action, Object: Object{"migration", "12"}, Outcome: Done, Request: "r-1",
		Address: netip.MustParseAddr("192.0.2.7"), Details: map[string]string{"name": "Ana Ó"}}
}

func appendAll(t interface {
	Fatal(...any)
	Context() context.Context
}, l *Log, entries ...Entry) {
	for _, e := range entries {
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppendAndRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := locks{}
		l := newLog(t, &heap{}, k)
		byToken := entry("start runs")
		byToken.Actor, byToken.Outcome, byToken.Class, byToken.Subject = ByToken("t-1", "p-ana"), Failed, "quota", "p-bo"
		plain := Entry{Organisation: "acme", Actor: ByService(), Action: "end sessions", Outcome: Done}
		stranger := Entry{Organisation: "acme", Actor: ByNobody(), Action: "sign in", Outcome: Refused, Class: "auth", Address: netip.MustParseAddr("2001:db8::1")}
		sent := []Entry{entry("add connections"), byToken, plain, stranger}
		for i, e := range sent {
			time.Sleep(time.Second)
			num, err := l.Append(t.Context(), e)
			if err != nil || num != int64(i+1) {
				t.Fatalf("entry %d: %d, %v", i+1, num, err)
			}
			sent[i].Num, sent[i].Time = num, time.Now().UTC()
			if sent[i].Subject = e.Subject; i == 1 {
				sent[i].Subject = "" // it stands in the seal
			}
		}
		got, err := l.Entries(t.Context(), "acme", 1, 100)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i].Address.IsValid() || got[i].Details != nil {
				t.Errorf("entry %d is open", i+1)
			}
			if erased, err := l.Open(t.Context(), &got[i]); err != nil || erased {
				t.Error(erased, err)
			}
			got[i].sealed = sealed{}
		}
		if !reflect.DeepEqual(got, sent) {
			t.Errorf("got\n%+v\nwant\n%+v", got, sent)
		}
		if got, err := l.Entries(t.Context(), "acme", 2, 3); err != nil || len(got) != 1 || got[0].Num != 2 {
			t.Errorf("one of them: %+v, %v", got, err)
		}
		if got, err := l.Entries(t.Context(), "zeta", 1, 100); err != nil || len(got) != 0 {
			t.Errorf("another organisation's: %+v, %v", got, err)
		}
	})
}

// TestErasure: with a person's key destroyed, what is personal is gone, and every
// proof holds.
func TestErasure(t *testing.T) {
	k := locks{}
	l := newLog(t, &heap{}, k)
	about := entry("remove people")
	about.Subject = "p-bo"
	appendAll(t, l, entry("add connections"), about)
	before, export := exported(t, l)
	k["p-bo"] = true
	got, err := l.Entries(t.Context(), "acme", 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		erased  bool
		details map[string]string
	}{{false, map[string]string{"name": "Ana Ó"}}, {true, nil}} {
		erased, err := l.Open(t.Context(), &got[i])
		if err != nil || erased != want.erased || !reflect.DeepEqual(got[i].Details, want.details) || !got[i].Address.IsValid() {
			t.Errorf("entry %d: %v, %v, %+v", i+1, erased, err, got[i])
		}
	}
	appendAll(t, l, entry("add connections"))
	_, later := exported(t, l)
	for _, e := range [][]byte{export, later} {
		if _, err := Check(bytes.NewReader(e), Trust{Key: l.Key(), Since: before.Signed}); err != nil {
			t.Error(err)
		}
	}
	if _, err := l.Append(t.Context(), about); connector.ClassOf(err) != connector.Gone {
		t.Errorf("details of whom was erased: %v", err)
	}
}

func exported(t *testing.T, l *Log) (Checkpoint, []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := l.Export(t.Context(), "acme", &out); err != nil {
		t.Fatal(err)
	}
	c, err := l.Checkpoint(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	return c, out.Bytes()
}

// TestManyAtOnce: entries that come while one is written share the next
// transaction, none is lost, and each knows its number.
func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heap{entered: make(chan struct{}), release: make(chan struct{})}
		l := newLog(t, h, locks{})
		const many = 100
		nums := make([]int64, many)
		var all sync.WaitGroup
		add := func(i int) {
			all.Go(func() {
				var err error
				if nums[i], err = l.Append(t.Context(), entry(fmt.Sprint("step ", i))); err != nil {
					t.Error(err)
				}
			})
		}
		add(0)
		<-h.entered
		for i := 1; i < many; i++ {
			add(i)
		}
		synctest.Wait()
		h.release <- struct{}{}
		<-h.entered
		h.release <- struct{}{}
		all.Wait()
		if h.appends != 2 {
			t.Errorf("%d transactions, want 2", h.appends)
		}
		got, err := l.Entries(t.Context(), "acme", 1, many+1)
		if err != nil || len(got) != many {
			t.Fatal(len(got), err)
		}
		for i, num := range nums {
			if want := fmt.Sprint("step ", i); got[num-1].Action != want {
				t.Errorf("entry %d: %s, want %s", num, got[num-1].Action, want)
			}
		}
	})
}

// TestPatience: whoever gives up while another one writes is not in the log; one
// that is being written is, although its request ended.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heap{entered: make(chan struct{}), release: make(chan struct{})}
		l := newLog(t, h, locks{})
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := l.Append(ctx, entry("written")); err != nil {
				t.Error(err)
			}
		})
		<-h.entered
		all.Go(func() {
			if _, err := l.Append(ctx, entry("given up")); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		stop()
		synctest.Wait()
		h.release <- struct{}{}
		all.Wait()
		if got, err := l.Entries(t.Context(), "acme", 1, 9); err != nil || len(got) != 1 || got[0].Action != "written" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestDoing(t *testing.T) {
	for name, c := range map[string]struct {
		deed    func() error
		outcome Outcome
		class   string
	}{
		"done":    {func() error { return nil }, Done, ""},
		"failed":  {func() error { return connector.Errorf(connector.Full, "full") }, Failed, "full"},
		"refused": {func() error { return connector.Errorf(connector.Forbidden, "no") }, Refused, "forbidden"},
		"unknown": {func() error { return errors.New("what") }, Failed, "transient"},
		"panic":   {func() error { panic("what") }, Failed, "panic"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &heap{}
			l := newLog(t, h, locks{})
			var err, want error
			func() {
				defer func() { _ = recover() }()
				err = l.Doing(t.Context(), entry("add connections"), func() error {
					if got, err := l.Entries(t.Context(), "acme", 1, 9); err != nil || len(got) != 1 || got[0].Outcome != Intended || got[0].sealed.Details == nil {
						t.Errorf("meanwhile: %+v, %v", got, err)
					}
					want = c.deed()
					return want
				})
			}()
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			got, err := l.Entries(t.Context(), "acme", 2, 9)
			if err != nil || len(got) != 1 || got[0].Outcome != c.outcome || got[0].Class != c.class || got[0].Of != 1 || got[0].sealed != (sealed{}) {
				t.Errorf("after: %+v, %v", got, err)
			}
		})
	}
}

func TestNothingIsDoneUnwritten(t *testing.T) {
	full := connector.Errorf(connector.Full, "the disk is full")
	h := &heap{broken: full}
	l := newLog(t, h, locks{})
	err := l.Doing(t.Context(), entry("add connections"), func() error { t.Error("it was done"); return nil })
	if !errors.Is(err, full) {
		t.Error(err)
	}
	h.broken = nil
	err = l.Doing(t.Context(), entry("add connections"), func() error { h.broken = full; return nil })
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "stays without an outcome") {
		t.Error(err)
	}
	h.broken = nil
	if f := checked(t, l); f.Open != 1 {
		t.Errorf("%d are open, want 1", f.Open)
	}
}

func checked(t *testing.T, l *Log) *Finding {
	t.Helper()
	_, export := exported(t, l)
	f, err := Check(bytes.NewReader(export), Trust{Key: l.Key()})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestTamperedStorage: a log whose rows were changed takes no more entries.
func TestTamperedStorage(t *testing.T) {
	for name, change := range map[string]func(*heapLog){
		"a hash":         func(h *heapLog) { h.hashes[len(h.hashes)-1][0]++ },
		"its checkpoint": func(h *heapLog) { h.checkpoints[2][30]++ },
		"an older state": func(h *heapLog) {
			h.checkpoints = h.checkpoints[:2]
			h.records = h.records[:2]
			h.hashes = h.hashes[:3]
		},
		"nothing is left": func(h *heapLog) { *h = heapLog{} },
		"another's log": func(h *heapLog) {
			other := &heap{}
			e := entry("x")
			e.Organisation = "zeta"
			l, _ := New(other, locks{}, bytes.Repeat([]byte{7}, 32))
			_, _ = l.Append(context.Background(), e)
			*h = *other.logs["zeta"]
		},
		"written anew": func(h *heapLog) {
			other := &heap{}
			l, _ := New(other, locks{}, bytes.Repeat([]byte{7}, 32))
			for range 4 {
				_, _ = l.Append(context.Background(), entry("y"))
			}
			*h = *other.logs["acme"]
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &heap{}
			l := newLog(t, h, locks{})
			appendAll(t, l, entry("a"), entry("b"), entry("c"))
			change(h.logs["acme"])
			if _, err := l.Append(t.Context(), entry("d")); err == nil || connector.ClassOf(err) != connector.Permanent {
				t.Errorf("it was appended: %v", err)
			}
		})
	}
}

// A panic within a transaction fails its entries, and the log goes on.
func TestPanicOfStorage(t *testing.T) {
	h := &heap{}
	s := &panicky{heap: h, once: true}
	l := newLog(t, s, locks{})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		_, _ = l.Append(t.Context(), entry("a"))
	}()
	appendAll(t, l, entry("b"))
	if f := checked(t, l); f.Checkpoint.Size != 1 {
		t.Errorf("%d entries", f.Checkpoint.Size)
	}
}

type panicky struct {
	*heap
	once bool
}

func (p *panicky) Append(ctx context.Context, organisation string, write func(Rows) error) error {
	if p.once {
		p.once = false
		panic("what")
	}
	return p.heap.Append(ctx, organisation, write)
}

func TestUnfitEntries(t *testing.T) {
	l := newLog(t, &heap{}, locks{})
	for name, change := range map[string]func(*Entry){
		"no organisation":      func(e *Entry) { e.Organisation = "" },
		"two lines":            func(e *Entry) { e.Organisation = "acme\n7" },
		"no action":            func(e *Entry) { e.Action = "" },
		"no actor":             func(e *Entry) { e.Actor = Actor{} },
		"no person":            func(e *Entry) { e.Actor = ByPerson("") },
		"no outcome":           func(e *Entry) { e.Outcome = "" },
		"too long":             func(e *Entry) { e.Request = strings.Repeat("a", maxField+1) },
		"too many details":     func(e *Entry) { e.Details["more"] = strings.Repeat("a", maxDetails) },
		"no UTF-8":             func(e *Entry) { e.Object.ID = "\xff" },
		"a kind with a colon":  func(e *Entry) { e.Object.Kind = "a:b" },
		"an id without a kind": func(e *Entry) { e.Object.Kind = "" },
	} {
		e := entry("add connections")
		change(&e)
		if _, err := l.Append(t.Context(), e); connector.ClassOf(err) != connector.Permanent {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostileTexts: whatever the fields hold, the record is one line of printable
// ASCII, and holds it still.
func TestHostileTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\r\n\x1b\x00\x7f\u0085\u009b\u2028\u202e\ufeff\"\\ \U0001f600"))), 1, 40, maxField)
		e := Entry{Num: 3, Time: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), Organisation: "acme", Actor: ByToken(text.Draw(t, "id"), "p"),
			Action: text.Draw(t, "action"), Object: Object{"migration", text.Draw(t, "object")}, Outcome: Done, Request: text.Draw(t, "request")}
		record, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range record {
			if b < 0x20 || b > 0x7e {
				t.Fatalf("the byte %#x is in %q", b, record)
			}
		}
		if got, err := decode(record); err != nil || !reflect.DeepEqual(got, e) {
			t.Fatalf("got %+v %v, want %+v", got, err, e)
		}
	})
}

// TestConsistency: between any two checkpoints there is a proof that the later log
// begins with the earlier one, and none that holds for another log.
func TestConsistency(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLog(t, &heap{}, locks{})
		forged := newLog(t, &heap{}, locks{})
		size := rapid.IntRange(2, 40).Draw(t, "size")
		changed := rapid.IntRange(0, size-1).Draw(t, "changed")
		var points, others []Checkpoint
		for i := range size {
			e, f := entry(fmt.Sprint("step ", i)), entry(fmt.Sprint("step ", i))
			if i == changed {
				f.Action = "something else"
			}
			appendAll(t, l, e)
			appendAll(t, forged, f)
			c, err := l.Checkpoint(t.Context(), "acme")
			d, err2 := forged.Checkpoint(t.Context(), "acme")
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			points, others = append(points, c), append(others, d)
		}
		newer := rapid.IntRange(1, size).Draw(t, "newer")
		older := rapid.IntRange(1, newer).Draw(t, "older")
		proof, err := l.Prove(t.Context(), "acme", int64(older), int64(newer))
		if err != nil {
			t.Fatal(err)
		}
		check := func(from Checkpoint) error {
			return tlog.CheckTree(proof, int64(newer), points[newer-1].Root, int64(older), from.Root)
		}
		if err := check(points[older-1]); err != nil {
			t.Fatal(err)
		}
		if changed < older && check(others[older-1]) == nil {
			t.Fatal("the proof holds for another log")
		}
		for _, no := range [][2]int64{{0, 1}, {2, 1}, {1, int64(size) + 1}} {
			if _, err := l.Prove(t.Context(), "acme", no[0], no[1]); connector.ClassOf(err) != connector.Gone {
				t.Fatalf("%v: %v", no, err)
			}
		}
	})
}
