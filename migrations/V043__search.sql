-- The best of many prompts with a word, and images by the end of their names, are found by indexes.
-- depends: V042__search

-- How high each word of a text ranks by ts_rank_cd(search, word, 1), which is a tenth of n / ln(1 + length) where the word
-- stands n times in it: as a number of 27 bits for the word, followed by one of 2 to 15 for the rank, three to an octave.
-- Words below, which are most of a long text, are left out: nobody asks the index for them.
CREATE FUNCTION dtk_word_ranks(tsvector) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        WITH word AS MATERIALIZED (
            SELECT lexeme, greatest(cardinality(places), 1)::float8 AS times
              FROM unnest($1) AS words (lexeme, places, weights)),
        level AS (
            SELECT lexeme, floor(3 * log(times / ln(1 + (SELECT sum(times) FROM word)) / 0.17) / log(2.0::float8))::integer AS rank
              FROM word)
        SELECT coalesce(array_agg((hashtext(lexeme) & 134217727) << 4 | least(rank, 15)), '{}') FROM level WHERE rank >= 2
    $$;
CREATE INDEX prompt_word_ranks ON prompt USING gin (dtk_word_ranks(search));

-- No file system has longer names; what an import brings may be longer than a btree entry.
CREATE INDEX image_name_end ON image (reverse(lower(right(file_name, 255))) COLLATE "C");
-- Without what is known of the new expression, the planner takes each name for as rare as any other.
ANALYZE image;
