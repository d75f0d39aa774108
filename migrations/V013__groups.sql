-- Groups of what looks alike: members of one pixel size and different contents are siblings, not a group; a perceptual
-- hash that decoding leaves makes sure of the rest (docs/adr/0011-what-shares-a-vector-looks-alike.md).
-- depends: V011__successors

-- What runs in a program of the version before calls the functions as they were to the end of its transaction.
LOCK TABLE image IN SHARE ROW EXCLUSIVE MODE;

-- What a decoded picture looks like; it holds for the content that has this fingerprint (empty: not read yet).
CREATE TABLE image_hash (
    image_id     bigint PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
    -- inference/perceptual_hash.py; NULL: the picture is too plain to be told from others, or cannot be decoded
    bits         bigint,
    colours      bigint,
    is_decodable boolean NOT NULL DEFAULT true,
    -- false: its group has not been looked at since
    is_compared  boolean NOT NULL DEFAULT false,
    fingerprint  bytea NOT NULL
);
CREATE INDEX image_hash_uncompared ON image_hash (image_id) WHERE NOT is_compared;
CREATE INDEX image_member ON image (embedding_source_id) WHERE embedding_source_id IS NOT NULL;

-- Groups that were made without looking at a picture: the app asks once whether to check them.
CREATE TABLE group_check (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    is_offered boolean NOT NULL DEFAULT false
);
INSERT INTO group_check SELECT true WHERE EXISTS (SELECT 1 FROM image WHERE NOT is_embedding_representative);

-- At most 8 of 64 bits apart, and 6 of 32 levels of each colour of each quarter: figures in docs/adr/0011.
CREATE FUNCTION dtk_looks_alike(a_bits bigint, a_colours bigint, b_bits bigint, b_colours bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT bit_count((a_bits # b_bits)::bit(64)) <= 8
       AND (SELECT bool_and(abs((a_colours >> place & 31) - (b_colours >> place & 31)) <= 6)
              FROM generate_series(0, 55, 5) AS place)
$$;

-- How the images of groups are grouped now, and how they should be, where that differs: image, representative.
-- NULL: every group. An image may be in the group of the first (best) image of the same generation parameters that is
-- the same content, or that looks like it. Until both were decoded that is assumed where each pixel size has one content
-- and nothing was computed for any of them. Of a content that cannot be decoded, or that is too plain to be compared,
-- only copies share anything.
CREATE FUNCTION dtk_regroup(hashes bytea[]) RETURNS TABLE (image_id bigint, source_id bigint)
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    rest bigint[];
    ids bigint[];
    sources bigint[];
    others bigint[];
BEGIN
    LOOP
        WITH several AS (
            SELECT metadata_hash AS class FROM image
             WHERE metadata_hash IS NOT NULL AND (hashes IS NULL OR metadata_hash = ANY (hashes))
               AND (rest IS NULL OR image.id = ANY (rest))
             GROUP BY metadata_hash HAVING count(*) > 1
        ), image_of AS (
            SELECT image.id, image.metadata_hash AS class, image.unavailable, image.file_size,
                   coalesce(image.fingerprint, int8send(image.id)) AS content,
                   -- An import may not know the size; of a file that was read it is known, or all is open.
                   CASE WHEN image.width > 0 AND image.height > 0 THEN image.width::bigint << 32 | image.height
                        WHEN image.fingerprint IS NULL THEN -image.id END AS size,
                   coalesce(image.embedding_source_id, image.id) AS present_id,
                   -- Not every host has what decodes these: where another can stand for the group, it does.
                   CASE WHEN hash.image_id IS NULL THEN image.error IS NOT NULL ELSE NOT hash.is_decodable END
                   OR image.file_name ~* '\.(svg|exr|jxl|hei[cf]|hif|mp4|m4v|mov|webm|mkv)$' AS is_doubtful,
                   hash.image_id IS NOT NULL AS is_known, hash.bits, hash.colours, hash.is_decodable,
                   EXISTS (SELECT 1 FROM image_vector vector WHERE vector.image_id = image.id) AS has_vector
              FROM several JOIN image ON image.metadata_hash = several.class
              LEFT JOIN image_hash hash
                     ON hash.image_id = image.id AND hash.fingerprint = coalesce(image.fingerprint, ''::bytea)
             WHERE image.metadata_hash IS NOT NULL AND (rest IS NULL OR image.id = ANY (rest))
        ), member AS (
            -- What was seen of one copy holds for all.
            SELECT id, class, unavailable, file_size, content, size, present_id, is_doubtful, has_vector,
                   bool_or(is_known) OVER copies AS is_known, max(bits) OVER copies AS bits,
                   max(colours) OVER copies AS colours, coalesce(bool_or(is_decodable) OVER copies, true) AS is_decodable
              FROM image_of WINDOW copies AS (PARTITION BY class, content)
        ), facts AS (
            SELECT class, rest IS NULL AND NOT bool_or(has_vector) AS is_fresh,
                   bool_and(size IS NOT NULL OR NOT is_decodable) AND count(DISTINCT size) <= 8
                   AND count(DISTINCT size) FILTER (WHERE is_decodable)
                       = count(DISTINCT content) FILTER (WHERE is_decodable) AS is_ladder
              FROM member GROUP BY class
        ), placed AS (
            SELECT member.*, facts.is_fresh, facts.is_ladder,
                   CASE WHEN facts.is_ladder AND is_decodable AND (bits IS NOT NULL OR NOT is_known) THEN ''::bytea
                        ELSE content END AS place
              FROM member JOIN facts USING (class)
        ), led AS (
            SELECT *, first_value(id) OVER first_of AS first_id, first_value(content) OVER first_of AS first_content,
                   first_value(is_known) OVER first_of AS first_is_known, first_value(bits) OVER first_of AS first_bits,
                   first_value(colours) OVER first_of AS first_colours,
                   first_value(present_id) OVER first_of AS first_present_id
              FROM placed
            WINDOW first_of AS (PARTITION BY class, place ORDER BY unavailable, is_doubtful, file_size DESC, id)
        ), joined AS (
            SELECT id, first_id, NOT is_ladder OR content = first_content
                   OR CASE WHEN is_known AND first_is_known THEN dtk_looks_alike(bits, colours, first_bits, first_colours)
                           ELSE is_fresh OR (present_id = first_present_id AND NOT first_is_known) END AS is_in
              FROM led
        )
        SELECT array_agg(id) FILTER (WHERE is_in), array_agg(first_id) FILTER (WHERE is_in),
               array_agg(id) FILTER (WHERE NOT is_in)
          INTO ids, sources, others FROM joined;
        RETURN QUERY
        SELECT image.id, new.source FROM unnest(ids, sources) AS new (id, source)
          JOIN image ON image.id = new.id AND coalesce(image.embedding_source_id, image.id) <> new.source;
        -- Whoever is the only one (of its round) with its parameters stands for itself.
        RETURN QUERY
        SELECT image.id, image.id FROM image
         WHERE NOT image.is_embedding_representative
           AND CASE WHEN rest IS NULL THEN image.metadata_hash IS NOT NULL
                                           AND (hashes IS NULL OR image.metadata_hash = ANY (hashes))
                    ELSE image.id = ANY (rest) END
           AND NOT EXISTS (SELECT 1 FROM image other
                            WHERE other.metadata_hash = image.metadata_hash AND other.id <> image.id
                              AND (rest IS NULL OR other.id = ANY (rest)));
        EXIT WHEN others IS NULL;
        rest := others;
    END LOOP;
END $$;

-- Moves the vectors of some images to others, given pair by pair, where those have none; the first ones keep none.
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
$$;

-- Whether an image has a vector of the newest model.
CREATE FUNCTION dtk_is_embedded(an_id bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM image_vector
                    WHERE image_id = an_id
                      AND space_id = (SELECT max(id) FROM embedding_space WHERE modality = 'image'))
$$;

-- Enqueues images to be embedded that are not enqueued yet, and tells the workers. Those that no scan finds now as well:
-- what only is away is waited for, and what is gone fails until a scan finds it.
CREATE FUNCTION dtk_enqueue_embed(ids bigint[], priorities smallint[] DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job (kind, image_id, priority)
    SELECT 2, image.id, max(coalesce(wanted.priority, 0))
      FROM unnest(ids, priorities) AS wanted (id, priority) JOIN image ON image.id = wanted.id
     GROUP BY image.id ORDER BY image.id
        ON CONFLICT (kind, image_id) DO NOTHING;
    IF FOUND THEN
        PERFORM pg_notify('dtk_queue', '');
    END IF;
END $$;

-- Gives the pending embed jobs of members to their representatives, given pair by pair: one each, and none where the
-- vector is there.
CREATE FUNCTION dtk_transfer_jobs(from_ids bigint[], to_ids bigint[]) RETURNS void LANGUAGE sql AS $$
    UPDATE job SET priority = greatest(job.priority, waiting.priority)
      FROM (SELECT to_id, max(member.priority) AS priority FROM unnest(from_ids, to_ids) AS pair (from_id, to_id)
              JOIN job member ON member.image_id = from_id AND member.kind = 2 AND member.state = 'pending'
             GROUP BY to_id) AS waiting
     WHERE job.image_id = waiting.to_id AND job.kind = 2 AND job.state = 'pending';
    UPDATE job SET image_id = pair.to_id
      FROM (SELECT DISTINCT ON (to_id) from_id, to_id FROM unnest(from_ids, to_ids) AS pair (from_id, to_id)
              JOIN job waiting ON waiting.image_id = from_id AND waiting.kind = 2 AND waiting.state = 'pending'
             ORDER BY to_id, waiting.priority DESC, from_id) AS pair
     WHERE job.image_id = pair.from_id AND job.kind = 2 AND job.state = 'pending'
       AND NOT dtk_is_embedded(pair.to_id)
       AND NOT EXISTS (SELECT 1 FROM job own WHERE own.image_id = pair.to_id AND own.kind = 2);
    WITH ended AS (
        DELETE FROM job WHERE image_id = ANY (from_ids) AND kind = 2 AND state = 'pending'
        RETURNING id, image_id, kind, priority, attempts, queued_at
    )
    INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at)
    SELECT id, image_id, kind, priority, attempts, 'removed', queued_at FROM ended;
$$;

-- Groups images anew, in one transaction with what follows from it: vectors belong to representatives only, and whoever
-- lost the vector that it was found by is enqueued.
CREATE OR REPLACE FUNCTION dtk_choose_representatives(hashes bytea[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    ids bigint[];
    former bigint[];
    sources bigint[];
    members bigint[];
    of_members bigint[];
    wanted bigint[];
    again bigint[];
BEGIN
    IF hashes IS NOT NULL THEN
        -- In one order for all: two that regroup the same images follow each other, and the second one sees the first.
        PERFORM FROM image WHERE metadata_hash = ANY (hashes) ORDER BY id FOR NO KEY UPDATE;
    END IF;
    WITH altered AS (
        UPDATE image SET is_embedding_representative = (image.id = new.source_id),
                         embedding_source_id = nullif(new.source_id, image.id)
          FROM (SELECT regrouped.image_id, regrouped.source_id, coalesce(image.embedding_source_id, image.id) AS former_id
                  FROM dtk_regroup(hashes) AS regrouped JOIN image ON image.id = regrouped.image_id) AS new
         WHERE image.id = new.image_id
        RETURNING image.id, new.former_id, new.source_id
    )
    SELECT array_agg(id), array_agg(former_id), array_agg(source_id),
           array_agg(id) FILTER (WHERE id <> source_id), array_agg(source_id) FILTER (WHERE id <> source_id)
      INTO ids, former, sources, members, of_members FROM altered;
    IF ids IS NULL OR NOT (EXISTS (SELECT 1 FROM image_vector) OR EXISTS (SELECT 1 FROM job WHERE kind = 2)) THEN
        RETURN coalesce(cardinality(ids), 0);
    END IF;
    -- A worker that saves the result of one of them holds its job till the end of its transaction: it is waited for.
    PERFORM FROM job WHERE kind = 2 AND image_id = ANY (ids || former || sources) ORDER BY id FOR UPDATE;
    WITH moved AS (
        SELECT moved.*, image.unavailable AS is_former_gone, image.is_embedding_representative AS is_former_left,
               EXISTS (SELECT 1 FROM image_vector vector WHERE vector.image_id = moved.former_id) AS is_former_embedded
          FROM unnest(ids, former, sources) AS moved (id, former_id, source_id)
          LEFT JOIN image ON image.id = moved.former_id
    )
    SELECT array_agg(DISTINCT source_id) FILTER (
               WHERE is_former_embedded
                  OR EXISTS (SELECT 1 FROM job WHERE kind = 2 AND image_id IN (moved.former_id, moved.id))),
           -- What a representative that is gone from the disk leaves is not of the next one's own pixels; and one that
           -- stays may have taken over the vector of a member that was not like it.
           array_agg(DISTINCT source_id) FILTER (
               WHERE id = former_id AND is_former_gone AND source_id <> id AND source_id = ANY (ids)
                 AND (is_former_embedded OR EXISTS (SELECT 1 FROM job WHERE kind = 2 AND image_id = moved.id)))
           || array_agg(DISTINCT former_id) FILTER (
               WHERE id <> former_id AND is_former_left AND is_former_embedded
                 AND NOT EXISTS (SELECT 1 FROM job_log log
                                  WHERE log.image_id = moved.former_id AND log.kind = 2 AND log.outcome = 'done'))
      INTO wanted, again FROM moved;
    PERFORM dtk_transfer_jobs(members, of_members);
    PERFORM dtk_transfer_embeddings(members, of_members);
    SELECT again || array_agg(id) INTO again FROM unnest(wanted) AS id WHERE NOT dtk_is_embedded(id);
    PERFORM dtk_enqueue_embed(again);
    RETURN cardinality(ids);
END $$;

-- Images that leave their group (their content changed, or they are about to be deleted) leave its vectors to the next
-- representative, which is enqueued; called before the group changes.
CREATE OR REPLACE FUNCTION dtk_promote_successors(leaving bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    leavers bigint[];
    successors bigint[];
    priorities smallint[];
BEGIN
    SELECT array_agg(leaver_id), array_agg(successor_id) INTO leavers, successors FROM (
        SELECT DISTINCT ON (leaver.id) leaver.id AS leaver_id, successor.id AS successor_id
          FROM image leaver
          JOIN image successor ON successor.embedding_source_id = leaver.id AND successor.id <> ALL (leaving)
         WHERE leaver.id = ANY (leaving) AND leaver.is_embedding_representative
         ORDER BY leaver.id, successor.unavailable, successor.error IS NOT NULL, successor.file_size DESC, successor.id
        ) AS pair;
    IF leavers IS NULL THEN
        RETURN;
    END IF;
    PERFORM FROM job WHERE kind = 2 AND image_id = ANY (leavers || successors) ORDER BY id FOR UPDATE;
    SELECT array_agg(leaver_id), array_agg(successor_id), array_agg(coalesce(job.priority, 0::smallint))
      INTO leavers, successors, priorities
      FROM unnest(leavers, successors) AS pair (leaver_id, successor_id)
      LEFT JOIN job ON job.kind = 2 AND job.image_id = leaver_id
     WHERE job.id IS NOT NULL OR EXISTS (SELECT 1 FROM image_vector WHERE image_vector.image_id = leaver_id);
    PERFORM dtk_transfer_embeddings(leavers, successors);
    PERFORM dtk_enqueue_embed(successors, priorities);
END $$;

-- When a representative is deleted, its group gets the next one, and that one is enqueued, in the same transaction.
CREATE OR REPLACE FUNCTION dtk_promote_representatives() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    orphaned bytea[];
    successors bigint[];
BEGIN
    SELECT array_agg(DISTINCT metadata_hash) INTO orphaned
      FROM gone WHERE is_embedding_representative AND metadata_hash IS NOT NULL;
    IF orphaned IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(image.id) INTO successors
      FROM image JOIN gone ON gone.id = image.embedding_source_id;
    PERFORM dtk_choose_representatives(orphaned);
    PERFORM dtk_enqueue_embed(array_agg(DISTINCT source_id))
       FROM (SELECT coalesce(embedding_source_id, id) AS source_id FROM image WHERE id = ANY (successors)) AS left_behind
      WHERE NOT dtk_is_embedded(source_id);
    RETURN NULL;
END $$;

DROP FUNCTION dtk_enqueue_promoted(bigint[], bigint[]);

-- Regroups the images that were decoded since the last time, ``most`` at most; returns how many that were, and how many
-- of their groups' images have another representative now.
CREATE FUNCTION dtk_compare_hashes(most integer, OUT compared bigint, OUT changed bigint)
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    ids bigint[];
    versions text[];
    hashes bytea[];
BEGIN
    compared := 0;
    changed := 0;
    IF NOT EXISTS (SELECT 1 FROM image_hash WHERE NOT is_compared) THEN
        RETURN;
    END IF;
    -- As a scan does: two that write whole groups in no common order follow each other.
    PERFORM pg_advisory_xact_lock(7628139);
    SELECT array_agg(image_id), array_agg(version) INTO ids, versions FROM (
        SELECT image_id, xmin::text AS version FROM image_hash WHERE NOT is_compared ORDER BY image_id LIMIT most) AS waiting;
    compared := coalesce(cardinality(ids), 0);
    SELECT array_agg(DISTINCT metadata_hash) INTO hashes FROM image WHERE id = ANY (ids) AND metadata_hash IS NOT NULL;
    -- Most look as was assumed: nothing is locked for that.
    IF hashes IS NOT NULL AND EXISTS (SELECT 1 FROM dtk_regroup(hashes)) THEN
        changed := dtk_choose_representatives(hashes);
    END IF;
    -- What a worker wrote anew meanwhile is looked at the next time.
    UPDATE image_hash SET is_compared = true
      FROM unnest(ids, versions) AS seen (id, version)
     WHERE image_hash.image_id = seen.id AND image_hash.xmin::text = seen.version;
END $$;
