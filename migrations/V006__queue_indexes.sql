-- One index of the queue fewer: a claim writes a new entry into each of them.
-- depends: V005__orphans

ALTER TABLE job DROP CONSTRAINT job_kind_image_id_key, ADD UNIQUE (image_id, kind);
DROP INDEX job_image;
