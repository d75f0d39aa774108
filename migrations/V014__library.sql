-- Texts are compared in Unicode's composed form (NFC), whatever form they have in the files; and images that an import
-- brought and whose files no scan has met yet are found by size: they may have moved before the first scan.
-- depends: V011__successors

-- What is ASCII is composed already, which its length tells without a look at each character. Not STRICT: only so
-- PostgreSQL puts the expression in the place of each call.
CREATE FUNCTION dtk_nfc(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN octet_length($1) = length($1) THEN $1 ELSE normalize($1, NFC) END $$;

-- The part of a prompt that is searched.
CREATE FUNCTION dtk_searched(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN octet_length($1) = length($1) THEN left($1, 100000)
                      ELSE normalize(left($1, 100000), NFC) END $$;

DROP INDEX prompt_trigrams;
CREATE INDEX prompt_trigrams ON prompt USING gin (dtk_searched(text) gin_trgm_ops);

CREATE INDEX image_unmet ON image (file_size) WHERE fingerprint IS NULL AND (scan_phase = 1 OR mtime_ns = 0);
