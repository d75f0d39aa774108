-- When the first job of a run was claimed: a job that is given back or claimed again does not know any more.
-- depends: V028__models

ALTER TABLE work_run ADD COLUMN begun_at timestamptz;
UPDATE work_run SET begun_at = (SELECT min(started_at) FROM job_log WHERE run_id = work_run.id AND outcome <> 'removed');
