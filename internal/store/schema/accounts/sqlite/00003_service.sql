-- +goose Up

-- An organisation of the service: its name as people know it, sealed; the country
-- that chose its region; and when somebody last did something in it.
ALTER TABLE organisation ADD COLUMN sealed_name BLOB;
ALTER TABLE organisation ADD COLUMN country TEXT NOT NULL DEFAULT '';
ALTER TABLE organisation ADD COLUMN region TEXT NOT NULL DEFAULT '';
ALTER TABLE organisation ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN active INTEGER NOT NULL DEFAULT 0;

-- service_value is what the service itself keeps, sealed under its own key: the keys
-- of its hashes and signatures.
CREATE TABLE service_value (
	field        TEXT PRIMARY KEY,
	sealed_value BLOB NOT NULL
);

-- A person's address is found by a keyed hash; what tells who it is, is sealed
-- under the person's own key, the hash of the password too.
CREATE TABLE person (
	id              TEXT PRIMARY KEY,
	sealed_key      BLOB NOT NULL,
	address_hash    BLOB NOT NULL UNIQUE,
	sealed_address  BLOB NOT NULL,
	sealed_name     BLOB NOT NULL,
	sealed_password BLOB,
	sealed_totp     BLOB,
	totp_step       INTEGER NOT NULL DEFAULT 0,
	created         INTEGER NOT NULL,
	confirmed       INTEGER NOT NULL DEFAULT 0
);

-- A recovery code stands for the second factor once.
CREATE TABLE recovery_code (
	person    TEXT NOT NULL,
	code_hash BLOB NOT NULL,
	PRIMARY KEY (person, code_hash)
);

CREATE TABLE passkey (
	id                BLOB PRIMARY KEY,
	person            TEXT NOT NULL,
	sealed_credential BLOB NOT NULL,
	created           INTEGER NOT NULL,
	used              INTEGER NOT NULL
);
CREATE INDEX passkey_person ON passkey (person);

-- outside is who a person is to another provider of sign-ins: a keyed hash of
-- its issuer and subject.
CREATE TABLE outside (
	id_hash BLOB PRIMARY KEY,
	person  TEXT NOT NULL
);
CREATE INDEX outside_person ON outside (person);

CREATE TABLE member (
	organisation TEXT NOT NULL,
	person       TEXT NOT NULL,
	role         TEXT NOT NULL,
	since        INTEGER NOT NULL,
	PRIMARY KEY (organisation, person)
);
CREATE INDEX member_person ON member (person);

CREATE TABLE invitation (
	organisation   TEXT NOT NULL,
	token_hash     BLOB NOT NULL,
	sealed_address BLOB NOT NULL,
	role           TEXT NOT NULL,
	invited_by     TEXT NOT NULL,
	created        INTEGER NOT NULL,
	expires        INTEGER NOT NULL,
	PRIMARY KEY (organisation, token_hash)
);

-- A session is known by the hash of its token. fresh is when the person last
-- proved who it is, second when with a second factor; about is the device.
CREATE TABLE session (
	token_hash   BLOB PRIMARY KEY,
	person       TEXT NOT NULL,
	created      INTEGER NOT NULL,
	seen         INTEGER NOT NULL,
	fresh        INTEGER NOT NULL,
	second       INTEGER NOT NULL,
	sealed_about BLOB NOT NULL
);
CREATE INDEX session_person ON session (person);

-- An errand is what a link in a mail does, once: confirm an address, or set a
-- new password.
CREATE TABLE errand (
	token_hash BLOB PRIMARY KEY,
	person     TEXT NOT NULL,
	kind       TEXT NOT NULL,
	expires    INTEGER NOT NULL
);
CREATE INDEX errand_person ON errand (person);
