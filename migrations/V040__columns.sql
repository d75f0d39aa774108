-- Sorting by columns: indexes by which the first images of an order are found without a look at all of them.
-- depends: V037__nsfw_rule

-- No file system has longer names; what an import brings may be longer than a btree entry.
CREATE INDEX image_name ON image (lower(left(file_name, 255)) COLLATE "C");
CREATE INDEX image_size ON image (file_size);
CREATE INDEX image_seed ON image (seed) WHERE seed IS NOT NULL;
-- Few distinct values: among the many images of one, the newest are found by the index as well.
CREATE INDEX image_steps ON image (steps, created_at, id) WHERE steps IS NOT NULL;
CREATE INDEX image_model_newest ON image (lower(left(model, 255)), created_at, id) WHERE model IS NOT NULL;
