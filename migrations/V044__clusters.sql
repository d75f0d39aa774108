-- Images that look like another one may have its vectors until they are embedded themselves.
-- depends: V043__search

CREATE TABLE shared_vector (
    image_id bigint PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    -- Whose vectors they are, or will be; NULL when that one shows something else by now. No foreign key: it may be gone,
    -- and whoever deletes images deletes what refers to them.
    source_id bigint,
    CHECK (source_id <> image_id)
);
CREATE INDEX shared_vector_source ON shared_vector (source_id);

-- As in V028; that vectors are shared goes along with them, and so do those who share them.
CREATE OR REPLACE FUNCTION dtk_transfer_embeddings(from_ids bigint[], to_ids bigint[]) RETURNS void LANGUAGE sql AS $$
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
