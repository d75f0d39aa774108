"""What the handler of embeddings asks of a library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dtk_tui.config import Config
from dtk_tui.services.worker.handlers.base import Resources
from dtk_tui.services.worker.handlers.embed import EmbedHandler
from dtk_tui.store.database import Database


@pytest.mark.usefixtures("starter_models")
def test_a_long_prompt_is_read_as_far_as_the_model_takes_it(db: Database, config: Config) -> None:
    texts = [
        "a castle" + " " * 250_000 + "by the sea",
        "word " * 30_000,
        " " * 2_000 + "a castle by the sea",
        " \n" * 900,
    ]
    handler = EmbedHandler.open(Resources(db, config, threads=1))
    try:
        with db.connection() as conn:
            ids = [
                number
                for text in texts
                for (number,) in conn.execute("INSERT INTO prompt (text) VALUES (%s) RETURNING id", (text,))
            ]
            missing = handler.missing_prompts(conn, ids)
        assert sorted(missing) == ids[:3], "what is only white space has nothing to embed"
        assert [len(missing[number].text) for number in ids[:3]] == [len(texts[0]), 20_000, len(texts[2])]
        plain = replace(missing[ids[0]], text="a castle by the sea")
        found = handler.infer_prompts([missing[ids[0]], missing[ids[2]], plain])
        vectors = np.stack([by_space[missing[ids[0]].details[0]] for by_space in found])
        assert np.allclose(vectors @ vectors[2], 1, atol=1e-5)
    finally:
        handler.close()
