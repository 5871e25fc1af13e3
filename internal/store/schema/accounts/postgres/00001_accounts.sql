-- +goose Up

-- made holds one row: which program last changed the tables, and when.
CREATE TABLE made (program text NOT NULL, at bigint NOT NULL);
INSERT INTO made VALUES ('', 0);

-- sealed_key is the organisation's key, sealed under the root key.
CREATE TABLE organisation (
	name       text PRIMARY KEY,
	sealed_key bytea NOT NULL
);

CREATE TABLE connection (
	organisation text NOT NULL,
	name         text NOT NULL,
	connector    text NOT NULL,
	identity_id  text NOT NULL,
	created      bigint NOT NULL,
	PRIMARY KEY (organisation, name)
);

-- sealed_value is a setting or a secret of a connection, sealed under the
-- organisation's key.
CREATE TABLE connection_value (
	organisation text NOT NULL,
	connection   text NOT NULL,
	field        text NOT NULL,
	secret       smallint NOT NULL,
	sealed_value bytea NOT NULL,
	PRIMARY KEY (organisation, connection, field, secret)
);

-- The sealed keys of a migration: of its prints, and of its ledger's file.
CREATE TABLE migration (
	num          bigint PRIMARY KEY,
	organisation text NOT NULL,
	name         text NOT NULL,
	sealed_print bytea NOT NULL,
	sealed_store bytea NOT NULL,
	created      bigint NOT NULL,
	UNIQUE (organisation, name)
);
