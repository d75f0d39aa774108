-- What a search asks of many images that it knows by id stands in an index: date, prompt and representative.
-- depends: V053__device_days

CREATE INDEX image_id_covering ON image (id) INCLUDE (created_at, prompt_id, embedding_source_id);
