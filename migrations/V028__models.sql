-- A job to embed an image fills the spaces that lack its vector; one that is asked for again makes all of them anew. What
-- waits from before was always meant so.
-- depends: V027__decode

ALTER TABLE job ADD COLUMN again boolean NOT NULL DEFAULT true;
ALTER TABLE job ALTER COLUMN again SET DEFAULT false;

-- As in V013, but whoever takes over the vectors of another is to be embedded itself all the same.
CREATE OR REPLACE FUNCTION dtk_transfer_embeddings(from_ids bigint[], to_ids bigint[]) RETURNS void LANGUAGE sql AS $$
    WITH chosen AS (
        SELECT DISTINCT ON (vector.space_id, pair.to_id) vector.space_id, pair.from_id, pair.to_id
          FROM unnest(from_ids, to_ids) AS pair (from_id, to_id)
          JOIN image_vector vector ON vector.image_id = pair.from_id
         WHERE NOT EXISTS (SELECT 1 FROM image_vector own
                            WHERE own.space_id = vector.space_id AND own.image_id = pair.to_id)
         ORDER BY vector.space_id, pair.to_id, pair.from_id
    )
    UPDATE image_vector SET image_id = chosen.to_id
      FROM chosen
     WHERE image_vector.space_id = chosen.space_id AND image_vector.image_id = chosen.from_id;
    DELETE FROM image_vector WHERE image_id = ANY (from_ids);
    UPDATE job SET again = true WHERE kind = 2 AND image_id = ANY (to_ids) AND NOT again;
$$;

CREATE OR REPLACE FUNCTION dtk_enqueue_embed(ids bigint[], priorities smallint[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job (kind, image_id, priority, again)
    SELECT 2, image.id, max(coalesce(wanted.priority, 0)), true
      FROM unnest(ids, priorities) AS wanted (id, priority) JOIN image ON image.id = wanted.id
     GROUP BY image.id ORDER BY image.id
        ON CONFLICT (kind, image_id) DO UPDATE SET again = true WHERE NOT job.again;
    IF FOUND THEN
        PERFORM pg_notify('dtk_queue', '');
    END IF;
END $$;
