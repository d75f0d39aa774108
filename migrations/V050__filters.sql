-- What few images have, or none, is found without a look at all images.
-- depends: V049__cfg

-- As V033 has it of models: longer names would be longer than a btree entry.
CREATE INDEX image_model_hash ON image (lower(model_hash)) WHERE octet_length(model_hash) < 800;
CREATE INDEX image_hypernetwork ON image (lower(hypernetwork)) WHERE octet_length(hypernetwork) < 800;
-- Equal ratios of whole numbers are equal when they are divided. Nothing by nothing has every ratio.
CREATE INDEX image_ratio ON image ((CASE WHEN height = 0 THEN 0 ELSE width::float8 / height END));
-- The newest first; an image that does not meet the condition costs them nothing.
CREATE INDEX image_no_metadata ON image (created_at DESC, id DESC)
 WHERE scan_phase > 0 AND dialect IS NULL AND prompt_id IS NULL;
CREATE INDEX image_for_deletion ON image (created_at DESC, id DESC) WHERE for_deletion;
CREATE INDEX image_favorite ON image (created_at DESC, id DESC) WHERE favorite;
-- A query names tags in any case, and with spaces as well.
CREATE INDEX tag_asked ON tag (replace(lower(dtk_nfc(name)), '_', ' '));
-- What the planner knows of the expression of an index it does not use where the index is partial: it took each name for
-- as rare as any other.
CREATE STATISTICS image_lower_model ON (lower(left(model, 255))) FROM image;
CREATE STATISTICS image_lower_model_hash ON (lower(model_hash)) FROM image;
CREATE STATISTICS image_lower_sampler ON (lower(sampler)) FROM image;
CREATE STATISTICS image_lower_hypernetwork ON (lower(hypernetwork)) FROM image;
ANALYZE image;
