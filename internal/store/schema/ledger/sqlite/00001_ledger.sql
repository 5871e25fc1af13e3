-- +goose Up

-- made holds one row: which program last changed the tables, and when.
CREATE TABLE made (program TEXT NOT NULL, at INTEGER NOT NULL);
INSERT INTO made VALUES ('', 0);

-- kind numbers the kinds; the heads of packed ids hold the number.
CREATE TABLE kind (num INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE pass (
	num     INTEGER PRIMARY KEY,
	began   INTEGER NOT NULL,
	ended   INTEGER NOT NULL, -- 0 while it runs
	outcome TEXT NOT NULL
);

CREATE TABLE shard (
	num       INTEGER PRIMARY KEY,
	source_id BLOB NOT NULL UNIQUE,
	target_id BLOB,
	cursor    BLOB NOT NULL,
	swept     INTEGER NOT NULL
);

-- m holds a row for each item: the ledger itself. An empty parent_id means the
-- shard's target; NULL means none.
CREATE TABLE m (
	shard     INTEGER NOT NULL,
	source_id BLOB NOT NULL,
	target_id BLOB,
	version   INTEGER NOT NULL,
	print     INTEGER NOT NULL,
	state     INTEGER NOT NULL,
	parent_id BLOB,
	base      BLOB, -- keyed hashes of single fields; NULL for none
	PRIMARY KEY (shard, source_id)
) WITHOUT ROWID;

CREATE TABLE intent (
	shard        INTEGER NOT NULL,
	source_id    BLOB NOT NULL,
	op           INTEGER NOT NULL,
	target_id    BLOB,
	container_id BLOB,
	parent_id    BLOB,
	version      INTEGER NOT NULL,
	shape        INTEGER NOT NULL,
	mark         BLOB NOT NULL,
	at           INTEGER NOT NULL,
	PRIMARY KEY (shard, source_id)
) WITHOUT ROWID;

CREATE TABLE failure (
	shard     INTEGER NOT NULL,
	source_id BLOB NOT NULL,
	class     BLOB NOT NULL,
	reason    BLOB NOT NULL,
	PRIMARY KEY (shard, source_id)
) WITHOUT ROWID;

CREATE TABLE alias (
	alias     BLOB NOT NULL PRIMARY KEY,
	shard     INTEGER NOT NULL,
	source_id BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE link (
	shard     INTEGER NOT NULL,
	source_id BLOB NOT NULL,
	alias     BLOB NOT NULL,
	PRIMARY KEY (shard, source_id, alias)
) WITHOUT ROWID;
