-- +goose Up

-- A run is one verb under way on a migration, or over: who ordered it (sealed_order
-- holds the migration as it stood then), which process carries it out (owner, seen
-- alive at seen), what somebody wishes of it (wish), how far it is (counts: ids and
-- numbers) and what came of it (sealed_summary). Numbers begin at 1 in each
-- organisation; ended is 0 until it is over.
CREATE TABLE run (
	organisation   TEXT NOT NULL,
	num            INTEGER NOT NULL,
	migration      TEXT NOT NULL,
	verb           TEXT NOT NULL,
	state          TEXT NOT NULL,
	owner          TEXT NOT NULL DEFAULT '',
	seen           INTEGER NOT NULL DEFAULT 0,
	wish           TEXT NOT NULL DEFAULT '',
	began          INTEGER NOT NULL,
	ended          INTEGER NOT NULL DEFAULT 0,
	person         TEXT NOT NULL,
	last           INTEGER NOT NULL DEFAULT 0,
	counts         BLOB NOT NULL,
	sealed_order   BLOB NOT NULL,
	sealed_summary BLOB,
	PRIMARY KEY (organisation, num)
) WITHOUT ROWID;
CREATE INDEX run_open ON run (organisation, migration) WHERE ended = 0;

-- The newest events of a run, by number: ids, kinds, states, classes, counts.
CREATE TABLE run_event (
	organisation TEXT NOT NULL,
	run          INTEGER NOT NULL,
	num          INTEGER NOT NULL,
	event        BLOB NOT NULL,
	PRIMARY KEY (organisation, run, num)
) WITHOUT ROWID;
