-- +goose Up

-- paused is since when a migration may send nothing new; 0 if it may.
ALTER TABLE migration ADD COLUMN paused bigint NOT NULL DEFAULT 0;
