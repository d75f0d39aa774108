"""What services advise is told in keys, as they are bound."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import dtk_tui
from dtk_tui.config import Config, load
from dtk_tui.store.database import Database
from dtk_tui.store.library import embedding_spaces
from dtk_tui.ui.commands.advice import ADVICE
from tests.helpers.running_app import WIDE, library_app

_ROOM = Path(dtk_tui.__file__).parent


def _constants(folder: Path) -> list[str]:
    trees = [ast.parse(path.read_text()) for path in folder.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_services_say_what_is_told_in_keys() -> None:
    said = [words for room in ("domain", "services", "store") for words in _constants(_ROOM / room)]
    assert [words for words, _ in ADVICE if not any(words in one for one in said)] == []


@pytest.fixture
def empty_space(db: Database, config: Config) -> None:
    """The space of the images' model without a vector: a worker was started and had no work."""
    with db.connection() as conn:
        embedding_spaces.register(conn, config.settings.models.image_embedder, "image", "0" * 64, 384)


@pytest.mark.usefixtures("empty_space")
async def test_similar_images_without_embeddings(db: Database, config: Config, library: Path) -> None:
    config.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    config.paths.config_file.write_text('[keys]\n"work.embed_now" = "f11"\n"app.start" = "f12"\n')
    async with library_app(db, load(config.paths._environ), WIDE) as run:
        await run.shows("029.png")
        await run.press("s")
        await run.shows("Similar images need embeddings, and nothing is embedded yet.")
        await run.shows("F11 on All images, in the folders, queues the work, and F12 starts")
        assert "dtk queue add" not in run.text()
        await run.press("escape", "alt+4")
        await run.until(lambda: run.text().count("F11 on All images") == 1)
