-- From which score a tag holds, by tagger and category, and tags that are made anew from raw scores.
-- depends: V028__models

-- By which the tags of the library are made, whatever the config of one host says. Raw scores below the floor are not
-- kept; of an exclusive category the best tag holds, whatever its score.
CREATE TABLE tag_threshold (
    tagger       text NOT NULL,
    category     text NOT NULL,
    threshold    real NOT NULL,
    floor        real NOT NULL,
    is_exclusive boolean NOT NULL,
    PRIMARY KEY (tagger, category)
);
-- Tags of a tagger that are being made anew: those of images up to the one that was reached go by the thresholds above,
-- those behind it may go by thresholds of before.
CREATE TABLE tag_derivation (
    tagger   text PRIMARY KEY,
    begun_at timestamptz NOT NULL DEFAULT now(),
    reached  bigint NOT NULL DEFAULT 0,
    done     bigint NOT NULL DEFAULT 0,
    added    bigint NOT NULL DEFAULT 0,
    removed  bigint NOT NULL DEFAULT 0,
    images   bigint NOT NULL DEFAULT 0
);

-- Tags come from what the newest version of a tagger said: what an older one said of the same image goes.
DELETE FROM tag_prediction AS old
 USING tagger AS older, tagger AS newer, tag_prediction AS new
 WHERE older.name = newer.name AND older.id < newer.id
   AND old.tagger_id = older.id AND new.tagger_id = newer.id AND new.image_id = old.image_id;
