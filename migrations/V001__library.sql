-- The library: folders, images, unique prompts, embedding spaces and vectors, tags, the queue, workers.
-- depends:

CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- convert_to() is only STABLE, and a cast text::bytea would read backslashes: generated columns need this wrapper.
CREATE FUNCTION dtk_utf8(text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT convert_to($1, 'UTF8') $$;

CREATE TABLE folder (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id   bigint REFERENCES folder (id) ON DELETE CASCADE,
    path        text NOT NULL,
    name        text NOT NULL,
    is_root     boolean NOT NULL DEFAULT false,
    recursive   boolean NOT NULL DEFAULT true,
    watched     boolean NOT NULL DEFAULT false,
    excluded    boolean NOT NULL DEFAULT false,
    archived    boolean NOT NULL DEFAULT false,
    unavailable boolean NOT NULL DEFAULT false,
    error       text,
    scanned_at  timestamptz
);
-- A path may be longer than a btree entry: unique by its hash.
CREATE UNIQUE INDEX folder_path ON folder (sha256(dtk_utf8(path)));
CREATE INDEX folder_parent ON folder (parent_id);

CREATE TABLE prompt (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 bytea NOT NULL GENERATED ALWAYS AS (sha256(dtk_utf8(text))) STORED UNIQUE,
    text   text NOT NULL,
    -- to_tsvector refuses a result over 1 MB: a bounded prefix is searched by words.
    search tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english', left(text, 100000))) STORED
);
CREATE INDEX prompt_search ON prompt USING gin (search);
CREATE INDEX prompt_trigrams ON prompt USING gin (left(text, 100000) gin_trgm_ops);

CREATE TABLE image (
    id                          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    folder_id                   bigint NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    prompt_id                   bigint REFERENCES prompt (id),
    negative_prompt_id          bigint REFERENCES prompt (id),
    embedding_source_id         bigint,
    file_size                   bigint NOT NULL,
    mtime_ns                    bigint NOT NULL,
    created_at                  timestamptz NOT NULL,
    added_at                    timestamptz NOT NULL DEFAULT now(),
    width                       integer,
    height                      integer,
    steps                       integer,
    cfg_scale                   double precision,
    scan_phase                  smallint NOT NULL DEFAULT 0,
    rating                      smallint,
    favorite                    boolean NOT NULL DEFAULT false,
    nsfw                        boolean NOT NULL DEFAULT false,
    for_deletion                boolean NOT NULL DEFAULT false,
    unavailable                 boolean NOT NULL DEFAULT false,
    is_video                    boolean NOT NULL DEFAULT false,
    has_workflow                boolean NOT NULL DEFAULT false,
    is_embedding_representative boolean NOT NULL DEFAULT true,
    seed                        numeric(20),
    file_name                   text NOT NULL,
    fingerprint                 bytea,
    dialect                     text,
    sampler                     text,
    scheduler                   text,
    model                       text,
    model_hash                  text,
    custom_tags                 text,
    error                       text,
    -- parameters that are shown but not searched by column: vae, upscaler, clip_skip, denoising_strength, loras, size
    extra                       jsonb,
    -- Not the pixel size: an original and its upscaled final share it. NULL without a prompt: such images never group.
    metadata_hash               bytea GENERATED ALWAYS AS (
        CASE WHEN prompt_id IS NULL THEN NULL ELSE substr(sha256(dtk_utf8(
            prompt_id::text || chr(31) || coalesce(negative_prompt_id::text, '') || chr(31) || coalesce(steps::text, '')
            || chr(31) || coalesce(cfg_scale::text, '') || chr(31) || coalesce(seed::text, '')
            || chr(31) || coalesce(sampler, '') || chr(31) || coalesce(scheduler, '')
            || chr(31) || coalesce(model, '') || chr(31) || coalesce(model_hash, ''))), 1, 16) END) STORED,
    CHECK (is_embedding_representative OR embedding_source_id IS NOT NULL),
    UNIQUE (folder_id, file_name)
);
CREATE INDEX image_newest ON image (created_at DESC, id DESC);
CREATE INDEX image_prompt ON image (prompt_id);
CREATE INDEX image_negative_prompt ON image (negative_prompt_id);
CREATE INDEX image_group ON image (metadata_hash, file_size DESC, id) WHERE metadata_hash IS NOT NULL;
CREATE INDEX image_fingerprint ON image (fingerprint);
CREATE INDEX image_unread ON image (created_at DESC) WHERE scan_phase = 0;

-- What stood in the file, word for word, as a JSON array of {"source", "key", "text"}; beside the table that is searched.
CREATE TABLE image_raw (
    image_id bigint PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
    chunks   text NOT NULL
);

CREATE TABLE embedding_space (
    id           smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    modality     text NOT NULL CHECK (modality IN ('text', 'image')),
    model        text NOT NULL,
    model_sha256 text NOT NULL,
    dims         integer NOT NULL CHECK (dims > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (model, model_sha256, modality)
);

CREATE TABLE prompt_vector (
    space_id  smallint NOT NULL REFERENCES embedding_space (id) ON DELETE CASCADE,
    prompt_id bigint NOT NULL REFERENCES prompt (id) ON DELETE CASCADE,
    vec       halfvec NOT NULL,
    PRIMARY KEY (space_id, prompt_id)
) PARTITION BY LIST (space_id);
CREATE INDEX prompt_vector_prompt ON prompt_vector (prompt_id);

CREATE TABLE image_vector (
    space_id smallint NOT NULL REFERENCES embedding_space (id) ON DELETE CASCADE,
    image_id bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    vec      halfvec NOT NULL,
    PRIMARY KEY (space_id, image_id)
) PARTITION BY LIST (space_id);
CREATE INDEX image_vector_image ON image_vector (image_id);

-- Registers a space, or returns the one that this very model has; each space has its own partition and HNSW index.
CREATE FUNCTION dtk_embedding_space(a_name text, a_modality text, a_model text, a_sha256 text, a_dims integer)
RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    found_id smallint;
    full_name text := a_name;
    parent text := CASE a_modality WHEN 'text' THEN 'prompt_vector' ELSE 'image_vector' END;
    part text;
BEGIN
    SELECT id INTO found_id FROM embedding_space
     WHERE model = a_model AND model_sha256 = a_sha256 AND modality = a_modality;
    IF found_id IS NOT NULL THEN
        RETURN found_id;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('dtk_embedding_space'));
    SELECT id INTO found_id FROM embedding_space
     WHERE model = a_model AND model_sha256 = a_sha256 AND modality = a_modality;
    IF found_id IS NOT NULL THEN
        RETURN found_id;
    END IF;
    IF EXISTS (SELECT 1 FROM embedding_space WHERE name = full_name) THEN
        full_name := a_name || '@' || left(a_sha256, 8);
    END IF;
    INSERT INTO embedding_space (name, modality, model, model_sha256, dims)
    VALUES (full_name, a_modality, a_model, a_sha256, a_dims) RETURNING id INTO found_id;
    part := parent || '_' || found_id;
    -- Built beside and attached: that disturbs no reader, where PARTITION OF would lock them all out.
    EXECUTE format('CREATE TABLE %I (LIKE %I, CHECK (space_id = %s), CHECK (vector_dims(vec) = %s))',
                   part, parent, found_id, a_dims);
    EXECUTE format('ALTER TABLE %I ALTER COLUMN vec SET STORAGE PLAIN', part);
    EXECUTE format('CREATE INDEX %I ON %I USING hnsw ((vec::halfvec(%s)) halfvec_cosine_ops) WITH (m = 16, ef_construction = 128)',
                   part || '_hnsw', part, a_dims);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%s)', parent, part, found_id);
    RETURN found_id;
END $$;

CREATE TABLE tag (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL,
    category text NOT NULL DEFAULT 'general',
    UNIQUE (name, category)
);

CREATE TABLE image_tag (
    image_id   bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    tag_id     bigint NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    source     text NOT NULL,
    confidence real,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (image_id, tag_id, source)
);
CREATE INDEX image_tag_tag ON image_tag (tag_id, image_id);

CREATE TABLE tagger (
    id           smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    model_sha256 text NOT NULL,
    UNIQUE (name, model_sha256)
);

-- Raw scores, so that a threshold can be changed without running the model again: tag.id and score, element by element.
CREATE TABLE tag_prediction (
    image_id  bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    tagger_id smallint NOT NULL REFERENCES tagger (id) ON DELETE CASCADE,
    ids       integer[] NOT NULL,
    scores    real[] NOT NULL,
    PRIMARY KEY (image_id, tagger_id),
    CHECK (cardinality(ids) = cardinality(scores))
);

CREATE TABLE worker (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host         text NOT NULL,
    pid          integer NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    lease_until  timestamptz NOT NULL,
    state        text NOT NULL CHECK (state IN ('stopped', 'running', 'paused')),
    devices      jsonb NOT NULL DEFAULT '[]',
    stats        jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE worker_control (
    one           boolean PRIMARY KEY DEFAULT true CHECK (one),
    desired_state text NOT NULL DEFAULT 'stopped' CHECK (desired_state IN ('stopped', 'running', 'paused')),
    changed_at    timestamptz NOT NULL DEFAULT now()
);
INSERT INTO worker_control DEFAULT VALUES;

-- kind: 1 tag, 2 embed, 3 caption (at equal priority the fast ones first). The end of a lease stands with its worker
-- (worker.lease_until): one heartbeat renews all that it holds.
CREATE TABLE job (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    image_id   bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    worker_id  bigint,
    kind       smallint NOT NULL CHECK (kind IN (1, 2, 3)),
    priority   smallint NOT NULL DEFAULT 0,
    attempts   smallint NOT NULL DEFAULT 0,
    deaths     smallint NOT NULL DEFAULT 0,
    state      text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'failed')),
    queued_at  timestamptz NOT NULL DEFAULT now(),
    run_after  timestamptz NOT NULL DEFAULT '-infinity',
    started_at timestamptz,
    error      text,
    UNIQUE (kind, image_id),
    CHECK ((state = 'running') = (worker_id IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0.1);
-- A row comparison on this order bounds the walk over the dead entries of what was claimed before.
CREATE INDEX job_claim ON job ((-priority), kind, id) WHERE state = 'pending';
CREATE INDEX job_image ON job (image_id);
CREATE INDEX job_running ON job (worker_id) WHERE state = 'running';
CREATE INDEX job_failed ON job (id) WHERE state = 'failed';

-- The audit trail: every job that ended, and how.
CREATE TABLE job_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      bigint NOT NULL,
    image_id    bigint NOT NULL,
    worker_id   bigint,
    kind        smallint NOT NULL,
    priority    smallint NOT NULL,
    attempts    smallint NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('done', 'failed', 'removed')),
    model       text,
    error       text,
    queued_at   timestamptz NOT NULL,
    started_at  timestamptz,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX job_log_finished ON job_log USING brin (finished_at);
CREATE INDEX job_log_image ON job_log (image_id);

-- Chooses the representative of each group: the largest file, ties the lowest id. NULL: every group.
CREATE FUNCTION dtk_choose_representatives(hashes bytea[] DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE changed bigint;
BEGIN
    WITH chosen AS (
        SELECT id, first_value(id) OVER (PARTITION BY metadata_hash ORDER BY unavailable, file_size DESC, id) AS source_id
          FROM image
         WHERE metadata_hash IS NOT NULL AND (hashes IS NULL OR metadata_hash = ANY (hashes))
    )
    UPDATE image
       SET is_embedding_representative = (chosen.source_id = image.id),
           embedding_source_id = nullif(chosen.source_id, image.id)
      FROM chosen
     WHERE image.id = chosen.id
       AND (image.is_embedding_representative, image.embedding_source_id)
           IS DISTINCT FROM (chosen.source_id = image.id, nullif(chosen.source_id, image.id));
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;

-- When a representative goes, its group gets the next one, and that one is queued, in the same transaction.
CREATE FUNCTION dtk_promote_representatives() RETURNS trigger LANGUAGE plpgsql AS $$
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
       AND NOT EXISTS (SELECT 1 FROM image_vector WHERE image_vector.image_id = image.id)
        ON CONFLICT (kind, image_id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER image_promote_representatives AFTER DELETE ON image
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION dtk_promote_representatives();
