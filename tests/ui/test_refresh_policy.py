"""What another process does to the library while the app is open and nobody touches a key."""

from __future__ import annotations

import os
from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services.library import thresholds
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from dtk_tui.store.library import folders, pruning
from tests.helpers.running_app import NARROW, WIDE, Running, library_app, write_picture
from tests.helpers.tag_scores import WD, give_scores

#: Two looks at the numbers, and time for a busy machine to draw; without the looks it never comes.
SOON_S = 120.0


def take_out(db: Database, path: Path) -> None:
    """Do what ``dtk library remove`` does."""
    with db.connection() as conn:
        number = folders.find(conn, str(path))
        assert number is not None
        while pruning.remove_some(conn, folders.subtree(conn, number)):
            pass
        folders.remove(conn, number)


async def test_a_library_that_was_empty_fills_by_itself(db: Database, config: Config, pictures: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("This library is empty.")
        scanner.scan(db, config, [str(pictures)])
        await run.until(lambda: "029.png" in run.text() and "2025-11" in run.text(), SOON_S)
        await run.shows("dtk  outputs")


async def test_a_new_root_is_in_the_tree_and_its_images_are_offered(
    db: Database, config: Config, library: Path, tmp_path: Path
) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("down", "down", "down")
        current = run.main.table.current_id
        write_picture(tmp_path / "a first root" / "new.png", "snow", made_at=1_760_000_000)
        scanner.scan(db, config, [str(tmp_path / "a first root")])
        await run.until(lambda: "a first root" in run.text() and "refresh (r): 1 new" in run.text(), SOON_S)
        assert run.main.table.current_id == current and run.main.table.cursor == 3
        assert "new.png" not in run.text(), "the order stays until a person asks"
        line = run.main.table.cursor - run.main.table.scroll_offset.y
        await run.press("r")
        await run.shows("new.png")
        table = run.main.table
        assert table.current_id == current and table.cursor - table.scroll_offset.y in (line, line + 1)


async def test_what_is_taken_out_leaves_and_the_cursor_stays_on_its_image(
    db: Database, config: Config, library: Path
) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("end", "up", "up", "space")
        current = run.main.table.current_id
        take_out(db, library / "final")
        await run.until(lambda: "All images  20" in run.text() and "final" not in run.text(), SOON_S)
        assert run.main.table.current_id == current
        assert run.main.table.selected_count == 1, "what was marked is marked"
        assert "(gone)" not in run.text() and "refresh" not in run.text()


async def test_what_is_offered_is_not_taken_over_because_something_else_left(
    db: Database, config: Config, library: Path
) -> None:
    scanner.scan(db, config, [])
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        shown = run.main.table.ids.copy()
        for number in range(5):
            write_picture(library / "new" / f"{number}.png", "snow", made_at=1_760_000_000, seed=100 + number)
        scanner.scan(db, config, [])
        await run.shows("refresh (r): 5 new")
        (library / "new").rename(library / "newer")
        scanner.scan(db, config, [])  # rows of the new places come and go
        await run.until(lambda: "newer" in run.text(), SOON_S)
        assert run.main.table.ids.tolist() == shown.tolist()
        with db.connection() as conn:  # as many come as leave
            conn.execute("DELETE FROM image WHERE id = ANY (%s)", (shown[:5].tolist(),))
        await run.until(lambda: "029.png" not in run.text() and "(gone)" not in run.text(), SOON_S)


async def test_a_cursor_whose_image_and_folder_go_comes_to_rest_beside_them(
    db: Database, config: Config, library: Path
) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.press("home", *["down"] * 5, "shift+tab", "down", "down", "down")
        await run.shows("final  10")
        take_out(db, library / "final")
        await run.until(lambda: "2025-11  20" in run.text(), SOON_S)
        folder = run.main.query_one("#folders").folder
        assert folder is not None and folder.name == "2025-11", "the line above, not the top"


async def test_a_file_that_is_read_later_is_shown_as_read(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        changed = library / "final" / "029.png"
        write_picture(changed, "a lighthouse at dusk", made_at=1_750_000_029)
        os.utime(changed, (1_750_000_029, 1_750_000_030))
        scanner.scan(db, config, [])
        await run.shows("a lighthouse at dusk")


async def test_tags_by_other_thresholds_are_shown(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        current = run.main.table.current_id
        assert current is not None
        give_scores(db, {current: (("fox", "general", 0.5), ("snow", "general", 0.3))})
        await run.until(lambda: _tags(run) == 2, SOON_S)
        of = thresholds.find_tagger(db, WD)
        thresholds.apply(db, of, {"general": 0.4})
        await run.until(lambda: _tags(run) == 1, SOON_S)
        thresholds.apply(db, of, {"general": 0.2})
        await run.until(lambda: _tags(run) == 2, SOON_S)


def _tags(run: Running) -> int | None:
    row = run.main.table.current_row
    return None if row is None else row.tags


async def test_a_folder_that_is_opened_while_the_tree_is_renewed_opens(
    db: Database, config: Config, library: Path, tmp_path: Path
) -> None:
    for number in range(3):
        write_picture(tmp_path / "more" / str(number) / "one.png", "a lamp", seed=number)
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        scanner.scan(db, config, [str(tmp_path / "more")])
        await run.until(lambda: "more" in run.text(), SOON_S)
        tree = run.main.query_one("#folders")
        await run.press("shift+tab", "home", "down", "down", "down", "down", "up")
        while tree.folder is None or tree.folder.name != "more":
            await run.press("up" if tree.cursor else "down")
        for _ in range(3):
            await run.press("right")
            tree.reload()
            await run.until(lambda: "    2" in run.text().replace("2025", ""))
            await run.press("left")
            await run.until(lambda: "    2" not in run.text().replace("2025", ""))
