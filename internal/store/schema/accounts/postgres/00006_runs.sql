-- +goose Up

-- A run is one verb under way on a migration, or over: who ordered it (sealed_order
-- holds the migration as it stood then), which process carries it out (owner, seen
-- alive at seen), what somebody wishes of it (wish), how far it is (counts: ids and
-- numbers) and what came of it (sealed_summary). Numbers begin at 1 in each
-- organisation; ended is 0 until it is over.
CREATE TABLE run (
	organisation   text NOT NULL,
	num            bigint NOT NULL,
	migration      text NOT NULL,
	verb           text NOT NULL,
	state          text NOT NULL,
	owner          text NOT NULL DEFAULT '',
	seen           bigint NOT NULL DEFAULT 0,
	wish           text NOT NULL DEFAULT '',
	began          bigint NOT NULL,
	ended          bigint NOT NULL DEFAULT 0,
	person         text NOT NULL,
	last           bigint NOT NULL DEFAULT 0,
	counts         bytea NOT NULL,
	sealed_order   bytea NOT NULL,
	sealed_summary bytea,
	PRIMARY KEY (organisation, num)
);
CREATE INDEX run_open ON run (organisation, migration) WHERE ended = 0;

-- The newest events of a run, by number: ids, kinds, states, classes, counts.
CREATE TABLE run_event (
	organisation text NOT NULL,
	run          bigint NOT NULL,
	num          bigint NOT NULL,
	event        bytea NOT NULL,
	PRIMARY KEY (organisation, run, num)
);

-- +goose StatementBegin
DO $$
DECLARE
	t text;
	own text := 'coalesce(current_setting(''rialto.organisation'', true), '''')';
BEGIN
	FOREACH t IN ARRAY ARRAY['run', 'run_event'] LOOP
		EXECUTE format('CREATE POLICY own ON %I USING (%s IN (organisation, ''*''))', t, own);
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
		IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rialto_rows') THEN
			EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rialto_rows', t);
		END IF;
	END LOOP;
END $$;
-- +goose StatementEnd
