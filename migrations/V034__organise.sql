-- Organising by hand: the journal keeps ratings, flags, tags and albums beside captions, and each edit can be done again.
-- depends: V028__models

-- What an edit was about besides images: a tag or an album; and when the memberships that it made or ended came to be,
-- in microseconds since 1970. detail: what an edit changed that is not of images, before and after.
ALTER TABLE edit_journal_part
    ADD COLUMN subject bigint,
    ADD COLUMN stamps bigint[];
ALTER TABLE edit_journal ADD COLUMN detail jsonb;
CREATE INDEX edit_journal_kind ON edit_journal (kind, id);

-- Whether a person said what nsfw is: no model changes it then.
ALTER TABLE image ADD COLUMN nsfw_by_hand boolean NOT NULL DEFAULT false;

-- A smart album is what a query finds.
ALTER TABLE album ADD COLUMN query text;
