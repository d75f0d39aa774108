-- Texts that people typed into the caption editor and have not saved yet: one an image and type of caption.
-- depends: V017__captions

-- base_id is the version that was current when the text was begun.
CREATE TABLE caption_draft (
    image_id bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    base_id  bigint,
    saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    type     text NOT NULL,
    text     text NOT NULL,
    PRIMARY KEY (image_id, type)
);
