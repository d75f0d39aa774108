-- Which NSFW flags the rule of the config set: it takes back only those. What a person decided it leaves alone.
-- depends: V034__organise

ALTER TABLE image ADD COLUMN nsfw_by_rule boolean NOT NULL DEFAULT false;
