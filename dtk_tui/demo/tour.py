"""The demo: a sample library through the whole program, and searches in it."""

from __future__ import annotations

import os
from pathlib import Path

from dtk_tui.config import Config, load
from dtk_tui.store.database import Database
from dtk_tui.store.library import images, prompts

_QUESTION = "a puppy playing outside"
_WORDS = 8
#: The settings of the demo.
CONFIG_FILE = """# What the demo shows: words that find pictures (looks:), by a small stand-in for a model of both, and
# tags of 1,000 kinds of things. For a real one: image_embedders = ["dinov2-small", "siglip-base"]; dtk models pull
[models]
image_embedders = ["dinov2-small", "efficientnet-lite0-words"]
taggers = ["open-nsfw", "efficientnet-lite0"]
"""

#: The query lines of the searches for pictures by what they show; those that the second one finds have no prompt.
LOOKS_QUERIES = ('looks: "a fast red automobile"', 'looks: "a web page on a screen" nometa:true')


def demo_config(library: str | None) -> Config:
    """Return the config of the demo's own library, which never touches the user's; write it where there is none.

    Args:
        library: a folder of the user's to show instead of the sample, kept apart from it; None is the sample.
    """
    usual = load()
    base = usual.paths.home or usual.paths.data / "demo"
    environ = {name: value for name, value in os.environ.items() if name != "DTK_DATABASE_URL"}
    environ["DTK_HOME"] = str(base / ("yours" if library else "sample"))
    environ["DTK_MODELS"] = str(usual.paths.models)
    file = Path(environ["DTK_HOME"]) / "config.toml"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CONFIG_FILE, encoding="utf-8")
    return load(environ)


def sample_folder(config: Config) -> Path:
    """Return where the sample images are."""
    return config.paths.data / "images"


def semantic_query(db: Database, library: str | None) -> str:
    """Return the query line of the semantic search: for a user's own library the begin of its commonest prompt."""
    if library is None:
        return f'about: "{_QUESTION}"'
    with db.connection() as conn:
        prompt = prompts.most_used(conn) or _QUESTION
    words = " ".join(prompt.split()[:_WORDS]).replace('"', " ")
    return f'about: "{words}"'


def example_image(db: Database, subject: str) -> int | None:
    """Return an embedded image to search the likes of: one with the subject in its file name, else the newest."""
    with db.connection() as conn:
        rows = [row for row in images.rows(conn, images.newest_ids(conn)[:500].tolist()) if row.embedded]
    wanted = [row for row in rows if subject in row.file_name]
    return next((row.id for row in wanted + rows), None)
