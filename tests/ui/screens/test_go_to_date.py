"""Going to a date in the table of images: whichever way it is ordered by dates, folded or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.store.database import Database
from dtk_tui.ui.widgets.search_line import SearchLine
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

#: Three images each, 000.png to 002.png in the first; none in June.
_MONTHS = ("01", "02", "03", "04", "05", "07", "08", "09", "10", "11")


@pytest.fixture
def dated(db: Database, library: Path) -> None:
    """The pictures, made on the 10th, 11th and 12th of ten months of 2025."""
    with db.connection() as conn:
        for number in range(30):
            moment = f"2025-{_MONTHS[number // 3]}-{10 + number % 3} 12:00+00"
            sql = "UPDATE image SET created_at = %s::timestamptz WHERE file_name = %s"
            conn.execute(sql, (moment, f"{number:03d}.png"))


async def go_to(run: Running, typed: str) -> None:
    """Type a place; the cursor comes from another row."""
    await run.press("g")
    await run.shows("a row from 1 to")
    await run.write(typed)
    await run.press("enter")


async def is_at(run: Running, row: int, name: str) -> None:
    table = run.main.table
    await run.until(lambda: table.cursor == row and table.current_row is not None)
    assert table.current_row is not None and table.current_row.file_name == name


@pytest.mark.parametrize(
    ("line", "places"),
    [
        (
            "",
            {
                "2025-09": (6, "023.png"), "2025-06": (15, "014.png"), "2025-07-11": (13, "016.png"),
                "2024": (29, "000.png"), "2026-01": (0, "029.png"), "2025-1-12": (27, "002.png"),
                "2025": (0, "029.png"),
            },
        ),
        (
            "sort:date_asc",
            {
                "2025-09": (21, "021.png"), "2025-06": (15, "015.png"), "2025-07-11": (16, "016.png"),
                "2024": (0, "000.png"), "2026-01": (29, "029.png"), "2025-1-12": (2, "002.png"), "2025": (0, "000.png"),
            },
        ),
    ],
)  # fmt: skip
async def test_the_first_row_of_a_date_or_the_nearest_behind_it(
    db: Database, config: Config, dated: None, line: str, places: dict[str, tuple[int, str]]
) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        if line:
            run.main.query_one(SearchLine).ask(line)
            await run.shows("by date up")
        for typed, (row, name) in places.items():
            table = run.main.table
            table.cursor = 10
            await go_to(run, typed)
            await is_at(run, row, name)
            told = f"No image of this list is of {typed}: this is the nearest one."
            if typed in ("2025-06", "2024", "2026-01"):
                await run.shows(told)
            else:
                assert told not in run.told


async def test_the_marks_stay_and_a_row_is_still_a_row(db: Database, config: Config, dated: None) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        table = run.main.table
        await run.press("space", "space")
        marked = table.chosen_ids()
        await go_to(run, "2025-09")
        await is_at(run, 6, "023.png")
        assert table.chosen_ids() == marked and table.selected_count == 2
        await go_to(run, "12")
        await is_at(run, 11, "018.png")
        await go_to(run, "2,025")
        await is_at(run, 29, "000.png")
        await go_to(run, "2025-13")
        await run.shows("This is no row. Type its number, a part (50%) or a date")
        await run.press("escape")
        assert table.cursor == 29 and table.chosen_ids() == marked


async def test_another_order_says_why_and_what_to_do(db: Database, config: Config, dated: None) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        run.main.query_one(SearchLine).ask("sort:name")
        await run.shows("by name up")
        await go_to(run, "2025-09")
        await run.shows("This list is not in the order of dates. Sort it by date with S,")
        assert run.main.table.cursor == 0
        await run.press("ctrl+u")
        await run.write("2025")
        await run.press("enter")
        await is_at(run, 29, "029.png")
        run.main.query_one(SearchLine).ask("castle sort:date")
        await run.shows("by date down")
        await go_to(run, "2025-09")
        await is_at(run, 2, "021.png")


async def test_folded_rows_count_by_what_they_show(db: Database, config: Config, dated: None) -> None:
    with db.connection() as conn:
        # Ten castles, of which the newest stands for all.
        conn.execute("""
            UPDATE image SET is_embedding_representative = false, embedding_source_id = best.id
              FROM (SELECT prompt_id, max(id) AS id FROM image GROUP BY prompt_id) AS best, prompt
             WHERE image.prompt_id = best.prompt_id AND image.id <> best.id
               AND prompt.id = image.prompt_id AND prompt.text LIKE '%castle%'""")
    async with library_app(db, config, NARROW) as run:
        await run.shows("All images  30")
        await run.press("Z")
        await run.shows("30 in 21 rows")
        await go_to(run, "2025-09")
        await is_at(run, 5, "023.png")
        run.main.table.cursor = 2
        await run.press("z")
        await run.shows("30 in 30 rows")
        await go_to(run, "2025-09")
        await is_at(run, 14, "023.png")
        await go_to(run, "2025-01-10")
        await is_at(run, 29, "001.png")
        await run.shows("No image of this list is of 2025-01-10: this is the nearest one.")


@pytest.mark.parametrize(("zone", "day"), [("CET-2", "2025-09-01"), ("UTC", "2025-08-31")], indirect=["zone"])
async def test_the_table_shows_the_local_day_that_one_goes_to(
    db: Database, config: Config, library: Path, zone: None, day: str
) -> None:
    with db.connection() as conn:
        conn.execute("UPDATE image SET created_at = '2025-08-31 22:30+00' WHERE file_name >= '020.png'")
        conn.execute("UPDATE image SET created_at = '2025-08-02 12:00+00' WHERE file_name < '020.png'")
    async with library_app(db, config, WIDE) as run:
        await run.shows("2025-08-02")
        assert day in run.text()
        await go_to(run, day)
        await is_at(run, 0, "029.png")
        assert not run.told
        await go_to(run, "2025-08")
        await is_at(run, 10 if day == "2025-09-01" else 0, "019.png" if day == "2025-09-01" else "029.png")
