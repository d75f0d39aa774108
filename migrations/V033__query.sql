-- The query line: what is completed and sorted by an index, queries that were asked, and saved ones that are pinned.
-- depends: V028__models

-- Few distinct values: the index keeps each once, and a walk from one to the next finds them all. The second column lets
-- images be counted by the index alone. Longer names would be longer than a btree entry.
CREATE INDEX image_model ON image (lower(model), model) WHERE octet_length(model) < 800;
CREATE INDEX image_sampler ON image (lower(sampler), sampler) WHERE octet_length(sampler) < 800;
-- Few images have one: what is sorted by it begins with those.
CREATE INDEX image_rating ON image (rating, created_at, id) WHERE rating IS NOT NULL;
CREATE INDEX image_aesthetic_score ON image (aesthetic_score, created_at, id) WHERE aesthetic_score IS NOT NULL;

ALTER TABLE saved_query ADD COLUMN is_pinned boolean NOT NULL DEFAULT false;

-- Queries that people asked in the app, each once; a line may be longer than a btree entry: unique by its hash.
CREATE TABLE asked_query (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sha256   bytea NOT NULL GENERATED ALWAYS AS (sha256(dtk_utf8(line))) STORED UNIQUE,
    line     text NOT NULL
);
CREATE INDEX asked_query_newest ON asked_query (asked_at DESC);
