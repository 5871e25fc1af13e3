-- +goose Up

-- The audit logs, one an organisation: records as they are signed, the hashes of
-- their Merkle tree in the order of golang.org/x/mod/sumdb/tlog, and the signed
-- root after each batch. Numbers begin at 0. What is personal in a record is
-- sealed. Rows are added, and go with their organisation; none is changed.
CREATE TABLE audit_record (
	organisation text NOT NULL,
	num          bigint NOT NULL,
	record       bytea NOT NULL,
	PRIMARY KEY (organisation, num)
);
CREATE TABLE audit_hash (
	organisation text NOT NULL,
	num          bigint NOT NULL,
	hash         bytea NOT NULL,
	PRIMARY KEY (organisation, num)
);
CREATE TABLE audit_checkpoint (
	organisation text NOT NULL,
	size         bigint NOT NULL,
	signed       bytea NOT NULL,
	PRIMARY KEY (organisation, size)
);

-- An organisation reads its own log and adds to it. Only what looks across
-- organisations takes a whole log away, and nobody changes a row.
-- +goose StatementBegin
DO $$
DECLARE
	t text;
	own text := 'coalesce(current_setting(''rialto.organisation'', true), '''')';
BEGIN
	FOREACH t IN ARRAY ARRAY['audit_record', 'audit_hash', 'audit_checkpoint'] LOOP
		EXECUTE format('CREATE POLICY own_read ON %I FOR SELECT USING (%s IN (organisation, ''*''))', t, own);
		EXECUTE format('CREATE POLICY own_add ON %I FOR INSERT WITH CHECK (%s = organisation)', t, own);
		EXECUTE format('CREATE POLICY whole_away ON %I FOR DELETE USING (%s = ''*'')', t, own);
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
		IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rialto_rows') THEN
			EXECUTE format('GRANT SELECT, INSERT, DELETE ON %I TO rialto_rows', t);
			EXECUTE format('REVOKE UPDATE, TRUNCATE ON %I FROM rialto_rows', t);
		END IF;
	END LOOP;
END $$;
-- +goose StatementEnd
