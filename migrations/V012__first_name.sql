-- The name under which a file was first seen: it tells which of several savers of a graph wrote it, and a rename must
-- not change that. NULL: the name that it has.
-- depends: V011__successors

ALTER TABLE image ADD COLUMN first_name text;
