-- What the engine needs: suspects that are tried alone, wishes for one worker, speeds and history that are remembered.
-- depends: V001__library

-- Set while a suspect (deaths > 0) alone is worked on: only such a job can be blamed when its worker dies.
ALTER TABLE job ADD COLUMN begun_at timestamptz;

-- What is wished of this worker; NULL: what is wished of all.
ALTER TABLE worker
    ADD COLUMN wish    text CHECK (wish IN ('stopped', 'running', 'paused')),
    ADD COLUMN wish_at timestamptz;

ALTER TABLE job_log ADD COLUMN host text;

-- Jobs a second that one worker of a host did, so that the time expected is known before the first job is done.
CREATE TABLE pace (
    host        text NOT NULL,
    kind        smallint NOT NULL,
    model       text NOT NULL,
    jobs_per_s  double precision NOT NULL CHECK (jobs_per_s > 0),
    measured_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (host, kind, model)
);

-- What of the log was forgotten, by day.
CREATE TABLE job_day (
    day     date NOT NULL,
    kind    smallint NOT NULL,
    outcome text NOT NULL,
    jobs    bigint NOT NULL,
    PRIMARY KEY (day, kind, outcome)
);

-- As in V001, but a vector of an older model does not count as done, and workers hear of the new jobs.
CREATE OR REPLACE FUNCTION dtk_promote_representatives() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE orphaned bytea[];
BEGIN
    SELECT array_agg(DISTINCT metadata_hash) INTO orphaned
      FROM gone WHERE is_embedding_representative AND metadata_hash IS NOT NULL;
    IF orphaned IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM dtk_choose_representatives(orphaned);
    INSERT INTO job (kind, image_id)
    SELECT 2, id FROM image
     WHERE metadata_hash = ANY (orphaned) AND is_embedding_representative AND NOT unavailable
       AND NOT EXISTS (SELECT 1 FROM image_vector
                        WHERE image_vector.image_id = image.id
                          AND space_id = (SELECT max(id) FROM embedding_space WHERE modality = 'image'))
     ORDER BY id
        ON CONFLICT (kind, image_id) DO NOTHING;
    IF FOUND THEN
        PERFORM pg_notify('dtk_queue', '');
    END IF;
    RETURN NULL;
END $$;

-- Builds the HNSW index of a space where a bulk run took it away; a table without one is searched exactly.
CREATE FUNCTION dtk_build_vector_index(a_space smallint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    space embedding_space;
    part text;
BEGIN
    SELECT * INTO space FROM embedding_space WHERE id = a_space;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    part := CASE space.modality WHEN 'text' THEN 'prompt_vector_' ELSE 'image_vector_' END || a_space;
    PERFORM pg_advisory_xact_lock(hashtext('dtk_vector_index'), a_space);
    IF to_regclass(part || '_hnsw') IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE INDEX %I ON %I USING hnsw ((vec::halfvec(%s)) halfvec_cosine_ops) WITH (m = 16, ef_construction = 128)',
                   part || '_hnsw', part, space.dims);
    RETURN true;
END $$;

-- Takes the HNSW index of a space away for a bulk run; the one that runs it builds it anew in the end.
CREATE FUNCTION dtk_drop_vector_index(a_space smallint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE part text;
BEGIN
    SELECT CASE modality WHEN 'text' THEN 'prompt_vector_' ELSE 'image_vector_' END || a_space INTO part
      FROM embedding_space WHERE id = a_space;
    PERFORM pg_advisory_xact_lock(hashtext('dtk_vector_index'), a_space);
    IF part IS NULL OR to_regclass(part || '_hnsw') IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP INDEX %I', part || '_hnsw');
    RETURN true;
END $$;
