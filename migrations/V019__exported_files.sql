-- Which files an export wrote, and with which content: it replaces its own files, and none that somebody changed since.
-- depends: V017__captions

CREATE TABLE exported_file (
    path_sha256    bytea PRIMARY KEY,
    content_sha256 bytea NOT NULL
);
