-- +goose Up

-- made holds one row: which program last changed the tables, and when.
CREATE TABLE made (program text NOT NULL, at bigint NOT NULL);
INSERT INTO made VALUES ('', 0);

-- kind numbers the kinds; the heads of packed ids hold the number.
CREATE TABLE kind (num bigint PRIMARY KEY, name text NOT NULL UNIQUE);

CREATE TABLE pass (
	num     bigint PRIMARY KEY,
	began   bigint NOT NULL,
	ended   bigint NOT NULL, -- 0 while it runs
	outcome text NOT NULL
);

CREATE TABLE shard (
	num       bigint PRIMARY KEY,
	source_id bytea NOT NULL UNIQUE,
	target_id bytea,
	cursor    bytea NOT NULL,
	swept     smallint NOT NULL
);

-- m holds a row for each item: the ledger itself. An empty parent_id means the
-- shard's target; NULL means none.
CREATE TABLE m (
	shard     integer NOT NULL,
	source_id bytea NOT NULL,
	target_id bytea,
	version   bigint NOT NULL,
	print     bigint NOT NULL,
	state     smallint NOT NULL,
	parent_id bytea,
	base      bytea, -- keyed hashes of single fields; NULL for none
	PRIMARY KEY (shard, source_id)
);

CREATE TABLE intent (
	shard        integer NOT NULL,
	source_id    bytea NOT NULL,
	op           smallint NOT NULL,
	target_id    bytea,
	container_id bytea,
	parent_id    bytea,
	version      bigint NOT NULL,
	shape        bigint NOT NULL,
	mark         bytea NOT NULL,
	at           bigint NOT NULL,
	PRIMARY KEY (shard, source_id)
);

CREATE TABLE failure (
	shard     integer NOT NULL,
	source_id bytea NOT NULL,
	class     bytea NOT NULL,
	reason    bytea NOT NULL,
	PRIMARY KEY (shard, source_id)
);

CREATE TABLE alias (
	alias     bytea NOT NULL PRIMARY KEY,
	shard     integer NOT NULL,
	source_id bytea NOT NULL
);

CREATE TABLE link (
	shard     integer NOT NULL,
	source_id bytea NOT NULL,
	alias     bytea NOT NULL,
	PRIMARY KEY (shard, source_id, alias)
);

-- Find asks for an item in whichever shard it is.
CREATE INDEX m_source ON m (source_id);
