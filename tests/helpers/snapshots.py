"""A library of thirty pictures, and the steps that walks through its screens have in common."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from tests.helpers.golden import check
from tests.helpers.running_app import SUBJECTS, Running, write_picture
from tests.helpers.screens import Screens

SNAPSHOTS = Path(__file__).parent.parent / "ui" / "__snapshots__"
_DAY = 86_400
_FACTS = """
UPDATE image SET rating = 7, favorite = true WHERE file_name = '029.png';
UPDATE image SET unavailable = true WHERE file_name = '025.png';
UPDATE image SET error = 'The file ends too early.' WHERE file_name = '024.png';
INSERT INTO album (name) VALUES ('Best of');
INSERT INTO album_image (album_id, image_id) SELECT 1, id FROM image WHERE file_name = '029.png';
INSERT INTO tag (name) VALUES ('noodles'), ('sfw'), ('steam');
INSERT INTO image_tag (image_id, tag_id, source, confidence)
SELECT image.id, tag.id, 'open-nsfw', 1 - tag.id * 0.2 FROM image, tag WHERE file_name = '029.png';
"""


def fill(store: Database, settings: Config, place: Path) -> None:
    """Scan thirty pictures of three subjects into the library."""
    for number in range(30):
        folder = place / "outputs" / ("2025-11" if number < 20 else "final")
        path = folder / f"{number:03d}.png"
        write_picture(path, SUBJECTS[number % 3], made_at=1_750_000_000 + number * _DAY, seed=number)
    scanner.scan(store, settings, [str(place / "outputs")])
    execute(store, _FACTS)
    # What the compression of a PNG file decides.
    execute(store, "UPDATE image SET file_size = 400 + left(file_name, 3)::int")


def execute(store: Database, statements: str) -> None:
    """Change the library as somebody else does."""
    with store.connection() as conn:
        conn.execute(statements)  # type: ignore[arg-type]


async def whole_help(run: Running, screens: Screens, name: str) -> None:
    """Open the help, keep all of it, and close it."""
    before = run.app.screen
    await run.press("question_mark")
    await screens.step(f"help-{name}", "Keys")
    text = "\n".join(str(static.visual) for static in run.app.screen.query("Static"))  # type: ignore[attr-defined]
    check(SNAPSHOTS / f"help-{name}.txt", text)
    await run.press("escape")
    await run.until(lambda: run.app.screen is before)


async def close(run: Running, *keys: str) -> None:
    """Press keys that close what lies on top."""
    top = run.app.screen
    await run.press(*keys)
    await run.until(lambda: top not in run.app.screen_stack)
