"""String pools: a text gets its own key or none, whatever stands around it, and keeps it when an import is resumed."""

from __future__ import annotations

import pyarrow as pa

from dtk_tui.services.diffusion_toolkit.paths import Mapping
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.store.database import Database
from dtk_tui.store.diffusion_toolkit import folders, staging

TEXTS = ["", "a", "ab", "a fox", "a fox, a fox", "it's", "é", "x" * 30 + "y" + "x" * 30, "x" * 30 + "z" + "x" * 30]


def test_a_text_gets_its_own_key_or_none_and_keeps_it(db: Database) -> None:
    with db.connection() as conn:
        staging.create(conn)
    pool = StringPool(db, Mapping([]))
    first = pool.keys_of(pa.array([*TEXTS, None, *reversed(TEXTS)], pa.string())[2:]).tolist()
    keys = dict(zip([*TEXTS, None, *reversed(TEXTS)][2:], first, strict=True))
    assert keys[None] == 0
    assert len({keys[text] for text in TEXTS}) == len(TEXTS) and min(keys[text] for text in TEXTS) > 0
    pool.flush()
    resumed = StringPool(db, Mapping([]))
    assert resumed.keys_of(pa.array([*TEXTS, "another"])).tolist()[:-1] == [keys[text] for text in TEXTS]
    with db.connection() as conn:
        assert dict(staging.prompts(conn)) == {keys[text]: text for text in TEXTS}
        assert not pool.mismatched_keys(staging.prompts(conn))
        staging.drop(conn)


def test_two_folders_of_the_source_may_be_one_here(db: Database) -> None:
    with db.connection() as conn:
        staging.create(conn)
    pool = StringPool(db, Mapping([("D:\\old", "/ai")]))
    one, other, third = (pool.key_of_folder(start) for start in (b"D:\\old\\", b"/ai/", b"/ai/sub/"))
    assert one == other != third
    pool.flush()
    with db.connection() as conn:
        assert folders.staged_paths(conn) == [
            (one, "/ai", "/ai/"),
            (one, "/ai", "D:\\old\\"),
            (third, "/ai/sub", "/ai/sub/"),
        ]
        staging.drop(conn)
