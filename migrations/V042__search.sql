-- What the planner knows of the expressions that V040 has indexed: without it, it walks over a third of all images to sort
-- by name, until the first ANALYZE of the server's own.
-- depends: V040__columns

ANALYZE image;
