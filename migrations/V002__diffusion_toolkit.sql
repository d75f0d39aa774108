-- What people bring from Diffusion Toolkit: albums, saved queries, ComfyUI nodes, and the books of each migration.
-- depends: V001__library

ALTER TABLE image
    ADD COLUMN aesthetic_score       double precision,
    ADD COLUMN hypernetwork_strength double precision,
    ADD COLUMN viewed_at             timestamptz,
    ADD COLUMN touched_at            timestamptz,
    ADD COLUMN hypernetwork          text;

-- Workflows are large and are read one at a time: the quicker compression, where the server has it.
DO $$ BEGIN
    ALTER TABLE image_raw ALTER COLUMN chunks SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    NULL;
END $$;

CREATE TABLE album (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position   bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    name       text NOT NULL UNIQUE
);

CREATE TABLE album_image (
    album_id bigint NOT NULL REFERENCES album (id) ON DELETE CASCADE,
    image_id bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    position bigint NOT NULL DEFAULT 0,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (album_id, image_id)
);
CREATE INDEX album_image_image ON album_image (image_id);

-- query: our query line; NULL where it could not be translated, then original is all there is.
CREATE TABLE saved_query (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at  timestamptz NOT NULL DEFAULT now(),
    modified_at timestamptz NOT NULL DEFAULT now(),
    name        text NOT NULL UNIQUE,
    query       text,
    original    text,
    problem     text
);

CREATE TABLE node (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    image_id bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    node_id  text,
    name     text
);
CREATE INDEX node_image ON node (image_id);

CREATE TABLE node_property (
    node_id  bigint NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    position bigint NOT NULL,
    name     text,
    value    text,
    PRIMARY KEY (node_id, position)
);

-- state: loading (rows are read into the stage), done, undone. image_base: source Id + image_base = image.id.
CREATE TABLE migration (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    image_base  bigint NOT NULL,
    node_base   bigint NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    state       text NOT NULL CHECK (state IN ('loading', 'done', 'undone')),
    source      text NOT NULL,
    zone        text NOT NULL,
    policy      text NOT NULL CHECK (policy IN ('keep', 'take', 'newest')),
    maps        jsonb NOT NULL,
    facts       jsonb NOT NULL,
    report      jsonb
);

-- What Diffusion Toolkit knows of an image and the library has no column for; ticks are .NET ticks, local time, exact.
-- marks: what a person had set, as written, so that an undo sees what was touched since; before: of an image that the
-- library had already, what it said before.
CREATE TABLE migrated_image (
    image_id       bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    migration_id   bigint NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    source_id      bigint NOT NULL,
    created_ticks  bigint,
    modified_ticks bigint,
    viewed_ticks   bigint,
    touched_ticks  bigint,
    marks          integer NOT NULL,
    batch_size     integer,
    batch_pos      integer,
    clip_skip      integer,
    ensd           integer,
    no_metadata    boolean,
    has_error      boolean,
    is_new         boolean NOT NULL,
    root_folder_id bigint,
    workflow_id    text,
    hash           text,
    custom_tags    text,
    before         jsonb,
    PRIMARY KEY (image_id, migration_id)
);
CREATE INDEX migrated_image_source ON migrated_image (migration_id, source_id);

-- Everything else that a migration wrote: kind is folder, album, tag or query; original is the row as it was read.
CREATE TABLE migrated_row (
    migration_id bigint NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    row_id       bigint NOT NULL,
    source_id    bigint,
    is_new       boolean NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('folder', 'album', 'tag', 'query')),
    original     jsonb
);
CREATE INDEX migrated_row_kind ON migrated_row (migration_id, kind, row_id);

-- Rows that were repaired (and what the source said) or refused.
CREATE TABLE migration_note (
    migration_id bigint NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    source_id    bigint,
    table_name   text NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('repaired', 'refused')),
    reason       text NOT NULL,
    original     jsonb
);
CREATE INDEX migration_note_row ON migration_note (migration_id, table_name, source_id);

-- The bits of migrated_image.marks.
CREATE FUNCTION dtk_marks(rating smallint, favorite boolean, nsfw boolean, for_deletion boolean) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT coalesce($1, -1)::integer * 8 + $2::integer * 4 + $3::integer * 2 + $4::integer $$;

-- .NET ticks of a local time as an instant.
CREATE FUNCTION dtk_instant(ticks bigint, zone text) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT timezone($2, timestamp '2000-01-01' + interval '1 microsecond' * (($1 - 630822816000000000) / 10)) $$;
