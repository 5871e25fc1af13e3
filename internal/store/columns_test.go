package store

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// allowedColumns are all columns that a database may have, with what they
// hold. Nothing that a customer wrote is among them: whoever adds a column here
// says that what it holds is no content.
func allowedColumns() map[string]string {
	return map[string]string{
		"made.program": "version", "made.at": "time",
		"goose_db_version.id": "number", "goose_db_version.version_id": "number", "goose_db_version.is_applied": "state", "goose_db_version.tstamp": "time",

		"kind.num": "number", "kind.name": "kind",
		"pass.num": "number", "pass.began": "time", "pass.ended": "time", "pass.outcome": "state",
		"shard.num": "number", "shard.source_id": "id", "shard.target_id": "id", "shard.cursor": "cursor", "shard.swept": "state",
		"shard.cut": "state", "shard.cut_at": "time", "shard.cut_before": "ids and flags", "shard.since": "cursor",
		"m.shard": "number", "m.source_id": "id", "m.target_id": "id", "m.version": "keyed hash", "m.print": "keyed hash", "m.state": "state", "m.parent_id": "id", "m.base": "keyed hashes",
		"intent.shard": "number", "intent.source_id": "id", "intent.op": "state", "intent.target_id": "id", "intent.container_id": "id",
		"intent.parent_id": "id", "intent.version": "keyed hash", "intent.shape": "keyed hash", "intent.mark": "id", "intent.at": "time", "intent.session": "sealed",
		"failure.shard": "number", "failure.source_id": "id", "failure.class": "class", "failure.reason": "ids and codes",
		"alias.alias": "id", "alias.shard": "number", "alias.source_id": "id",
		"link.shard": "number", "link.source_id": "id", "link.alias": "id",

		"organisation.name": "the operator's name for it", "organisation.sealed_key": "sealed",
		"connection.organisation": "name", "connection.name": "the operator's name for it", "connection.connector": "name", "connection.identity_id": "id", "connection.created": "time",
		"connection_value.organisation": "name", "connection_value.connection": "name", "connection_value.field": "name",
		"connection_value.secret": "state", "connection_value.sealed_value": "sealed",
		"migration.num": "number", "migration.organisation": "name", "migration.name": "the operator's name for it",
		"organisation.sealed_name": "sealed", "organisation.country": "code", "organisation.region": "the operator's name for it",
		"organisation.second_factor": "state", "organisation.created": "time", "organisation.active": "time",
		"service_value.field": "name", "service_value.sealed_value": "sealed",
		"person.id": "id", "person.sealed_key": "sealed", "person.address_hash": "keyed hash", "person.sealed_address": "sealed", "person.sealed_name": "sealed",
		"person.sealed_password": "sealed", "person.sealed_totp": "sealed", "person.totp_step": "number", "person.created": "time", "person.confirmed": "time",
		"recovery_code.person": "id", "recovery_code.code_hash": "hash", "outside.id_hash": "keyed hash", "outside.person": "id",
		"passkey.id": "id", "passkey.person": "id", "passkey.sealed_credential": "sealed", "passkey.created": "time", "passkey.used": "time",
		"member.organisation": "id", "member.person": "id", "member.role": "name", "member.since": "time",
		"invitation.organisation": "id", "invitation.token_hash": "hash", "invitation.sealed_address": "sealed", "invitation.role": "name",
		"invitation.invited_by": "id", "invitation.created": "time", "invitation.expires": "time",
		"session.token_hash": "hash", "session.person": "id", "session.created": "time", "session.seen": "time", "session.fresh": "time", "session.second": "time", "session.sealed_about": "sealed",
		"audit_record.organisation": "id", "audit_record.num": "number", "audit_record.record": "ids and sealed", "audit_hash.organisation": "id", "audit_hash.num": "number",
		"audit_hash.hash": "hash", "audit_checkpoint.organisation": "id", "audit_checkpoint.size": "number", "audit_checkpoint.signed": "hash",
		"plan.organisation": "id", "plan.name": "the operator's name for it", "plan.version": "number", "plan.sealed_file": "sealed", "plan.changed": "time", "plan.changed_by": "id",
		"report.organisation": "id", "report.migration": "the operator's name for it", "report.num": "number", "report.kind": "name", "report.made": "time", "report.sealed": "sealed",
		"errand.token_hash": "hash", "errand.person": "id", "errand.kind": "name", "errand.expires": "time",
		"run.organisation": "id", "run.num": "number", "run.migration": "the operator's name for it", "run.verb": "name", "run.state": "state", "run.owner": "id", "run.seen": "time",
		"run.wish": "name", "run.began": "time", "run.ended": "time", "run.person": "id", "run.last": "number", "run.counts": "ids and counts", "run.sealed_order": "sealed",
		"run.sealed_summary":     "sealed",
		"run_event.organisation": "id", "run_event.run": "number", "run_event.num": "number", "run_event.event": "ids, kinds, states, classes, counts, and reasons as failure.reason has them",
		"migration.sealed_print": "sealed", "migration.sealed_store": "sealed", "migration.created": "time", "migration.paused": "time",
	}
}

func TestOnlyIds(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		s := openStore(t, opts)
		l := openLedger(t, s, "m")
		defer closed(t, l)
		found := map[string]bool{}
		for _, db := range []engine{s.accounts, l.db} {
			err := db.view(t.Context(), func(ss session) error {
				return ss.query(statement{
					`SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c
						WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'`,
					`SELECT table_name::text || '.' || column_name::text FROM information_schema.columns WHERE table_schema = current_schema()`,
				}, func(r row) error { found[r.text(0)] = true; return nil })
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		allowed := allowedColumns()
		for column := range found {
			if allowed[column] == "" {
				t.Errorf("the column %s is not on the list of what may be kept", column)
			}
		}
		for column := range allowed {
			if !found[column] {
				t.Errorf("the list allows %s, which no table has", column)
			}
		}
	})
}

func TestExportAndSummary(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		l := openLedger(t, openStore(t, opts), "m")
		defer closed(t, l)
		began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		if _, _, err := l.Begin(ctx, began); err != nil {
			t.Fatal(err)
		}
		applyTasks(t, l, 0, 0, exportPage+5)
		task := func(id string) item.Ref { return item.Ref{Kind: "task", ID: id} }
		cursor := "c2"
		err := l.Apply(ctx, ledger.Batch{
			Shard: 1, Target: item.Ref{Kind: "board", ID: "plan"}, Cursor: &cursor, Swept: true,
			Rows: []ledger.Row{
				{Key: item.Ref{Kind: "list", ID: "l"}, Target: item.Ref{Kind: "list", ID: "b"}, Parent: item.Ref{Kind: "board", ID: "plan"}, Version: 255, Print: 1 << 63, State: ledger.Adopted},
				{Key: task("gone"), State: ledger.Dropped},
			},
			Intents:  []ledger.Intent{{Key: task("i"), Op: ledger.Create, Container: item.Ref{Kind: "board", ID: "plan"}, Shape: 16, Mark: "mark", At: began}},
			Failures: []ledger.Failure{{Key: task("f"), Class: "full", Reason: "403 b"}},
			Aliases:  []ledger.Alias{{Alias: "short", Key: task("gone")}},
			Links:    []ledger.Link{{Key: item.Ref{Kind: "list", ID: "l"}, Alias: "far"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		sum, err := l.Summary(ctx)
		if err != nil {
			t.Fatal(err)
		}
		want := Summary{
			Shards:   1,
			Items:    map[item.Kind]map[string]int64{"task": {"made": exportPage + 5, "dropped": 1}, "list": {"adopted": 1}},
			Failures: map[item.Kind]map[string]int64{"task": {"full": 1}},
			InDoubt:  1, Links: 1, Passes: []ledger.Pass{{Num: 1, Began: began}},
		}
		if !reflect.DeepEqual(sum, want) {
			t.Errorf("summary: got\n%+v\nwant\n%+v", sum, want)
		}
		var out bytes.Buffer
		if err := l.Export(ctx, &out); err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for text := range strings.Lines(out.String()) {
			var parts map[string]any
			if err := json.Unmarshal([]byte(text), &parts); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			delete(parts, "shard")
			for _, name := range slices.Sorted(maps.Keys(parts)) {
				counts[name]++
			}
		}
		if want := map[string]int{"pass": 1, "container": 1, "intent": 1, "failure": 1, "link": 1, "alias": 1, "row": exportPage + 7}; !maps.Equal(counts, want) {
			t.Errorf("lines: got %v, want %v", counts, want)
		}
		for _, line := range []string{
			`{"pass":{"num":1,"began":"2026-01-02T03:04:05Z"}}`,
			`{"shard":1,"container":{"source":"board:0","target":"board:plan","cursor":"c2","swept":true}}`,
			`{"shard":1,"row":{"source":"list:l","target":"list:b","parent":"board:plan","state":"adopted","version":"00000000000000ff","print":"8000000000000000"}}`,
			`{"shard":1,"row":{"source":"task:gone","state":"dropped"}}`,
			`{"shard":1,"intent":{"source":"task:i","op":"create","container":"board:plan","shape":"0000000000000010","mark":"mark","at":"2026-01-02T03:04:05Z"}}`,
			`{"shard":1,"failure":{"source":"task:f","class":"full","reason":"403 b"}}`,
			`{"shard":1,"alias":{"alias":"short","source":"task:gone"}}`,
			`{"shard":1,"link":{"alias":"far","source":"list:l"}}`,
		} {
			if !strings.Contains(out.String(), line+"\n") {
				t.Errorf("the export lacks %s", line)
			}
		}
	})
}

// TestIntentsReachTheDisk: a batch with intents is committed with a sync, and
// rows alone are not.
func TestIntentsReachTheDisk(t *testing.T) {
	l := openLedger(t, openStore(t, engines()[0].make(t)), "m")
	defer closed(t, l)
	applyTasks(t, l, 0, 0, 1)
	level := func() (n int64) {
		err := l.db.view(t.Context(), func(s session) (err error) {
			n, err = one(s, statement{sqlite: "PRAGMA synchronous"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := level(); n != 1 {
		t.Errorf("after rows: synchronous=%d, want 1 (NORMAL)", n)
	}
	in := ledger.Batch{Shard: 1, Intents: []ledger.Intent{{Key: item.Ref{Kind: "task", ID: "a"}, Op: ledger.Create}}}
	if err := l.Apply(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if n := level(); n != 2 {
		t.Errorf("after intents: synchronous=%d, want 2 (FULL)", n)
	}
}
