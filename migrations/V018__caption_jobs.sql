-- What a caption job was asked for: types by name, and what happens where there is a caption. NULL: as the worker's config says.
-- depends: V017__captions

ALTER TABLE job
    ADD COLUMN caption_types text[] CHECK (cardinality(caption_types) > 0),
    ADD COLUMN caption_when  text CHECK (caption_when IN ('keep', 'overwrite', 'append', 'refine'));
