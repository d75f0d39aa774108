-- What prepared the pictures of a space: size, fit, filter, mean ... Vectors of pictures that were prepared in another way
-- are of another space, so that none are compared that cannot be.
-- depends: V020__readers

-- Of several spaces of one model the one that was opened last is in use.
ALTER TABLE embedding_space
    ADD COLUMN preparation jsonb,
    ADD COLUMN used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    DROP CONSTRAINT embedding_space_model_model_sha256_modality_key,
    ADD UNIQUE NULLS NOT DISTINCT (model, model_sha256, modality, preparation);
UPDATE embedding_space SET used_at = created_at;

-- A space from before, of which nothing is known, becomes that of the first preparation that asks for it. Who asks
-- without one (a text model, an older program) gets the newest space of the model.
DROP FUNCTION dtk_embedding_space(text, text, text, text, integer);
CREATE FUNCTION dtk_embedding_space(a_name text, a_modality text, a_model text, a_sha256 text, a_dims integer,
                                    a_preparation jsonb DEFAULT NULL)
RETURNS smallint LANGUAGE plpgsql AS $$
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

CREATE FUNCTION dtk_find_space(a_modality text, a_model text, a_sha256 text, a_preparation jsonb)
RETURNS smallint LANGUAGE sql STABLE AS $$
    SELECT id FROM embedding_space
     WHERE model = a_model AND model_sha256 = a_sha256 AND modality = a_modality
       AND (a_preparation IS NULL OR preparation IS NULL OR preparation = a_preparation)
     ORDER BY (preparation = a_preparation) DESC NULLS LAST, id DESC LIMIT 1
$$;
