-- The books of many images in one row: a migration into an empty library brings hundreds of thousands at once, and each
-- column of theirs is an array. A row of its own cost more than all that is looked up in it, which is seldom.
-- depends: V009__index_room

-- image.id is migration.image_base and the source id. A column that says the same of all has one element. gone: source ids whose books stand in migrated_image after all.
CREATE TABLE migrated_batch (
    migration_id    bigint NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    first_id        bigint NOT NULL,
    source_ids      bigint[] NOT NULL,
    created_ticks   bigint[],
    modified_ticks  bigint[],
    viewed_ticks    bigint[],
    touched_ticks   bigint[],
    marks           integer[],
    batch_size      integer[],
    batch_pos       integer[],
    clip_skip       integer[],
    ensd            integer[],
    no_metadata     boolean[],
    has_error       boolean[],
    root_folder_id  bigint[],
    workflow_id     text[],
    hash            text[],
    custom_tags     text[],
    gone            bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (migration_id, first_id)
);
-- Numbers hardly shrink, and compressing them takes longer than all else that a batch costs.
DO $$
DECLARE
    each name;
BEGIN
    FOR each IN SELECT attname FROM pg_attribute
                 WHERE attrelid = 'migrated_batch'::regclass AND attnum > 0 AND attndims = 1 LOOP
        EXECUTE format('ALTER TABLE migrated_batch ALTER %I SET STORAGE EXTERNAL', each);
    END LOOP;
END $$;

CREATE FUNCTION dtk_spread(anyarray, integer) RETURNS anyarray LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE cardinality($1) WHEN 1 THEN array_fill($1[1], ARRAY[$2]) ELSE $1 END $$;

-- The books of all images, wherever they stand. Those of images that were deleted since may be among them.
-- Written as text, it hangs on no table, so that these can be replaced.
CREATE FUNCTION dtk_migrated_images() RETURNS TABLE (
    image_id bigint, migration_id bigint, source_id bigint, created_ticks bigint, modified_ticks bigint,
    viewed_ticks bigint, touched_ticks bigint, marks integer, batch_size integer, batch_pos integer, clip_skip integer,
    ensd integer, no_metadata boolean, has_error boolean, is_new boolean, root_folder_id bigint, workflow_id text,
    hash text, custom_tags text, before jsonb
) LANGUAGE sql STABLE AS $$
    SELECT image_id, migration_id, source_id, created_ticks, modified_ticks, viewed_ticks, touched_ticks, marks,
           batch_size, batch_pos, clip_skip, ensd, no_metadata, has_error, is_new, root_folder_id, workflow_id, hash,
           custom_tags, before
      FROM migrated_image
     UNION ALL
    SELECT migration.image_base + book.source_id, batch.migration_id, book.source_id, book.created_ticks,
           book.modified_ticks, book.viewed_ticks, book.touched_ticks, book.marks, book.batch_size, book.batch_pos,
           book.clip_skip, book.ensd, book.no_metadata, book.has_error, true, book.root_folder_id, book.workflow_id,
           book.hash, book.custom_tags, NULL::jsonb
      FROM migrated_batch batch JOIN migration ON migration.id = batch.migration_id,
           cardinality(source_ids) AS rows,
           unnest(source_ids, dtk_spread(batch.created_ticks, rows), dtk_spread(batch.modified_ticks, rows),
                  dtk_spread(batch.viewed_ticks, rows), dtk_spread(batch.touched_ticks, rows),
                  dtk_spread(batch.marks, rows), dtk_spread(batch.batch_size, rows),
                  dtk_spread(batch.batch_pos, rows), dtk_spread(batch.clip_skip, rows), dtk_spread(batch.ensd, rows),
                  dtk_spread(batch.no_metadata, rows), dtk_spread(batch.has_error, rows),
                  dtk_spread(batch.root_folder_id, rows), dtk_spread(batch.workflow_id, rows),
                  dtk_spread(batch.hash, rows), dtk_spread(batch.custom_tags, rows))
               AS book (source_id, created_ticks, modified_ticks, viewed_ticks, touched_ticks, marks, batch_size,
                        batch_pos, clip_skip, ensd, no_metadata, has_error, root_folder_id, workflow_id, hash,
                        custom_tags)
     WHERE migration.state <> 'loading' AND book.source_id <> ALL (gone)
$$;
