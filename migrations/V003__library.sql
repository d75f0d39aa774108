-- The scan: indexes that a row which is only listed does not pay for, and vectors that follow the representative.
-- depends: V001__library

DROP INDEX image_prompt, image_negative_prompt, image_fingerprint, image_unread;
CREATE INDEX image_prompt ON image (prompt_id) WHERE prompt_id IS NOT NULL;
CREATE INDEX image_negative_prompt ON image (negative_prompt_id) WHERE negative_prompt_id IS NOT NULL;
CREATE INDEX image_fingerprint ON image (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX image_unread ON image (id) WHERE scan_phase = 0;

-- Moves the vectors of some images, and their wait for one, to others, given pair by pair, where those have none yet.
CREATE FUNCTION dtk_hand_on(from_ids bigint[], to_ids bigint[]) RETURNS void LANGUAGE sql AS $$
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
    UPDATE job SET image_id = pair.to_id
      FROM (SELECT DISTINCT ON (to_id) from_id, to_id FROM unnest(from_ids, to_ids) AS pair (from_id, to_id)
              JOIN job waiting ON waiting.image_id = from_id AND waiting.kind = 2 AND waiting.state = 'pending'
             ORDER BY to_id, waiting.priority DESC, from_id) AS pair
     WHERE job.image_id = pair.from_id AND job.kind = 2 AND job.state = 'pending'
       AND NOT EXISTS (SELECT 1 FROM job own WHERE own.image_id = pair.to_id AND own.kind = 2);
$$;

-- Images that leave their group (their content changed, or they are about to be deleted) leave its vectors to the next
-- representative; called before the group changes.
CREATE FUNCTION dtk_bequeath(leaving bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    givers bigint[];
    heirs bigint[];
BEGIN
    SELECT array_agg(giver_id), array_agg(heir_id) INTO givers, heirs FROM (
        SELECT DISTINCT ON (giver.id) giver.id AS giver_id, heir.id AS heir_id
          FROM image giver JOIN image heir ON heir.metadata_hash = giver.metadata_hash AND heir.id <> ALL (leaving)
         WHERE giver.id = ANY (leaving)
         ORDER BY giver.id, heir.unavailable, heir.file_size DESC, heir.id) AS pair;
    IF givers IS NOT NULL THEN
        PERFORM dtk_hand_on(givers, heirs);
    END IF;
END $$;

-- As before; and what was computed for the former representative is the new one's: it is not computed again.
-- A plan that is kept would serve both the whole library and a handful of groups: each call gets its own.
CREATE OR REPLACE FUNCTION dtk_choose_representatives(hashes bytea[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    changed bigint;
    givers bigint[];
    heirs bigint[];
BEGIN
    WITH chosen AS (
        SELECT id, first_value(id) OVER (PARTITION BY metadata_hash ORDER BY unavailable, file_size DESC, id) AS source_id
          FROM image
         WHERE metadata_hash IS NOT NULL AND (hashes IS NULL OR metadata_hash = ANY (hashes))
    ), altered AS (
        UPDATE image
           SET is_embedding_representative = (chosen.source_id = image.id),
               embedding_source_id = nullif(chosen.source_id, image.id)
          FROM chosen
         WHERE image.id = chosen.id
           AND (image.is_embedding_representative, image.embedding_source_id)
               IS DISTINCT FROM (chosen.source_id = image.id, nullif(chosen.source_id, image.id))
        RETURNING image.id, chosen.source_id
    )
    SELECT count(*), array_agg(id) FILTER (WHERE id <> source_id), array_agg(source_id) FILTER (WHERE id <> source_id)
      INTO changed, givers, heirs FROM altered;
    IF givers IS NOT NULL AND (EXISTS (SELECT 1 FROM image_vector) OR EXISTS (SELECT 1 FROM job WHERE kind = 2)) THEN
        PERFORM dtk_hand_on(givers, heirs);
    END IF;
    RETURN changed;
END $$;
