-- A guidance scale that few images have is found without a look at all images.
-- depends: V045__about

CREATE INDEX image_cfg ON image (cfg_scale);
