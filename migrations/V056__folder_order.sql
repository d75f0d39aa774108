-- Folders in the order that people expect: 1, 2, 10, 100.
-- depends: V054__image_id

-- Numbers compare by how many digits they have, then by these; nines and a digit below nine say how many, so that a number
-- of any length stands where digits do. A separator comes before all, so that what is in a folder follows it at once.
CREATE FUNCTION dtk_natural_key(text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT coalesce(string_agg(part[1] || CASE WHEN part[2] = '' THEN '' ELSE
                   repeat('9', length(ltrim(part[2], '0')) / 9) || length(ltrim(part[2], '0')) % 9
                   || ltrim(part[2], '0') END, '' ORDER BY place), '')
          FROM regexp_matches(lower(translate($1, '/\', chr(1) || chr(1))), '([^0-9]*)([0-9]*)', 'g')
               WITH ORDINALITY AS found (part, place)
    );

ALTER TABLE folder ADD COLUMN sort_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (dtk_natural_key(path)) STORED;
