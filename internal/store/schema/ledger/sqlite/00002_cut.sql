-- +goose Up

-- How far the cut-over of a container is (0: nobody began one), since when, and
-- how it stood at the source before: ids and flags.
ALTER TABLE shard ADD COLUMN cut INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shard ADD COLUMN cut_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shard ADD COLUMN cut_before TEXT NOT NULL DEFAULT '';
