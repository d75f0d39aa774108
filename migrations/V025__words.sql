-- Words in prompts are compared with a stored copy in lower case, and phrases in captions are found by the pairs of words
-- that follow each other.
-- depends: V020__readers

-- Ranking reads the words of all prompts that match: rows of usual length stay whole and uncompressed. Columns that are
-- made anew are so for the rows that are there, too.
ALTER TABLE prompt SET (toast_tuple_target = 4080);
DROP INDEX prompt_trigrams;
ALTER TABLE prompt
    DROP COLUMN search,
    ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english', left(text, 100000))) STORED,
    ADD COLUMN lowered text NOT NULL GENERATED ALWAYS AS (lower(dtk_searched(text))) STORED;
CREATE INDEX prompt_search ON prompt USING gin (search);
CREATE INDEX prompt_trigrams ON prompt USING gin (lowered gin_trgm_ops);

-- Each pair of words of which one follows the other, as one of 262,144 numbers: an index of words alone has to look at
-- every caption that has all the words of a phrase, wherever they stand.
CREATE FUNCTION dtk_word_pairs(tsvector) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        WITH word AS MATERIALIZED (
            SELECT lexeme, place FROM unnest($1) AS words (lexeme, places, weights), unnest(places) AS place)
        SELECT coalesce(array_agg(DISTINCT hashtext(word.lexeme || ' ' || following.lexeme) & 262143), '{}')
          FROM word JOIN word AS following ON following.place = word.place + 1
    $$;

ALTER TABLE current_caption SET (toast_tuple_target = 4080);
ALTER TABLE current_caption
    ADD COLUMN pairs integer[] NOT NULL GENERATED ALWAYS AS (dtk_word_pairs(search)) STORED;
CREATE INDEX current_caption_pairs ON current_caption USING gin (pairs);
