-- +goose Up

-- made holds one row: which program last changed the tables, and when.
CREATE TABLE made (program TEXT NOT NULL, at INTEGER NOT NULL);
INSERT INTO made VALUES ('', 0);

-- sealed_key is the organisation's key, sealed under the root key.
CREATE TABLE organisation (
	name       TEXT PRIMARY KEY,
	sealed_key BLOB NOT NULL
);

CREATE TABLE connection (
	organisation TEXT NOT NULL,
	name         TEXT NOT NULL,
	connector    TEXT NOT NULL,
	identity_id  TEXT NOT NULL,
	created      INTEGER NOT NULL,
	PRIMARY KEY (organisation, name)
);

-- sealed_value is a setting or a secret of a connection, sealed under the
-- organisation's key.
CREATE TABLE connection_value (
	organisation TEXT NOT NULL,
	connection   TEXT NOT NULL,
	field        TEXT NOT NULL,
	secret       INTEGER NOT NULL,
	sealed_value BLOB NOT NULL,
	PRIMARY KEY (organisation, connection, field, secret)
);

-- The sealed keys of a migration: of its prints, and of its ledger's file.
CREATE TABLE migration (
	num          INTEGER PRIMARY KEY,
	organisation TEXT NOT NULL,
	name         TEXT NOT NULL,
	sealed_print BLOB NOT NULL,
	sealed_store BLOB NOT NULL,
	created      INTEGER NOT NULL,
	UNIQUE (organisation, name)
);
