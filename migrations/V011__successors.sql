-- Functions whose names say what they do: the member of a group that follows its representative is promoted, takes over
-- the embeddings, and is enqueued.
-- depends: V010__migrated_batches

-- What runs in a program of the version before calls the old names to the end of its transaction: it is waited for.
LOCK TABLE image IN SHARE ROW EXCLUSIVE MODE;

-- Moves the vectors of some images, and their pending embed jobs, to others, given pair by pair, where those have none.
CREATE FUNCTION dtk_transfer_embeddings(from_ids bigint[], to_ids bigint[]) RETURNS void LANGUAGE sql AS $$
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

-- Enqueues the successors of representatives that were embedded, or were about to be; given pair by pair, after
-- dtk_transfer_embeddings.
CREATE FUNCTION dtk_enqueue_promoted(from_ids bigint[], to_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job (kind, image_id)
    SELECT DISTINCT 2, image.id
      FROM unnest(from_ids, to_ids) AS pair (from_id, to_id)
      JOIN image ON image.id = pair.to_id AND NOT image.unavailable
     WHERE EXISTS (SELECT 1 FROM image_vector WHERE image_vector.image_id = pair.to_id)
        OR EXISTS (SELECT 1 FROM job waiting WHERE waiting.image_id = pair.from_id AND waiting.kind = 2)
     ORDER BY image.id
        ON CONFLICT (kind, image_id) DO NOTHING;
    IF FOUND THEN
        PERFORM pg_notify('dtk_queue', '');
    END IF;
END $$;

-- Images that leave their group (their content changed, or they are about to be deleted) leave its vectors to the next
-- representative, which is enqueued; called before the group changes.
CREATE FUNCTION dtk_promote_successors(leaving bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    leavers bigint[];
    successors bigint[];
    former bigint[];
    promoted bigint[];
BEGIN
    SELECT array_agg(leaver_id), array_agg(successor_id),
           array_agg(leaver_id) FILTER (WHERE was_representative),
           array_agg(successor_id) FILTER (WHERE was_representative)
      INTO leavers, successors, former, promoted FROM (
        SELECT DISTINCT ON (leaver.id) leaver.id AS leaver_id, successor.id AS successor_id,
               leaver.is_embedding_representative AS was_representative
          FROM image leaver
          JOIN image successor ON successor.metadata_hash = leaver.metadata_hash AND successor.id <> ALL (leaving)
         WHERE leaver.id = ANY (leaving)
         ORDER BY leaver.id, successor.unavailable, successor.file_size DESC, successor.id) AS pair;
    IF leavers IS NOT NULL THEN
        PERFORM dtk_transfer_embeddings(leavers, successors);
    END IF;
    IF promoted IS NOT NULL THEN
        PERFORM dtk_enqueue_promoted(former, promoted);
    END IF;
END $$;

-- As in V005, by the new names.
CREATE OR REPLACE FUNCTION dtk_choose_representatives(hashes bytea[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    changed bigint;
    replaced bigint[];
    successors bigint[];
    former bigint[];
    promoted bigint[];
BEGIN
    WITH chosen AS (
        SELECT id, first_value(id) OVER (PARTITION BY metadata_hash ORDER BY unavailable, file_size DESC, id) AS source_id,
               is_embedding_representative AND unavailable AS is_former
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
        RETURNING image.id, chosen.source_id, chosen.is_former
    )
    SELECT count(*), array_agg(id) FILTER (WHERE id <> source_id), array_agg(source_id) FILTER (WHERE id <> source_id),
           array_agg(id) FILTER (WHERE is_former AND source_id IN (SELECT id FROM altered WHERE id = source_id)),
           array_agg(source_id) FILTER (WHERE is_former AND source_id IN (SELECT id FROM altered WHERE id = source_id))
      INTO changed, replaced, successors, former, promoted FROM altered;
    IF replaced IS NOT NULL AND (EXISTS (SELECT 1 FROM image_vector) OR EXISTS (SELECT 1 FROM job)) THEN
        PERFORM dtk_transfer_embeddings(replaced, successors);
    END IF;
    IF promoted IS NOT NULL THEN
        PERFORM dtk_enqueue_promoted(former, promoted);
    END IF;
    RETURN changed;
END $$;

DROP FUNCTION dtk_hand_on(bigint[], bigint[]);
DROP FUNCTION dtk_queue_orphans(bigint[], bigint[]);

-- Programs of the version before that are still running on this database call this name themselves.
CREATE OR REPLACE FUNCTION dtk_bequeath(leaving bigint[]) RETURNS void LANGUAGE sql
    AS $$ SELECT dtk_promote_successors(leaving) $$;
