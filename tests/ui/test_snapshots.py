"""What every screen and dialog shows, as text, at two sizes: one app walks through many of them.

The golden files are ``__snapshots__/<step>-<columns>x<rows>.txt``; ``DTK_WRITE_GOLDEN=1`` writes them anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.captions import ModelText, WhenThere
from dtk_tui.domain.job import WorkerState
from dtk_tui.services.captions import versions as caption_service
from dtk_tui.store.database import Database
from dtk_tui.store.library import images
from dtk_tui.ui.widgets.captions.versions import VersionList
from tests.helpers.running_app import NARROW, WIDE, Running, library_app
from tests.helpers.screens import Screens, without_name
from tests.helpers.snapshots import SNAPSHOTS, close, execute, fill, whole_help

_VECTORS = """
SELECT dtk_embedding_space('dinov2-small', 'image', 'dinov2-small', 'abc', 3);
INSERT INTO image_vector (space_id, image_id, vec)
SELECT (SELECT id FROM embedding_space), id, format('[1,%s,0]', (30 - left(file_name, 3)::int) / 10.0)::halfvec
  FROM image;
"""
_ASKED = "Write a long detailed description for this image."
_CAPTION = (
    "A steaming bowl of ramen stands on a dark wooden table, seen from above. Two halves of an egg, slices of pork and "
    "spring onions lie on the noodles. The steam rises into the light of a small lamp.\n"
    "The mood is calm; the photographer stood at the side."
)
_WORKER = """
INSERT INTO worker (host, pid, state, lease_until, devices, stats) VALUES ('studio', 1, 'running', now() + '1 day',
  '[{"name": "NVIDIA H100 80GB HBM3", "utilisation": 45, "memory_used_gb": 12.3, "memory_total_gb": 80.0}]',
  '{"pace": {"embed": 2.0}, "kinds": ["embed"], "speed": {"embed": 2.0}, "failed": 7, "provider": "CUDA",
    "trouble": null, "processed": 1250, "cache_hits": 95, "cache_misses": 5}');
UPDATE job SET state = 'running', worker_id = 1, started_at = now() WHERE id = 3;
UPDATE job SET state = 'failed', attempts = 3, error = 'The file ends too early.' WHERE id < 3;
UPDATE job SET priority = 100 WHERE id = 5;
UPDATE job SET queued_at = '2025-07-15 12:00:00+00';
"""

_CAPTIONS = """
INSERT INTO caption (image_id, is_user_edited, source, type, text)
SELECT id, false, 'joy', 'descriptive', format('a photo of [b]%s[/b] in ', file_name) || E'\\x1b[31m snow'
  FROM image WHERE file_name < '020';
INSERT INTO current_caption (image_id, caption_id, source, type, search)
SELECT image_id, id, source, type, dtk_caption_words(text) FROM caption;
"""

_AWAY = """
UPDATE worker SET stats = stats || '{"away": [
    {"path": "/run/media/me/a disk with a long name/outputs/of the year 2025", "reason": "is not there", "jobs": 20},
    {"path": "/mnt/b", "reason": "is empty", "jobs": 6}]}'
"""


_RUNS = """
INSERT INTO work_run (priority, title, queued_at) VALUES
    (0, 'outputs with subfolders', '2025-07-15 10:00:00+00'), (0, 'final', '2025-07-15 12:00:00+00');
INSERT INTO work_run_kind (run_id, kind, queued, already_done, waiting, undecodable) VALUES
    (1, 1, 29, 0, 0, 1), (1, 3, 30, 0, 0, 0), (2, 1, 26, 4, 0, 0), (2, 3, 24, 6, 0, 0);
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, run_id, outcome, queued_at, started_at, finished_at)
SELECT 1000 * kind + n, n, kind, 0, 1, 1, CASE WHEN kind = 3 AND n < 3 THEN 'failed' ELSE 'done' END,
       '2025-07-15 10:00:00+00', '2025-07-15 10:00:05+00', '2025-07-15 10:04:10+00'
  FROM generate_series(1, 30) n, unnest(ARRAY[1, 3]) kind WHERE kind = 3 OR n < 30;
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, run_id, outcome, queued_at, started_at)
SELECT 9000 + n, n, 1, 0, 1, 2, 'done', now(), now() - interval '1 day 1 hour' FROM generate_series(1, 6) n;
INSERT INTO job (kind, image_id, run_id) SELECT 1, id, 2 FROM image ORDER BY id LIMIT 19;
INSERT INTO job (kind, image_id, run_id, state, error, attempts)
SELECT 1, id, 2, 'failed', 'The file ends too early.', 1 FROM image ORDER BY id DESC LIMIT 1;
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, run_id, outcome, queued_at)
SELECT id, image_id, 1, 0, 1, 2, 'failed', now() FROM job WHERE run_id = 2 AND state = 'failed';
INSERT INTO job (kind, image_id, run_id) SELECT 3, id, 2 FROM image ORDER BY id LIMIT 24;
UPDATE worker SET stats = stats || '{"pace": {"tag": 2.0, "caption": 0.5}, "speed": {"tag": 1.9, "caption": 0.4},
    "output": {"captions": 0.8, "tokens": 131.2}, "kinds": ["tag", "embed", "caption"],
    "trouble": "The endpoint http://gpubox:8000/v1 refuses the key (401). It says: Incorrect API key provided."}';
"""


class IdleEngine:
    """A worker of the window that does nothing."""

    state = WorkerState.STOPPED

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


# -- a library with images --------------------------------------------------------------------------------------------


async def browse(run: Running, screens: Screens, *, wide: bool) -> None:
    """The main screen: images, preview, selection, dialogs of images."""
    await screens.step("browser", "029.png", "Menu")
    if not wide:
        await run.press("p")
        await screens.step("preview-prompt", "\u2580")
    for key, name in (
        ("alt+2", "parameters"),
        ("alt+3", "tags"),
        ("alt+4", "similar-nothing"),
        ("alt+1", "prompt-again"),
    ):
        await run.press(key)
        await screens.step(f"preview-{name}")
    if not wide:
        await run.press("p")
    await whole_help(run, screens, "browser")
    await run.press("space", "space", "shift+down")
    await screens.step("browser-selected", "4 selected")
    await run.press("m")
    await screens.step("menu-images", "Find similar")
    await close(run, "escape")
    await run.press("escape", "home", "m")
    await screens.step("menu-image", "Find similar")
    await close(run, "escape")
    await run.press("g")
    await screens.step("go-to", "a row from 1 to 30")
    await run.write("50%")
    await close(run, "enter")
    await screens.step("browser-gone-to")
    await run.press("s")
    await screens.step("error", "nothing is embedded yet")
    await close(run, "enter")
    await run.press("X")
    await screens.step("forget-missing", "Forget images?")
    await close(run, "escape")


async def palette(run: Running, screens: Screens) -> None:
    """The command palette."""
    await run.press("ctrl+p")
    await screens.step("palette", "Search")
    await run.write("queue")
    await screens.step("palette-typed")
    await close(run, "escape")


async def search(run: Running, screens: Screens) -> None:
    """The search line: typing, hits, a fault, nothing."""
    await run.press("slash")
    await run.write("castle")
    await screens.step("search-typing", "castle")
    await run.press("enter")
    await screens.step("search-hits", "\u201ccastle\u201d  10")
    await run.press("slash", "ctrl+u")
    await run.write("castle steps:foo")
    await run.press("enter")
    await screens.step("search-fault", "column 14")
    await run.press("end", "ctrl+u")
    await run.write("dragon")
    await run.press("enter")
    await screens.step("search-nothing", "nothing found")
    await run.press("escape")
    await run.shows("All images  30")


async def facets(run: Running, screens: Screens) -> None:
    """What a result has in common, and narrowing it."""
    await run.press("F")
    await run.until(lambda: any("tiny" in line and "30" in line for line in run.text().splitlines()))
    await screens.step("facets", "tiny")
    await run.press("down", "down", "enter")
    await run.until(lambda: run.main.table.count == 1)
    await screens.step("facets-narrowed", "Images")
    await run.press("F", "escape")
    await run.shows("All images  30")


async def similar(run: Running, screens: Screens, store: Database, *, wide: bool) -> None:
    """Images like one, in the table and in the preview."""
    execute(store, _VECTORS)
    await run.press("home", "s")
    await screens.step("similar", "Like 029.png", "best first")
    await run.press("escape", *(() if wide else "p"), "alt+4")
    await screens.step("preview-similar", "0.99")
    await run.press("alt+1", *(() if wide else "p"))
    await run.shows("All images  30")


async def image(run: Running, screens: Screens) -> None:
    """One image on the whole screen."""
    await run.press("home", "enter")
    await screens.step("image", "1 of 30", "\u2580")
    await run.press("right", "alt+2")
    await screens.step("image-parameters", "2 of 30", "Bytes")
    await run.press("m")
    await screens.step("menu-of-one", "Find similar")
    await close(run, "escape")
    await whole_help(run, screens, "image")
    await close(run, "escape")


async def caption_editor(run: Running, screens: Screens, store: Database) -> None:
    """The caption of an image: versions, a difference, finding, and its questions."""
    with store.connection() as conn:
        image = images.newest_ids(conn).tolist()[0]
        caption_service.save(
            conn, [ModelText(image, "descriptive", "joy", _CAPTION, None, "joy", _ASKED)], WhenThere.KEEP
        )
        caption_service.set_text(conn, image, _CAPTION.replace("steaming bowl", "bowl"))
        # A dialog may hide a part of a date, which is then not known as one.
        conn.execute("UPDATE caption SET created_at = '2025-07-15 12:00:00+00'")
    await run.press("home", "d")
    await screens.step("caption-editor", "words, ", "No word differs.", "\u2580")
    await run.press("end", *"!!", "tab", "down")
    await screens.step("caption-changed", "{+!!+}", "draft kept")
    await whole_help(run, screens, "caption")
    await run.press("ctrl+f", *"the", "enter")
    await screens.step("caption-find", "1 of 4")
    await run.press("escape", "ctrl+g")
    await screens.step("caption-ask", "Let the model write which caption?")
    await close(run, "escape")
    await run.press("ctrl+t")
    await screens.step("caption-type", "Edit which caption of this image?")
    await close(run, "escape")
    await run.press("ctrl+l")
    await screens.step("caption-discard", "Discard what you changed?")
    await close(run, "n")
    await run.press("escape")
    await screens.step("caption-leave", "The text is not saved.")
    await run.press("k")
    await run.until(lambda: run.app.screen is run.main)
    await run.press("d")
    await screens.step("caption-draft", "Take up the text that was not saved?")
    await close(run, "n")
    await run.until(lambda: run.app.screen.query_one(VersionList).count == 3)
    execute(store, "DELETE FROM caption; DELETE FROM current_caption; DELETE FROM edit_journal")
    await close(run, "escape")
    await run.until(lambda: "joy" not in run.text())


async def folders(run: Running, screens: Screens) -> None:
    """The tree of folders, its menus, rules and questions."""
    await run.press("shift+tab", "home", "m")
    await screens.step("menu-everything", "Add a folder")
    await close(run, "escape")
    await run.press("down", "down", "down")
    await screens.step("folder", "final  10  newest first")
    await run.press("m")
    await screens.step("menu-folder", "Exclude from scans")
    await close(run, "escape")
    await whole_help(run, screens, "folders")
    await run.press("delete")
    await screens.step("remove-folder", "Take this out of the library?")
    await close(run, "escape")
    await run.press("x")
    await screens.step("folder-excluded", "excluded")
    await run.press("v")
    await run.until(lambda: "final archived " in " ".join(run.text().split()))
    await run.press("o")
    await screens.step("folder-archived", "archived, a")
    await run.press("up", "up", "left")
    await screens.step("folder-closed", "outputs  30")
    await run.press("ctrl+o")
    await screens.step("add-folder", "Add a folder of images")
    await close(run, "escape")
    await run.press("home", "tab")


async def queue(run: Running, screens: Screens, store: Database) -> None:
    """Work that waits, runs and failed; the questions about it, and that of quitting."""
    await run.press("f8")
    await screens.step("notice", "No jobs are waiting.", notices=True)
    run.app.clear_notifications()
    await run.press("shift+tab", "home", "u")
    await screens.step("queued", "29 queued.", notices=True)
    execute(store, _WORKER)
    await screens.step("browser-working", "H100")
    execute(store, _AWAY)
    await screens.step("browser-away", "is not there: 26 jobs wait")
    execute(store, "UPDATE worker SET stats = stats - 'away'")
    await run.until(lambda: "Away:" not in run.text())
    await run.press("f5")
    await run.until(lambda: "stopped" not in run.text().splitlines()[1])
    await run.press("f8")
    await screens.step("clear-queue", "Remove all 26 waiting jobs?")
    await close(run, "escape")
    await run.press("ctrl+q")
    await screens.step("quit", "27 jobs are left")
    await close(run, "n")
    await run.press("q")
    await screens.step("queue", "All 29")
    await run.press("down", "space", "space")
    await screens.step("queue-selected", "2 selected")
    await run.press("d")
    await screens.step("queue-remove", "Remove 2 jobs from the queue?")
    await close(run, "escape")
    await run.press("escape")
    await whole_help(run, screens, "queue")
    await run.press("tab", "tab", "tab")
    await screens.step("queue-failed", "001.png")
    await run.press("enter")
    await screens.step("queue-error", "Close")
    await close(run, "enter")
    await close(run, "escape")


async def captions(run: Running, screens: Screens, store: Database) -> None:
    """The edit of many captions, its question and its end; the journal, and taking it back."""
    execute(store, _CAPTIONS)
    await run.press("home", "B")
    await screens.step("batch-edit", "Put in a text")
    await run.press("up", "down", "down", "enter")
    await screens.step("batch-edit-menu", "What to do")
    await run.press("down", "down")
    await close(run, "enter")
    await run.write("photo")
    await run.press("tab")
    await run.write("picture")
    await screens.step("batch-edit-changes", "20 captions change", "+ a picture")
    await run.press("f2")
    await screens.step("batch-edit-question", "Change 20 captions?")
    await close(run, "y")
    await screens.step("batch-edit-done", "20 captions changed.")
    await run.press("J")
    await screens.step("journal", "1 edit", "replace")
    await whole_help(run, screens, "journal")
    await run.press("u")
    await screens.step("journal-undo", "Undo this edit?")
    await close(run, "y")
    await run.shows("20 restored.")
    await screens.step("journal-undone", "undone")
    await close(run, "escape")
    await close(run, "escape")


async def together(run: Running, screens: Screens, store: Database) -> None:
    """Tags and captions of one action: how far they are, a summary, what keeps the workers, the captioner's test."""
    execute(store, _RUNS)
    await run.shows("Trouble")
    await run.press("P")
    await screens.step("runs", "0.8 captions/s", "An image is captioned when")
    await run.press("exclamation_mark")
    await screens.step("trouble", "This keeps the workers from their work.")
    await close(run, "enter")
    await whole_help(run, screens, "runs")
    await run.press("down")
    await screens.step("runs-summary", "29 tagged images, 28 captioned images")
    await run.press("K")
    await screens.step("captioner-test", "No model for captions is named.")
    await close(run, "escape")
    await close(run, "escape")


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_library_with_images(store: Database, settings: Config, place: Path, size: tuple[int, int]) -> None:
    fill(store, settings, place)
    async with library_app(store, settings, size, engine=IdleEngine()) as run:
        screens = Screens(run, SNAPSHOTS, size, place.name)
        wide = size == WIDE
        await browse(run, screens, wide=wide)
        await palette(run, screens)
        await search(run, screens)
        await facets(run, screens)
        await image(run, screens)
        await similar(run, screens, store, wide=wide)
        await caption_editor(run, screens, store)
        await folders(run, screens)
        await queue(run, screens, store)
        await together(run, screens, store)
        await captions(run, screens, store)
        screens.end()


def test_names_of_this_run_are_left_out() -> None:
    assert without_name("/tmp/u-abcd/x \u2026cd/x /tmp/u-ab|", "u-abcd") == "/tmp/000000/x \u202600/x /tmp/0000|"
