-- What one action queued for several kinds of work: how far it is, and its summary, are read from its jobs and the log.
-- depends: V020__readers

CREATE TABLE work_run (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    priority  smallint NOT NULL,
    title     text NOT NULL
);
-- What enqueueing said of each kind.
CREATE TABLE work_run_kind (
    run_id       bigint NOT NULL REFERENCES work_run (id) ON DELETE CASCADE,
    queued       bigint NOT NULL,
    already_done bigint NOT NULL,
    waiting      bigint NOT NULL,
    undecodable  bigint NOT NULL,
    kind         smallint NOT NULL,
    PRIMARY KEY (run_id, kind)
);

ALTER TABLE job ADD COLUMN run_id bigint;
ALTER TABLE job_log ADD COLUMN run_id bigint;
CREATE INDEX job_run ON job (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX job_log_run ON job_log (run_id) WHERE run_id IS NOT NULL;
