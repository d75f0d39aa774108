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

-- How many captions have a word is known of the 3,000 most frequent words, and not of 1,000: of all others one in a thousand
-- is assumed, and what so few have is not looked for among the newest images.
ALTER TABLE current_caption ALTER COLUMN search SET STATISTICS 300;
