-- What stands beside the pictures of a folder: a scan compares it, and reads pictures again whose sidecars are others.
-- depends: V007__utf8_inline

ALTER TABLE folder ADD COLUMN beside bytea;
