-- +goose Up

-- The audit logs, one an organisation: records as they are signed, the hashes of
-- their Merkle tree in the order of golang.org/x/mod/sumdb/tlog, and the signed
-- root after each batch. Numbers begin at 0. What is personal in a record is
-- sealed. Rows are added, and go with their organisation; none is changed.
CREATE TABLE audit_record (
	organisation TEXT NOT NULL,
	num          INTEGER NOT NULL,
	record       BLOB NOT NULL,
	PRIMARY KEY (organisation, num)
) WITHOUT ROWID;
CREATE TABLE audit_hash (
	organisation TEXT NOT NULL,
	num          INTEGER NOT NULL,
	hash         BLOB NOT NULL,
	PRIMARY KEY (organisation, num)
) WITHOUT ROWID;
CREATE TABLE audit_checkpoint (
	organisation TEXT NOT NULL,
	size         INTEGER NOT NULL,
	signed       BLOB NOT NULL,
	PRIMARY KEY (organisation, size)
) WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER audit_record_stays BEFORE UPDATE ON audit_record
BEGIN SELECT RAISE(ABORT, 'nothing in the audit log is changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_hash_stays BEFORE UPDATE ON audit_hash
BEGIN SELECT RAISE(ABORT, 'nothing in the audit log is changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoint_stays BEFORE UPDATE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'nothing in the audit log is changed'); END;
-- +goose StatementEnd
