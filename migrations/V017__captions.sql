-- Captions: versions that are never changed, which of them is current, and the journal of what people edit.
-- depends: V011__successors

-- parent_id is the version that this one was made from. A person's edit has no model.
CREATE TABLE caption (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    image_id       bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    parent_id      bigint,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_user_edited boolean NOT NULL,
    source         text NOT NULL,
    type           text NOT NULL,
    text           text NOT NULL,
    model          text,
    prompt_used    text,
    parameters     jsonb
);
CREATE INDEX caption_image ON caption (image_id);

-- One current version an image, source and type. An edit writes a version and moves this row to it, an undo moves it back.
CREATE TABLE current_caption (
    image_id   bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    caption_id bigint NOT NULL,
    source     text NOT NULL,
    type       text NOT NULL,
    search     tsvector NOT NULL,
    PRIMARY KEY (image_id, source, type)
);
CREATE INDEX current_caption_search ON current_caption USING gin (search);

-- The language whose words are found in captions: that of all rows, whatever the config of one host says.
CREATE TABLE caption_language (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    name text NOT NULL DEFAULT 'english'
);
INSERT INTO caption_language DEFAULT VALUES;

-- to_tsvector refuses a result over 1 MB: a bounded prefix is searched by words.
CREATE FUNCTION dtk_caption_words(text) RETURNS tsvector LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT to_tsvector((SELECT name FROM caption_language)::regconfig, normalize(left($1, 100000), NFC)) $$;

-- What people edited. kind says what the numbers in its parts mean.
CREATE TABLE edit_journal (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at    timestamptz NOT NULL DEFAULT now(),
    undone_at  timestamptz,
    changed    bigint NOT NULL,
    restored   bigint,
    kind       text NOT NULL,
    title      text NOT NULL
);
-- What stood where before and after, image by image; NULL: nothing. kind 'caption': ids of versions.
CREATE TABLE edit_journal_part (
    journal_id bigint NOT NULL REFERENCES edit_journal (id) ON DELETE CASCADE,
    part       integer NOT NULL,
    image_ids  bigint[] NOT NULL,
    before     bigint[] NOT NULL,
    after      bigint[] NOT NULL,
    PRIMARY KEY (journal_id, part),
    CHECK (cardinality(before) = cardinality(image_ids) AND cardinality(after) = cardinality(image_ids))
);
