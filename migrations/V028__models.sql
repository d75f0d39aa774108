-- A job to embed an image fills the spaces that lack its vector; one that is asked for again makes all of them anew.
-- depends: V027__decode

ALTER TABLE job ADD COLUMN again boolean NOT NULL DEFAULT false;
