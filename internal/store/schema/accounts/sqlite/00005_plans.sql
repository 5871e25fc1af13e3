-- +goose Up

-- A plan is a migration of the service as somebody wrote it, sealed: it holds
-- people's addresses. version counts its changes from 1; changed_by is a person.
CREATE TABLE plan (
	organisation TEXT NOT NULL,
	name         TEXT NOT NULL,
	version      INTEGER NOT NULL,
	sealed_file  BLOB NOT NULL,
	changed      INTEGER NOT NULL,
	changed_by   TEXT NOT NULL,
	PRIMARY KEY (organisation, name)
) WITHOUT ROWID;

-- A report is what a verb found: ids, fields, counts and links. num counts those
-- of a migration from 1.
CREATE TABLE report (
	organisation TEXT NOT NULL,
	migration    TEXT NOT NULL,
	num          INTEGER NOT NULL,
	kind         TEXT NOT NULL,
	made         INTEGER NOT NULL,
	sealed       BLOB NOT NULL,
	PRIMARY KEY (organisation, migration, num)
) WITHOUT ROWID;
