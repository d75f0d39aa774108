"""What the handler of embeddings asks of a library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from dtk_tui.config import Config
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_files import model_sha256
from dtk_tui.services.worker.handlers.base import Resources
from dtk_tui.services.worker.handlers.embed import EmbedHandler
from dtk_tui.store.database import Database
from dtk_tui.store.library import embedding_spaces


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


@pytest.mark.usefixtures("starter_models")
def test_pictures_that_are_prepared_in_another_way_are_kept_apart_and_it_is_said(db: Database, config: Config) -> None:
    spec = load_manifest().get("dinov2-small")
    assert spec.image is not None
    sha256 = model_sha256(spec, config.paths.models)
    before = spec.image.preparation | {"mean": [0.5, 0.5, 0.5], "size": 196}
    with db.connection() as conn:
        register_vector(conn)
        space = embedding_spaces.register(conn, spec.name, "image", sha256, 384, before)
        conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
        conn.execute(
            "INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at) VALUES (1, 'a', 1, 1, now())"
        )
        conn.execute("INSERT INTO image_vector VALUES (%s, 1, %s)", (space, HalfVector(np.ones(384))))
    for said in ("The pictures of dinov2-small are prepared in another way than before (mean, size).", None):
        handler = EmbedHandler.open(Resources(db, config, threads=1))
        handler.close()
        assert [notice.title for notice in handler.notices] == ([said] if said else []), "it is said once"
        assert space not in handler.indexed_spaces
