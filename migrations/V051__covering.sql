-- What a search by words or by the confidence of a tag asks of many images stands in the index itself.
-- depends: V050__filters

CREATE INDEX image_prompt_covering ON image (prompt_id) INCLUDE (id, created_at, embedding_source_id)
 WHERE prompt_id IS NOT NULL;
DROP INDEX image_prompt;
ALTER INDEX image_prompt_covering RENAME TO image_prompt;
CREATE INDEX image_tag_covering ON image_tag (tag_id, image_id) INCLUDE (confidence);
DROP INDEX image_tag_tag;
ALTER INDEX image_tag_covering RENAME TO image_tag_tag;
