-- Which embedding spaces are those of the present models: of several embedders each has its own.
-- depends: V028__models

-- A worker says so when it has loaded its models; until then a new space counts.
ALTER TABLE embedding_space ADD COLUMN in_use boolean NOT NULL DEFAULT true;
UPDATE embedding_space SET in_use = false WHERE id NOT IN (SELECT max(id) FROM embedding_space GROUP BY modality);

-- Whether an image has the vectors of all present models.
CREATE OR REPLACE FUNCTION dtk_is_embedded(an_id bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_and(EXISTS (SELECT 1 FROM image_vector
                                      WHERE image_vector.image_id = an_id AND space_id = space.id)), false)
      FROM embedding_space space WHERE modality = 'image' AND in_use
$$;
