-- How many proved callbacks in a row were not understood.

-- +goose Up
ALTER TABLE accounts ADD COLUMN not_understood_in_a_row INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE accounts DROP COLUMN not_understood_in_a_row;
