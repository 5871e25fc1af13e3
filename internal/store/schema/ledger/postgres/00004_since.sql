-- +goose Up

-- The source's cursor from which it tells what changed since a listing that was worked
-- off with nothing left over, '' for none: ids and versions.
ALTER TABLE shard ADD COLUMN since bytea NOT NULL DEFAULT ''::bytea;
