-- Which prompts have a word, and how high it ranks them, in lists: a search that ranks all prompts with a word reads these
-- in place of the prompts.
-- depends: V044__clusters

-- Prompts up to this one are in the lists.
CREATE TABLE posting_state (up_to bigint NOT NULL);
INSERT INTO posting_state VALUES (0);

-- Prompts whose lower case has a text between separators, of some ids from the first one on, as differences of 16 bits to
-- it. That of the empty text has prompts that are long, or have long texts: they have to be looked at.
CREATE TABLE token_posting (
    token    text COLLATE "C" NOT NULL,
    first_id bigint NOT NULL,
    prompts  bytea NOT NULL,
    PRIMARY KEY (token, first_id)
);
ALTER TABLE token_posting ALTER prompts SET STORAGE EXTERNAL;
CREATE INDEX token_posting_trigrams ON token_posting USING gin (token gin_trgm_ops) WITH (fastupdate = off);

-- The same of the words of prompt.search; each prompt with how often the word stands in it, and how many words it has,
-- which make its rank.
CREATE TABLE lexeme_posting (
    lexeme   text COLLATE "C" NOT NULL,
    first_id bigint NOT NULL,
    prompts  bytea NOT NULL,
    PRIMARY KEY (lexeme, first_id)
);
ALTER TABLE lexeme_posting ALTER prompts SET STORAGE EXTERNAL;
