-- The words of many captions are computed after the edit that changed them, and before the next search for captions.
-- depends: V017__captions

-- Images some of whose captions lack their words: current_caption.search is empty there, or that of an earlier version.
CREATE TABLE caption_waiting (
    image_id bigint PRIMARY KEY
);

-- As before, without composing what is composed: that took more than a third of the time.
CREATE OR REPLACE FUNCTION dtk_caption_words(text) RETURNS tsvector LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT to_tsvector((SELECT name FROM caption_language)::regconfig,
                             CASE WHEN octet_length($1) = length($1) THEN left($1, 100000)
                                  ELSE normalize(left($1, 100000), NFC) END) $$;
