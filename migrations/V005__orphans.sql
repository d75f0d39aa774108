-- Orphans: what a representative leaves serves its group until the next one has been embedded itself, and that one is
-- queued in the transaction in which the former one went: deleted, vanished from the disk, or with another content.
-- depends: V003__library V004__engine

-- Queues the heirs of representatives that were embedded, or were about to be; given pair by pair, after dtk_hand_on.
CREATE FUNCTION dtk_queue_orphans(from_ids bigint[], to_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
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

-- As before; and whoever gets the vectors of a representative is queued.
CREATE OR REPLACE FUNCTION dtk_bequeath(leaving bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    givers bigint[];
    heirs bigint[];
    gone bigint[];
    orphans bigint[];
BEGIN
    SELECT array_agg(giver_id), array_agg(heir_id),
           array_agg(giver_id) FILTER (WHERE stood), array_agg(heir_id) FILTER (WHERE stood)
      INTO givers, heirs, gone, orphans FROM (
        SELECT DISTINCT ON (giver.id) giver.id AS giver_id, heir.id AS heir_id,
               giver.is_embedding_representative AS stood
          FROM image giver JOIN image heir ON heir.metadata_hash = giver.metadata_hash AND heir.id <> ALL (leaving)
         WHERE giver.id = ANY (leaving)
         ORDER BY giver.id, heir.unavailable, heir.file_size DESC, heir.id) AS pair;
    IF givers IS NOT NULL THEN
        PERFORM dtk_hand_on(givers, heirs);
    END IF;
    IF orphans IS NOT NULL THEN
        PERFORM dtk_queue_orphans(gone, orphans);
    END IF;
END $$;

-- As before; and where the former representative is gone from the disk, the one that takes its place is queued.
CREATE OR REPLACE FUNCTION dtk_choose_representatives(hashes bytea[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    changed bigint;
    givers bigint[];
    heirs bigint[];
    gone bigint[];
    orphans bigint[];
BEGIN
    WITH chosen AS (
        SELECT id, first_value(id) OVER (PARTITION BY metadata_hash ORDER BY unavailable, file_size DESC, id) AS source_id,
               is_embedding_representative AND unavailable AS left_it
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
        RETURNING image.id, chosen.source_id, chosen.left_it
    )
    SELECT count(*), array_agg(id) FILTER (WHERE id <> source_id), array_agg(source_id) FILTER (WHERE id <> source_id),
           array_agg(id) FILTER (WHERE left_it AND source_id IN (SELECT id FROM altered WHERE id = source_id)),
           array_agg(source_id) FILTER (WHERE left_it AND source_id IN (SELECT id FROM altered WHERE id = source_id))
      INTO changed, givers, heirs, gone, orphans FROM altered;
    IF givers IS NOT NULL AND (EXISTS (SELECT 1 FROM image_vector) OR EXISTS (SELECT 1 FROM job)) THEN
        PERFORM dtk_hand_on(givers, heirs);
    END IF;
    IF orphans IS NOT NULL THEN
        PERFORM dtk_queue_orphans(gone, orphans);
    END IF;
    RETURN changed;
END $$;
