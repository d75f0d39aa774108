--
-- PostgreSQL database dump
--

--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

--
-- Name: EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

--
-- Name: vector; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

--
-- Name: EXTENSION vector; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';

--
-- Name: dtk_bequeath(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_bequeath(leaving bigint[]) RETURNS void
    LANGUAGE sql
    AS $$ SELECT dtk_promote_successors(leaving) $$;

--
-- Name: dtk_build_vector_index(smallint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_build_vector_index(a_space smallint) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: dtk_caption_words(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_caption_words(text) RETURNS tsvector
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $_$ SELECT to_tsvector((SELECT name FROM caption_language)::regconfig,
                             CASE WHEN octet_length($1) = length($1) THEN left($1, 100000)
                                  ELSE normalize(left($1, 100000), NFC) END) $_$;

--
-- Name: dtk_choose_representatives(bytea[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_choose_representatives(hashes bytea[] DEFAULT NULL::bytea[]) RETURNS bigint
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
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

--
-- Name: dtk_compare_hashes(integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_compare_hashes(most integer, OUT compared bigint, OUT changed bigint) RETURNS record
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
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

--
-- Name: dtk_drop_vector_index(smallint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_drop_vector_index(a_space smallint) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: dtk_embedding_space(text, text, text, text, integer, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_embedding_space(a_name text, a_modality text, a_model text, a_sha256 text, a_dims integer, a_preparation jsonb DEFAULT NULL::jsonb) RETURNS smallint
    LANGUAGE plpgsql
    AS $$
DECLARE
    found_id smallint;
    full_name text := a_name;
    parent text := CASE a_modality WHEN 'text' THEN 'prompt_vector' ELSE 'image_vector' END;
    part text;
BEGIN
    found_id := dtk_find_space(a_modality, a_model, a_sha256, a_preparation);
    IF found_id IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('dtk_embedding_space'));
        found_id := dtk_find_space(a_modality, a_model, a_sha256, a_preparation);
    END IF;
    IF found_id IS NOT NULL THEN
        UPDATE embedding_space space SET preparation = coalesce(preparation, a_preparation), used_at = clock_timestamp()
         WHERE id = found_id
           AND ((preparation IS NULL AND a_preparation IS NOT NULL)
                OR EXISTS (SELECT 1 FROM embedding_space other
                            WHERE other.model = a_model AND other.modality = a_modality AND other.id <> space.id
                              AND other.used_at >= space.used_at));
        RETURN found_id;
    END IF;
    IF EXISTS (SELECT 1 FROM embedding_space WHERE name = full_name) THEN
        full_name := a_name || '@' || left(a_sha256, 8);
    END IF;
    IF EXISTS (SELECT 1 FROM embedding_space WHERE name = full_name) THEN
        full_name := a_name || '@' || left(md5(a_sha256 || coalesce(a_preparation::text, '')), 8);
    END IF;
    INSERT INTO embedding_space (name, modality, model, model_sha256, dims, preparation)
    VALUES (full_name, a_modality, a_model, a_sha256, a_dims, a_preparation) RETURNING id INTO found_id;
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

--
-- Name: dtk_enqueue_embed(bigint[], smallint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_enqueue_embed(ids bigint[], priorities smallint[] DEFAULT NULL::smallint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: dtk_find_space(text, text, text, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_find_space(a_modality text, a_model text, a_sha256 text, a_preparation jsonb) RETURNS smallint
    LANGUAGE sql STABLE
    AS $$
    SELECT id FROM embedding_space
     WHERE model = a_model AND model_sha256 = a_sha256 AND modality = a_modality
       AND (a_preparation IS NULL OR preparation IS NULL OR preparation = a_preparation)
     ORDER BY (preparation = a_preparation) DESC NULLS LAST, id DESC LIMIT 1
$$;

--
-- Name: dtk_instant(bigint, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_instant(ticks bigint, zone text) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$ SELECT timezone($2, timestamp '2000-01-01' + interval '1 microsecond' * (($1 - 630822816000000000) / 10)) $_$;

--
-- Name: dtk_is_embedded(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_is_embedded(an_id bigint) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce(bool_and(EXISTS (SELECT 1 FROM image_vector
                                      WHERE image_vector.image_id = an_id AND space_id = space.id)), false)
      FROM embedding_space space WHERE modality = 'image' AND in_use
$$;

--
-- Name: dtk_looks_alike(bigint, bigint, bigint, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_looks_alike(a_bits bigint, a_colours bigint, b_bits bigint, b_colours bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT bit_count((a_bits # b_bits)::bit(64)) <= 8
       AND (SELECT bool_and(abs((a_colours >> place & 31) - (b_colours >> place & 31)) <= 6)
              FROM generate_series(0, 55, 5) AS place)
$$;

--
-- Name: dtk_marks(smallint, boolean, boolean, boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_marks(rating smallint, favorite boolean, nsfw boolean, for_deletion boolean) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$ SELECT coalesce($1, -1)::integer * 8 + $2::integer * 4 + $3::integer * 2 + $4::integer $_$;

--
-- Name: dtk_migrated_images(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_migrated_images() RETURNS TABLE(image_id bigint, migration_id bigint, source_id bigint, created_ticks bigint, modified_ticks bigint, viewed_ticks bigint, touched_ticks bigint, marks integer, batch_size integer, batch_pos integer, clip_skip integer, ensd integer, no_metadata boolean, has_error boolean, is_new boolean, root_folder_id bigint, workflow_id text, hash text, custom_tags text, before jsonb)
    LANGUAGE sql STABLE
    AS $$
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

--
-- Name: dtk_natural_key(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_natural_key(text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT COALESCE(string_agg((found.part[1] || CASE WHEN (found.part[2] = ''::text) THEN ''::text ELSE ((repeat('9'::text, (length(ltrim(found.part[2], '0'::text)) / 9)) || (length(ltrim(found.part[2], '0'::text)) % 9)) || ltrim(found.part[2], '0'::text)) END), ''::text ORDER BY found.place), ''::text) AS "coalesce" FROM regexp_matches(lower(translate($1, '/\'::text, (chr(1) || chr(1)))), '([^0-9]*)([0-9]*)'::text, 'g'::text) WITH ORDINALITY found(part, place));

--
-- Name: dtk_nfc(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_nfc(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$ SELECT CASE WHEN octet_length($1) = length($1) THEN $1 ELSE normalize($1, NFC) END $_$;

--
-- Name: dtk_promote_representatives(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_promote_representatives() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: dtk_promote_successors(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_promote_successors(leaving bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: dtk_regroup(bytea[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_regroup(hashes bytea[]) RETURNS TABLE(image_id bigint, source_id bigint)
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_custom_plan'
    AS $_$
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
END $_$;

--
-- Name: dtk_searched(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_searched(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$ SELECT CASE WHEN octet_length($1) = length($1) THEN left($1, 100000)
                      ELSE normalize(left($1, 100000), NFC) END $_$;

--
-- Name: dtk_spread(anyarray, integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_spread(anyarray, integer) RETURNS anyarray
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$ SELECT CASE cardinality($1) WHEN 1 THEN array_fill($1[1], ARRAY[$2]) ELSE $1 END $_$;

--
-- Name: dtk_transfer_embeddings(bigint[], bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_transfer_embeddings(from_ids bigint[], to_ids bigint[]) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO shared_vector (image_id, source_id)
    SELECT DISTINCT ON (pair.to_id) pair.to_id, nullif(shared.source_id, pair.to_id)
      FROM unnest(from_ids, to_ids) AS pair (from_id, to_id)
      JOIN shared_vector shared ON shared.image_id = pair.from_id
     WHERE NOT EXISTS (SELECT 1 FROM image_vector own WHERE own.image_id = pair.to_id)
     ORDER BY pair.to_id, pair.from_id
        ON CONFLICT (image_id) DO NOTHING;
    DELETE FROM shared_vector WHERE image_id = ANY (from_ids);
    UPDATE shared_vector SET source_id = nullif(pair.to_id, shared_vector.image_id)
      FROM unnest(from_ids, to_ids) AS pair (from_id, to_id)
     WHERE shared_vector.source_id = pair.from_id;
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

--
-- Name: dtk_transfer_jobs(bigint[], bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_transfer_jobs(from_ids bigint[], to_ids bigint[]) RETURNS void
    LANGUAGE sql
    AS $$
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

--
-- Name: dtk_utf8(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_utf8(text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$ SELECT replace($1, '\', '\\')::bytea $_$;

--
-- Name: dtk_word_pairs(tsvector); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_word_pairs(tsvector) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
        WITH word AS MATERIALIZED (
            SELECT lexeme, place FROM unnest($1) AS words (lexeme, places, weights), unnest(places) AS place)
        SELECT coalesce(array_agg(DISTINCT hashtext(word.lexeme || ' ' || following.lexeme) & 262143), '{}')
          FROM word JOIN word AS following ON following.place = word.place + 1
    $_$;

--
-- Name: dtk_word_ranks(tsvector); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.dtk_word_ranks(tsvector) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
        WITH word AS MATERIALIZED (
            SELECT lexeme, greatest(cardinality(places), 1)::float8 AS times
              FROM unnest($1) AS words (lexeme, places, weights)),
        level AS (
            SELECT lexeme, floor(3 * log(times / ln(1 + (SELECT sum(times) FROM word)) / 0.17) / log(2.0::float8))::integer AS rank
              FROM word)
        SELECT coalesce(array_agg((hashtext(lexeme) & 134217727) << 4 | least(rank, 15)), '{}') FROM level WHERE rank >= 2
    $_$;

--
-- Name: _yoyo_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public._yoyo_log (
    id character varying(36) NOT NULL,
    migration_hash character varying(64),
    migration_id character varying(255),
    operation character varying(10),
    username character varying(255),
    hostname character varying(255),
    comment character varying(255),
    created_at_utc timestamp without time zone
);

--
-- Name: _yoyo_migration; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public._yoyo_migration (
    migration_hash character varying(64) NOT NULL,
    migration_id character varying(255),
    applied_at_utc timestamp without time zone
);

--
-- Name: _yoyo_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public._yoyo_version (
    version integer NOT NULL,
    installed_at_utc timestamp without time zone
);

--
-- Name: album; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.album (
    id bigint NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    name text NOT NULL,
    query text
);

--
-- Name: album_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.album ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.album_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: album_image; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.album_image (
    album_id bigint NOT NULL,
    image_id bigint NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: asked_query; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.asked_query (
    id bigint NOT NULL,
    asked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    sha256 bytea GENERATED ALWAYS AS (sha256(public.dtk_utf8(line))) STORED NOT NULL,
    line text NOT NULL
);

--
-- Name: asked_query_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.asked_query ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.asked_query_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: caption; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.caption (
    id bigint NOT NULL,
    image_id bigint NOT NULL,
    parent_id bigint,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    is_user_edited boolean NOT NULL,
    source text NOT NULL,
    type text NOT NULL,
    text text NOT NULL,
    model text,
    prompt_used text,
    parameters jsonb
);

--
-- Name: caption_draft; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.caption_draft (
    image_id bigint NOT NULL,
    base_id bigint,
    saved_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    type text NOT NULL,
    text text NOT NULL
);

--
-- Name: caption_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.caption ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.caption_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: caption_language; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.caption_language (
    one boolean DEFAULT true NOT NULL,
    name text DEFAULT 'english'::text NOT NULL,
    CONSTRAINT caption_language_one_check CHECK (one)
);

--
-- Name: caption_waiting; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.caption_waiting (
    image_id bigint NOT NULL
);

--
-- Name: current_caption; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.current_caption (
    image_id bigint NOT NULL,
    caption_id bigint NOT NULL,
    source text NOT NULL,
    type text NOT NULL,
    search tsvector NOT NULL,
    pairs integer[] GENERATED ALWAYS AS (public.dtk_word_pairs(search)) STORED NOT NULL
)
WITH (toast_tuple_target='4080');
ALTER TABLE ONLY public.current_caption ALTER COLUMN search SET STATISTICS 300;

--
-- Name: device_day; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.device_day (
    day date NOT NULL,
    host text NOT NULL,
    device smallint NOT NULL,
    name text NOT NULL,
    observed_s double precision NOT NULL,
    busy_s double precision NOT NULL,
    memory_peak_gb double precision,
    memory_total_gb double precision,
    observed_until timestamp with time zone NOT NULL
);

--
-- Name: edit_journal; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.edit_journal (
    id bigint NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    undone_at timestamp with time zone,
    changed bigint NOT NULL,
    restored bigint,
    kind text NOT NULL,
    title text NOT NULL,
    detail jsonb
);

--
-- Name: edit_journal_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.edit_journal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.edit_journal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: edit_journal_part; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.edit_journal_part (
    journal_id bigint NOT NULL,
    part integer NOT NULL,
    image_ids bigint[] NOT NULL,
    before bigint[] NOT NULL,
    after bigint[] NOT NULL,
    subject bigint,
    stamps bigint[],
    CONSTRAINT edit_journal_part_check CHECK (((cardinality(before) = cardinality(image_ids)) AND (cardinality(after) = cardinality(image_ids))))
);

--
-- Name: embedding_space; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.embedding_space (
    id smallint NOT NULL,
    name text NOT NULL,
    modality text NOT NULL,
    model text NOT NULL,
    model_sha256 text NOT NULL,
    dims integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    preparation jsonb,
    used_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    in_use boolean DEFAULT true NOT NULL,
    CONSTRAINT embedding_space_dims_check CHECK ((dims > 0)),
    CONSTRAINT embedding_space_modality_check CHECK ((modality = ANY (ARRAY['text'::text, 'image'::text])))
);

--
-- Name: embedding_space_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.embedding_space ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.embedding_space_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: exported_file; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.exported_file (
    path_sha256 bytea NOT NULL,
    content_sha256 bytea NOT NULL
);

--
-- Name: folder; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.folder (
    id bigint NOT NULL,
    parent_id bigint,
    path text NOT NULL,
    name text NOT NULL,
    is_root boolean DEFAULT false NOT NULL,
    recursive boolean DEFAULT true NOT NULL,
    watched boolean DEFAULT false NOT NULL,
    excluded boolean DEFAULT false NOT NULL,
    archived boolean DEFAULT false NOT NULL,
    unavailable boolean DEFAULT false NOT NULL,
    error text,
    scanned_at timestamp with time zone,
    beside bytea,
    sort_key text GENERATED ALWAYS AS (public.dtk_natural_key(path)) STORED NOT NULL COLLATE pg_catalog."C"
);

--
-- Name: folder_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.folder ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.folder_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: group_check; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.group_check (
    one boolean DEFAULT true NOT NULL,
    is_offered boolean DEFAULT false NOT NULL,
    CONSTRAINT group_check_one_check CHECK (one)
);

--
-- Name: image; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image (
    id bigint NOT NULL,
    folder_id bigint NOT NULL,
    prompt_id bigint,
    negative_prompt_id bigint,
    embedding_source_id bigint,
    file_size bigint NOT NULL,
    mtime_ns bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    width integer,
    height integer,
    steps integer,
    cfg_scale double precision,
    scan_phase smallint DEFAULT 0 NOT NULL,
    rating smallint,
    favorite boolean DEFAULT false NOT NULL,
    nsfw boolean DEFAULT false NOT NULL,
    for_deletion boolean DEFAULT false NOT NULL,
    unavailable boolean DEFAULT false NOT NULL,
    is_video boolean DEFAULT false NOT NULL,
    has_workflow boolean DEFAULT false NOT NULL,
    is_embedding_representative boolean DEFAULT true NOT NULL,
    seed numeric(20,0),
    file_name text NOT NULL,
    fingerprint bytea,
    dialect text,
    sampler text,
    scheduler text,
    model text,
    model_hash text,
    custom_tags text,
    error text,
    extra jsonb,
    metadata_hash bytea GENERATED ALWAYS AS (
CASE
    WHEN (prompt_id IS NULL) THEN NULL::bytea
    ELSE substr(sha256(public.dtk_utf8((((((((((((((((((prompt_id)::text || chr(31)) || COALESCE((negative_prompt_id)::text, ''::text)) || chr(31)) || COALESCE((steps)::text, ''::text)) || chr(31)) || COALESCE((cfg_scale)::text, ''::text)) || chr(31)) || COALESCE((seed)::text, ''::text)) || chr(31)) || COALESCE(sampler, ''::text)) || chr(31)) || COALESCE(scheduler, ''::text)) || chr(31)) || COALESCE(model, ''::text)) || chr(31)) || COALESCE(model_hash, ''::text)))), 1, 16)
END) STORED,
    aesthetic_score double precision,
    hypernetwork_strength double precision,
    viewed_at timestamp with time zone,
    touched_at timestamp with time zone,
    hypernetwork text,
    first_name text,
    nsfw_by_hand boolean DEFAULT false NOT NULL,
    nsfw_by_rule boolean DEFAULT false NOT NULL,
    CONSTRAINT image_check CHECK ((is_embedding_representative OR (embedding_source_id IS NOT NULL)))
);

--
-- Name: image_hash; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_hash (
    image_id bigint NOT NULL,
    bits bigint,
    colours bigint,
    is_decodable boolean DEFAULT true NOT NULL,
    is_compared boolean DEFAULT false NOT NULL,
    fingerprint bytea NOT NULL
);

--
-- Name: image_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.image ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.image_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: image_raw; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_raw (
    image_id bigint NOT NULL,
    chunks text NOT NULL
);

--
-- Name: image_tag; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_tag (
    image_id bigint NOT NULL,
    tag_id bigint NOT NULL,
    source text NOT NULL,
    confidence real,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: image_vector; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_vector (
    space_id smallint NOT NULL,
    image_id bigint NOT NULL,
    vec public.halfvec NOT NULL
)
PARTITION BY LIST (space_id);

--
-- Name: job; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job (
    id bigint NOT NULL,
    image_id bigint NOT NULL,
    worker_id bigint,
    kind smallint NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    deaths smallint DEFAULT 0 NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    queued_at timestamp with time zone DEFAULT now() NOT NULL,
    run_after timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    error text,
    begun_at timestamp with time zone,
    missing boolean DEFAULT false NOT NULL,
    caption_types text[],
    caption_when text,
    run_id bigint,
    again boolean DEFAULT false NOT NULL,
    CONSTRAINT job_caption_types_check CHECK ((cardinality(caption_types) > 0)),
    CONSTRAINT job_caption_when_check CHECK ((caption_when = ANY (ARRAY['keep'::text, 'overwrite'::text, 'append'::text, 'refine'::text]))),
    CONSTRAINT job_check CHECK (((state = 'running'::text) = (worker_id IS NOT NULL))),
    CONSTRAINT job_kind_check CHECK ((kind = ANY (ARRAY[1, 2, 3]))),
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'running'::text, 'failed'::text])))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='2000', autovacuum_analyze_scale_factor='0.1');

--
-- Name: job_day; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_day (
    day date NOT NULL,
    kind smallint NOT NULL,
    outcome text NOT NULL,
    jobs bigint NOT NULL
);

--
-- Name: job_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.job ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: job_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_log (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    image_id bigint NOT NULL,
    worker_id bigint,
    kind smallint NOT NULL,
    priority smallint NOT NULL,
    attempts smallint NOT NULL,
    outcome text NOT NULL,
    model text,
    error text,
    queued_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    host text,
    run_id bigint,
    CONSTRAINT job_log_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'failed'::text, 'removed'::text])))
);

--
-- Name: job_log_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.job_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: lexeme_posting; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.lexeme_posting (
    lexeme text NOT NULL COLLATE pg_catalog."C",
    first_id bigint NOT NULL,
    prompts bytea NOT NULL
);
ALTER TABLE ONLY public.lexeme_posting ALTER COLUMN prompts SET STORAGE EXTERNAL;

--
-- Name: migrated_batch; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migrated_batch (
    migration_id bigint NOT NULL,
    first_id bigint NOT NULL,
    source_ids bigint[] NOT NULL,
    created_ticks bigint[],
    modified_ticks bigint[],
    viewed_ticks bigint[],
    touched_ticks bigint[],
    marks integer[],
    batch_size integer[],
    batch_pos integer[],
    clip_skip integer[],
    ensd integer[],
    no_metadata boolean[],
    has_error boolean[],
    root_folder_id bigint[],
    workflow_id text[],
    hash text[],
    custom_tags text[],
    gone bigint[] DEFAULT '{}'::bigint[] NOT NULL
);
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN source_ids SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN created_ticks SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN modified_ticks SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN viewed_ticks SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN touched_ticks SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN marks SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN batch_size SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN batch_pos SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN clip_skip SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN ensd SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN no_metadata SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN has_error SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN root_folder_id SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN workflow_id SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN hash SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN custom_tags SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.migrated_batch ALTER COLUMN gone SET STORAGE EXTERNAL;

--
-- Name: migrated_image; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migrated_image (
    image_id bigint NOT NULL,
    migration_id bigint NOT NULL,
    source_id bigint NOT NULL,
    created_ticks bigint,
    modified_ticks bigint,
    viewed_ticks bigint,
    touched_ticks bigint,
    marks integer NOT NULL,
    batch_size integer,
    batch_pos integer,
    clip_skip integer,
    ensd integer,
    no_metadata boolean,
    has_error boolean,
    is_new boolean NOT NULL,
    root_folder_id bigint,
    workflow_id text,
    hash text,
    custom_tags text,
    before jsonb
);

--
-- Name: migrated_row; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migrated_row (
    migration_id bigint NOT NULL,
    row_id bigint NOT NULL,
    source_id bigint,
    is_new boolean NOT NULL,
    kind text NOT NULL,
    original jsonb,
    CONSTRAINT migrated_row_kind_check CHECK ((kind = ANY (ARRAY['folder'::text, 'album'::text, 'tag'::text, 'query'::text])))
);

--
-- Name: migration; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migration (
    id bigint NOT NULL,
    image_base bigint NOT NULL,
    node_base bigint NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    state text NOT NULL,
    source text NOT NULL,
    zone text NOT NULL,
    policy text NOT NULL,
    maps jsonb NOT NULL,
    facts jsonb NOT NULL,
    report jsonb,
    CONSTRAINT migration_policy_check CHECK ((policy = ANY (ARRAY['keep'::text, 'take'::text, 'newest'::text]))),
    CONSTRAINT migration_state_check CHECK ((state = ANY (ARRAY['loading'::text, 'done'::text, 'undone'::text])))
);

--
-- Name: migration_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.migration ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.migration_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: migration_note; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migration_note (
    migration_id bigint NOT NULL,
    source_id bigint,
    table_name text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    original jsonb,
    CONSTRAINT migration_note_outcome_check CHECK ((outcome = ANY (ARRAY['repaired'::text, 'refused'::text])))
);

--
-- Name: node; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.node (
    id bigint NOT NULL,
    image_id bigint NOT NULL,
    node_id text,
    name text
);

--
-- Name: node_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.node ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.node_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: node_property; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.node_property (
    node_id bigint NOT NULL,
    "position" bigint NOT NULL,
    name text,
    value text
);

--
-- Name: pace; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.pace (
    host text NOT NULL,
    kind smallint NOT NULL,
    model text NOT NULL,
    jobs_per_s double precision NOT NULL,
    measured_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pace_jobs_per_s_check CHECK ((jobs_per_s > (0)::double precision))
);

--
-- Name: posting_state; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.posting_state (
    up_to bigint NOT NULL
);

--
-- Name: prompt; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.prompt (
    id bigint NOT NULL,
    sha256 bytea GENERATED ALWAYS AS (sha256(public.dtk_utf8(text))) STORED NOT NULL,
    text text NOT NULL,
    search tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, "left"(text, 100000))) STORED NOT NULL,
    lowered text GENERATED ALWAYS AS (lower(public.dtk_searched(text))) STORED NOT NULL
)
WITH (toast_tuple_target='4080');

--
-- Name: prompt_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.prompt ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.prompt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: prompt_vector; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.prompt_vector (
    space_id smallint NOT NULL,
    prompt_id bigint NOT NULL,
    vec public.halfvec NOT NULL
)
PARTITION BY LIST (space_id);

--
-- Name: reader_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reader_version (
    one boolean DEFAULT true NOT NULL,
    version integer NOT NULL,
    CONSTRAINT reader_version_one_check CHECK (one)
);

--
-- Name: saved_query; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saved_query (
    id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    modified_at timestamp with time zone DEFAULT now() NOT NULL,
    name text NOT NULL,
    query text,
    original text,
    problem text,
    is_pinned boolean DEFAULT false NOT NULL
);

--
-- Name: saved_query_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.saved_query ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.saved_query_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: shared_vector; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.shared_vector (
    image_id bigint NOT NULL,
    source_id bigint,
    CONSTRAINT shared_vector_check CHECK ((source_id <> image_id))
);

--
-- Name: tag; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tag (
    id bigint NOT NULL,
    name text NOT NULL,
    category text DEFAULT 'general'::text NOT NULL
);

--
-- Name: tag_derivation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tag_derivation (
    tagger text NOT NULL,
    begun_at timestamp with time zone DEFAULT now() NOT NULL,
    reached bigint DEFAULT 0 NOT NULL,
    done bigint DEFAULT 0 NOT NULL,
    added bigint DEFAULT 0 NOT NULL,
    removed bigint DEFAULT 0 NOT NULL,
    images bigint DEFAULT 0 NOT NULL
);

--
-- Name: tag_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.tag ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tag_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: tag_prediction; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tag_prediction (
    image_id bigint NOT NULL,
    tagger_id smallint NOT NULL,
    ids integer[] NOT NULL,
    scores real[] NOT NULL,
    CONSTRAINT tag_prediction_check CHECK ((cardinality(ids) = cardinality(scores)))
);

--
-- Name: tag_threshold; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tag_threshold (
    tagger text NOT NULL,
    category text NOT NULL,
    threshold real NOT NULL,
    floor real NOT NULL,
    is_exclusive boolean NOT NULL
);

--
-- Name: tagger; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tagger (
    id smallint NOT NULL,
    name text NOT NULL,
    model_sha256 text NOT NULL
);

--
-- Name: tagger_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.tagger ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tagger_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: token_posting; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.token_posting (
    token text NOT NULL COLLATE pg_catalog."C",
    first_id bigint NOT NULL,
    prompts bytea NOT NULL
);
ALTER TABLE ONLY public.token_posting ALTER COLUMN prompts SET STORAGE EXTERNAL;

--
-- Name: work_run; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.work_run (
    id bigint NOT NULL,
    queued_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    priority smallint NOT NULL,
    title text NOT NULL,
    begun_at timestamp with time zone
);

--
-- Name: work_run_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.work_run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.work_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: work_run_kind; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.work_run_kind (
    run_id bigint NOT NULL,
    queued bigint NOT NULL,
    already_done bigint NOT NULL,
    waiting bigint NOT NULL,
    undecodable bigint NOT NULL,
    kind smallint NOT NULL
);

--
-- Name: worker; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.worker (
    id bigint NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    state text NOT NULL,
    devices jsonb DEFAULT '[]'::jsonb NOT NULL,
    stats jsonb DEFAULT '{}'::jsonb NOT NULL,
    wish text,
    wish_at timestamp with time zone,
    CONSTRAINT worker_state_check CHECK ((state = ANY (ARRAY['stopped'::text, 'running'::text, 'paused'::text]))),
    CONSTRAINT worker_wish_check CHECK ((wish = ANY (ARRAY['stopped'::text, 'running'::text, 'paused'::text])))
);

--
-- Name: worker_control; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.worker_control (
    one boolean DEFAULT true NOT NULL,
    desired_state text DEFAULT 'stopped'::text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT worker_control_desired_state_check CHECK ((desired_state = ANY (ARRAY['stopped'::text, 'running'::text, 'paused'::text]))),
    CONSTRAINT worker_control_one_check CHECK (one)
);

--
-- Name: worker_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.worker ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.worker_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: yoyo_lock; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.yoyo_lock (
    locked integer DEFAULT 1 NOT NULL,
    ctime timestamp without time zone,
    pid integer NOT NULL
);

--
-- Name: _yoyo_log _yoyo_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public._yoyo_log
    ADD CONSTRAINT _yoyo_log_pkey PRIMARY KEY (id);

--
-- Name: _yoyo_migration _yoyo_migration_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public._yoyo_migration
    ADD CONSTRAINT _yoyo_migration_pkey PRIMARY KEY (migration_hash);

--
-- Name: _yoyo_version _yoyo_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public._yoyo_version
    ADD CONSTRAINT _yoyo_version_pkey PRIMARY KEY (version);

--
-- Name: album_image album_image_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.album_image
    ADD CONSTRAINT album_image_pkey PRIMARY KEY (album_id, image_id);

--
-- Name: album album_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.album
    ADD CONSTRAINT album_name_key UNIQUE (name);

--
-- Name: album album_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.album
    ADD CONSTRAINT album_pkey PRIMARY KEY (id);

--
-- Name: asked_query asked_query_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.asked_query
    ADD CONSTRAINT asked_query_pkey PRIMARY KEY (id);

--
-- Name: asked_query asked_query_sha256_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.asked_query
    ADD CONSTRAINT asked_query_sha256_key UNIQUE (sha256);

--
-- Name: caption_draft caption_draft_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.caption_draft
    ADD CONSTRAINT caption_draft_pkey PRIMARY KEY (image_id, type);

--
-- Name: caption_language caption_language_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.caption_language
    ADD CONSTRAINT caption_language_pkey PRIMARY KEY (one);

--
-- Name: caption caption_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.caption
    ADD CONSTRAINT caption_pkey PRIMARY KEY (id);

--
-- Name: caption_waiting caption_waiting_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.caption_waiting
    ADD CONSTRAINT caption_waiting_pkey PRIMARY KEY (image_id);

--
-- Name: current_caption current_caption_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.current_caption
    ADD CONSTRAINT current_caption_pkey PRIMARY KEY (image_id, source, type);

--
-- Name: device_day device_day_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.device_day
    ADD CONSTRAINT device_day_pkey PRIMARY KEY (day, host, device);

--
-- Name: edit_journal_part edit_journal_part_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.edit_journal_part
    ADD CONSTRAINT edit_journal_part_pkey PRIMARY KEY (journal_id, part);

--
-- Name: edit_journal edit_journal_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.edit_journal
    ADD CONSTRAINT edit_journal_pkey PRIMARY KEY (id);

--
-- Name: embedding_space embedding_space_model_model_sha256_modality_preparation_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding_space
    ADD CONSTRAINT embedding_space_model_model_sha256_modality_preparation_key UNIQUE NULLS NOT DISTINCT (model, model_sha256, modality, preparation);

--
-- Name: embedding_space embedding_space_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding_space
    ADD CONSTRAINT embedding_space_name_key UNIQUE (name);

--
-- Name: embedding_space embedding_space_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding_space
    ADD CONSTRAINT embedding_space_pkey PRIMARY KEY (id);

--
-- Name: exported_file exported_file_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.exported_file
    ADD CONSTRAINT exported_file_pkey PRIMARY KEY (path_sha256);

--
-- Name: folder folder_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.folder
    ADD CONSTRAINT folder_pkey PRIMARY KEY (id);

--
-- Name: group_check group_check_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.group_check
    ADD CONSTRAINT group_check_pkey PRIMARY KEY (one);

--
-- Name: image image_folder_id_file_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_folder_id_file_name_key UNIQUE (folder_id, file_name) WITH (fillfactor='45');

--
-- Name: image_hash image_hash_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_hash
    ADD CONSTRAINT image_hash_pkey PRIMARY KEY (image_id);

--
-- Name: image image_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_pkey PRIMARY KEY (id) WITH (fillfactor='45');

--
-- Name: image_raw image_raw_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_raw
    ADD CONSTRAINT image_raw_pkey PRIMARY KEY (image_id);

--
-- Name: image_tag image_tag_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_tag
    ADD CONSTRAINT image_tag_pkey PRIMARY KEY (image_id, tag_id, source);

--
-- Name: image_vector image_vector_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_vector
    ADD CONSTRAINT image_vector_pkey PRIMARY KEY (space_id, image_id);

--
-- Name: job_day job_day_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_day
    ADD CONSTRAINT job_day_pkey PRIMARY KEY (day, kind, outcome);

--
-- Name: job job_image_id_kind_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_image_id_kind_key UNIQUE (image_id, kind);

--
-- Name: job_log job_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_log
    ADD CONSTRAINT job_log_pkey PRIMARY KEY (id);

--
-- Name: job job_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);

--
-- Name: lexeme_posting lexeme_posting_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lexeme_posting
    ADD CONSTRAINT lexeme_posting_pkey PRIMARY KEY (lexeme, first_id);

--
-- Name: migrated_batch migrated_batch_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrated_batch
    ADD CONSTRAINT migrated_batch_pkey PRIMARY KEY (migration_id, first_id);

--
-- Name: migrated_image migrated_image_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrated_image
    ADD CONSTRAINT migrated_image_pkey PRIMARY KEY (image_id, migration_id);

--
-- Name: migration migration_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (id);

--
-- Name: node node_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (id);

--
-- Name: node_property node_property_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node_property
    ADD CONSTRAINT node_property_pkey PRIMARY KEY (node_id, "position");

--
-- Name: pace pace_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pace
    ADD CONSTRAINT pace_pkey PRIMARY KEY (host, kind, model);

--
-- Name: prompt prompt_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.prompt
    ADD CONSTRAINT prompt_pkey PRIMARY KEY (id);

--
-- Name: prompt prompt_sha256_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.prompt
    ADD CONSTRAINT prompt_sha256_key UNIQUE (sha256);

--
-- Name: prompt_vector prompt_vector_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.prompt_vector
    ADD CONSTRAINT prompt_vector_pkey PRIMARY KEY (space_id, prompt_id);

--
-- Name: reader_version reader_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reader_version
    ADD CONSTRAINT reader_version_pkey PRIMARY KEY (one);

--
-- Name: saved_query saved_query_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saved_query
    ADD CONSTRAINT saved_query_name_key UNIQUE (name);

--
-- Name: saved_query saved_query_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saved_query
    ADD CONSTRAINT saved_query_pkey PRIMARY KEY (id);

--
-- Name: shared_vector shared_vector_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.shared_vector
    ADD CONSTRAINT shared_vector_pkey PRIMARY KEY (image_id);

--
-- Name: tag_derivation tag_derivation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tag_derivation
    ADD CONSTRAINT tag_derivation_pkey PRIMARY KEY (tagger);

--
-- Name: tag tag_name_category_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tag
    ADD CONSTRAINT tag_name_category_key UNIQUE (name, category);

--
-- Name: tag tag_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tag
    ADD CONSTRAINT tag_pkey PRIMARY KEY (id);

--
-- Name: tag_prediction tag_prediction_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tag_prediction
    ADD CONSTRAINT tag_prediction_pkey PRIMARY KEY (image_id, tagger_id);

--
-- Name: tag_threshold tag_threshold_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tag_threshold
    ADD CONSTRAINT tag_threshold_pkey PRIMARY KEY (tagger, category);

--
-- Name: tagger tagger_name_model_sha256_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tagger
    ADD CONSTRAINT tagger_name_model_sha256_key UNIQUE (name, model_sha256);

--
-- Name: tagger tagger_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tagger
    ADD CONSTRAINT tagger_pkey PRIMARY KEY (id);

--
-- Name: token_posting token_posting_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.token_posting
    ADD CONSTRAINT token_posting_pkey PRIMARY KEY (token, first_id);

--
-- Name: work_run_kind work_run_kind_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.work_run_kind
    ADD CONSTRAINT work_run_kind_pkey PRIMARY KEY (run_id, kind);

--
-- Name: work_run work_run_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.work_run
    ADD CONSTRAINT work_run_pkey PRIMARY KEY (id);

--
-- Name: worker_control worker_control_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.worker_control
    ADD CONSTRAINT worker_control_pkey PRIMARY KEY (one);

--
-- Name: worker worker_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (id);

--
-- Name: yoyo_lock yoyo_lock_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.yoyo_lock
    ADD CONSTRAINT yoyo_lock_pkey PRIMARY KEY (locked);

--
-- Name: album_image_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX album_image_image ON public.album_image USING btree (image_id);

--
-- Name: asked_query_newest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX asked_query_newest ON public.asked_query USING btree (asked_at DESC);

--
-- Name: caption_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX caption_image ON public.caption USING btree (image_id);

--
-- Name: current_caption_pairs; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX current_caption_pairs ON public.current_caption USING gin (pairs);

--
-- Name: current_caption_search; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX current_caption_search ON public.current_caption USING gin (search);

--
-- Name: edit_journal_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX edit_journal_kind ON public.edit_journal USING btree (kind, id);

--
-- Name: folder_parent; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX folder_parent ON public.folder USING btree (parent_id);

--
-- Name: folder_path; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX folder_path ON public.folder USING btree (sha256(public.dtk_utf8(path)));

--
-- Name: image_aesthetic_score; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_aesthetic_score ON public.image USING btree (aesthetic_score, created_at, id) WHERE (aesthetic_score IS NOT NULL);

--
-- Name: image_cfg; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_cfg ON public.image USING btree (cfg_scale);

--
-- Name: image_favorite; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_favorite ON public.image USING btree (created_at DESC, id DESC) WHERE favorite;

--
-- Name: image_fingerprint; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_fingerprint ON public.image USING btree (fingerprint) WHERE (fingerprint IS NOT NULL);

--
-- Name: image_for_deletion; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_for_deletion ON public.image USING btree (created_at DESC, id DESC) WHERE for_deletion;

--
-- Name: image_group; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_group ON public.image USING btree (metadata_hash, file_size DESC, id) WHERE (metadata_hash IS NOT NULL);

--
-- Name: image_hash_uncompared; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_hash_uncompared ON public.image_hash USING btree (image_id) WHERE (NOT is_compared);

--
-- Name: image_hypernetwork; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_hypernetwork ON public.image USING btree (lower(hypernetwork)) WHERE (octet_length(hypernetwork) < 800);

--
-- Name: image_id_covering; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_id_covering ON public.image USING btree (id) INCLUDE (created_at, prompt_id, embedding_source_id);

--
-- Name: image_member; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_member ON public.image USING btree (embedding_source_id) WHERE (embedding_source_id IS NOT NULL);

--
-- Name: image_model; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_model ON public.image USING btree (lower(model), model) WHERE (octet_length(model) < 800);

--
-- Name: image_model_hash; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_model_hash ON public.image USING btree (lower(model_hash)) WHERE (octet_length(model_hash) < 800);

--
-- Name: image_model_newest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_model_newest ON public.image USING btree (lower("left"(model, 255)), created_at, id) WHERE (model IS NOT NULL);

--
-- Name: image_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_name ON public.image USING btree (lower("left"(file_name, 255)) COLLATE "C");

--
-- Name: image_name_end; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_name_end ON public.image USING btree (reverse(lower("right"(file_name, 255))) COLLATE "C");

--
-- Name: image_negative_prompt; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_negative_prompt ON public.image USING btree (negative_prompt_id) WHERE (negative_prompt_id IS NOT NULL);

--
-- Name: image_newest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_newest ON public.image USING btree (created_at DESC, id DESC);

--
-- Name: image_no_metadata; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_no_metadata ON public.image USING btree (created_at DESC, id DESC) WHERE ((scan_phase > 0) AND (dialect IS NULL) AND (prompt_id IS NULL));

--
-- Name: image_prompt; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_prompt ON public.image USING btree (prompt_id) INCLUDE (id, created_at, embedding_source_id) WHERE (prompt_id IS NOT NULL);

--
-- Name: image_rating; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_rating ON public.image USING btree (rating, created_at, id) WHERE (rating IS NOT NULL);

--
-- Name: image_ratio; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_ratio ON public.image USING btree ((
CASE
    WHEN (height = 0) THEN (0)::double precision
    ELSE ((width)::double precision / (height)::double precision)
END));

--
-- Name: image_sampler; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_sampler ON public.image USING btree (lower(sampler), sampler) WHERE (octet_length(sampler) < 800);

--
-- Name: image_seed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_seed ON public.image USING btree (seed) WHERE (seed IS NOT NULL);

--
-- Name: image_size; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_size ON public.image USING btree (file_size);

--
-- Name: image_steps; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_steps ON public.image USING btree (steps, created_at, id) WHERE (steps IS NOT NULL);

--
-- Name: image_tag_tag; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_tag_tag ON public.image_tag USING btree (tag_id, image_id) INCLUDE (confidence);

--
-- Name: image_unmet; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_unmet ON public.image USING btree (file_size) WHERE ((fingerprint IS NULL) AND ((scan_phase = 1) OR (mtime_ns = 0)));

--
-- Name: image_unread; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_unread ON public.image USING btree (id) WHERE (scan_phase = 0);

--
-- Name: image_vector_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_vector_image ON ONLY public.image_vector USING btree (image_id);

--
-- Name: job_claim; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_claim ON public.job USING btree (((- priority)), kind, id) WHERE (state = 'pending'::text);

--
-- Name: job_failed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_failed ON public.job USING btree (id) WHERE (state = 'failed'::text);

--
-- Name: job_log_finished; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_log_finished ON public.job_log USING brin (finished_at);

--
-- Name: job_log_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_log_image ON public.job_log USING btree (image_id);

--
-- Name: job_log_run; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_log_run ON public.job_log USING btree (run_id) WHERE (run_id IS NOT NULL);

--
-- Name: job_missing; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_missing ON public.job USING btree (image_id) WHERE missing;

--
-- Name: job_run; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_run ON public.job USING btree (run_id) WHERE (run_id IS NOT NULL);

--
-- Name: job_running; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_running ON public.job USING btree (worker_id) WHERE (state = 'running'::text);

--
-- Name: migrated_image_source; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX migrated_image_source ON public.migrated_image USING btree (migration_id, source_id);

--
-- Name: migrated_row_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX migrated_row_kind ON public.migrated_row USING btree (migration_id, kind, row_id);

--
-- Name: migration_note_row; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX migration_note_row ON public.migration_note USING btree (migration_id, table_name, source_id);

--
-- Name: node_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX node_image ON public.node USING btree (image_id);

--
-- Name: prompt_search; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompt_search ON public.prompt USING gin (search);

--
-- Name: prompt_trigrams; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompt_trigrams ON public.prompt USING gin (lowered public.gin_trgm_ops);

--
-- Name: prompt_vector_prompt; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompt_vector_prompt ON ONLY public.prompt_vector USING btree (prompt_id);

--
-- Name: prompt_word_ranks; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompt_word_ranks ON public.prompt USING gin (public.dtk_word_ranks(search));

--
-- Name: shared_vector_source; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX shared_vector_source ON public.shared_vector USING btree (source_id);

--
-- Name: tag_asked; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tag_asked ON public.tag USING btree (replace(lower(public.dtk_nfc(name)), '_'::text, ' '::text));

--
-- Name: token_posting_trigrams; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX token_posting_trigrams ON public.token_posting USING gin (token public.gin_trgm_ops) WITH (fastupdate=off);

--
-- Name: image_lower_hypernetwork; Type: STATISTICS; Schema: public; Owner: -
--

CREATE STATISTICS public.image_lower_hypernetwork ON lower(hypernetwork) FROM public.image;

--
-- Name: image_lower_model; Type: STATISTICS; Schema: public; Owner: -
--

CREATE STATISTICS public.image_lower_model ON lower("left"(model, 255)) FROM public.image;

--
-- Name: image_lower_model_hash; Type: STATISTICS; Schema: public; Owner: -
--

CREATE STATISTICS public.image_lower_model_hash ON lower(model_hash) FROM public.image;

--
-- Name: image_lower_sampler; Type: STATISTICS; Schema: public; Owner: -
--

CREATE STATISTICS public.image_lower_sampler ON lower(sampler) FROM public.image;

--
-- Name: image image_promote_representatives; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER image_promote_representatives AFTER DELETE ON public.image REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.dtk_promote_representatives();

--
-- Name: album_image album_image_album_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.album_image
    ADD CONSTRAINT album_image_album_id_fkey FOREIGN KEY (album_id) REFERENCES public.album(id) ON DELETE CASCADE;

--
-- Name: album_image album_image_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.album_image
    ADD CONSTRAINT album_image_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: caption_draft caption_draft_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.caption_draft
    ADD CONSTRAINT caption_draft_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: caption caption_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.caption
    ADD CONSTRAINT caption_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: current_caption current_caption_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.current_caption
    ADD CONSTRAINT current_caption_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: edit_journal_part edit_journal_part_journal_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.edit_journal_part
    ADD CONSTRAINT edit_journal_part_journal_id_fkey FOREIGN KEY (journal_id) REFERENCES public.edit_journal(id) ON DELETE CASCADE;

--
-- Name: folder folder_parent_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.folder
    ADD CONSTRAINT folder_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.folder(id) ON DELETE CASCADE;

--
-- Name: image image_folder_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_folder_id_fkey FOREIGN KEY (folder_id) REFERENCES public.folder(id) ON DELETE CASCADE;

--
-- Name: image_hash image_hash_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_hash
    ADD CONSTRAINT image_hash_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: image image_negative_prompt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_negative_prompt_id_fkey FOREIGN KEY (negative_prompt_id) REFERENCES public.prompt(id);

--
-- Name: image image_prompt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_prompt_id_fkey FOREIGN KEY (prompt_id) REFERENCES public.prompt(id);

--
-- Name: image_raw image_raw_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_raw
    ADD CONSTRAINT image_raw_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: image_tag image_tag_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_tag
    ADD CONSTRAINT image_tag_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: image_tag image_tag_tag_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_tag
    ADD CONSTRAINT image_tag_tag_id_fkey FOREIGN KEY (tag_id) REFERENCES public.tag(id) ON DELETE CASCADE;

--
-- Name: image_vector image_vector_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE public.image_vector
    ADD CONSTRAINT image_vector_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: image_vector image_vector_space_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE public.image_vector
    ADD CONSTRAINT image_vector_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.embedding_space(id) ON DELETE CASCADE;

--
-- Name: job job_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: migrated_batch migrated_batch_migration_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrated_batch
    ADD CONSTRAINT migrated_batch_migration_id_fkey FOREIGN KEY (migration_id) REFERENCES public.migration(id) ON DELETE CASCADE;

--
-- Name: migrated_image migrated_image_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrated_image
    ADD CONSTRAINT migrated_image_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: migrated_image migrated_image_migration_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrated_image
    ADD CONSTRAINT migrated_image_migration_id_fkey FOREIGN KEY (migration_id) REFERENCES public.migration(id) ON DELETE CASCADE;

--
-- Name: migrated_row migrated_row_migration_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrated_row
    ADD CONSTRAINT migrated_row_migration_id_fkey FOREIGN KEY (migration_id) REFERENCES public.migration(id) ON DELETE CASCADE;

--
-- Name: migration_note migration_note_migration_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migration_note
    ADD CONSTRAINT migration_note_migration_id_fkey FOREIGN KEY (migration_id) REFERENCES public.migration(id) ON DELETE CASCADE;

--
-- Name: node node_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: node_property node_property_node_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node_property
    ADD CONSTRAINT node_property_node_id_fkey FOREIGN KEY (node_id) REFERENCES public.node(id) ON DELETE CASCADE;

--
-- Name: prompt_vector prompt_vector_prompt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE public.prompt_vector
    ADD CONSTRAINT prompt_vector_prompt_id_fkey FOREIGN KEY (prompt_id) REFERENCES public.prompt(id) ON DELETE CASCADE;

--
-- Name: prompt_vector prompt_vector_space_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE public.prompt_vector
    ADD CONSTRAINT prompt_vector_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.embedding_space(id) ON DELETE CASCADE;

--
-- Name: shared_vector shared_vector_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.shared_vector
    ADD CONSTRAINT shared_vector_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: tag_prediction tag_prediction_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tag_prediction
    ADD CONSTRAINT tag_prediction_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;

--
-- Name: tag_prediction tag_prediction_tagger_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tag_prediction
    ADD CONSTRAINT tag_prediction_tagger_id_fkey FOREIGN KEY (tagger_id) REFERENCES public.tagger(id) ON DELETE CASCADE;

--
-- Name: work_run_kind work_run_kind_run_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.work_run_kind
    ADD CONSTRAINT work_run_kind_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.work_run(id) ON DELETE CASCADE;

--
-- PostgreSQL database dump complete
--
