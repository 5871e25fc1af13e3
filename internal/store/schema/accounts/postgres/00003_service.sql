-- +goose Up

-- An organisation of the service: its name as people know it, sealed; the country
-- that chose its region; and when somebody last did something in it.
ALTER TABLE organisation ADD COLUMN sealed_name bytea;
ALTER TABLE organisation ADD COLUMN country text NOT NULL DEFAULT '';
ALTER TABLE organisation ADD COLUMN region text NOT NULL DEFAULT '';
ALTER TABLE organisation ADD COLUMN second_factor bigint NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN created bigint NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN active bigint NOT NULL DEFAULT 0;

-- service_value is what the service itself keeps, sealed under its own key: the keys
-- of its hashes and signatures.
CREATE TABLE service_value (
	field        text PRIMARY KEY,
	sealed_value bytea NOT NULL
);

-- A person's address is found by a keyed hash; what tells who it is, is sealed
-- under the person's own key, the hash of the password too.
CREATE TABLE person (
	id              text PRIMARY KEY,
	sealed_key      bytea NOT NULL,
	address_hash    bytea NOT NULL UNIQUE,
	sealed_address  bytea NOT NULL,
	sealed_name     bytea NOT NULL,
	sealed_password bytea,
	sealed_totp     bytea,
	totp_step       bigint NOT NULL DEFAULT 0,
	created         bigint NOT NULL,
	confirmed       bigint NOT NULL DEFAULT 0
);

-- A recovery code stands for the second factor once.
CREATE TABLE recovery_code (
	person    text NOT NULL,
	code_hash bytea NOT NULL,
	PRIMARY KEY (person, code_hash)
);

CREATE TABLE passkey (
	id                bytea PRIMARY KEY,
	person            text NOT NULL,
	sealed_credential bytea NOT NULL,
	created           bigint NOT NULL,
	used              bigint NOT NULL
);
CREATE INDEX passkey_person ON passkey (person);

-- outside is who a person is to another provider of sign-ins: a keyed hash of
-- its issuer and subject.
CREATE TABLE outside (
	id_hash bytea PRIMARY KEY,
	person  text NOT NULL
);
CREATE INDEX outside_person ON outside (person);

CREATE TABLE member (
	organisation text NOT NULL,
	person       text NOT NULL,
	role         text NOT NULL,
	since        bigint NOT NULL,
	PRIMARY KEY (organisation, person)
);
CREATE INDEX member_person ON member (person);

CREATE TABLE invitation (
	organisation   text NOT NULL,
	token_hash     bytea NOT NULL,
	sealed_address bytea NOT NULL,
	role           text NOT NULL,
	invited_by     text NOT NULL,
	created        bigint NOT NULL,
	expires        bigint NOT NULL,
	PRIMARY KEY (organisation, token_hash)
);

-- A session is known by the hash of its token. fresh is when the person last
-- proved who it is, second when with a second factor; about is the device.
CREATE TABLE session (
	token_hash   bytea PRIMARY KEY,
	person       text NOT NULL,
	created      bigint NOT NULL,
	seen         bigint NOT NULL,
	fresh        bigint NOT NULL,
	second       bigint NOT NULL,
	sealed_about bytea NOT NULL
);
CREATE INDEX session_person ON session (person);

-- An errand is what a link in a mail does, once: confirm an address, or set a
-- new password.
CREATE TABLE errand (
	token_hash bytea PRIMARY KEY,
	person     text NOT NULL,
	kind       text NOT NULL,
	expires    bigint NOT NULL
);
CREATE INDEX errand_person ON errand (person);

-- Rows are seen by the role rialto_rows alone, and those of one organisation or
-- person at a time: what a transaction sets, see internal/store/scope.go. '*' is
-- what looks across organisations. The tables' owner is held to it, too. Where the
-- database's user may not make roles, that has to do.
-- +goose StatementBegin
DO $$
DECLARE
	t text;
	own text := 'coalesce(current_setting(''rialto.organisation'', true), '''')';
	who text := 'coalesce(current_setting(''rialto.person'', true), '''')';
BEGIN
	FOREACH t IN ARRAY ARRAY['connection', 'connection_value', 'migration', 'invitation'] LOOP
		EXECUTE format('CREATE POLICY own ON %I USING (%s IN (organisation, ''*''))', t, own);
	END LOOP;
	EXECUTE format('CREATE POLICY own ON organisation USING (%s IN (name, ''*'') OR EXISTS (SELECT FROM member m WHERE m.organisation = name AND m.person = %s))', own, who);
	EXECUTE format('CREATE POLICY own ON member USING (%s IN (organisation, ''*'') OR %s = person)', own, who);
	EXECUTE format('CREATE POLICY own ON person USING (%s = id OR %s = ''*'' OR EXISTS (SELECT FROM member m WHERE m.person = id AND m.organisation = %s))', who, own, own);
	EXECUTE format('CREATE POLICY own ON service_value USING (%s = ''*'')', own);
	FOREACH t IN ARRAY ARRAY['recovery_code', 'passkey', 'outside', 'session', 'errand'] LOOP
		EXECUTE format('CREATE POLICY own ON %I USING (%s = person OR %s = ''*'')', t, who, own);
	END LOOP;
	FOREACH t IN ARRAY ARRAY['organisation', 'service_value', 'connection', 'connection_value', 'migration', 'invitation', 'member',
			'person', 'recovery_code', 'passkey', 'outside', 'session', 'errand'] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
	END LOOP;
	BEGIN
		CREATE ROLE rialto_rows NOLOGIN;
	EXCEPTION
		WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
	END;
	BEGIN
		EXECUTE format('GRANT rialto_rows TO %I', current_user);
	EXCEPTION
		WHEN undefined_object OR insufficient_privilege OR unique_violation THEN NULL;
	END;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rialto_rows') THEN
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO rialto_rows', current_schema());
		EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO rialto_rows', current_schema());
		EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO rialto_rows', current_schema());
	END IF;
END $$;
-- +goose StatementEnd
