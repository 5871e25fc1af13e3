-- +goose Up

-- A plan is a migration of the service as somebody wrote it, sealed: it holds
-- people's addresses. version counts its changes from 1; changed_by is a person.
CREATE TABLE plan (
	organisation text NOT NULL,
	name         text NOT NULL,
	version      bigint NOT NULL,
	sealed_file  bytea NOT NULL,
	changed      bigint NOT NULL,
	changed_by   text NOT NULL,
	PRIMARY KEY (organisation, name)
);

-- A report is what a verb found: ids, fields, counts and links. num counts those
-- of a migration from 1.
CREATE TABLE report (
	organisation text NOT NULL,
	migration    text NOT NULL,
	num          bigint NOT NULL,
	kind         text NOT NULL,
	made         bigint NOT NULL,
	sealed       bytea NOT NULL,
	PRIMARY KEY (organisation, migration, num)
);

-- +goose StatementBegin
DO $$
DECLARE
	t text;
	own text := 'coalesce(current_setting(''rialto.organisation'', true), '''')';
BEGIN
	FOREACH t IN ARRAY ARRAY['plan', 'report'] LOOP
		EXECUTE format('CREATE POLICY own ON %I USING (%s IN (organisation, ''*''))', t, own);
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
		IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rialto_rows') THEN
			EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rialto_rows', t);
		END IF;
	END LOOP;
END $$;
-- +goose StatementEnd
