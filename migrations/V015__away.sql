-- A job whose file was not where it was is enqueued again when a scan finds the file: moved, renamed, or back.
-- depends: V011__successors

ALTER TABLE job ADD COLUMN missing boolean NOT NULL DEFAULT false;
CREATE INDEX job_missing ON job (image_id) WHERE missing;

-- What failed so before this version is known by its sentence.
UPDATE job SET missing = true WHERE state = 'failed' AND error LIKE '% is not there any more.%';
