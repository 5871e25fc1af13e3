-- +goose Up

-- The upload, in parts, of what an intent writes: sealed by who wrote it, '' for
-- none.
ALTER TABLE intent ADD COLUMN session BLOB NOT NULL DEFAULT x'';
