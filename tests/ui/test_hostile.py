"""Text from strangers in every place where it is shown: no crash, no action, no control byte on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual import events

from dtk_tui.config import Config
from dtk_tui.domain.captions import ModelText, WhenThere
from dtk_tui.domain.events import ProblemReported
from dtk_tui.errors import DtkError
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.scan import scanner
from dtk_tui.store.database import Database
from dtk_tui.store.library import images
from dtk_tui.store.text_codec import to_db
from dtk_tui.ui.dialogs import Menu
from dtk_tui.ui.format import line, lines
from dtk_tui.ui.messages import ErrorReported
from dtk_tui.ui.widgets.facet_list import FacetList
from dtk_tui.ui.widgets.folder_tree import FolderTree
from dtk_tui.ui.widgets.search_line import QueryInput
from dtk_tui.ui.widgets.tables.cursor_list import fit
from tests.helpers.running_app import NARROW, WIDE, Running, library_app, write_picture

HOSTILE = (
    "[/x]",
    "[@click=app.quit]q[/]",
    "[bold",
    "\\[red]",
    "$error",
    "esc \x1b[31mred\x1b]52;c;aGk=\x07\x1b]0;title\x07",
    "c1 \x9b31m\x90q\x9c",
    "tab\tand\rreturn\x0b\x0c\x08\x7f",
    "rtl \u202egnp.exe\u2066\u2069\u200f",
    "lines\nand\u2028more\u2029lines\x85",
    "\u65e5\u672c\u8a9e \U0001f469\u200d\U0001f680 e\u0301\u0301\u0301 \ufeff",
    "lone \udcff\ud800 surrogates",
    "zero \x00 byte",
    "\U000e0041\U000e0042 tags",
)
FORBIDDEN = {chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)]} | set("\u202e\u2066\u2069\u200f\u2028\u2029")


def what_reaches_the_terminal(run: Running) -> str:
    """Return all text that is written, without the styles that the app adds itself."""
    strips = run.app.screen._compositor.render_strips()
    return "".join(segment.text for strip in strips for segment in strip)


def assert_clean(run: Running) -> None:
    text = what_reaches_the_terminal(run)
    bad = sorted({char for char in text if char in FORBIDDEN or "\ud800" <= char <= "\udfff"})
    assert not bad, [hex(ord(char)) for char in bad]


def as_file_name(text: str) -> str:
    return text.replace("/", "|").replace("\x00", "0").replace("\ud800", "") + ".png"


@pytest.fixture
def hostile_library(db: Database, config: Config, tmp_path: Path) -> Path:
    """Pictures whose names, folders, prompts, models, tags and errors are hostile."""
    root = tmp_path / "outputs"
    for number, text in enumerate(HOSTILE):
        folder = root / as_file_name(text)
        write_picture(folder / f"{number:03d} {as_file_name(text)}", "a castle", made_at=1_750_000_000 + number)
    write_picture(root / "long.png", "[/b] \x1b[2J" + "word " * 200_000, made_at=1_760_000_000)
    scanner.scan(db, config, [str(root)])
    with db.connection() as conn:
        ids = images.newest_ids(conn).tolist()
        captions.set_text(conn, ids[0], "[/b] \x1b[2J" + "word " * 200_000)
        for number, text in zip(ids[1:], HOSTILE, strict=True):
            stored = to_db(text)
            prompt = conn.execute("INSERT INTO prompt (text) VALUES (%s) RETURNING id", (stored,)).fetchone()
            tag = conn.execute("INSERT INTO tag (name) VALUES (%s) RETURNING id", (stored,)).fetchone()
            assert prompt and tag
            conn.execute(
                "UPDATE image SET prompt_id = %(p)s, negative_prompt_id = %(p)s, model = %(t)s, sampler = %(t)s, "
                "dialect = %(t)s, error = %(t)s WHERE id = %(id)s",
                {"p": prompt[0], "t": stored, "id": number},
            )
            conn.execute(
                "INSERT INTO image_tag (image_id, tag_id, source, confidence) VALUES (%s, %s, %s, 0.5)",
                (number, tag[0], stored),
            )
            captions.save(conn, [ModelText(number, text, text, text)], WhenThere.KEEP)
            conn.execute(
                "INSERT INTO job (kind, image_id, state, error) VALUES (2, %s, 'failed', %s)", (number, stored)
            )
            conn.execute(
                "INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, model, error, host,"
                " queued_at) VALUES (1, %(id)s, 2, 0, 1, 'removed', %(t)s, %(t)s, %(t)s, now())",
                {"id": number, "t": stored},
            )
    return root


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_every_image_on_every_screen(
    db: Database, config: Config, hostile_library: Path, size: tuple[int, int]
) -> None:
    async with library_app(db, config, size) as run:
        await run.shows("long.png")
        if size == NARROW:
            await run.press("p")
        for number in range(len(HOSTILE) + 1):
            await run.press("alt+2")
            await run.shows(f"{len(HOSTILE) - number:03d} " if number else "long.png")
            for page in "132567":
                await run.press(f"alt+{page}")
                assert_clean(run)
            await run.press("m")
            await run.until(lambda: isinstance(run.app.screen, Menu))
            assert_clean(run)
            await run.press("escape", "enter")
            await run.shows(" of 15")
            assert_clean(run)
            await run.press("escape", "down")
        await run.press("q")
        await run.shows("Failed 14")
        await run.until(lambda: "embed" in run.text())
        for _ in range(len(HOSTILE)):
            assert_clean(run)
            await run.press("enter")
            await run.until(lambda: "Enter Close" in run.text())
            assert_clean(run)
            await run.press("escape", "down")
        await run.press("f")
        await run.shows("14 failed jobs")
        assert_clean(run)
        await run.press("escape", "escape")
        await run.until(lambda: run.app.screen is run.main)
        await run.press("alt+l")
        await run.shows("14 jobs")
        await run.until(lambda: "removed" in run.text())
        assert_clean(run)
        assert run.app.is_running


async def test_folders(db: Database, config: Config, hostile_library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        tree = run.main.query_one(FolderTree)
        await run.until(lambda: tree.count > len(HOSTILE))
        tree.focus()
        for _ in range(tree.count - 1):
            await run.press("down")
            await run.until(lambda: run.main.table.count in {1, 15})
            assert_clean(run)
            await run.press("m")
            await run.until(lambda: isinstance(run.app.screen, Menu))
            assert_clean(run)
            await run.press("escape")


async def test_facets(db: Database, config: Config, hostile_library: Path) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("long.png")
        await run.press("F")
        facets = run.main.query_one(FacetList)
        await run.until(lambda: facets.count > 4 * len(HOSTILE))
        while facets.cursor < facets.count - 1:
            here = facets.cursor
            await run.press("pagedown")
            await run.until(lambda here=here: facets.cursor > here)  # type: ignore[misc]
            assert_clean(run)


async def test_notices_failures_and_queries(db: Database, config: Config, library: Path) -> None:
    async with library_app(db, config, NARROW) as run:
        for text in HOSTILE:
            run.dtk.say(text)
            run.dtk.take(ProblemReported(text, text))
            run.dtk.post_message(ErrorReported(DtkError(text, text * 3)))
            await run.until(lambda: "Enter Close" in run.text())
            assert_clean(run)
            await run.press("escape")
            await run.press("slash")
            query = run.main.query_one(QueryInput)
            query.post_message(events.Paste(f"x{text}"))
            await run.until(lambda query=query: query.value)  # type: ignore[misc]
            assert_clean(run)
            await run.press("enter")
            await run.pilot.pause()
            assert_clean(run)
            await run.press("escape")
        assert run.app.is_running


def test_a_megabyte_is_cut_and_says_so() -> None:
    shown = lines("x" * 1_000_000)
    assert len(shown) < 25_000
    assert "980,000 more characters" in shown.plain


@given(st.text(alphabet=st.characters(), max_size=60))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_lines_hold_no_control_characters(text: str) -> None:
    assert not set(line(text).plain) & FORBIDDEN
    assert not (set(lines(text).plain) - {"\n", "\t"}) & FORBIDDEN


@given(st.text(max_size=40), st.integers(0, 30))
@settings(max_examples=300, deadline=None)
def test_cells_are_exactly_as_wide_as_their_column(text: str, width: int) -> None:
    from rich.cells import cell_len

    from dtk_tui.text import one_line

    assert cell_len(fit(one_line(text), width)) == width


async def test_what_is_pasted_into_the_palette_is_harmless(db: Database, config: Config) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.press("ctrl+p")
        await run.shows("Search for commands")
        run.app.post_message(events.Paste("".join(HOSTILE)))
        await run.shows("esc ␛[31mred")
        assert_clean(run)
        await run.press("ctrl+u")
        run.app.post_message(events.Paste("\n"))
        await run.press("q")
        await run.shows("Queue")
